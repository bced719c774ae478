import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { pathList, quoteText } from './compact-duckdb.ts';
import { CONTENT_SQL, type Content, EMPTY_ROWS, ROW_COLUMNS, rowsOf, TYPED_ROW, toContent } from './compacted-rows.ts';
import type { CompactionFiles, ListedFile } from './compaction-files.ts';

/** A raw file that is left where it is, and why. */
export interface ExcludedFile {
  readonly key: string;
  readonly reason: string;
}

/** The raw files of a slice on this machine's disk. */
export interface RawFiles {
  readonly usable: readonly ListedFile[];
  /** Where they are here, in the same order: what `source` says. */
  readonly paths: readonly string[];
  readonly excluded: readonly ExcludedFile[];
  /** By month, `2026-01`: what they hold, repeats included. */
  readonly months: ReadonlyMap<string, Content>;
  /** Their rows as SQL, with `day`, and `source` and `row` that tell one copy from another, in the order of arrival. */
  readonly sql: string;
}

/** More months than these are put apart on the disk first, so that each is not looked for in every file. */
const MONTHS_AT_ONCE = 2;

/**
 * Brings raw files here and reads them whole once. One that cannot be read, or whose rows are no events of the bucket, is
 * named and left out; the rest goes on.
 */
export async function takeRaw(
  work: { readonly connection: DuckDBConnection; readonly files: CompactionFiles; readonly folder: string },
  bucket: string,
  listed: readonly ListedFile[],
): Promise<RawFiles> {
  const { connection, files, folder } = work;
  const excluded: ExcludedFile[] = [];
  let here: { file: ListedFile; path: string }[] = [];
  for (const [i, file] of listed.entries()) {
    const day = /\/day=(\d{4}-\d\d-\d\d)\//.exec(file.key)![1]!;
    const path = join(folder, `raw-${String(i).padStart(6, '0')}-${day}.parquet`);
    if (!(await files.download(file.key, path))) excluded.push({ key: file.key, reason: 'it is gone' });
    else if ((await stat(path)).size !== file.bytes) excluded.push({ key: file.key, reason: 'it was written again' });
    else here.push({ file, path });
  }
  const empty = join(folder, 'empty.parquet');
  await connection.run(`COPY (${EMPTY_ROWS}) TO ${quoteText(empty)} (FORMAT parquet)`);
  const look = (paths: readonly string[]) => contentByMonth(connection, rawSql([empty, ...paths]), bucket);
  let months = await look(here.map(({ path }) => path)).catch(() => undefined);
  if (months === undefined) {
    const sound: typeof here = [];
    for (const one of here) {
      try {
        await look([one.path]);
        sound.push(one);
      } catch (error) {
        excluded.push({ key: one.file.key, reason: (error as Error).message.split('\n')[0]! });
      }
    }
    here = sound;
    months = await look(here.map(({ path }) => path));
  }
  const paths = here.map(({ path }) => path);
  const sql = await apart(work, rawSql([empty, ...paths]), months.size);
  return { usable: here.map(({ file }) => file), paths, excluded, months, sql };
}

/** Local names begin with the place in the order of arrival and end with the arrival day. */
function rawSql(paths: readonly string[]): string {
  return `SELECT ${TYPED_ROW}, filename[-18:-9] AS day, filename AS source, file_row_number AS row FROM read_parquet(
    ${pathList(paths)}, union_by_name = true, hive_partitioning = false, filename = true, file_row_number = true)`;
}

async function contentByMonth(
  connection: DuckDBConnection,
  sql: string,
  bucket: string,
): Promise<Map<string, Content>> {
  const found = await rowsOf(
    connection,
    `SELECT date_trunc('month', recorded_at)::DATE::VARCHAR AS month, ${CONTENT_SQL}, count(*) FILTER (aggregate_uuid IS NULL
       OR aggregate_type IS NULL OR coalesce(version, 0) < 1 OR type IS NULL OR recorded_at IS NULL OR data IS NULL) AS bad
     FROM (${sql}) GROUP BY month ORDER BY month`,
  );
  const bad = found.reduce((sum, row) => sum + Number(row.bad), 0);
  if (bad > 0)
    throw new Error(`${bad} of its rows are no events: an aggregate, version, type, time or data is missing`);
  const [{ strange } = {}] = await rowsOf(
    connection,
    `SELECT count(*) AS strange FROM (SELECT DISTINCT aggregate_uuid FROM (${sql})) WHERE md5(aggregate_uuid)[1] <> '${bucket}'`,
  );
  if (Number(strange) > 0) throw new Error(`${strange} of its aggregates belong to another bucket than ${bucket}`);
  return new Map(found.map((row) => [String(row.month).slice(0, 7), toContent(row)]));
}

async function apart(
  { connection, folder }: { readonly connection: DuckDBConnection; readonly folder: string },
  sql: string,
  months: number,
): Promise<string> {
  if (months <= MONTHS_AT_ONCE) return sql;
  const path = join(folder, 'months');
  await connection.run(
    `COPY (SELECT *, strftime(recorded_at, '%Y-%m') AS month FROM (${sql}))
     TO ${quoteText(path)} (FORMAT parquet, PARTITION_BY (month))`,
  );
  return `SELECT ${[...ROW_COLUMNS, 'day', 'source', 'row'].join(', ')} FROM read_parquet(
    ${quoteText(join(path, '*/*.parquet'))}, hive_partitioning = true, hive_types_autocast = false)`;
}

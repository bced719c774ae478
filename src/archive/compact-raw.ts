import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { CONTENT_SQL, type Content, EMPTY_ROWS, ROW_COLUMNS, rowsOf, TYPED_ROW, toContent } from './compacted-rows.ts';
import type { CompactionFiles, ListedFile } from './compaction-files.ts';
import { pathList, quoteText } from './duckdb-text.ts';

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
  /** Which blocks of which aggregates' versions they hold: a table with `aggregate_uuid`, `first_version`, `last_version`, `crowded`. */
  readonly blocks: string;
  /** Their rows as SQL, with `day`, and `source` and `row` that tell one copy from another, in the order of arrival. */
  readonly sql: string;
}

/** For more files than these the rows are put apart by month on the disk first, so that each is not looked for in all of them. */
const PERIODS_AT_ONCE = 2;

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
  const look = (paths: readonly string[]) => lookThrough(connection, rawSql([empty, ...paths]), bucket);
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
  const sql = rawSql([empty, ...paths]);
  return { usable: here.map(({ file }) => file), paths, excluded, months, blocks: 'blocks', sql };
}

/** Local names begin with the place in the order of arrival and end with the arrival day. */
function rawSql(paths: readonly string[]): string {
  return `SELECT ${TYPED_ROW}, filename[-18:-9] AS day, filename AS source, file_row_number AS row FROM read_parquet(
    ${pathList(paths)}, union_by_name = true, hive_partitioning = false, filename = true, file_row_number = true)`;
}

/** Versions in a block: one bit of a 64-bit number for each. */
const BLOCK_BITS = 6;

/**
 * Everything that is to be known of the rows, in two passes with few groups each: one pass with all of it has a group for each
 * aggregate and month, and took twice the processor's time. The second makes of the rows the blocks of 64 versions that they are
 * in: a block is crowded, some version in it came twice, when it has more rows than bits that are set.
 */
async function lookThrough(connection: DuckDBConnection, sql: string, bucket: string): Promise<Map<string, Content>> {
  const found = await rowsOf(
    connection,
    `SELECT date_trunc('month', recorded_on)::DATE::VARCHAR AS month, sum(rows)::BIGINT AS rows, sum(hash::HUGEINT)::VARCHAR AS hash, sum(bad) AS bad
     FROM (SELECT recorded_at::DATE AS recorded_on, ${CONTENT_SQL},
         count(*) FILTER (aggregate_uuid IS NULL OR aggregate_type IS NULL OR coalesce(version, 0) < 1 OR type IS NULL
           OR recorded_at IS NULL OR data IS NULL) AS bad
       FROM (${sql}) GROUP BY ALL)
     GROUP BY month ORDER BY month`,
  );
  const bad = found.reduce((sum, row) => sum + Number(row.bad), 0);
  if (bad > 0)
    throw new Error(`${bad} of its rows are no events: an aggregate, version, type, time or data is missing`);
  await connection.run(
    `CREATE OR REPLACE TABLE blocks AS
     SELECT aggregate_uuid, min(version) AS first_version, max(version) AS last_version,
       bit_count(bit_or(1::UBIGINT << (version & ${2 ** BLOCK_BITS - 1})::UBIGINT)) < count(*) AS crowded
     FROM (${sql}) GROUP BY aggregate_uuid, version >> ${BLOCK_BITS}`,
  );
  const [{ strange } = {}] = await rowsOf(
    connection,
    `SELECT count(*) AS strange FROM (SELECT DISTINCT aggregate_uuid FROM blocks) WHERE md5(aggregate_uuid)[1] <> '${bucket}'`,
  );
  if (Number(strange) > 0) throw new Error(`${strange} of its aggregates belong to another bucket than ${bucket}`);
  return new Map(found.map((row) => [String(row.month).slice(0, 7), toContent(row)]));
}

/** The same rows, put apart by month when as many periods are to be picked out of them. */
export async function apart(
  { connection, folder }: { readonly connection: DuckDBConnection; readonly folder: string },
  raw: RawFiles,
  periods: number,
): Promise<RawFiles> {
  if (periods <= PERIODS_AT_ONCE) return raw;
  const path = join(folder, 'months');
  await connection.run(
    `COPY (SELECT *, strftime(recorded_at, '%Y-%m') AS month FROM (${raw.sql}))
     TO ${quoteText(path)} (FORMAT parquet, PARTITION_BY (month))`,
  );
  const sql = `SELECT ${[...ROW_COLUMNS, 'day', 'source', 'row'].join(', ')} FROM read_parquet(
    ${quoteText(join(path, '*/*.parquet'))}, hive_partitioning = true, hive_types_autocast = false)`;
  return { ...raw, sql };
}

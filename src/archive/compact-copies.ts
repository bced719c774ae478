import './compaction-errors.ts';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DaybookError } from '../errors.ts';
import type { SliceWork } from './compact-bucket.ts';
import type { RawFiles } from './compact-raw.ts';
import { type Content, EVENT_HASH, ROW_COLUMNS, rowsOf, toContent } from './compacted-rows.ts';
import { pathList, quoteText } from './duckdb-text.ts';
import { type CompactedFile, keysKey } from './generation.ts';

export interface Copies {
  /** By month: the content of the raw rows that are not taken. */
  readonly dropped: ReadonlyMap<string, Content>;
  readonly repeats: number;
  readonly conflicts: number;
  readonly conflictsAt?: string;
}

/**
 * Finds the raw rows whose event is there already, in a raw file that arrived before or in the current generation, and
 * makes them the table `dropped`. The first that arrived wins. A copy with the same content is a repeat, as delivery at least
 * once makes them; one with another content is a conflict: it is kept below conflicts/, beside the one that won.
 *
 * A copy may say another time than the first, so its event may lie in another month: every file has a small one beside it
 * that says which versions of which aggregates it holds; only a file that may hold the event is looked into.
 */
export async function dropCopies(work: SliceWork, raw: RawFiles, old: readonly CompactedFile[]): Promise<Copies> {
  const { connection } = work;
  await connection.run('CREATE TABLE copies (source VARCHAR, row BIGINT, won_by UBIGINT, winner VARCHAR)');
  await amongRaw(work, raw);
  const holding = await filesHolding(work, raw, old);
  if (holding.length > 0) await inGeneration(work, raw, holding);
  const [{ n } = {}] = await rowsOf(connection, 'SELECT count(*) AS n FROM copies');
  if (Number(n) === 0) return { dropped: new Map(), repeats: 0, conflicts: 0 };
  // One copy may lose against both: against the generation's, which came before every raw file.
  await connection.run(
    `CREATE TABLE dropped AS SELECT c.source, c.row, c.won_by, c.winner, r.recorded_at, r.hash
     FROM (SELECT DISTINCT ON (source, row) * FROM copies ORDER BY source, row, winner LIKE 'compacted/%' DESC) c
     JOIN (SELECT source, row, recorded_at, ${EVENT_HASH} AS hash FROM (${raw.sql})
           WHERE source IN (SELECT source FROM copies)) r ON r.source = c.source AND r.row = c.row`,
  );
  const months = await rowsOf(
    connection,
    `SELECT date_trunc('month', recorded_at)::DATE::VARCHAR AS month, count(*) AS rows, sum(hash)::VARCHAR AS hash,
       count(*) FILTER (hash <> won_by) AS conflicts
     FROM dropped GROUP BY month ORDER BY month`,
  );
  const conflicts = months.reduce((sum, row) => sum + Number(row.conflicts), 0);
  const all = months.reduce((sum, row) => sum + Number(row.rows), 0);
  return {
    dropped: new Map(months.map((row) => [String(row.month).slice(0, 7), toContent(row)])),
    repeats: all - conflicts,
    conflicts,
    ...(conflicts > 0 && { conflictsAt: await keep(work, raw) }),
  };
}

async function amongRaw({ connection }: SliceWork, raw: RawFiles): Promise<void> {
  await connection.run(
    `CREATE TABLE crowded AS SELECT aggregate_uuid, first_version, last_version FROM ${raw.blocks} WHERE crowded`,
  );
  const [{ n } = {}] = await rowsOf(connection, 'SELECT count(*) AS n FROM crowded');
  if (Number(n) === 0) return;
  await connection.run(
    `CREATE TABLE repeated AS SELECT aggregate_uuid, version
     FROM (SELECT aggregate_uuid, version FROM (${raw.sql}) r SEMI JOIN crowded c
       ON r.aggregate_uuid = c.aggregate_uuid AND r.version BETWEEN c.first_version AND c.last_version)
     GROUP BY ALL HAVING count(*) > 1`,
  );
  await connection.run(
    `INSERT INTO copies SELECT source, row, won_by, '' FROM (
       SELECT source, row, row_number() OVER first AS place, first_value(${EVENT_HASH}) OVER first AS won_by
       FROM (${raw.sql}) SEMI JOIN repeated USING (aggregate_uuid, version)
       WINDOW first AS (PARTITION BY aggregate_uuid, version ORDER BY source, row)) WHERE place > 1`,
  );
}

/** The files of the generation that may hold an event that came again. */
async function filesHolding(work: SliceWork, raw: RawFiles, old: readonly CompactedFile[]): Promise<CompactedFile[]> {
  if (old.length === 0 || raw.usable.length === 0) return [];
  const paths: string[] = [];
  for (const [i, file] of old.entries()) {
    const path = join(work.folder, `keys-old-${i}.parquet`);
    const key = keysKey(file.key);
    if (!(await work.files.download(key, path))) {
      throw new DaybookError('archive.compactedFile', { key, problem: 'it is gone' });
    }
    paths.push(path);
  }
  const found = await rowsOf(
    work.connection,
    `SELECT DISTINCT k.filename AS path FROM read_parquet(${pathList(paths)}, filename = true) k
     JOIN ${raw.blocks} r
       ON r.aggregate_uuid = k.aggregate_uuid AND r.first_version <= k.last_version AND r.last_version >= k.first_version`,
  );
  const holding = new Set(found.map(({ path }) => String(path)));
  return old.filter((_file, i) => holding.has(paths[i]!));
}

async function inGeneration(work: SliceWork, raw: RawFiles, holding: readonly CompactedFile[]): Promise<void> {
  for (const [i, file] of holding.entries()) {
    const path = join(work.folder, `holding-${i}.parquet`);
    if (!(await work.files.download(file.key, path)) || (await stat(path)).size !== file.bytes) {
      throw new DaybookError('archive.compactedFile', { key: file.key, problem: 'it is gone, or of another size' });
    }
    await work.connection.run(
      `INSERT INTO copies SELECT r.source, r.row, o.hash, ${quoteText(file.key)}
       FROM (SELECT source, row, aggregate_uuid, version FROM (${raw.sql})) r
       JOIN (SELECT aggregate_uuid, version, ${EVENT_HASH} AS hash FROM read_parquet(${quoteText(path)})) o
         ON o.aggregate_uuid = r.aggregate_uuid AND o.version = r.version`,
    );
  }
}

/** The copies that lost with another content, one JSON document a line, with the file that they came in. */
async function keep({ connection, files, folder, generation, bucket }: SliceWork, raw: RawFiles): Promise<string> {
  const path = join(folder, 'conflicts.jsonl');
  const keys = raw.usable.map(({ key }, i) => `${quoteText(raw.paths[i]!)}: ${quoteText(key)}`);
  const columns = ROW_COLUMNS.map((name) => `r.${name}`).join(', ');
  await connection.run(
    `COPY (SELECT ${columns}, r.day, (MAP {${keys.join(', ')}})[r.source] AS file, d.winner
       FROM (${raw.sql}) r JOIN dropped d ON d.source = r.source AND d.row = r.row
       WHERE d.hash <> d.won_by ORDER BY r.aggregate_uuid, r.version)
     TO ${quoteText(path)} (FORMAT json)`,
  );
  const key = `conflicts/${generation}/bucket=${bucket}.jsonl`;
  await files.upload(path, key, (await stat(path)).size);
  return key;
}

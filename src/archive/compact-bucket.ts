import './compaction-errors.ts';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { DaybookError } from '../errors.ts';
import { dropCopies } from './compact-copies.ts';
import { inPeriod, isIn, type Period, planRewrites, type Rewrite } from './compact-periods.ts';
import { type CompactionPlan, type CompactionSlice, resultKey, type SliceList } from './compact-plan.ts';
import { apart, type ExcludedFile, type RawFiles, takeRaw } from './compact-raw.ts';
import {
  CONTENT_SQL,
  type Content,
  hashText,
  negative,
  ROW_COLUMNS,
  rowsOf,
  statedContent,
  sumOf,
  toContent,
} from './compacted-rows.ts';
import type { CompactionFiles } from './compaction-files.ts';
import { openInstance } from './duckdb.ts';
import { pathList, quoteText } from './duckdb-text.ts';
import { sha256Of } from './file-hash.ts';
import { type CompactedFile, FILES_PREFIX, keysKey, type TakenFile } from './generation.ts';
import type { TypedColumn } from './typed-columns.ts';
import { typedSelect } from './typed-sql.ts';
import { versionRuns } from './version-runs.ts';

export interface CompactBucketOptions {
  /** The declared fields that get columns of their own. */
  readonly columns: readonly TypedColumn[];
  /** DuckDB's, in MB; what is more goes to the disk. @default 1024 */
  readonly memoryLimit?: number;
  /** @default 2 */
  readonly threads?: number;
  /** A year of a bucket is one file up to this, and has files by month beyond. In bytes. @default 128 MiB */
  readonly yearBytes?: number;
  /** A (bucket, month) beyond this is cut into files of half of it, between aggregates. In bytes. @default 512 MiB */
  readonly mostBytes?: number;
}

/** What a slice made: every file of its bucket in the new generation. */
export interface SliceResult {
  readonly bucket: string;
  readonly files: readonly CompactedFile[];
  readonly taken: readonly TakenFile[];
  readonly excluded: readonly ExcludedFile[];
  /** Copies of events that were there already, with the same content. */
  readonly repeats: number;
  /** Copies with another content: the first that arrived stays, the others are kept. */
  readonly conflicts: number;
  /** Where they are kept, when there are any. */
  readonly conflictsAt?: string;
}

/** Rows in a row group: what a query of one aggregate reads of each file. Chosen by measurement: docs/decisions/0020-compacted-files.md. */
const ROW_GROUP = 16_384;
/** How compacted files are written, as options of DuckDB's COPY. */
export const COMPACTED_FORMAT = `FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE ${ROW_GROUP}, WRITE_BLOOM_FILTER false`;
const MOST_BYTES = 512 * 2 ** 20;

/** What the steps of one slice share. */
export interface SliceWork {
  readonly connection: DuckDBConnection;
  readonly duckdb: string;
  readonly files: CompactionFiles;
  readonly folder: string;
  readonly generation: string;
  readonly bucket: string;
  readonly options: CompactBucketOptions;
}

/**
 * Merges new raw files into the years or months of their bucket: each (aggregate, version) once, the first that arrived, sorted by
 * aggregate and version. What is written is read back from S3 and compared with its sources by count and content. Safe to
 * repeat, also at the same time: each run's files have names of their own, and nobody sees them before the switch.
 *
 * @throws `archive.compactedFile`, `archive.notVerified`
 */
export async function compactBucket(
  files: CompactionFiles,
  { generation }: Pick<CompactionPlan, 'generation'>,
  { bucket, list }: Pick<CompactionSlice, 'bucket' | 'list'>,
  options: CompactBucketOptions,
): Promise<SliceResult> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-compact-'));
  try {
    const lists = JSON.parse(await files.readText(list)) as SliceList;
    const { memoryLimit = 1024, threads = 2 } = options;
    const instance = await openInstance({ folder, memoryLimit, threads });
    const connection = await instance.connect();
    try {
      const [{ duckdb } = {}] = await rowsOf(connection, 'SELECT version() AS duckdb');
      const work = { connection, duckdb: String(duckdb), files, folder, generation, bucket, options };
      const result = await merge(work, lists);
      await files.writeText(resultKey(generation, bucket), JSON.stringify(result));
      return result;
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function merge(work: SliceWork, { raw: listed, old }: SliceList): Promise<SliceResult> {
  const { bucket } = work;
  const looked = await takeRaw(work, bucket, listed);
  const added = new Map([...looked.months].map(([month, content]) => [month, rawShare(looked, content)]));
  const rewrites = planRewrites(added, old, work.options.yearBytes);
  const raw = await apart(work, looked, rewrites.flatMap(({ periods }) => periods).length);
  const copies = await dropCopies(work, raw, old);
  const made: CompactedFile[] = [];
  for (const rewrite of rewrites) {
    const ofPeriods = (contents: ReadonlyMap<string, Content>) =>
      sumOf(
        [...contents].filter(([month]) => rewrite.periods.some((period) => isIn(month, period))).map(([, one]) => one),
      );
    const dropped = ofPeriods(copies.dropped);
    const kept = sumOf([ofPeriods(raw.months), negative(dropped)]);
    // Nothing but repeats: the files stay as they are.
    if (kept.rows === 0) made.push(...rewrite.old);
    else made.push(...(await writePeriods(work, raw, rewrite, kept, dropped.rows > 0, made.length)));
  }
  const replaced = new Set(rewrites.flatMap((rewrite) => rewrite.old));
  const untouched = old.filter((file) => !replaced.has(file));
  const { repeats, conflicts, conflictsAt } = copies;
  return {
    bucket,
    files: [...untouched, ...made],
    taken: raw.usable,
    excluded: raw.excluded,
    repeats,
    conflicts,
    ...(conflictsAt !== undefined && { conflictsAt }),
  };
}

/** The old files with the new rows, by period: as many files as their size takes. */
async function writePeriods(
  work: SliceWork,
  raw: RawFiles,
  { periods, old }: Rewrite,
  added: Content,
  someDropped: boolean,
  from: number,
): Promise<CompactedFile[]> {
  const { connection, folder, duckdb } = work;
  const paths: string[] = [];
  for (const [i, file] of old.entries()) {
    const path = join(folder, `old-${periods[0]}-${i}.parquet`);
    if (!(await work.files.download(file.key, path))) {
      throw new DaybookError('archive.compactedFile', { key: file.key, problem: 'it is gone' });
    }
    paths.push(path);
  }
  const before = await Promise.all(
    old.map(async (file, i) => statedContent(duckdb, file) ?? (await contentOf(connection, [paths[i]!]))),
  );
  const expected = sumOf([added, ...before]);
  const columns = [...ROW_COLUMNS, 'day'].join(', ');
  const bytes = (old.reduce((sum, file) => sum + file.bytes, 0) + rawShare(raw, added)) / periods.length;
  const undropped = someDropped ? ' AND NOT EXISTS (FROM dropped d WHERE d.source = r.source AND d.row = r.row)' : '';
  const made: CompactedFile[] = [];
  try {
    for (const period of periods) {
      const rows =
        `SELECT ${columns} FROM (${raw.sql}) r WHERE ${inPeriod(period)}${undropped}` +
        (paths.length === 0
          ? ''
          : ` UNION ALL SELECT ${columns} FROM read_parquet(${pathList(paths)}) WHERE ${inPeriod(period)}`);
      for (const between of await cuts(work, rows, bytes)) {
        made.push(...(await writeFile(work, period, `FROM (${rows}) WHERE ${between}`, from + made.length)));
      }
    }
  } catch (error) {
    await nameDamaged(connection, duckdb, old, paths);
    throw error;
  }
  const actual = sumOf(made.map((file) => statedContent(duckdb, file)!));
  if (actual.rows !== expected.rows || actual.hash !== expected.hash) {
    await nameDamaged(connection, duckdb, old, paths);
    throw new DaybookError('archive.notVerified', {
      bucket: work.bucket,
      period: periods.join(', '),
      expected: `${expected.rows} events (${expected.hash})`,
      actual: `${actual.rows} events (${actual.hash})`,
    });
  }
  for (const path of paths) await rm(path);
  return made;
}

/** About what the added rows take, by the raw files' own bytes. */
function rawShare({ usable, months }: RawFiles, added: Content): number {
  const bytes = usable.reduce((sum, file) => sum + file.bytes, 0);
  const rows = [...months.values()].reduce((sum, content) => sum + content.rows, 0);
  return rows === 0 ? 0 : (bytes * added.rows) / rows;
}

/** Conditions that cut the rows into files of about half the most bytes, between aggregates; an aggregate is never cut. */
async function cuts({ connection, options }: SliceWork, rows: string, bytes: number): Promise<string[]> {
  const { mostBytes = MOST_BYTES } = options;
  if (bytes <= mostBytes) return ['true'];
  const parts = Math.ceil(bytes / (mostBytes / 2));
  const starts = await rowsOf(
    connection,
    `SELECT min(aggregate_uuid) AS start FROM (
       SELECT aggregate_uuid, (sum(n) OVER (ORDER BY aggregate_uuid) - n) * ${parts} // sum(n) OVER () AS part
       FROM (SELECT aggregate_uuid, count(*) AS n FROM (${rows}) GROUP BY aggregate_uuid))
     GROUP BY part ORDER BY start`,
  );
  const bounds = starts.map(({ start }) => quoteText(String(start)));
  return bounds.map((start, i) =>
    i + 1 < bounds.length
      ? `aggregate_uuid >= ${start} AND aggregate_uuid < ${bounds[i + 1]}`
      : `aggregate_uuid >= ${start}`,
  );
}

/** Rows as a file in S3, sorted, and read back; none when there are no rows. */
async function writeFile(work: SliceWork, period: Period, rows: string, number: number): Promise<CompactedFile[]> {
  const { connection, files, folder, generation, bucket, options } = work;
  const { found, select } = typedSelect(options.columns);
  const columns = [...ROW_COLUMNS, 'day'].map((name) => `e.${name}`).join(', ');
  const path = join(folder, `new-${period}.parquet`);
  // Sorting by an aggregate's place instead of its text takes two thirds of the processor's time: decisions/0020.
  await connection.run(
    `CREATE OR REPLACE TABLE places AS SELECT aggregate_uuid, row_number() OVER (ORDER BY aggregate_uuid)::UINTEGER AS place
     FROM (SELECT DISTINCT aggregate_uuid ${rows})`,
  );
  const [{ some } = {}] = await rowsOf(connection, 'SELECT count(*) > 0 AS some FROM places');
  if (some !== true) return [];
  await connection.run(
    `COPY (SELECT ${columns}${select} FROM (SELECT *, ${found} AS found ${rows}) e JOIN places USING (aggregate_uuid)
       ORDER BY place, version)
     TO ${quoteText(path)} (${COMPACTED_FORMAT})`,
  );
  // A repeated run, or two at once, write other names: what one has verified the other does not replace.
  const name = `${generation}-${String(number).padStart(2, '0')}-${randomBytes(4).toString('hex')}`;
  const key = `${FILES_PREFIX}bucket=${bucket}/${name}.parquet`;
  const bytes = (await stat(path)).size;
  const sha256 = await sha256Of(path);
  await files.upload(path, key, bytes);
  const back = join(folder, `back-${period}.parquet`);
  if (!(await files.download(key, back))) {
    throw new DaybookError('archive.compactedFile', { key, problem: 'it was written and is gone' });
  }
  const rowsBack = `read_parquet(${quoteText(back)})`;
  const iso = (time: string) => `strftime(${time}, '%Y-%m-%dT%H:%M:%S.%gZ')`;
  const [row = {}] = await rowsOf(
    connection,
    `SELECT ${CONTENT_SQL}, ${iso('min(recorded_at)')} AS first, ${iso('max(recorded_at)')} AS last FROM ${rowsBack}`,
  );
  const keysPath = join(folder, `keys-${period}.parquet`);
  await connection.run(`COPY (${versionRuns(rowsBack)}) TO ${quoteText(keysPath)} (FORMAT parquet, COMPRESSION zstd)`);
  const keysSha256 = await sha256Of(keysPath);
  await files.upload(keysPath, keysKey(key), (await stat(keysPath)).size);
  // Queries go by it: what it hides of the raw rows has to be in the file.
  if (!(await files.download(keysKey(key), keysPath)) || (await sha256Of(keysPath)) !== keysSha256) {
    throw new DaybookError('archive.compactedFile', { key: keysKey(key), problem: 'it is not what was written' });
  }
  await Promise.all([path, keysPath, back].map((each) => rm(each)));
  const content = toContent(row);
  const contentHash = hashText(work.duckdb, content.hash);
  const firstRecordedAt = String(row.first);
  const lastRecordedAt = String(row.last);
  return [{ key, bytes, rows: content.rows, bucket, firstRecordedAt, lastRecordedAt, contentHash, sha256, keysSha256 }];
}

async function contentOf(connection: DuckDBConnection, paths: readonly string[]): Promise<Content> {
  const [row = {}] = await rowsOf(connection, `SELECT ${CONTENT_SQL} FROM read_parquet(${pathList(paths)})`);
  return toContent(row);
}

/** A file of the generation that is not what its manifest says is named, for it is what a person has to mend. */
async function nameDamaged(
  connection: DuckDBConnection,
  duckdb: string,
  old: readonly CompactedFile[],
  paths: readonly string[],
): Promise<void> {
  for (const [i, file] of old.entries()) {
    const stated = statedContent(duckdb, file);
    const found = await contentOf(connection, [paths[i]!]).catch((error: Error) => error);
    if (found instanceof Error) {
      throw new DaybookError('archive.compactedFile', { key: file.key, problem: found.message.split('\n')[0]! });
    }
    if (stated !== undefined && (found.rows !== stated.rows || found.hash !== stated.hash)) {
      const problem = `it has ${found.rows} events, its manifest says ${stated.rows}, or their content differs`;
      throw new DaybookError('archive.compactedFile', { key: file.key, problem });
    }
  }
}

/** What the state machine carries of a result: bounded, whatever the slice was. */
export interface SliceSummary {
  readonly bucket: string;
  readonly events: number;
  readonly files: number;
  readonly taken: number;
  readonly excluded: number;
  readonly repeats: number;
  readonly conflicts: number;
}

export function summaryOf(result: SliceResult): SliceSummary {
  const { bucket, files, taken, excluded, repeats, conflicts } = result;
  const events = files.reduce((sum, { rows }) => sum + rows, 0);
  return {
    bucket,
    events,
    files: files.length,
    taken: taken.length,
    excluded: excluded.length,
    repeats,
    conflicts,
  };
}

import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredEvent } from '../event/stored-event.ts';
import type { ColdFile } from './cold-files.ts';
import { CONTENT_HASH, contentHash } from './content-hash.ts';
import { type Duckdb, openDuckdb, quoted } from './duckdb.ts';
import type { Finding } from './findings.ts';

/** Keys and content hashes of both sides, on disk; compared a part at a time, so that memory stays flat. */
export interface Comparison {
  /** Takes the rows of a file that lies at `path`. Throws when it is no Parquet, or has no such columns: then it took none. */
  addFile(file: ColdFile, path: string): Promise<FileRows>;
  addHot(events: readonly StoredEvent[]): Promise<void>;
  /** Everything that differs. To be called once, after everything was added. */
  compare(range: ComparedRange, onPart: (totals: Totals, done: number) => void): AsyncGenerator<Finding>;
  close(): Promise<void>;
}

export interface FileRows {
  readonly rows: number;
  /** Rows whose aggregate belongs to another bucket. */
  readonly misplaced: number;
  /** The same for files that hold the same rows. */
  readonly digest: string;
}

/** Epoch ms, both ends included. */
export interface ComparedRange {
  readonly from: number;
  readonly to: number;
  /** What was recorded later and is missing is on its way. */
  readonly wayFrom: number;
}

export interface Totals {
  readonly hotEvents: number;
  readonly aggregates: number;
  readonly coldRows: number;
  readonly coldEvents: number;
  readonly onTheWay: number;
}

/** Parts of the keys, by the first three hex digits of md5(aggregate). */
const PARTS = 4096;
/** So many rows of both sides are compared at once: some 30 MB. */
const ROWS_AT_ONCE = 200_000;
/** Hot rows are taken over by so many. */
const CHUNK = 50_000;

export async function createComparison(folder: string, memoryLimit?: number): Promise<Comparison> {
  const db = await openDuckdb({ folder, ...(memoryLimit !== undefined && { memoryLimit }) });
  await db.run(`
    CREATE TABLE hot (part SMALLINT, aggregate VARCHAR, version BIGINT, hash BIGINT, recorded BIGINT);
    CREATE TABLE cold (part SMALLINT, aggregate VARCHAR, version BIGINT, hash BIGINT, recorded BIGINT, file INTEGER, compacted BOOLEAN)`);
  const keys: string[] = [];
  const csv = join(folder, 'hot.csv');
  let lines: string[] = [];
  let hotRows = 0;
  let coldRows = 0;

  const takeHot = async () => {
    if (lines.length === 0) return;
    await appendFile(csv, lines.join(''));
    lines = [];
    await db.run(`INSERT INTO hot SELECT ${PART}, * FROM read_csv(${quoted(csv)}, auto_detect = false, header = false, delim = ',', new_line = '\\n', quote = '"', escape = '"', parallel = false,
      columns = {'aggregate': 'VARCHAR', 'version': 'BIGINT', 'hash': 'BIGINT', 'recorded': 'BIGINT'}, null_padding = false, allow_quoted_nulls = false)`);
    await rm(csv);
  };

  return {
    async addFile(file, path) {
      const id = keys.length;
      await db.run(`INSERT INTO cold SELECT ${PART}, * FROM (
        SELECT coalesce(aggregate_uuid, '') AS aggregate, coalesce(version, 0), ${CONTENT_HASH}, coalesce(epoch_ms(recorded_at), 0),
          ${id}, ${file.compacted !== undefined} FROM read_parquet(${quoted(path)}, hive_partitioning = false))`);
      keys.push(file.key);
      const bucket = Number.parseInt(file.bucket, 16);
      for await (const row of db.rows<{ rows: number; misplaced: number; digest: string }>(`
        SELECT count(*) AS rows, count(*) FILTER (part >> 8 <> ${bucket}) AS misplaced,
          concat(count(*), ':', bit_xor(md5_number_lower(concat(aggregate, ':', version, ':', hash)))) AS digest
        FROM cold WHERE file = ${id}`)) {
        coldRows += row.rows;
        return row;
      }
      throw new Error('count(*) gave no row');
    },
    async addHot(events) {
      for (const event of events) {
        const { aggregateUuid, version, recordedAt } = event;
        const recorded = Date.parse(recordedAt) || 0; // what is no time is older than everything, and its content differs
        lines.push(`"${aggregateUuid.replaceAll('"', '""')}",${version},${contentHash(event)},${recorded}\n`);
      }
      hotRows += events.length;
      if (lines.length >= CHUNK) await takeHot();
    },
    async *compare(range, onPart) {
      await takeHot();
      const steps = Math.min(PARTS, Math.max(1, Math.ceil((hotRows + coldRows) / ROWS_AT_ONCE)));
      for (let step = 0; step < steps; step++) {
        const first = Math.floor((PARTS * step) / steps);
        const next = Math.floor((PARTS * (step + 1)) / steps);
        await db.run(merge(first, next));
        yield* findingsOf(db, keys, range);
        onPart(await totalsOf(db, range), (step + 1) / steps);
      }
    },
    async close() {
      db.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const PART = `('0x' || substr(md5(aggregate), 1, 3))::SMALLINT`;

/** One row for each key of some parts, with what both sides have of it. */
const merge = (first: number, next: number) => `
  CREATE OR REPLACE TEMP TABLE merged AS
  SELECT aggregate, version, max(hot_hash) AS hot, max(hot_recorded) AS hot_recorded, max(cold_recorded) AS cold_recorded,
    count(file) AS copies, count(*) FILTER (compacted) AS in_generation,
    min(cold_hash) AS low, max(cold_hash) AS high, arg_min(file, cold_hash) AS low_file, arg_max(file, cold_hash) AS high_file
  FROM (
    SELECT aggregate, version, hash AS hot_hash, recorded AS hot_recorded, NULL::BIGINT AS cold_hash, NULL::BIGINT AS cold_recorded,
      NULL::INTEGER AS file, false AS compacted FROM hot WHERE part >= ${first} AND part < ${next}
    UNION ALL
    SELECT aggregate, version, NULL, NULL, hash, recorded, file, compacted FROM cold WHERE part >= ${first} AND part < ${next}
  )
  GROUP BY aggregate, version`;

const inRange = ({ from, to }: ComparedRange) =>
  `(hot_recorded BETWEEN ${from} AND ${to} OR cold_recorded BETWEEN ${from} AND ${to})`;

/** Versions that follow each other, as one row. */
const runs = (where: string) => `
  SELECT aggregate, min(version) AS first, max(version) AS last, min(hot_recorded) AS since, max(cold_recorded) AS latest, min(low_file) AS file
  FROM (SELECT *, version - row_number() OVER (PARTITION BY aggregate ORDER BY version) AS island FROM merged WHERE ${where})
  GROUP BY aggregate, island ORDER BY aggregate, first`;

interface RunRow {
  readonly aggregate: string;
  readonly first: number;
  readonly last: number;
  readonly since: number;
  readonly latest: number;
  readonly file: number;
}

async function* findingsOf(db: Duckdb, keys: readonly string[], range: ComparedRange): AsyncGenerator<Finding> {
  const within = inRange(range);
  const missing = `hot IS NOT NULL AND copies = 0 AND ${within} AND hot_recorded <= ${range.wayFrom}`;
  for await (const { aggregate, first, last, since } of db.rows<RunRow>(runs(missing))) {
    yield { kind: 'missing', aggregate, from: first, to: last, since: new Date(since).toISOString() };
  }
  for await (const { aggregate, first, last, ...row } of db.rows<RunRow>(runs(`hot IS NULL AND ${within}`))) {
    const latest = new Date(row.latest).toISOString();
    yield { kind: 'extra', aggregate, from: first, to: last, latest, key: keys[row.file]! };
  }
  const copies = `SELECT aggregate, version, CASE WHEN low <> hot THEN low_file ELSE high_file END AS file FROM merged WHERE ${within}`;
  const differing = `${copies} AND hot IS NOT NULL AND copies > 0 AND (low <> hot OR high <> hot) ORDER BY aggregate, version`;
  for await (const { aggregate, version, file } of db.rows<CopyRow>(differing)) {
    yield { kind: 'differing', aggregate, version, key: keys[file]! };
  }
  for await (const { aggregate, version, file } of db.rows<CopyRow>(`${copies} AND in_generation > 1`)) {
    yield { kind: 'twice', aggregate, version, key: keys[file]! };
  }
  const holes = `
    SELECT aggregate, before + 1 AS first, version - 1 AS last FROM (
      SELECT *, coalesce(lag(version) OVER (PARTITION BY aggregate ORDER BY version), 0) AS before FROM merged WHERE version > 0)
    WHERE version > before + 1 AND ${within} ORDER BY aggregate, first`;
  for await (const { aggregate, first, last } of db.rows<RunRow>(holes)) {
    yield { kind: 'hole', aggregate, from: first, to: last };
  }
}

interface CopyRow {
  readonly aggregate: string;
  readonly version: number;
  readonly file: number;
}

async function totalsOf(db: Duckdb, range: ComparedRange): Promise<Totals> {
  for await (const totals of db.rows<Totals>(`
    SELECT count(hot) AS "hotEvents", count(DISTINCT aggregate) FILTER (hot IS NOT NULL) AS aggregates,
      coalesce(sum(copies), 0)::BIGINT AS "coldRows", count(*) FILTER (copies > 0) AS "coldEvents",
      count(*) FILTER (copies = 0 AND hot_recorded > ${range.wayFrom}) AS "onTheWay"
    FROM merged WHERE ${inRange(range)}`)) {
    return totals;
  }
  throw new Error('count(*) gave no row');
}

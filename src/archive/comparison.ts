import { rm } from 'node:fs/promises';
import type { StoredEvent } from '../event/stored-event.ts';
import type { ColdFile } from './cold-files.ts';
import { readIntegers, readUnsigned, TextColumn } from './column-vectors.ts';
import { EVENT_HASH } from './compacted-rows.ts';
import { CONTENT_HASH, contentHash } from './content-hash.ts';
import { openDuckdb } from './duckdb.ts';
import { quoteText } from './duckdb-text.ts';
import type { Finding } from './findings.ts';
import { createKeyParts, type KeyRow, PARTS, partOf } from './key-parts.ts';

/** Keys and content hashes of both sides, on disk; compared a part at a time, so that memory stays flat. */
export interface Comparison {
  /** The version of DuckDB, which a manifest's content hashes are of. */
  readonly duckdb: string;
  /** Takes the rows of a file that lies at `path`. Throws when it is no Parquet, or has no such columns: then it took none. */
  addFile(file: ColdFile, path: string): Promise<FileRows>;
  addHot(events: readonly StoredEvent[]): void;
  /** Everything that differs. To be called once, after everything was added. */
  compare(range: ComparedRange, onPart: (totals: Totals, done: number) => void): AsyncGenerator<Finding>;
  close(): Promise<void>;
}

export interface FileRows {
  readonly rows: number;
  /** Rows whose aggregate belongs to another bucket. */
  readonly misplaced: number;
  /** The sum of its rows' `EVENT_HASH`: the same for files that hold the same rows. */
  readonly hash: bigint;
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

/** So often its progress is told. */
const STEPS = 64;

export async function createComparison(folder: string, memoryLimit?: number): Promise<Comparison> {
  const db = await openDuckdb({ folder, ...(memoryLimit !== undefined && { memoryLimit }) });
  let duckdb = '';
  for await (const row of db.rows<{ version: string }>('SELECT version() AS version')) duckdb = row.version;
  const parts = createKeyParts(folder);
  /** Undefined for a file that broke off: the rows that it gave do not count. */
  const keys: (string | undefined)[] = [];

  return {
    duckdb,
    async addFile(file, path) {
      const id = keys.push(undefined) - 1;
      const side = file.compacted === undefined ? 'raw' : 'compacted';
      const bucket = Number.parseInt(file.bucket, 16);
      let [rows, misplaced, hash] = [0, 0, 0n];
      const result = await db.connection.stream(`
        SELECT coalesce(aggregate_uuid, ''), coalesce(version, 0)::BIGINT, ${CONTENT_HASH}, coalesce(epoch_ms(recorded_at), 0), ${EVENT_HASH}
        FROM read_parquet(${quoteText(path)}, hive_partitioning = false)`);
      for (;;) {
        const chunk = await result.fetchChunk();
        if (chunk === null || chunk.rowCount === 0) break;
        const aggregates = new TextColumn(chunk, 0);
        const [versions, hashes, times] = [readIntegers(chunk, 1), readIntegers(chunk, 2), readIntegers(chunk, 3)];
        let elsewhere = false;
        for (let i = 0; i < chunk.rowCount; i++) {
          const aggregate = aggregates.text(i);
          if (i === 0 || !aggregates.isAsBefore(i)) elsewhere = partOf(aggregate) >> 8 !== bucket;
          if (elsewhere) misplaced++;
          parts.add(aggregate, side, id, versions[i]!, hashes[i]!, times[i]!);
        }
        for (const one of readUnsigned(chunk, 4)) hash += one;
        rows += chunk.rowCount;
      }
      keys[id] = file.key;
      return { rows, misplaced, hash };
    },
    addHot(events) {
      for (const event of events) {
        const recorded = Date.parse(event.recordedAt) || 0; // what is no time is older than everything, and its content differs
        parts.add(event.aggregateUuid, 'hot', 0, event.version, contentHash(event), recorded);
      }
    },
    async *compare(range, onPart) {
      let totals: Totals = NOTHING;
      for (let part = 0; part < PARTS; part++) {
        const found = parts.take(part);
        for (const aggregate of [...found.keys()].sort()) {
          const merged = merge(
            found.get(aggregate)!.filter(({ side, file }) => side === 'hot' || keys[file] !== undefined),
          );
          yield* findingsOf(aggregate, merged, keys as readonly string[], range);
          totals = plus(totals, merged, range);
        }
        if ((part + 1) % (PARTS / STEPS) > 0) continue;
        onPart(totals, (part + 1) / PARTS);
        totals = NOTHING;
        await new Promise(setImmediate); // a signal is heard
      }
    },
    async close() {
      db.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const NOTHING: Totals = { hotEvents: 0, aggregates: 0, coldRows: 0, coldEvents: 0, onTheWay: 0 };

/** What both sides have of a version. */
interface Merged {
  readonly version: number;
  /** In the table. */
  hot?: KeyRow;
  /** In the archive: the copies with the lowest and the highest hash, which differ where any two do. */
  low?: KeyRow;
  high?: KeyRow;
  copies: number;
  inGeneration: number;
  /** The latest time that a copy in the archive says. */
  coldRecorded: number;
}

/** One for each version of an aggregate, in their order. */
function merge(rows: readonly KeyRow[]): Merged[] {
  const merged: Merged[] = [];
  for (const row of [...rows].sort((a, b) => a.version - b.version)) {
    let of = merged.at(-1);
    if (of?.version !== row.version) {
      of = { version: row.version, copies: 0, inGeneration: 0, coldRecorded: Number.NEGATIVE_INFINITY };
      merged.push(of);
    }
    if (row.side === 'hot') {
      of.hot = row;
      continue;
    }
    of.copies++;
    if (row.side === 'compacted') of.inGeneration++;
    if (of.low === undefined || row.hash < of.low.hash) of.low = row;
    if (of.high === undefined || row.hash > of.high.hash) of.high = row;
    of.coldRecorded = Math.max(of.coldRecorded, row.recorded);
  }
  return merged;
}

const isWithin = ({ hot, coldRecorded }: Merged, { from, to }: ComparedRange): boolean =>
  (hot !== undefined && hot.recorded >= from && hot.recorded <= to) || (coldRecorded >= from && coldRecorded <= to);

function* findingsOf(
  aggregate: string,
  merged: readonly Merged[],
  keys: readonly string[],
  range: ComparedRange,
): Generator<Finding> {
  const within = merged.filter((each) => isWithin(each, range));
  for (const run of runs(
    within,
    ({ hot, copies }) => hot !== undefined && copies === 0 && hot.recorded <= range.wayFrom,
  )) {
    const since = new Date(Math.min(...run.map(({ hot }) => hot!.recorded))).toISOString();
    yield { kind: 'missing', aggregate, from: run[0]!.version, to: run.at(-1)!.version, since };
  }
  for (const run of runs(within, ({ hot }) => hot === undefined)) {
    const latest = new Date(Math.max(...run.map(({ coldRecorded }) => coldRecorded))).toISOString();
    const key = keys[run[0]!.low!.file]!;
    yield { kind: 'extra', aggregate, from: run[0]!.version, to: run.at(-1)!.version, latest, key };
  }
  for (const { version, hot, low, high } of within) {
    if (hot === undefined || low === undefined || high === undefined) continue;
    const other = low.hash !== hot.hash ? low : high.hash !== hot.hash ? high : undefined;
    if (other !== undefined) yield { kind: 'differing', aggregate, version, key: keys[other.file]! };
  }
  for (const { version, inGeneration, hot, low, high } of within) {
    if (inGeneration < 2) continue;
    yield { kind: 'twice', aggregate, version, key: keys[(low!.hash !== hot?.hash ? low! : high!).file]! };
  }
  let before = 0;
  for (const each of merged) {
    if (each.version <= 0) continue;
    if (each.version > before + 1 && isWithin(each, range)) {
      yield { kind: 'hole', aggregate, from: before + 1, to: each.version - 1 };
    }
    before = each.version;
  }
}

/** Those that a condition holds for, where their versions follow each other as one. */
function runs(merged: readonly Merged[], holds: (each: Merged) => boolean): Merged[][] {
  const found: Merged[][] = [];
  for (const each of merged) {
    if (!holds(each)) continue;
    const run = found.at(-1);
    if (run !== undefined && run.at(-1)?.version === each.version - 1) run.push(each);
    else found.push([each]);
  }
  return found;
}

function plus(totals: Totals, merged: readonly Merged[], range: ComparedRange): Totals {
  let { hotEvents, aggregates, coldRows, coldEvents, onTheWay } = totals;
  let any = false;
  for (const each of merged) {
    if (!isWithin(each, range)) continue;
    if (each.hot !== undefined) {
      hotEvents++;
      any = true;
    }
    coldRows += each.copies;
    if (each.copies > 0) coldEvents++;
    else if (each.hot!.recorded > range.wayFrom) onTheWay++;
  }
  if (any) aggregates++;
  return { hotEvents, aggregates, coldRows, coldEvents, onTheWay };
}

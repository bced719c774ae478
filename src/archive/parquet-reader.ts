import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { DaybookError } from '../errors.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import { openInstance } from './duckdb.ts';
import { pathList } from './duckdb-text.ts';
import { compareTexts, mergeRuns, type Run, runsOf, type Source } from './runs.ts';
import { FileGone, type SparseCopy } from './sparse-copy.ts';
import { readStoredRuns } from './stored-rows.ts';
import { type TypedOptions, typedSource } from './typed-rows.ts';
import { nameUnreadable } from './unreadable.ts';

export interface SliceOptions {
  /** DuckDB spills into it. */
  readonly folder: string;
  /** Paths of compacted files: each sorted by aggregate and version, and each event once. */
  readonly compacted: readonly string[];
  /** Paths of files as Firehose leaves them: in the order of arrival, with repeats. */
  readonly raw: readonly string[];
  /** Of compacted files, by path, those of which only what is asked for is there. */
  readonly sparse?: ReadonlyMap<string, SparseCopy>;
  /** What the archive calls these files, by path: one that cannot be read to its end is named by it. */
  readonly keys?: ReadonlyMap<string, string>;
  /** The event types that are wanted: events of others come without type, and with `null` for their data. */
  readonly types: readonly string[];
  /** Of these types, in their order, the version that a compacted file's events are seen in as they are. @default they are read as they are stored */
  readonly schemaVersions?: readonly number[];
  /** Of which events only declared fields are seen: what typed columns hold of them is read instead of the text. */
  readonly fields?: Omit<TypedOptions, 'path' | 'copy'>;
  /** Only these aggregates. */
  readonly aggregates?: readonly string[];
  /** What DuckDB may hold beside a row group of each compacted file, in MB. @default 128 */
  readonly memoryLimit?: number;
  /** So many MB of raw rows are sorted at a time; more of them take more than one pass over the raw files. @default 32 */
  readonly sortLimit?: number;
}

/**
 * The events of a slice of the archive, each once, ordered by aggregate and version: what the compacted files hold in order is
 * merged, and only what they have not taken yet is sorted. What is held does not grow with the number of events.
 */
export async function* readSlice(options: SliceOptions): Source {
  const { folder, memoryLimit = 128, compacted } = options;
  const instance = await openInstance({ folder, memoryLimit, inOrder: true });
  try {
    const connection = await instance.connect();
    await connection.run(`SET parquet_metadata_cache = true; SET TimeZone = 'UTC'`);
    if (compacted.length > 0) {
      const open = await openMegabytes(connection, compacted);
      await connection.run(`SET memory_limit = '${memoryLimit + Math.min(open, MOST_OPEN)}MB'`);
    }
    const sources: Source[] = [];
    for (const path of compacted) {
      const copy = options.sparse?.get(path);
      const typed =
        options.fields === undefined || options.aggregates !== undefined
          ? undefined
          : await typedSource(() => instance.connect(), {
              path,
              ...options.fields,
              ...(copy !== undefined && { copy }),
            });
      if (typed === undefined) await copy?.whole();
      sources.push(typed ?? compactedSource(await instance.connect(), path, options));
    }
    if (options.raw.length > 0) sources.push(rawSource(connection, options));
    yield* mergeRuns(sources);
    connection.closeSync();
  } catch (cause) {
    // Of the many that are read at once DuckDB names none, or by where it lies here.
    const isNamed = cause instanceof DaybookError || cause instanceof FileGone;
    if (!isNamed && !/^Out of Memory/.test((cause as Error).message)) {
      for (const copy of options.sparse?.values() ?? []) await copy.whole();
      const connection = await instance.connect();
      await nameUnreadable((sql) => connection.run(sql), options.keys ?? []);
    }
    throw cause;
  } finally {
    instance.closeSync();
  }
}

/** Half of a function of 2 GB. */
const MOST_OPEN = 1024;

/**
 * Compacted files are read side by side, and of each DuckDB holds a row group's columns as they are when they are unpacked, in memory
 * of twice the size at the most.
 */
async function openMegabytes(connection: DuckDBConnection, paths: readonly string[]): Promise<number> {
  const groups = await connection.run(
    `SELECT sum(most)::DOUBLE FROM (SELECT file_name, max(bytes) AS most FROM (
        SELECT file_name, row_group_id, sum(total_uncompressed_size) AS bytes
        FROM parquet_metadata(${pathList(paths)}) GROUP BY ALL) GROUP BY ALL)`,
  );
  return Math.ceil((2 * ((await groups.getRows())[0]?.[0] as number)) / 1e6);
}

/**
 * The events of a folder of files as Firehose leaves them, each once, ordered by aggregate and version, some at a time.
 *
 * @example
 * for await (const events of readParquet({ folder, types: ['MoneyDeposited'] })) console.log(events.length);
 */
export async function* readParquet(
  options: Omit<SliceOptions, 'compacted' | 'raw'>,
): AsyncIterable<readonly StoredEvent[]> {
  const names = (await readdir(options.folder)).filter((name) => name.endsWith('.parquet')).sort();
  const raw = names.map((name) => join(options.folder, name));
  for await (const runs of readSlice({ ...options, compacted: [], raw })) {
    for (const run of runs) {
      yield Array.from({ length: run.end - run.start }, (_, i) => run.rows.stored(run, run.start + i)!);
    }
  }
}

type Values = Record<string, string | number>;

/** In the order of the file; a connection has one such answer open at a time. */
function compactedSource(connection: DuckDBConnection, path: string, options: SliceOptions): Source {
  const { sql, values } = chosenAggregates(options);
  const from = `read_parquet(${pathList([path])}, hive_partitioning = false)`;
  return readStoredRuns(connection, { from, where: sql, values }, options.types, options.schemaVersions);
}

/** Sorted here, so many at a time as fit: each pass takes the events up to the next boundary. */
async function* rawSource(connection: DuckDBConnection, options: SliceOptions): Source {
  const chosen = chosenAggregates(options);
  const files = `read_parquet(${pathList(options.raw)}, union_by_name = true, hive_partitioning = false)`;
  for (const pass of await passesOf(connection, files, options)) {
    const relation = {
      from: files,
      where: `${pass.sql} AND ${chosen.sql}`,
      values: { ...pass.values, ...chosen.values },
    };
    const byAggregate = new Map<string, StoredEvent[]>();
    for await (const runsAsTheyCame of readStoredRuns(connection, relation, options.types)) {
      for (const run of runsAsTheyCame) {
        const events = byAggregate.get(run.aggregateUuid) ?? [];
        byAggregate.set(run.aggregateUuid, events);
        for (let row = run.start; row < run.end; row++) events.push(run.rows.stored(run, row)!);
      }
    }
    const runs: Run[] = [];
    for (const aggregateUuid of [...byAggregate.keys()].sort(compareTexts)) {
      runs.push(...runsOf(sortedOnce(byAggregate.get(aggregateUuid)!)));
    }
    yield runs;
  }
}

/** By version, each once; mostly they are already. */
function sortedOnce(events: StoredEvent[]): readonly StoredEvent[] {
  const isSorted = events.every((event, i) => i === 0 || events[i - 1]!.version < event.version);
  if (isSorted) return events;
  events.sort((a, b) => a.version - b.version);
  return events.filter((event, i) => i === 0 || events[i - 1]!.version < event.version);
}

interface Condition {
  readonly sql: string;
  readonly values: Values;
}

const SAMPLES_A_PASS = 64;

/** Boundaries between passes, from a sample of the rows: a pass that is a little larger than another does no harm. */
async function passesOf(connection: DuckDBConnection, files: string, options: SliceOptions): Promise<Condition[]> {
  const size = await connection.run(
    `SELECT sum(total_uncompressed_size)::DOUBLE FROM parquet_metadata(${pathList(options.raw)})`,
  );
  const bytes = ((await size.getRows())[0]?.[0] as number | null) ?? 0;
  const passes = Math.ceil(bytes / ((options.sortLimit ?? 32) * 1e6));
  if (passes <= 1) return [{ sql: 'true', values: {} }];
  const sampled = await connection.run(
    `SELECT aggregate_uuid, version::DOUBLE
      FROM (SELECT aggregate_uuid, version FROM ${files} USING SAMPLE reservoir(${passes * SAMPLES_A_PASS} ROWS) REPEATABLE (1))
      ORDER BY aggregate_uuid, version`,
  );
  const sample = (await sampled.getRows()) as unknown as [string, number][];
  const bounds = sample.filter((_, i) => i > 0 && i % SAMPLES_A_PASS === 0);
  const above = `(aggregate_uuid > $aboveId OR (aggregate_uuid = $aboveId AND version > $aboveVersion))`;
  const upTo = `(aggregate_uuid < $upToId OR (aggregate_uuid = $upToId AND version <= $upToVersion))`;
  return Array.from({ length: bounds.length + 1 }, (_, i) => {
    const [after, to] = [bounds[i - 1], bounds[i]];
    return {
      sql: [...(after === undefined ? [] : [above]), ...(to === undefined ? [] : [upTo])].join(' AND '),
      values: {
        ...(after !== undefined && { aboveId: after[0], aboveVersion: after[1] }),
        ...(to !== undefined && { upToId: to[0], upToVersion: to[1] }),
      },
    };
  });
}

function chosenAggregates({ aggregates }: SliceOptions): Condition {
  if (aggregates === undefined) return { sql: 'true', values: {} };
  const values = Object.fromEntries(aggregates.map((id, i) => [`aggregate${i}`, id]));
  return { sql: `aggregate_uuid IN (${aggregates.map((_, i) => `$aggregate${i}`).join(', ') || 'NULL'})`, values };
}

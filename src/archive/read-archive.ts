import './errors.ts';
import { appendFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DaybookError } from '../errors.ts';
import { bucketOf } from '../event/bucket.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import { BUCKETS } from '../projection/projection-table.ts';
import type { Pauses } from '../store/backoff.ts';
import type { EventArchive } from '../store/event-archive.ts';
import type { EventTable } from '../store/event-table.ts';
import { readAll, type WantedEvents, wants } from '../store/read-all.ts';
import { readRuns } from '../store/read-runs.ts';
import { type ColdFile, type ColdStorage, currentGeneration, rawFiles } from './cold-files.ts';
import { type Duckdb, openDuckdb } from './duckdb.ts';
import { quoteText } from './duckdb-text.ts';
import { nameUnreadable, unreadable } from './unreadable.ts';
import { isNotThere } from './work-files.ts';

export interface ReadArchiveOptions {
  /** Where a bucket's files (a sixteenth of the archive) and what DuckDB spills lie. @default the system's temporary folder */
  readonly folder?: string;
  /** What DuckDB may hold, in MB. @default 128 */
  readonly memoryLimit?: number;
}

interface Hot {
  readonly table: EventTable;
  readonly pauses: Pauses;
}

/** So many events of one aggregate come from DuckDB as one text. */
const RUN = 500;
/** So many aggregates are looked up in the table ahead, and so many events of each. */
const AHEAD = 16;
const PEEK = 50;
/** Compaction takes files away that it has taken over: the list is then read anew. */
const LISTINGS = 5;

/**
 * Reads the archive a bucket at a time, with the table behind it: an aggregate's rows, what the archive lacks between them, then
 * what the table has beyond them. One query to the table for each aggregate that there is.
 */
export function createEventArchive(cold: ColdStorage, options: ReadArchiveOptions = {}): EventArchive {
  return { readAll: (hot, asked) => readAll((wanted) => runsOf(cold, options, hot, wanted), asked) };
}

async function* runsOf(
  cold: ColdStorage,
  options: ReadArchiveOptions,
  hot: Hot,
  wanted: WantedEvents,
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  const folder = await mkdtemp(join(options.folder ?? tmpdir(), 'daybook-read-all-'));
  const db = await openDuckdb({ folder, memoryLimit: options.memoryLimit ?? 128 });
  try {
    await takeListed(db, hot.table, folder);
    for (const bucket of BUCKETS) {
      const files = join(folder, 'files');
      await mkdir(files);
      yield* readBucket(db, await download(cold, bucket, files), bucket, hot, wanted);
      await rm(files, { recursive: true });
    }
  } finally {
    db.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The ids of all aggregates that the table knows: some have nothing in the archive yet. */
async function takeListed(db: Duckdb, table: EventTable, folder: string): Promise<void> {
  await db.run('CREATE TABLE listed (aggregate VARCHAR, bucket VARCHAR)');
  const csv = join(folder, 'listed.csv');
  let after: string | undefined;
  do {
    const page = await table.aggregates({ ...(after !== undefined && { after }) });
    const lines = page.aggregateUuids.map((id) => `"${id.replaceAll('"', '""')}",${bucketOf(id)}\n`);
    await appendFile(csv, lines.join(''));
    after = page.next;
  } while (after !== undefined);
  await db.run(`INSERT INTO listed SELECT * FROM read_csv(${quoteText(csv)}, auto_detect = false, header = false, delim = ',', new_line = '\\n', quote = '"', escape = '"', parallel = false,
    allow_quoted_nulls = false, columns = {'aggregate': 'VARCHAR', 'bucket': 'VARCHAR'})`);
  await rm(csv);
}

interface LocalFile {
  readonly path: string;
  readonly file: ColdFile;
}

async function download(cold: ColdStorage, bucket: string, folder: string): Promise<readonly LocalFile[]> {
  for (let listing = 1; ; listing++) {
    try {
      const found: LocalFile[] = [];
      const take = async (file: ColdFile) => {
        const path = join(folder, `${listing}-${found.length}.parquet`);
        await cold.files.download(file.key, path).catch((cause) => {
          if (!isNotThere(cause) || listing < LISTINGS) throw cause;
          const reason = `it was listed ${LISTINGS} times, and each time it was not there`;
          throw new DaybookError('archive.unreadable', { key: file.key, reason }, { cause });
        });
        found.push({ path, file });
      };
      const { files } = await currentGeneration(cold);
      for (const compacted of files) if (compacted.bucket === bucket) await take({ ...compacted, compacted });
      for await (const file of rawFiles(cold.files)) if (file.bucket === bucket && file.bytes > 0) await take(file);
      return found;
    } catch (error) {
      if (!isNotThere(error) || listing >= LISTINGS) throw error;
    }
  }
}

/** An aggregate, and what the archive has of it. */
interface Archived {
  readonly aggregate: string;
  readonly last: number;
  readonly events: number;
}

async function* readBucket(
  db: Duckdb,
  files: readonly LocalFile[],
  bucket: string,
  hot: Hot,
  wanted: WantedEvents,
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  await takeKeys(db, files, bucket);
  const counts = wants(wanted);
  const runs = files.length === 0 ? noRuns() : archivedRuns(db, files, wanted);
  const peeked: { readonly archived: Archived; readonly tail: Promise<readonly StoredEvent[]> }[] = [];
  const heads = db.rows<Archived>(
    'SELECT aggregate, max(version) AS last, count(DISTINCT nullif(version, 0)) AS events FROM keys GROUP BY aggregate ORDER BY aggregate',
  );
  try {
    let run = await runs.next();
    for (let more = true; more || peeked.length > 0; ) {
      while (more && peeked.length < AHEAD) {
        const next = await heads.next();
        if (next.done === true) more = false;
        else peeked.push({ archived: next.value, tail: peek(hot, next.value) });
      }
      const { archived, tail } = peeked.shift() ?? {};
      if (archived === undefined || tail === undefined) return;
      const { aggregate, last, events } = archived;
      const between = events < last ? missingBetween(db, hot.table, archived) : noRuns();
      let missing = await between.next();
      while (run.done !== true && run.value[0]!.aggregateUuid === aggregate) {
        // Whatever the archive lacks comes from the table, in its place.
        for (const event of run.value) {
          while (missing.done !== true && missing.value[0]!.version < event.version) {
            const chosen = missing.value.filter(counts);
            if (chosen.length > 0) yield chosen;
            missing = await between.next();
          }
          if (events < last) yield [event];
        }
        if (events === last) yield run.value;
        run = await runs.next();
      }
      for (; missing.done !== true; missing = await between.next()) {
        const chosen = missing.value.filter(counts);
        if (chosen.length > 0) yield chosen;
      }
      yield* tailOf(hot, archived, await tail, counts);
    }
  } finally {
    await Promise.allSettled(peeked.map(({ tail }) => tail));
    await runs.return();
    await heads.return();
  }
}

async function* noRuns(): AsyncGenerator<readonly StoredEvent[], void, undefined> {}

/** The first events behind the archive's last one. A failure waits until its aggregate's turn. */
function peek({ table, pauses }: Hot, { aggregate, last }: Archived): Promise<readonly StoredEvent[]> {
  const found = (async () => {
    const events: StoredEvent[] = [];
    for await (const run of readRuns(table, aggregate, { from: last + 1, limit: PEEK }, pauses)) events.push(...run);
    return events;
  })();
  found.catch(() => {});
  return found;
}

async function* tailOf(
  { table, pauses }: Hot,
  { aggregate, last }: Archived,
  first: readonly StoredEvent[],
  counts: (event: StoredEvent) => boolean,
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  const chosen = first.filter(counts);
  if (chosen.length > 0) yield chosen;
  if (first.length < PEEK) return;
  for await (const run of readRuns(table, aggregate, { from: last + 1 + PEEK }, pauses)) {
    const more = run.filter(counts);
    if (more.length > 0) yield more;
  }
}

/** Events between those of the archive, each alone, as the table has them. */
async function* missingBetween(
  db: Duckdb,
  table: EventTable,
  { aggregate }: Archived,
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  const gaps: { readonly first: number; readonly last: number }[] = [];
  const sql = `
    SELECT before + 1 AS first, version - 1 AS last FROM (
      SELECT version, coalesce(lag(version) OVER (ORDER BY version), 0) AS before FROM keys WHERE aggregate = $aggregate AND version > 0)
    WHERE version > before + 1 ORDER BY first`;
  for await (const gap of db.rows<(typeof gaps)[number]>(sql, { aggregate })) gaps.push(gap);
  for (const { first: from, last: to } of gaps) {
    for await (const page of table.query(aggregate, { from, to, consistent: true }))
      for (const event of page) yield [event];
  }
}

/** What the archive has of each aggregate of the bucket; version 0 stands for one that only the table knows. */
async function takeKeys(db: Duckdb, files: readonly LocalFile[], bucket: string): Promise<void> {
  await db.run(
    `CREATE OR REPLACE TABLE keys AS SELECT aggregate, 0::BIGINT AS version FROM listed WHERE bucket = ${quoteText(bucket)}`,
  );
  for (const { path, file } of files) {
    try {
      await db.run(
        `INSERT INTO keys SELECT aggregate_uuid, version FROM read_parquet(${quoteText(path)}, hive_partitioning = false)`,
      );
    } catch (cause) {
      throw unreadable(path, file.key, cause);
    }
  }
}

const COLUMNS =
  'aggregate_uuid, aggregate_type, version, type, schema_version, commit_id, commit_first, commit_last, recorded_at, occurred_at, data, metadata';

async function* archivedRuns(
  db: Duckdb,
  files: readonly LocalFile[],
  { types, since, until, clock }: WantedEvents,
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  const rowsOf = (compacted: boolean) => {
    const paths = files
      .filter(({ file }) => (file.compacted !== undefined) === compacted)
      .map(({ path }) => quoteText(path));
    if (paths.length === 0) return [];
    const from = `read_parquet([${paths.join(', ')}], union_by_name = true, hive_partitioning = false)`;
    return [`SELECT ${COLUMNS}, ${compacted ? 1 : 2} AS rank FROM ${from}`];
  };
  const time = clock === 'recorded' ? 'recorded_at' : 'occurred_at';
  const wanted = [
    ...(types === undefined ? [] : [`list_contains(from_json($types::JSON, '["VARCHAR"]'), type)`]),
    ...(since === '' ? [] : [`epoch_ms(${time}) >= ${Date.parse(since)}`]),
    ...(until === '~' ? [] : [`epoch_ms(${time}) <= ${Date.parse(until)}`]),
  ];
  // A generation's row counts before a raw one, as in the view `events`.
  const sql = `
    WITH once AS (
      SELECT * FROM (${[...rowsOf(true), ...rowsOf(false)].join(' UNION ALL ')})
      QUALIFY row_number() OVER (PARTITION BY aggregate_uuid, version ORDER BY rank) = 1)
    SELECT aggregate_uuid, (version - 1) // ${RUN} AS run, '[' || string_agg(json_array(aggregate_uuid, aggregate_type, version, type, schema_version, commit_id,
      commit_first, commit_last, epoch_ms(recorded_at), epoch_ms(occurred_at), data, metadata)::VARCHAR, ',' ORDER BY version) || ']' AS events
    FROM once ${wanted.length === 0 ? '' : `WHERE ${wanted.join(' AND ')}`}
    GROUP BY aggregate_uuid, run ORDER BY aggregate_uuid, run`;
  const values = types === undefined ? undefined : { types: JSON.stringify(types) };
  const rows = db.rows<{ readonly events: string }>(sql, values);
  try {
    for (;;) {
      const next = await rows.next().catch(async (error) => {
        await nameUnreadable(
          db.run,
          files.map(({ path, file }) => [path, file.key]),
        );
        throw error;
      });
      if (next.done === true) return;
      yield (JSON.parse(next.value.events) as Row[]).map(toEvent);
    }
  } finally {
    await rows.return();
  }
}

type Row = [string, string, number, string, number, string, number, number, number, number, string, string | null];

function toEvent(row: Row): StoredEvent {
  const metadata = row[11];
  return {
    aggregateUuid: row[0],
    aggregateType: row[1],
    version: row[2],
    type: row[3],
    schemaVersion: row[4],
    commitId: row[5],
    commitFirst: row[6],
    commitLast: row[7],
    recordedAt: new Date(row[8]).toISOString(),
    occurredAt: new Date(row[9]).toISOString(),
    data: row[10],
    ...(metadata !== null && { metadata }),
  };
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eachOf } from '../feed/feed-batch.ts';
import { errorNote, type Observed, type Observing, observing } from '../feed/observed.ts';
import type { PositionTable } from '../feed/position-table.ts';
import { firstFrom, headOf } from '../feed/read-run.ts';
import type { EventTable } from '../store/event-table.ts';
import { arrivalDay, type ColdFile, type ColdStorage, currentGeneration, rawFiles } from './cold-files.ts';
import { CONTENT_HASH, contentHash } from './content-hash.ts';
import { type Duckdb, openDuckdb } from './duckdb.ts';
import { quoteText } from './duckdb-text.ts';
import { LAG_MS } from './verify.ts';
import { isNotThere, readIfThere } from './work-files.ts';

export interface CheckArchivePorts {
  readonly table: Pick<EventTable, 'query' | 'aggregates'>;
  /** How far each aggregate is proven to be in the archive: the position of a consumer of its own. */
  readonly positions: Pick<PositionTable, 'read' | 'raise'>;
  readonly cold: ColdStorage;
  readonly now: () => number;
}

export interface CheckArchiveOptions {
  /** For one file of the archive at a time, and keys. @default the system's temporary folder */
  readonly folder?: string;
  /** Is the time of this run used up? The next one goes on from its checkpoint. Default: never. */
  readonly isLate?: () => boolean;
  /** Aggregates to look at in a run at the most: it bounds what a run costs. @default 50,000 */
  readonly most?: number;
  /** How long an event may take into the archive. @default 30 minutes */
  readonly lagMs?: number;
}

/** One run's result: a row of the table `archive_checks`. */
export interface ArchiveCheck {
  readonly checked_at: string;
  /** Every event that was recorded until then is proven to be in the archive; absent before the first round was complete. */
  readonly complete_up_to?: string;
  /** When the newest event that has arrived was recorded. */
  readonly newest_arrival?: string;
  /** Did this run end a round over all aggregates? */
  readonly round_complete: boolean;
  readonly aggregates: number;
  readonly files: number;
  /** Events that this run proved. */
  readonly proven: number;
  readonly on_the_way: number;
  /** Events that are not in the archive though they were recorded longer ago than an event may take. */
  readonly missing: number;
  readonly differing: number;
  readonly unreadable: number;
}

/** The consumer whose positions say what is proven. */
export const CHECKER = 'archive-check';
export const CHECKPOINT = 'checks/checkpoint.json';
export const checkKey = (checkedAt: string): string => `checks/runs/day=${checkedAt.slice(0, 10)}/${checkedAt}.json`;

interface Checkpoint {
  /** Files of these days and later may be new. */
  readonly fromDay: string;
  /** Those of them that were read. */
  readonly seen: readonly string[];
  /** The round over all aggregates under way. */
  readonly round?: { readonly startedAt: string; readonly after: string; readonly oldest?: string };
  readonly completeUpTo?: string;
  readonly newestArrival?: string;
}

const PAGE = 100;
const MOST_AGGREGATES = 50_000;
const CONCURRENCY = 16;
/** Rows that are proven at once. */
const ROWS_AT_ONCE = 5_000;
/** Files whose keys are taken before what they prove is noted. */
const FILES_AT_ONCE = 64;
/** Aggregates that are looked up in older files at once. */
const SUSPECTS_AT_ONCE = 1_000;
/** Clocks of writers, and appends under way when a round began. */
const MARGIN_MS = 60_000;

type Counting = { -readonly [K in keyof ArchiveCheck]: ArchiveCheck[K] };

/**
 * Proves what was recorded since the last run: first the rows of new files against the table, by version and content hash, which
 * moves each aggregate's position; then a round over the aggregates, whose first event behind its position is on its way,
 * in an older file, or missing. What a round proves: everything until it began, but for what it found behind.
 */
export async function checkArchive(
  ports: CheckArchivePorts,
  options: CheckArchiveOptions,
): Promise<{ readonly check: ArchiveCheck; readonly seen: Observed }> {
  const { cold, now } = ports;
  const { isLate = () => false, most = MOST_AGGREGATES, lagMs = LAG_MS } = options;
  const seen = observing();
  const known = await readIfThere(cold.files, CHECKPOINT);
  const before: Checkpoint = known === undefined ? { fromDay: '', seen: [] } : JSON.parse(known);
  const checkedAt = new Date(now()).toISOString();
  const check: Counting = {
    checked_at: checkedAt,
    round_complete: false,
    aggregates: 0,
    files: 0,
    proven: 0,
    on_the_way: 0,
    missing: 0,
    differing: 0,
    unreadable: 0,
  };
  const folder = await mkdtemp(join(options.folder ?? tmpdir(), 'daybook-check-'));
  const db = await openDuckdb({ folder });
  const run: Run = { ports, db, folder, check, seen, newest: before.newestArrival ?? '' };
  try {
    await db.run('CREATE TABLE fresh (aggregate VARCHAR, version BIGINT, hash BIGINT)');
    const { read, complete } = await proveNewFiles(run, before, isLate);
    // A file of yesterday may still be under way when the day ends; those of earlier days are only remembered while they are new.
    const fromDay = complete ? arrivalDay(checkedAt) : before.fromDay;
    let round = before.round;
    let completeUpTo = before.completeUpTo;
    if (complete) {
      const looked = await lookAtAggregates(run, round, { isLate, most, wayFrom: now() - lagMs });
      round = looked.round;
      check.round_complete = looked.completeUpTo !== undefined;
      // What was proven once stays proven, also behind an event that went missing later.
      if (looked.completeUpTo !== undefined && looked.completeUpTo > (completeUpTo ?? ''))
        completeUpTo = looked.completeUpTo;
    }
    if (completeUpTo !== undefined) check.complete_up_to = completeUpTo;
    if (run.newest !== '') check.newest_arrival = run.newest;
    const place: Checkpoint = {
      fromDay,
      seen: [...before.seen, ...read].filter((key) => !complete || dayOf(key) >= fromDay),
      ...(round !== undefined && { round }),
      ...(completeUpTo !== undefined && { completeUpTo }),
      ...(run.newest !== '' && { newestArrival: run.newest }),
    };
    await cold.files.writeText(checkKey(checkedAt), `${JSON.stringify(check)}\n`);
    await cold.files.writeText(CHECKPOINT, JSON.stringify(place));
    report(check, seen, now());
    return { check, seen };
  } finally {
    db.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The day of arrival of a raw file; '' for a compacted one, which is read only the first time. */
const dayOf = (key: string): string => /^events\/day=(.{10})/.exec(key)?.[1] ?? '';

function report(check: ArchiveCheck, seen: Observing, now: number): void {
  seen.count('ArchiveProven', check.proven);
  seen.count('ArchiveMissing', check.missing);
  seen.count('ArchiveDiffering', check.differing + check.unreadable);
  if (check.complete_up_to !== undefined)
    seen.measure('ArchiveLag', Math.max(0, now - Date.parse(check.complete_up_to)));
}

interface Run {
  readonly ports: CheckArchivePorts;
  readonly db: Duckdb;
  readonly folder: string;
  readonly check: Counting;
  readonly seen: Observing;
  newest: string;
}

/** The first time also what was compacted before there was a check. */
async function proveNewFiles(run: Run, { fromDay, seen }: Checkpoint, isLate: () => boolean) {
  const { cold } = run.ports;
  const known = new Set(seen);
  const read: string[] = [];
  let waiting = 0;
  const take = async (file: ColdFile): Promise<boolean> => {
    if (known.has(file.key)) return true;
    if (isLate()) return false;
    await takeKeys(run, file);
    read.push(file.key);
    run.check.files++;
    if (++waiting === FILES_AT_ONCE) {
      waiting = 0;
      await prove(run);
    }
    return true;
  };
  let complete = true;
  if (fromDay === '') {
    for (const compacted of (await currentGeneration(cold)).files) {
      complete = await take({ ...compacted, compacted });
      if (!complete) break;
    }
  }
  if (complete) {
    for await (const file of rawFiles(cold.files, fromDay)) {
      complete = await take(file);
      if (!complete) break;
    }
  }
  await prove(run);
  return { read, complete };
}

/** Takes a file's keys over, of some aggregates only when told. A file that went meanwhile was compacted. */
async function takeKeys(
  { ports, db, folder, check, seen }: Run,
  { key }: ColdFile,
  only?: readonly string[],
): Promise<void> {
  const path = join(folder, 'file.parquet');
  try {
    await ports.cold.files.download(key, path);
    const chosen =
      only === undefined ? '' : `WHERE list_contains(from_json($only::JSON, '["VARCHAR"]'), aggregate_uuid)`;
    const values = only === undefined ? undefined : { only: JSON.stringify(only) };
    await db
      .run(
        `INSERT INTO fresh SELECT aggregate_uuid, version, ${CONTENT_HASH} FROM read_parquet(${quoteText(path)}, hive_partitioning = false) ${chosen}`,
        values,
      )
      .catch((error: Error) => {
        if (/Out of Memory|No space left/.test(error.message)) throw error;
        check.unreadable++;
        seen.note({
          what: 'archiveFileUnreadable',
          key,
          message: error.message.split('\n')[0]!.replaceAll(path, 'the file'),
        });
      });
  } catch (error) {
    if (!isNotThere(error)) throw error;
  } finally {
    await rm(path, { force: true });
  }
}

interface FreshRow {
  readonly aggregate: string;
  readonly version: number;
  readonly hash: number;
}

/** Moves positions as far as what was taken over proves it, and forgets it. */
async function prove(run: Run): Promise<void> {
  const { db } = run;
  let rows: FreshRow[] = [];
  for await (const row of db.rows<FreshRow>(
    'SELECT DISTINCT aggregate, version, hash FROM fresh ORDER BY aggregate, version',
  )) {
    rows.push(row);
    if (rows.length < ROWS_AT_ONCE) continue;
    await proveRows(run, rows);
    rows = [];
  }
  await proveRows(run, rows);
  await db.run('DELETE FROM fresh');
}

async function proveRows(run: Run, rows: readonly FreshRow[]): Promise<void> {
  const { table, positions } = run.ports;
  const byAggregate = new Map<string, Map<number, number[]>>();
  for (const { aggregate, version, hash } of rows) {
    const versions = byAggregate.get(aggregate) ?? new Map<number, number[]>();
    versions.set(version, [...(versions.get(version) ?? []), hash]); // copies that differ are several
    byAggregate.set(aggregate, versions);
  }
  const known = await positions.read(CHECKER, [...byAggregate.keys()]);
  await eachOf([...byAggregate], CONCURRENCY, async ([aggregate, versions]) => {
    const from = (known.get(aggregate) ?? 0) + 1;
    let to = from;
    while (versions.has(to)) to++;
    let proven = from - 1;
    try {
      if (to > from) {
        for await (const page of table.query(aggregate, { from, to: to - 1 })) {
          for (const event of page) {
            const copies = event.version === proven + 1 ? versions.get(event.version)! : [];
            if (copies.length !== 1 || copies[0] !== contentHash(event)) {
              if (copies.length > 0) {
                run.check.differing++;
                run.seen.note({ what: 'archiveDiffers', aggregate, version: event.version });
              }
              return;
            }
            proven = event.version;
            if (event.recordedAt > run.newest) run.newest = event.recordedAt;
          }
        }
      }
    } catch (error) {
      run.seen.note(errorNote('archiveNotProven', error, { aggregate })); // an item that is no event: the feed's alarms say so
    } finally {
      if (proven >= from) {
        run.check.proven += proven - from + 1;
        await positions.raise(CHECKER, aggregate, proven);
      }
    }
  });
}

interface Looking {
  readonly isLate: () => boolean;
  readonly most: number;
  /** What was recorded later is on its way. */
  readonly wayFrom: number;
}

/** The first event of an aggregate that is not proven. */
interface Suspect {
  readonly aggregate: string;
  readonly version: number;
  /** When it was recorded; absent for what is no event. */
  readonly since?: string;
}

async function lookAtAggregates(
  run: Run,
  known: Checkpoint['round'],
  { isLate, most, wayFrom }: Looking,
): Promise<{ readonly round?: NonNullable<Checkpoint['round']>; readonly completeUpTo?: string }> {
  const { table, now } = run.ports;
  const startedAt = known?.startedAt ?? new Date(now()).toISOString();
  let after = known?.after;
  let oldest = known?.oldest;
  let suspects: Suspect[] = [];
  const behind = ({ since }: Suspect) => {
    if (since !== undefined && since < (oldest ?? '~')) oldest = since;
  };
  const settle = async () => {
    for (const missing of await lookUp(run, suspects, wayFrom)) behind(missing);
    suspects = [];
  };
  for (;;) {
    const page = await table.aggregates({ limit: PAGE, ...(after !== undefined && { after }) });
    for (const suspect of await unproven(run, page.aggregateUuids)) {
      const onTheWay = suspect.since !== undefined && Date.parse(suspect.since) > wayFrom;
      if (!onTheWay) suspects.push(suspect);
      else {
        run.check.on_the_way++;
        behind(suspect);
      }
    }
    run.check.aggregates += page.aggregateUuids.length;
    if (suspects.length >= SUSPECTS_AT_ONCE) await settle();
    after = page.next;
    if (after === undefined || run.check.aggregates >= most || isLate()) break;
  }
  await settle();
  if (after !== undefined) return { round: { startedAt, after, ...(oldest !== undefined && { oldest }) } };
  const bound = Date.parse(startedAt) - MARGIN_MS;
  const until = oldest === undefined ? bound : Math.min(bound, Date.parse(oldest) - 1);
  return { completeUpTo: new Date(until).toISOString() };
}

/** Aggregates of which something stands in the table behind what is proven. */
async function unproven({ ports }: Run, aggregates: readonly string[]): Promise<readonly Suspect[]> {
  const known = await ports.positions.read(CHECKER, aggregates);
  const found: Suspect[] = [];
  await eachOf(aggregates, CONCURRENCY, async (aggregate) => {
    const first = await firstFrom(ports.table, aggregate, (known.get(aggregate) ?? 0) + 1);
    if (first === undefined) return;
    const { version, recordedAt: since } = first;
    found.push({ aggregate, version, ...(since !== undefined && { since }) });
  });
  return found;
}

/** Looks for them in every file that may hold them; answers with those that are missing, and counts their events. */
async function lookUp(run: Run, suspects: readonly Suspect[], wayFrom: number): Promise<readonly Suspect[]> {
  if (suspects.length === 0) return [];
  const { table, cold } = run.ports;
  const ids = suspects.map(({ aggregate }) => aggregate);
  const times = suspects.flatMap(({ since }) => (since === undefined ? [] : [since])).sort();
  for (const compacted of (await currentGeneration(cold)).files) await takeKeys(run, { ...compacted, compacted }, ids);
  for await (const file of rawFiles(cold.files, times[0] === undefined ? '' : arrivalDay(times[0])))
    await takeKeys(run, file, ids);
  await prove(run);
  const left = await unproven(run, ids);
  const missing = left.filter(({ since }) => since === undefined || Date.parse(since) <= wayFrom);
  await eachOf(missing, CONCURRENCY, async ({ aggregate, version, since }) => {
    const head = (await headOf(table, aggregate)) ?? version;
    run.check.missing += head - version + 1;
    run.seen.note({ what: 'archiveMissing', aggregate, version, head, ...(since !== undefined && { since }) });
  });
  run.check.on_the_way += left.length - missing.length;
  return left;
}

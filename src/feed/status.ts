import type { EventTable } from '../store/event-table.ts';
import type { Cursor, CursorTable, StatusRound } from './cursor-table.ts';
import { NO_CURSOR } from './cursor-table.ts';
import { toEnvelopeEvent } from './envelope.ts';
import { ENVELOPE_BYTES, fitsFeed, headerBytesBound, jsonBytes } from './envelope-size.ts';
import { eachOf } from './feed-batch.ts';
import { lookBeyond } from './other-history.ts';
import { type First, headOf } from './read-run.ts';

export interface StatusPorts {
  /** The feed's id. */
  readonly feed: string;
  readonly cursors: Pick<CursorTable, 'readMany' | 'read' | 'statusRound' | 'saveStatusRound'>;
  readonly table: Pick<EventTable, 'query' | 'get' | 'aggregates'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface StatusOptions {
  /** Look at so many aggregates at the most, going on where the last run ended; undefined: at all of them, from the first. */
  readonly most?: number;
  /** Told of each aggregate that is not on the feed as a whole. */
  readonly onBehind?: (behind: Behind) => void;
  /** Told after each page. */
  readonly onProgress?: (round: StatusRound) => void;
}

/** An aggregate that is not on the feed as a whole. */
export interface Behind {
  readonly aggregate: string;
  /** The first version that nobody has seen on the feed. */
  readonly from: number;
  /** How many are missing there, this one included. */
  readonly events: number;
  /** When the store took the first of them that is there, ISO 8601; absent when that is no event. */
  readonly since?: string;
  /** What the rest waits for. */
  readonly holed?: { readonly version: number; readonly why: 'missing' | 'no event' | 'too large' | 'another history' };
}

export interface Status {
  /** Aggregates that this run looked at. */
  readonly looked: number;
  /** Of them, those not on the feed as a whole. */
  readonly behind: number;
  /** The events of those. */
  readonly events: number;
  /** When the store took the oldest of those, ISO 8601. */
  readonly oldest?: string;
  /** Those whose missing events were appended a moment ago. */
  readonly onTheWay: number;
  /** The round that this run was part of. */
  readonly round: StatusRound;
  /** Did it end with this run? */
  readonly complete: boolean;
}

const PAGE = 100;
const CONCURRENCY = 16;

/** From the append to a read of the feed: what is younger is on its way. */
export const ON_THE_WAY_MS = 10_000;

/** Is everything that was appended on the feed? Compares the heads in the table with `confirmed`; only reads. */
export async function feedStatus(ports: StatusPorts, options: StatusOptions = {}): Promise<Status> {
  const { cursors, table, now } = ports;
  const { most, onBehind = () => {}, onProgress = () => {} } = options;
  const known = await cursors.statusRound();
  const last = known?.last;
  const fresh = { startedAt: now(), looked: 0, behind: 0, events: 0, ...(last !== undefined && { last }) };
  let round: StatusRound = most === undefined || known?.after === undefined ? fresh : known;
  const run: { -readonly [K in keyof Omit<Status, 'round' | 'complete'>]: Status[K] } = {
    looked: 0,
    behind: 0,
    events: 0,
    onTheWay: 0,
  };
  for (let complete = false; ; ) {
    const limit = Math.min(PAGE, (most ?? Number.POSITIVE_INFINITY) - run.looked);
    const page = await table.aggregates({ limit, ...(round.after !== undefined && { after: round.after }) });
    const found = await lookAtPage(page.aggregateUuids, ports);
    const late = found.filter(({ since }) => !isOnTheWay(since, now()));
    for (const behind of late) {
      onBehind(behind);
      if (behind.since !== undefined && behind.since < (run.oldest ?? '~')) run.oldest = behind.since;
    }
    const events = late.reduce((sum, behind) => sum + behind.events, 0);
    run.looked += page.aggregateUuids.length;
    run.behind += late.length;
    run.events += events;
    run.onTheWay += found.length - late.length;
    const { after: _, ...rest } = round;
    round = {
      ...rest,
      looked: round.looked + page.aggregateUuids.length,
      behind: round.behind + late.length,
      events: round.events + events,
      ...(page.next !== undefined && { after: page.next }),
    };
    onProgress(round);
    complete = page.next === undefined;
    if (!complete && (most === undefined || run.looked < most)) continue;
    const { last: before, ...ended } = round;
    if (complete) round = { ...ended, last: { ...ended, endedAt: now() } };
    await cursors.saveStatusRound(round);
    return { ...run, round, complete };
  }
}

/** A time that is none, or far ahead, says nothing of what is on its way: it would be there for ever. */
function isOnTheWay(since: string | undefined, now: number): boolean {
  return since !== undefined && Math.abs(now - Date.parse(since)) < ON_THE_WAY_MS;
}

async function lookAtPage(aggregates: readonly string[], ports: StatusPorts): Promise<readonly Behind[]> {
  const cursors = await ports.cursors.readMany(aggregates);
  const found: (Behind | undefined)[] = [];
  await eachOf(aggregates, CONCURRENCY, async (aggregate, i) => {
    found[i] = await lookAt(aggregate, cursors.get(aggregate) ?? NO_CURSOR, ports);
  });
  return found.filter((behind) => behind !== undefined);
}

/** A cursor that is behind may only be read behind: it is read again, consistently, and the aggregate looked at again. */
async function lookAt(aggregate: string, cursor: Cursor, ports: StatusPorts): Promise<Behind | undefined> {
  const from = cursor.confirmed + 1;
  const { first, otherHistory } = await lookBeyond(ports.table, aggregate, cursor);
  if (first === undefined && !otherHistory) return undefined;
  const now = await ports.cursors.read(aggregate);
  if (now.confirmed > cursor.confirmed) return lookAt(aggregate, now, ports);
  if (first === undefined || otherHistory) {
    // Which of the versions up to `confirmed` are on the feed nobody can say: this one is not.
    const { confirmed: version } = cursor;
    return { aggregate, from: version, events: 1, holed: { version, why: 'another history' } };
  }
  const head = (await headOf(ports.table, aggregate)) ?? Math.max(first.version, cursor.head ?? 0);
  const { recordedAt: since } = first;
  const why = await whyHoled(aggregate, from, first, now, ports);
  return {
    aggregate,
    from,
    events: head - cursor.confirmed,
    ...(since !== undefined && { since }),
    ...(why !== undefined && { holed: { version: from, why } }),
  };
}

/** What keeps `from` from the feed, where it is more than time. Only of one that was found holed before, its size is asked. */
async function whyHoled(aggregate: string, from: number, first: First, cursor: Cursor, { feed, table }: StatusPorts) {
  if (first.version > from) return 'missing';
  if (first.recordedAt === undefined || !fitsFeed(aggregate)) return 'no event';
  const event = cursor.holed === from ? await table.get(aggregate, from) : undefined;
  if (event === undefined) return undefined;
  const room = ENVELOPE_BYTES - headerBytesBound(feed, aggregate);
  return jsonBytes(toEnvelopeEvent(event)) + 1 > room ? 'too large' : undefined;
}

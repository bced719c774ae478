import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { EventTable } from '../store/event-table.ts';
import type { Adoption, Cursor, CursorTable } from './cursor-table.ts';
import type { EarlierFeed, EarlierPage, EarlierPosition } from './earlier-feed.ts';
import { eachOf } from './feed-batch.ts';
import type { Observing } from './observed.ts';
import { lastOf } from './read-run.ts';

export interface AdoptPorts {
  /** The feed's id. */
  readonly feed: string;
  readonly cursors: CursorTable;
  readonly table: Pick<EventTable, 'query' | 'aggregates'>;
  /** What the tables hold of another feed, by its id. */
  readonly earlier: (feed: string) => EarlierFeed;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface AdoptOptions {
  /** `now`, `start`, or the id of the feed that this one goes on from. */
  readonly from: string;
  /** How long a feed's readers may take to leave it before what they kept is copied. Default 0. */
  readonly settleMs?: number;
  /** Is the time of this run used up? Asked between pages; the next run goes on from there. Default: never. */
  readonly isLate?: () => boolean;
  /** Told after each page. */
  readonly onProgress?: (adopted: Adopted) => void;
}

/** What a run has done. */
export interface Adopted {
  /** Is the feed adopted? Otherwise the next run goes on. */
  readonly complete: boolean;
  /** Aggregates that were looked at. */
  readonly looked: number;
  /** Of them, those that begin at what they have now: the feed had not begun them. */
  readonly begun: number;
  /** Positions of consumers that were copied. */
  readonly positions: number;
}

/** Aggregates to a page, and so to a checkpoint. */
const PAGE = 1000;
const CONCURRENCY = 16;

/**
 * Begins a feed over a table that already has events. It may be killed and run again, or run twice at once: each aggregate
 * is begun in one conditional write, once, and nothing that is appended after that write is taken for its past.
 */
export async function adopt(ports: AdoptPorts, options: AdoptOptions): Promise<Adopted> {
  const { feed, cursors, now } = ports;
  const { from, settleMs = 0, isLate = () => false, onProgress = () => {} } = options;
  const goesOn = from !== 'now' && from !== 'start';
  const known = await cursors.adoption();
  if (known === undefined && goesOn) await needEarlier(ports, from);
  const adoption = known ?? (await cursors.noteAdoption(from, now()));
  if (adoption.from !== from) {
    const done = adoption.doneAt !== undefined;
    throw new DaybookError('feed.adoptedOtherwise', { feed, expected: from, found: adoption.from, done });
  }
  const adopted = { complete: adoption.doneAt !== undefined, looked: 0, begun: 0, positions: 0 };
  if (adopted.complete || (goesOn && now() - adoption.since < settleMs)) return adopted;
  for await (const _ of pagesOf(adoption, ports, adopted)) {
    onProgress(adopted);
    if (isLate()) return adopted;
  }
  await cursors.saveAdoption({ doneAt: now() });
  adopted.complete = true;
  return adopted;
}

/** An update of a stack has changed all of its functions within this time: then nobody moves the earlier feed's positions. */
const SETTLE_MS = 5 * 60_000;

/** What the reconciler does first while its feed is not adopted. A person may have said otherwise than the construct. */
export async function carryAdoptionOn(
  ports: AdoptPorts,
  from: string,
  isLate: () => boolean,
  seen: Observing,
): Promise<boolean> {
  const known = await ports.cursors.adoption();
  const options = { from: known?.from ?? from, settleMs: SETTLE_MS, isLate };
  const { complete, begun, positions } = await adopt(ports, options);
  seen.count('AggregatesAdopted', begun);
  seen.count('PositionsAdopted', positions);
  return complete;
}

type Counting = { -readonly [K in keyof Adopted]: Adopted[K] };

/** A feed that nobody knows, or that holds only a part, would have things delivered again: it is looked at before anything is noted. */
async function needEarlier({ feed, earlier }: AdoptPorts, from: string): Promise<void> {
  if (from !== feed) {
    const before = await earlier(from).adoption();
    if (before !== undefined && before.doneAt === undefined) {
      throw new DaybookError('feed.earlierNotAdopted', { feed, earlier: from, from: before.from });
    }
    if (before !== undefined || (await earlier(from).hasRun())) return;
    // Without a cursor, but with positions: its Confirm never worked, its consumers did. All is fed, and they drop what they have done.
    if ((await hasAny(earlier(from).cursors)) || (await hasAny(earlier(from).positions))) return;
  }
  throw new DaybookError('feed.earlierUnknown', { feed, earlier: from });
}

async function hasAny(pages: (after?: string) => Promise<EarlierPage<unknown>>): Promise<boolean> {
  for (let after: string | undefined; ; ) {
    const { entries, next } = await pages(after);
    if (entries.length > 0 || next === undefined) return entries.length > 0;
    after = next;
  }
}

/** Does the work, and rests after each page that is not the last, its place saved. */
async function* pagesOf({ from, after }: Adoption, ports: AdoptPorts, adopted: Counting): AsyncGenerator<void> {
  if (from === 'start') return;
  if (from === 'now') yield* beginPages(after, ports, adopted);
  else yield* goOnPages(after, from, ports, adopted);
}

/**
 * Reads in the table where each one of a page ends, and asks only then whether another run has told that the adoption is done: undefined when it
 * has. So nothing that is appended after that is taken for known, however long this run stood still.
 */
async function readPage<T, R>(
  page: readonly T[],
  { cursors }: AdoptPorts,
  read: (one: T) => Promise<R | undefined>,
): Promise<readonly R[] | undefined> {
  const found: (R | undefined)[] = [];
  await eachOf(page, CONCURRENCY, async (one, i) => {
    found[i] = await read(one);
  });
  if ((await cursors.adoption())?.doneAt !== undefined) return undefined;
  return found.filter((each) => each !== undefined);
}

async function* beginPages(start: string | undefined, ports: AdoptPorts, adopted: Counting): AsyncGenerator<void> {
  const { cursors, table } = ports;
  for (let after = start; ; ) {
    const page = await table.aggregates({ limit: PAGE, ...(after !== undefined && { after }) });
    const known = await cursors.readMany(page.aggregateUuids);
    const past = await readPage(page.aggregateUuids, ports, async (aggregate) => {
      if ((known.get(aggregate)?.confirmed ?? 0) > 0) return undefined;
      const last = await lastOf(table, aggregate);
      return last > 0 ? { aggregate, last } : undefined;
    });
    if (past === undefined) return;
    await eachOf(past, CONCURRENCY, async ({ aggregate, last }) => {
      if (await cursors.begin(aggregate, { confirmed: last, base: last })) adopted.begun++;
    });
    adopted.looked += page.aggregateUuids.length;
    if (page.next === undefined) return;
    after = page.next;
    await cursors.saveAdoption({ after });
    yield;
  }
}

/** Positions first: the feed must not bring an aggregate to a consumer whose position is not there yet. */
async function* goOnPages(
  start: string | undefined,
  from: string,
  ports: AdoptPorts,
  adopted: Counting,
): AsyncGenerator<void> {
  const { cursors } = ports;
  const earlier = ports.earlier(from);
  let [part, after] = readPlace(start);
  const rest = async (next: string | undefined) => {
    after = next;
    await cursors.saveAdoption({ after: JSON.stringify([part, after]) });
  };
  while (part === 'positions') {
    const page = await earlier.positions(after);
    const positions = await readPage(page.entries, ports, (entry) => withinTable(entry, ports));
    if (positions === undefined) return;
    await eachOf(positions, CONCURRENCY, async (position) => {
      if (await earlier.keep(position)) adopted.positions++;
    });
    if (page.next === undefined) part = 'cursors';
    await rest(page.next);
    yield;
  }
  for (;;) {
    const page = await earlier.cursors(after);
    const starts = await readPage(page.entries, ports, async ({ aggregate, cursor }) => {
      const start = startOf(cursor, await lastOf(ports.table, aggregate));
      return start.confirmed > 0 ? { aggregate, start } : undefined;
    });
    if (starts === undefined) return;
    await eachOf(starts, CONCURRENCY, async ({ aggregate, start }) => {
      if (await cursors.begin(aggregate, start)) adopted.begun++;
    });
    adopted.looked += page.entries.length;
    if (page.next === undefined) return;
    await rest(page.next);
    yield;
  }
}

/**
 * Where the new feed takes an aggregate on: one version before the old feed's end. That version is brought once more, so that
 * a consumer that lost it with the old stream sees what it lacks even if nothing is ever appended again; the others drop it.
 * A restored table may end earlier than the old feed: what is appended to it are other events under the same versions.
 */
function startOf({ confirmed, base = 0 }: Cursor, last: number): { readonly confirmed: number; readonly base: number } {
  const past = Math.min(base, last);
  return { confirmed: Math.max(past, Math.min(confirmed, last) - 1), base: past };
}

/** Behind a position at the table's end nothing waits. One beyond a restored table's end comes back to it. */
async function withinTable(entry: EarlierPosition, { table }: AdoptPorts): Promise<EarlierPosition | undefined> {
  const { consumer, aggregate, position } = entry;
  const last = await lastOf(table, aggregate);
  if (position < last) return entry;
  return last === 0 ? undefined : { consumer, aggregate, position: last };
}

type Part = 'positions' | 'cursors';

function readPlace(after: string | undefined): [Part, string | undefined] {
  if (after === undefined) return ['positions', undefined];
  const [part, place] = JSON.parse(after) as [Part, string | null];
  return [part, place ?? undefined];
}

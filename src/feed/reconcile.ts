import type { EventTable } from '../store/event-table.ts';
import { type AdoptPorts, carryAdoptionOn } from './adopt.ts';
import { type Checkpoint, type Cursor, hasOpenOffer, NO_CURSOR } from './cursor-table.ts';
import { eachOf } from './feed-batch.ts';
import { errorNote, type Observed, type Observing, observing } from './observed.ts';
import { type OfferPorts, offerNext } from './offer.ts';
import { lookBeyond, noteHistory } from './other-history.ts';
import { headOf } from './read-run.ts';
import { whenAdopted } from './when-adopted.ts';

export interface ReconcilePorts extends OfferPorts {
  readonly table: Pick<EventTable, 'query' | 'get' | 'aggregates'>;
  /** Given for a feed that waits for its adoption: how it begins unless a person says otherwise. */
  readonly adoption?: Pick<AdoptPorts, 'earlier'> & { readonly from: string };
  /** How many aggregates consumers have parked: told with every run, so that an alarm stays up until they are redriven. */
  readonly countParked?: () => Promise<number>;
}

export interface ReconcileOptions {
  /** Is the time of this run used up? Asked between pages; the next run goes on from there. */
  readonly isLate: () => boolean;
  /** Go on until a round that began at this instant or later is complete; milliseconds since the epoch. */
  readonly since?: number;
  /** Look at this many aggregates at the most: it bounds what a run on a schedule costs. Default: no bound but time. */
  readonly most?: number;
}

export interface Reconciled {
  /** Was a whole round completed, and one that began late enough? */
  readonly complete: boolean;
  readonly seen: Observed;
}

/** Aggregates to a page, and so to a checkpoint. */
const PAGE = 100;
const CONCURRENCY = 8;

/** A hole is looked at again after a minute, then after twice as long each time, at last once an hour. */
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;

/**
 * Compares the heads in the table with `confirmed`, a page of aggregates after the other from where the last run ended, and
 * puts the next envelope of each one that lags. A round ends at the end of the list; a run ends there or when it is late.
 */
export async function reconcile(
  given: ReconcilePorts,
  { isLate, since, most = Number.POSITIVE_INFINITY }: ReconcileOptions,
): Promise<Reconciled> {
  const seen = observing();
  await tellParked(given, seen);
  const ports = given.adoption === undefined ? given : await onceAdopted(given, given.adoption, isLate, seen);
  if (ports === undefined) return { complete: false, seen };
  const { cursors, table, now } = ports;
  const wanted = Math.min(since ?? 0, now()); // the clocks of others may run ahead
  let place: Checkpoint = (await cursors.checkpoint()) ?? { startedAt: now() };
  if (place.after === undefined) place = { startedAt: now() };
  for (let looked = 0; ; ) {
    const page = await table.aggregates({ limit: PAGE, ...(place.after !== undefined && { after: place.after }) });
    await reconcilePage(page.aggregateUuids, ports, seen);
    seen.measure('UnpublishedAge', 0); // a graph that says "none", not nothing
    looked += page.aggregateUuids.length;
    if (page.next !== undefined) {
      place = { startedAt: place.startedAt, after: page.next };
      await cursors.saveCheckpoint(place);
    } else {
      const complete = place.startedAt >= wanted;
      place = { startedAt: now() };
      await cursors.saveCheckpoint(place);
      seen.count('ReconcileRounds');
      if (complete) return { complete, seen };
    }
    if (isLate() || looked >= most) return { complete: false, seen };
  }
}

/** What cannot be counted must not stop the repairs. */
async function tellParked({ countParked }: ReconcilePorts, seen: Observing): Promise<void> {
  try {
    seen.count('ParkedAggregates', (await countParked?.()) ?? 0);
  } catch (error) {
    seen.note(errorNote('parkedNotCounted', error));
  }
}

/** The ports of a feed that is adopted; undefined when that takes another run. */
async function onceAdopted(
  ports: ReconcilePorts,
  { from, earlier }: NonNullable<ReconcilePorts['adoption']>,
  isLate: () => boolean,
  seen: Observing,
): Promise<ReconcilePorts | undefined> {
  if (!(await carryAdoptionOn({ ...ports, earlier }, from, isLate, seen))) return undefined;
  return { ...ports, cursors: { ...ports.cursors, ...whenAdopted(ports.feed, ports.cursors) } };
}

async function reconcilePage(aggregates: readonly string[], ports: ReconcilePorts, seen: Observing): Promise<void> {
  const cursors = await ports.cursors.readMany(aggregates);
  const errors: unknown[] = [];
  await eachOf(aggregates, CONCURRENCY, async (aggregate) => {
    try {
      await reconcileOne(aggregate, cursors.get(aggregate) ?? NO_CURSOR, ports, seen);
    } catch (error) {
      errors.push(error);
      seen.count('ReconcileFailures');
      seen.note(errorNote('reconcileFailed', error, { aggregate }));
    }
  });
  seen.count('AggregatesReconciled', aggregates.length);
  // One that fails does not stop the round; when most do, it is the table or the feed, and this page is for the next run.
  if (errors.length > aggregates.length / 2) throw errors[0];
}

async function reconcileOne(aggregate: string, cursor: Cursor, ports: ReconcilePorts, seen: Observing): Promise<void> {
  const next = cursor.confirmed + 1;
  const known = cursor.holed === next;
  if (known) {
    seen.count('Holes');
    if (ports.now() < nextLookAt(cursor)) return unpublished(cursor, cursor.head ?? next, cursor.holedAt, ports, seen);
  }
  const { first, otherHistory } = await lookBeyond(ports.table, aggregate, cursor);
  if (otherHistory) noteHistory(aggregate, cursor.confirmed, seen);
  if (first === undefined) return;
  seen.count('Lagging');
  const head = (await headOf(ports.table, aggregate)) ?? Math.max(first.version, cursor.head ?? 0);
  unpublished(cursor, head, first.recordedAt === undefined ? undefined : Date.parse(first.recordedAt), ports, seen);
  if (hasOpenOffer(cursor, ports.now())) return;
  const outcome = await offerNext(aggregate, cursor, head, ports, seen);
  if (outcome === 'put') return;
  const since = known ? (cursor.holedAt ?? ports.now()) : ports.now();
  const attempts = known ? (cursor.attempts ?? 0) + 1 : 0;
  if ((cursor.head ?? 0) < head) await ports.cursors.noteHead(aggregate, head);
  const { marked } = await ports.cursors.markHole(aggregate, { version: next, since, attempts });
  if (!marked) return; // `confirmed` moved meanwhile: the next round looks again
  if (!known) seen.count('Holes');
  seen.note({ what: outcome, aggregate, version: next, head, attempts });
}

/** What an operator sees of an aggregate that lags: how much of it is not on the feed, and since when. */
function unpublished(
  { confirmed }: Cursor,
  head: number,
  since: number | undefined,
  { now }: ReconcilePorts,
  seen: Observing,
): void {
  seen.count('UnpublishedEvents', Math.max(1, head - confirmed));
  if (since !== undefined) seen.measure('UnpublishedAge', Math.max(0, now() - since));
}

/** When a holed aggregate is due: the pauses grow, counted from when the hole was found. */
export function nextLookAt({ holedAt = 0, attempts = 0 }: Cursor): number {
  let at = holedAt;
  for (let i = 0; i <= Math.min(attempts, 12); i++) at += Math.min(FIRST_PAUSE_MS * 2 ** i, LONGEST_PAUSE_MS);
  return at + Math.max(0, attempts - 12) * LONGEST_PAUSE_MS;
}

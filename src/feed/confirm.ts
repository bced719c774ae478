import type { Cursor } from './cursor-table.ts';
import { hasOpenOffer } from './cursor-table.ts';
import { answerOf, type BatchAnswer, type FeedRecord, perAggregate, readFeedBatch } from './feed-batch.ts';
import { type Observed, type Observing, observing } from './observed.ts';
import { type OfferPorts, offerNext } from './offer.ts';

export type ConfirmPorts = OfferPorts;

/** How often a cursor may move under one continuation before the batch is brought again. */
const ATTEMPTS = 10;

/**
 * Raises `confirmed` from what it reads in the feed, and from nothing else. Then, for every aggregate whose head is higher,
 * puts the next envelope on the feed, at most one per aggregate and invocation.
 */
export async function confirm(
  event: unknown,
  ports: ConfirmPorts,
): Promise<{ readonly answer: BatchAnswer; readonly seen: Observed }> {
  const seen = observing();
  const records = readFeedBatch(event, ports.feed, seen);
  const failures = await perAggregate(records, (run) => confirmRun(run, ports, seen));
  return { answer: answerOf(failures, seen), seen };
}

/**
 * Wherever it fails, all of the aggregate's records come again: to raise twice does nothing, but a head that was told in an
 * early record and not carried on would be lost with it.
 */
async function confirmRun(run: readonly FeedRecord[], ports: ConfirmPorts, seen: Observing): Promise<void> {
  const { aggregate } = run[0]!.envelope;
  let cursor: Cursor | undefined;
  let told = 0;
  for (const { envelope } of run) {
    const { from, to, head } = envelope;
    told = Math.max(told, head);
    if (cursor !== undefined && to <= cursor.confirmed) {
      seen.count('EventsRepeated', envelope.events.length);
      continue;
    }
    if (to < from) {
      cursor = await ports.cursors.read(aggregate);
    } else {
      const result = await ports.cursors.raise(aggregate, from, to, envelope.events.at(-1)!.commitId);
      cursor = result.cursor;
      seen.count(result.raised ? 'EnvelopesConfirmed' : 'EnvelopesRepeated');
      // How often an event is on the feed is `EventsRepeated ÷ EventsConfirmed`.
      const first = result.raised ? to - result.before : 0;
      seen.count('EventsConfirmed', first);
      if (from <= cursor.confirmed + 1) seen.count('EventsRepeated', to - from + 1 - first);
    }
    if (from > cursor.confirmed + 1) {
      // Every `from` is an earlier `confirmed + 1`: somebody else put this on the feed.
      seen.count('Breaches');
      seen.note({ what: 'breach', aggregate, from, to, confirmed: cursor.confirmed });
    }
  }
  await carryOn(aggregate, cursor!, told, ports, seen);
}

/** Puts the next envelope whenever there is more, even if this invocation advanced nothing. */
async function carryOn(
  aggregate: string,
  known: Cursor,
  told: number,
  ports: ConfirmPorts,
  seen: Observing,
): Promise<void> {
  const { cursors, now } = ports;
  let cursor = known;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const head = Math.max(told, cursor.head ?? 0);
    if (head <= cursor.confirmed) return;
    if (hasOpenOffer(cursor, now())) {
      if ((cursor.head ?? 0) >= head) return;
      // Whoever reads that offer goes on from here, unless it was read just now.
      cursor = await cursors.noteHead(aggregate, head);
      if (hasOpenOffer(cursor, now())) return;
      continue;
    }
    const outcome = await offerNext(aggregate, cursor, head, ports, seen);
    if (outcome === 'put') return;
    // Nothing to send: left to the reconciler, and to whoever raises `confirmed` once the version is there.
    const version = cursor.confirmed + 1;
    const marked = cursor.holed === version;
    if ((cursor.head ?? 0) < head) cursor = await cursors.noteHead(aggregate, head);
    if (cursor.confirmed + 1 !== version) continue;
    if (marked) return;
    const mark = await cursors.markHole(aggregate, { version, since: now(), attempts: 0 });
    if (mark.marked) {
      seen.count('Holes');
      seen.note({ what: outcome, aggregate, version, head });
      return;
    }
    cursor = mark.cursor;
  }
  throw new Error(`The cursor of an aggregate moved ${ATTEMPTS} times under one continuation`);
}

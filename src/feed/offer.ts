import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { EventTable } from '../store/event-table.ts';
import type { Cursor, CursorTable } from './cursor-table.ts';
import { filledEnvelope } from './envelope.ts';
import { ENVELOPE_BYTES, fitsFeed, headerBytesBound } from './envelope-size.ts';
import type { FeedWriter } from './feed-writer.ts';
import { notingStrays } from './noting-strays.ts';
import { errorNote, type Observing } from './observed.ts';
import { readRun } from './read-run.ts';

export interface OfferPorts {
  /** The feed's id. */
  readonly feed: string;
  readonly cursors: CursorTable;
  readonly table: Pick<EventTable, 'query'>;
  readonly writer: FeedWriter;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Puts the envelope from `confirmed + 1` on the feed, then records the offer: recorded first, a crash in between would stop
 * the aggregate until the reconciler comes. Puts nothing and says so when that version is not in the table, is no event, or
 * is one that no envelope holds (raw control characters, of which each becomes six bytes).
 */
export async function offerNext(
  aggregate: string,
  cursor: Cursor,
  head: number,
  { feed, cursors, table, writer, now }: OfferPorts,
  seen: Observing,
): Promise<'put' | 'hole' | 'unreadable' | 'tooLarge'> {
  const from = cursor.confirmed + 1;
  if (!fitsFeed(aggregate)) return 'unreadable';
  const room = ENVELOPE_BYTES - headerBytesBound(feed, aggregate);
  const run = await readRun(notingStrays(table, seen), aggregate, from, head, room);
  if (run.events.length === 0) return run.end === 'full' ? 'tooLarge' : run.end === 'hole' ? 'hole' : 'unreadable';
  const envelope = filledEnvelope(feed, aggregate, from, head, run.events, cursor.base);
  const refused = await writer.put([envelope]);
  if (refused.length > 0) throw new DaybookError('feed.putRefused', { aggregate, from, to: envelope.to });
  seen.count('Offers');
  seen.count('EventsOffered', run.events.length);
  try {
    await cursors.offer(aggregate, envelope.to, now());
  } catch (error) {
    // The run is on the feed, which is what matters; without the lease it may be put once more.
    seen.count('OffersNotRecorded');
    seen.note(errorNote('offerNotRecorded', error, { aggregate, to: envelope.to }));
  }
  return 'put';
}

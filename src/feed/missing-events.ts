import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import type { EventTable } from '../store/event-table.ts';
import { isUnreadable } from './read-run.ts';

/**
 * The events `[from..to]` that a consumer did not get from the feed, read from the table a page at a time. It fails with
 * `feed.gapUnfilled` when one of them is not there, after it has given those before it.
 */
export async function* missingEvents(
  table: Pick<EventTable, 'query'>,
  aggregate: string,
  from: number,
  to: number,
): AsyncGenerator<readonly StoredEvent[]> {
  let next = from;
  if (next > to) return;
  try {
    for await (const page of table.query(aggregate, { from, to, consistent: true })) {
      const gap = page.findIndex((event, i) => event.version !== next + i);
      const whole = gap === -1 ? page : page.slice(0, gap);
      next += whole.length;
      if (whole.length > 0) yield whole;
      if (gap !== -1) break;
    }
  } catch (error) {
    // The page with the item that is no event gave nothing: what stands before it comes first.
    const unreadable = versionOfUnreadable(error);
    if (unreadable !== undefined && unreadable > next) yield* missingEvents(table, aggregate, next, unreadable - 1);
    throw error;
  }
  if (next <= to) throw new DaybookError('feed.gapUnfilled', { aggregate, from, to, missing: next });
}

/** The version of which an error says that its item is no event; no retry mends that. */
export function versionOfUnreadable(error: unknown): number | undefined {
  return isUnreadable(error) ? (error as DaybookError<'event.unknownFormat'>).details.version : undefined;
}

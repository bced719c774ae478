import { DaybookError } from '../errors.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import type { EventTable } from '../store/event-table.ts';

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
  for await (const page of table.query(aggregate, { from, to, consistent: true })) {
    const gap = page.findIndex((event, i) => event.version !== next + i);
    const whole = gap === -1 ? page : page.slice(0, gap);
    next += whole.length;
    if (whole.length > 0) yield whole;
    if (gap !== -1) break;
  }
  if (next <= to) throw new DaybookError('feed.gapUnfilled', { aggregate, from, to, missing: next });
}

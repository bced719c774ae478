import type { HotPage, UnreadableItem } from '../archive/hot-events.ts';
import { isDaybookError } from '../errors.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import { type EventItem, fromItem, isAtVersion } from './event-item.ts';

/** Items as a scan or an export has them: events, and those that are none with the reason. */
export function hotPage(items: readonly EventItem[]): HotPage {
  const events: StoredEvent[] = [];
  const unreadable: UnreadableItem[] = [];
  for (const item of items) {
    const named = { aggregate: item.AggregateUuid?.S ?? '', version: String(item.Version?.N) };
    if (!isAtVersion(item)) {
      unreadable.push({ ...named, reason: 'it lies at no version' });
      continue;
    }
    try {
      events.push(fromItem(item));
    } catch (error) {
      if (!isDaybookError(error)) throw error;
      unreadable.push({ ...named, reason: error.code });
    }
  }
  return { events, unreadable };
}

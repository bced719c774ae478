import type { RecordedEvent } from '../../event/recorded-event.ts';
import type { StoredEvent } from '../../event/stored-event.ts';
import type { EventTable } from '../../store/event-table.ts';
import { missingEvents } from '../missing-events.ts';

/** An event as it came: from the feed or the table as text, from a bus with its data parsed. */
export type ArrivedEvent = { readonly stored: StoredEvent } | { readonly parsed: RecordedEvent };

/** What came: versions `[from..to]` of an aggregate; without `events` they are read from the table. */
export interface Arrival {
  readonly aggregate: string;
  readonly from: number;
  readonly to: number;
  /** The versions up to it were there before the feed began, and are not on it. */
  readonly base: number;
  readonly events?: readonly ArrivedEvent[];
}

export function versionOf(arrived: ArrivedEvent): number {
  return 'stored' in arrived ? arrived.stored.version : arrived.parsed.version;
}

export function recordedAtOf(arrived: ArrivedEvent): string {
  return 'stored' in arrived ? arrived.stored.recordedAt : arrived.parsed.recordedAt;
}

/** The events above a position up to the arrival's end, in order: the missing ones from the table, then those that came. */
export async function* eventsAbove(
  position: number,
  arrival: Arrival,
  table: Pick<EventTable, 'query'>,
): AsyncGenerator<readonly ArrivedEvent[]> {
  const { aggregate, from, to, events } = arrival;
  const lastMissing = events === undefined ? to : from - 1;
  for await (const page of missingEvents(table, aggregate, position + 1, lastMissing)) {
    yield page.map((stored) => ({ stored }));
  }
  if (events !== undefined) yield events.filter((arrived) => versionOf(arrived) > position);
}

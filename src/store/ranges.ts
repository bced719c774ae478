import type { StoredEvent } from '../event/stored-event.ts';

/**
 * Which of an event's two times is meant: `occurred`, when it happened in the domain (what reports mean; the default), or
 * `recorded`, when the store took it (what the system knew).
 */
export type TimeClock = 'occurred' | 'recorded';

/** Inclusive at both ends; an absent end is open. ISO 8601 text with a zone, or a Date. */
export interface TimeRange {
  readonly since?: string | Date;
  readonly until?: string | Date;
  /** Default `occurred`. */
  readonly clock?: TimeClock;
}

export function timeOf(event: Pick<StoredEvent, 'recordedAt' | 'occurredAt'>, clock: TimeClock): string {
  return clock === 'occurred' ? event.occurredAt : event.recordedAt;
}

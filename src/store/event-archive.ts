import type { StoredEvent } from '../event/stored-event.ts';
import type { Pauses } from './backoff.ts';
import type { EventTable } from './event-table.ts';
import type { TimeClock } from './ranges.ts';

/** Which events of all aggregates. */
export interface WantedEvents {
  /** Undefined: of all types. */
  readonly types: readonly string[] | undefined;
  /** ISO 8601 with milliseconds, included; '' for an open end. */
  readonly since: string;
  /** Included; '~' for an open end. */
  readonly until: string;
  readonly clock: TimeClock;
}

/** The port to cold storage with the table behind it: `s3EventArchive(…)` of `daybook/archive`. */
export interface EventArchive {
  /**
   * Every event of the archive and, behind it, of the table: each once, an aggregate's in version order and after each other,
   * a run at a time. It holds what was there when the reading began, and may hold what came later.
   */
  readAll(
    hot: { readonly table: EventTable; readonly pauses: Pauses },
    wanted: WantedEvents,
  ): AsyncIterable<readonly StoredEvent[]>;
}

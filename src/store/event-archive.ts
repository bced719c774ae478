import type { RecordedEvent } from '../event/recorded-event.ts';
import type { Pauses } from './backoff.ts';
import type { EventTable } from './event-table.ts';
import type { ReadAllOptions } from './read-all.ts';

/** The port to cold storage with the table behind it: `s3EventArchive(…)` of `daybook/archive`. */
export interface EventArchive {
  /**
   * Every event of the archive and, behind it, of the table: each once, an aggregate's in version order and after each other.
   * It holds what was there when the reading began, and may hold what came later. It checks the options itself, so that a
   * command's handler, which never reads everything, is not bundled with that.
   */
  readAll(
    hot: { readonly table: EventTable; readonly pauses: Pauses },
    options: ReadAllOptions,
  ): AsyncIterable<RecordedEvent>;
}

import type { StoredEvent } from '../event/stored-event.ts';
import { realPauses } from '../store/backoff.ts';
import type { EventTable } from '../store/event-table.ts';
import { readRuns } from '../store/read-runs.ts';

/** Stored events of many aggregates, each read in version order a few at a time, with few queries. */
export interface ReadAhead {
  /**
   * The events of versions `from` to `to` that are there, and the one before them: undefined when it is missing,
   * 'known' when there is none to be or it was given before.
   */
  read(aggregateUuid: string, from: number, to: number): Promise<Existing>;
}

export interface Existing {
  readonly events: readonly StoredEvent[];
  readonly before: StoredEvent | 'known' | undefined;
}

/** How many events a query brings beyond those asked for. */
const AHEAD = 100;

const MAX_KEPT_CHARACTERS = 16 * 1024 * 1024;

/** Keeps what a query brought beyond the question; events never change, so what is kept stays true. */
export function createReadAhead(table: EventTable): ReadAhead {
  // In the order of their last use: the first is the one to forget.
  const kept = new Map<string, readonly StoredEvent[]>();
  let characters = 0;

  function forget(aggregateUuid: string): void {
    for (const event of kept.get(aggregateUuid) ?? []) characters -= event.data.length;
    kept.delete(aggregateUuid);
  }

  function keep(aggregateUuid: string, events: readonly StoredEvent[]): void {
    if (events.length === 0) return;
    kept.set(aggregateUuid, events);
    for (const event of events) characters += event.data.length;
    for (const oldest of kept.keys()) {
      if (characters <= MAX_KEPT_CHARACTERS) return;
      forget(oldest);
    }
  }

  return {
    async read(aggregateUuid, from, to) {
      const ahead = kept.get(aggregateUuid) ?? [];
      forget(aggregateUuid);
      if (ahead[0]?.version === from && ahead.at(-1)!.version >= to) {
        const count = to - from + 1;
        keep(aggregateUuid, ahead.slice(count));
        return { events: ahead.slice(0, count), before: 'known' };
      }
      const found: StoredEvent[] = [];
      const range = { from: Math.max(1, from - 1), limit: to - from + 2 + AHEAD };
      for await (const run of readRuns(table, aggregateUuid, range, realPauses)) {
        found.push(...run);
        // What a page brought is enough once it answers the question.
        if (found.at(-1)!.version >= to) break;
      }
      const before = from === 1 ? 'known' : found[0]?.version === from - 1 ? found[0] : undefined;
      const events = found.filter((event) => event.version >= from && event.version <= to);
      keep(
        aggregateUuid,
        found.filter((event) => event.version > to),
      );
      return { events, before };
    },
  };
}

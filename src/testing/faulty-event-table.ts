import type { EventTable } from '../store/event-table.ts';

/** Which calls fail, each a chance in [0, 1]; default none. */
export interface Faults {
  /** A put that fails before it reaches the table. */
  readonly refusedPuts?: number;
  /** A put that is written, but whose answer is lost. */
  readonly lostAnswers?: number;
  /** A read that fails. */
  readonly failedReads?: number;
  /** Chance in [0, 1); default Math.random. */
  readonly random?: () => number;
}

/** The error of a fault. */
export class InjectedFault extends Error {
  override readonly name = 'InjectedFault';
}

/**
 * An event table that fails as networks do.
 *
 * @example
 * const store = createEventStore({ table: faultyEventTable(memoryEventTable(), { lostAnswers: 0.1 }) });
 */
export function faultyEventTable(table: EventTable, faults: Faults): EventTable {
  const { refusedPuts = 0, lostAnswers = 0, failedReads = 0, random = Math.random } = faults;
  const mayFail = (chance: number, what: string) => {
    if (chance > 0 && random() < chance) throw new InjectedFault(what);
  };
  return {
    async put(commit) {
      mayFail(refusedPuts, 'the put did not arrive');
      const outcome = await table.put(commit);
      mayFail(lostAnswers, 'the answer to the put was lost');
      return outcome;
    },
    async get(aggregateUuid, version) {
      mayFail(failedReads, 'the read failed');
      return await table.get(aggregateUuid, version);
    },
    async *query(aggregateUuid, options) {
      mayFail(failedReads, 'the query failed');
      for await (const page of table.query(aggregateUuid, options)) {
        yield page;
        mayFail(failedReads, 'the query failed between two pages');
      }
    },
    async head(aggregateUuid) {
      mayFail(failedReads, 'the read failed');
      return await table.head(aggregateUuid);
    },
    async aggregates(options) {
      mayFail(failedReads, 'the read failed');
      return await table.aggregates(options);
    },
  };
}

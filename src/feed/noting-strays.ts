import type { EventTable } from '../store/event-table.ts';
import type { Observing } from './observed.ts';

/** The table for one read of an aggregate's versions, in which what lies at none of them is counted and noted. */
export function notingStrays(table: Pick<EventTable, 'query'>, seen: Observing): Pick<EventTable, 'query'> {
  return {
    query: (aggregate, options) =>
      table.query(aggregate, {
        ...options,
        onStray(version) {
          seen.count('Poison');
          seen.note({ what: 'notAVersion', aggregate, version });
        },
      }),
  };
}

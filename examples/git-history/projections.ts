import { defineProjection, defineRollup } from 'daybook';
import { FileAdded, FileDeleted, FileModified, FileRenamed } from './events.ts';
import { File } from './file.ts';

/** What each file came to. */
export const files = defineProjection({
  name: 'files',
  aggregate: File,
  initialState: File.initialState,
  evolve: File.evolve,
});

export interface Churn {
  readonly events: number;
  readonly linesAdded: number;
  readonly linesDeleted: number;
}

export const addUp = (a: Churn, b: Churn): Churn => ({
  events: a.events + b.events,
  linesAdded: a.linesAdded + b.linesAdded,
  linesDeleted: a.linesDeleted + b.linesDeleted,
});

/** How much was written and thrown away in each month, by the time of the commit. */
export const churnByMonth = defineRollup({
  name: 'churn-by-month',
  events: [FileAdded, FileModified, FileDeleted, FileRenamed],
  map: ({ occurredAt, data: { linesAdded, linesDeleted } }) => [
    { key: occurredAt.slice(0, 7), value: { events: 1, linesAdded, linesDeleted } },
  ],
  combine: addUp,
});

/** The same by author and month: a replay over a range of times gives it for that range, and the sum over months by author. */
export const churnByAuthorAndMonth = defineRollup({
  name: 'churn-by-author-and-month',
  events: [FileAdded, FileModified, FileDeleted, FileRenamed],
  map: ({ occurredAt, data: { authorHash, linesAdded, linesDeleted } }) => [
    { key: `${authorHash} ${occurredAt.slice(0, 7)}`, value: { events: 1, linesAdded, linesDeleted } },
  ],
  combine: addUp,
});

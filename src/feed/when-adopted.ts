import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { CursorTable } from './cursor-table.ts';

/**
 * The cursors of a feed that waits for its adoption: until it is done a read fails with `feed.notAdopted`, and whoever asks is
 * brought his batch again. After it, a cursor of before the adoption is never taken for none: an eventually consistent
 * read may still give it, and would have the past delivered.
 */
export function whenAdopted(
  feed: string,
  cursors: Pick<CursorTable, 'readMany' | 'adoption'>,
): Pick<CursorTable, 'readMany'> {
  let adopted = false;
  return {
    async readMany(aggregates, options) {
      if (aggregates.length === 0) return new Map();
      // Asked before the cursors are read: what was begun by then is seen below.
      adopted ||= (await cursors.adoption())?.doneAt !== undefined;
      if (!adopted) throw new DaybookError('feed.notAdopted', { feed });
      const found = await cursors.readMany(aggregates, options);
      const unbegun = aggregates.filter((aggregate) => (found.get(aggregate)?.confirmed ?? 0) === 0);
      if (unbegun.length === 0) return found;
      return new Map([...found, ...(await cursors.readMany(unbegun, { consistent: true }))]);
    },
  };
}

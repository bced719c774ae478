import type { EventTable } from '../store/event-table.ts';
import type { Cursor } from './cursor-table.ts';
import type { Observing } from './observed.ts';
import { type First, firstFrom, isUnreadable } from './read-run.ts';

/** What the table has behind `confirmed`, and whether it is still the history that is on the feed. */
export interface Beyond {
  /** What is stored first above `confirmed`; undefined for nothing. */
  readonly first: First | undefined;
  /** Under the confirmed version is nothing, or another event: the table was restored, and the feed is of its history before. */
  readonly otherHistory: boolean;
}

/** One read, of the confirmed version and the next one. Of an aggregate that the feed has not begun there is nothing to compare. */
export async function lookBeyond(
  table: Pick<EventTable, 'query' | 'get'>,
  aggregate: string,
  { confirmed, commit }: Cursor,
): Promise<Beyond> {
  if (confirmed === 0) return { first: await firstFrom(table, aggregate, 1), otherHistory: false };
  let found: string | undefined;
  let first: First | undefined;
  try {
    for await (const page of table.query(aggregate, { from: confirmed, limit: 2, consistent: true })) {
      for (const { version, commitId, recordedAt } of page) {
        if (version === confirmed) found = commitId;
        else first ??= { version, recordedAt };
      }
    }
    // A Query may see half of a transaction, a read of one item sees all of it.
    found ??= (await table.get(aggregate, confirmed))?.commitId;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    // One of the two is no event: of the other nothing is known.
    return { first: await firstFrom(table, aggregate, confirmed + 1), otherHistory: false };
  }
  return { first, otherHistory: found === undefined || (commit !== undefined && found !== commit) };
}

/** Counted as long as it is so: what is appended up to `confirmed` is never fed. */
export function noteHistory(aggregate: string, version: number, seen: Observing): void {
  seen.count('OtherHistories');
  seen.note({ what: 'otherHistory', aggregate, version });
}

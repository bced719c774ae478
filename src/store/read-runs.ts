import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import { type Backoff, type Pauses, pause } from './backoff.ts';
import type { EventTable, QueryOptions } from './event-table.ts';

/** What a Query shows of a transaction is complete within milliseconds; about a second of looking again tells it from a breach. */
const READ_BACKOFF: Backoff = { attempts: 10, baseMs: 5, capMs: 250 };

/**
 * One aggregate's events in version order (or reverse), in runs that have no hole and end where a commit ends. A Query is
 * read-committed against TransactWriteItems: it "can return some items of a transaction and not others", so an incomplete
 * commit is held back and read again. Throws `read.hole` or `read.tornCommit` when that does not help.
 */
export async function* readRuns(
  table: EventTable,
  aggregateUuid: string,
  options: QueryOptions,
  pauses: Pauses,
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  const reader = options.reverse === true ? reverseReader(options) : forwardReader(options);
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  let held: readonly StoredEvent[] = [];
  for (let attempt = 1; left > held.length; attempt++) {
    let gap = false;
    const query: QueryOptions = {
      ...options,
      ...reader.rest(),
      ...(left !== Number.POSITIVE_INFINITY && { limit: left - held.length }),
      // Once something was missing, an eventually consistent answer must not decide.
      consistent: attempt > 1 || options.consistent !== false,
    };
    for await (const page of table.query(aggregateUuid, query)) {
      const inOrder = reader.accept(page);
      gap = inOrder < page.length;
      if (inOrder > 0) attempt = 1;
      let run = gap ? page.slice(0, inOrder) : page;
      if (held.length > 0) run = [...held, ...run];
      const whole = run.length >= left ? run.length : reader.wholeCommits(run);
      if (whole > 0) {
        yield whole === run.length ? run : run.slice(0, whole);
        left -= whole;
      }
      held = run.slice(whole);
      if (gap) break;
    }
    const last = held.at(-1);
    if (!gap && last === undefined && reader.mayEnd()) return;
    if (left <= held.length) return;
    if (attempt >= READ_BACKOFF.attempts) throw missing(aggregateUuid, reader.next(), last, attempt);
    await pause(READ_BACKOFF, attempt, pauses);
  }
}

interface Reader {
  /** What is still to be queried. */
  rest(): { readonly from?: number; readonly to?: number };
  /** How many events at the start of a page follow on without a gap; moves on past them. */
  accept(page: readonly StoredEvent[]): number;
  /** How many events at the start of a run make whole commits, as far as the range goes. */
  wholeCommits(run: readonly StoredEvent[]): number;
  /** May nothing more come? */
  mayEnd(): boolean;
  /** The version that is missing when something is. */
  next(): number;
}

function forwardReader({ from = 1, to }: QueryOptions): Reader {
  let next = from;
  return {
    rest: () => ({ from: next }),
    accept(page) {
      let i = 0;
      while (i < page.length && page[i]!.version === next) {
        i++;
        next++;
      }
      return i;
    },
    wholeCommits(run) {
      let end = run.length;
      while (end > 0 && run[end - 1]!.commitLast > run[end - 1]!.version && run[end - 1]!.version !== to) end--;
      return end;
    },
    mayEnd: () => true,
    next: () => next,
  };
}

function reverseReader({ from = 1, to }: QueryOptions): Reader {
  let next: number | undefined;
  let awaited = from;
  return {
    rest: () => (next === undefined ? {} : { to: next }),
    accept(page) {
      const first = page[0];
      if (next === undefined && first !== undefined) {
        // The highest one seen is the end of its commit, or more of it has yet to appear.
        if (first.commitLast > first.version && first.version !== to) {
          awaited = first.version + 1;
          return 0;
        }
        next = first.version;
      }
      let i = 0;
      while (i < page.length && page[i]!.version === next) {
        i++;
        next--;
      }
      return i;
    },
    wholeCommits(run) {
      let end = run.length;
      while (end > 0 && run[end - 1]!.commitFirst < run[end - 1]!.version && run[end - 1]!.version !== from) end--;
      return end;
    },
    mayEnd: () => next === undefined || next < from,
    next: () => next ?? awaited,
  };
}

function missing(
  aggregateUuid: string,
  version: number,
  held: StoredEvent | undefined,
  attempts: number,
): DaybookError {
  if (held === undefined) return new DaybookError('read.hole', { aggregateUuid, version, attempts });
  const { commitId, commitFirst, commitLast } = held;
  return new DaybookError('read.tornCommit', { aggregateUuid, commitId, version, commitFirst, commitLast, attempts });
}

/** The last event of the last whole commit; undefined for an aggregate without events. */
export async function readHead(
  table: EventTable,
  aggregateUuid: string,
  pauses: Pauses,
): Promise<StoredEvent | undefined> {
  for await (const run of readRuns(table, aggregateUuid, { reverse: true, limit: 1 }, pauses)) return run[0];
  return undefined;
}

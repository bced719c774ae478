import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEventStore, type EventTable, type QueryOptions, type StoredEvent } from '../../../src/index.ts';
import { readRuns } from '../../../src/store/read-runs.ts';
import { memoryEventTable } from '../../../src/testing/index.ts';

const AT = '2026-01-01T00:00:00.000Z';

/** Commits of the given lengths, one after the other. */
function history(lengths: readonly number[]): StoredEvent[] {
  const events: StoredEvent[] = [];
  for (const length of lengths) {
    const commitFirst = events.length + 1;
    for (let i = 0; i < length; i++) {
      events.push({
        aggregateUuid: 'a',
        aggregateType: 'A',
        version: commitFirst + i,
        type: 'X',
        schemaVersion: 1,
        commitId: `c-${commitFirst}`,
        commitFirst,
        commitLast: commitFirst + length - 1,
        recordedAt: AT,
        occurredAt: AT,
        data: 'null',
      });
    }
  }
  return events;
}

/** A table whose n-th query shows only what `visible(n)` lets through, in pages of `pageSize`. */
function tableShowing(
  events: readonly StoredEvent[],
  visible: (event: StoredEvent, query: number) => boolean,
  pageSize = 3,
): EventTable & { queries: number } {
  const memory = memoryEventTable();
  return {
    ...memory,
    queries: 0,
    async *query(_aggregateUuid: string, { from = 1, to = Number.POSITIVE_INFINITY, reverse, limit }: QueryOptions) {
      const query = ++this.queries;
      const found = events.filter((event) => event.version >= from && event.version <= to && visible(event, query));
      if (reverse === true) found.reverse();
      const wanted = found.slice(0, limit);
      for (let i = 0; i < wanted.length; i += pageSize) yield wanted.slice(i, i + pageSize);
    },
  };
}

const pauses = { random: () => 0, sleep: async () => {} };

async function collect(table: EventTable, options: QueryOptions): Promise<number[]> {
  const seen: number[] = [];
  for await (const run of readRuns(table, 'a', options, pauses)) {
    expect(run.length).toBeGreaterThan(0);
    seen.push(...run.map((event) => event.version));
  }
  return seen;
}

describe('reading runs', () => {
  it('gives exactly the range whatever part of the last commits is visible at first, at every page boundary', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 6 }),
        fc.record({
          from: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
          to: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
          limit: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
          reverse: fc.boolean(),
        }),
        fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
        fc.integer({ min: 0, max: 5 }),
        async (lengths, pageSize, given, mask, blurred) => {
          const events = history(lengths);
          const last = events.length;
          const options = Object.fromEntries(Object.entries(given).filter(([, v]) => v !== undefined)) as QueryOptions;
          const { from = 1, to = last, limit, reverse } = options;
          if (from > to) return;
          // Only the last commit may be half visible, and at least the part that a range can notice is.
          const open = options.to === undefined && reverse !== true;
          const lastCommit = events.at(-1)!.commitFirst;
          const table = tableShowing(
            events,
            (event, query) =>
              query > blurred || event.version < lastCommit || event.version === last || (mask[event.version] ?? true),
            pageSize,
          );
          const versionsBelow = (end: number) => {
            const versions = events.map(({ version }) => version).filter((v) => v >= from && v <= to && v < end);
            if (reverse === true) versions.reverse();
            return versions.slice(0, limit);
          };
          const seen = await collect(table, options);
          // A range that ends within the last commit may still show the time before it: all of it, or nothing.
          const allowed = [versionsBelow(last + 1), ...(open || to >= last ? [] : [versionsBelow(lastCommit)])];
          expect(allowed).toContainEqual(seen);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('holds an open end back until the commit is whole, forward and reverse', async () => {
    const events = history([2, 4]);
    const forward = tableShowing(events, (event, query) => event.version <= 4 || query > 2);
    expect(await collect(forward, {})).toEqual([1, 2, 3, 4, 5, 6]);
    expect(forward.queries).toBe(3);
    const reverse = tableShowing(events, (event, query) => event.version <= 4 || query > 2);
    expect(await collect(reverse, { reverse: true })).toEqual([6, 5, 4, 3, 2, 1]);
  });

  it('gives up on a hole and names it', async () => {
    const holed = tableShowing(history([1, 1, 1, 1]), (event) => event.version !== 3);
    await expect(collect(holed, {})).rejects.toMatchObject({
      code: 'read.hole',
      details: { version: 3, attempts: 10 },
    });
    await expect(collect(holed, { reverse: true })).rejects.toMatchObject({
      code: 'read.hole',
      details: { version: 3 },
    });
    await expect(collect(holed, { from: 3 })).rejects.toMatchObject({ code: 'read.hole', details: { version: 3 } });
    expect(await collect(holed, { from: 4 })).toEqual([4]);
    const headless = tableShowing(history([1, 1, 1]), (event) => event.version !== 1);
    await expect(collect(headless, { reverse: true })).rejects.toMatchObject({ details: { version: 1 } });
  });

  it('gives up on a commit that never becomes whole, and gives no part of it', async () => {
    const torn = tableShowing(history([2, 3]), (event) => event.version !== 5, 2);
    const seen: number[] = [];
    const reading = (async () => {
      for await (const run of readRuns(torn, 'a', {}, pauses)) seen.push(...run.map((event) => event.version));
    })();
    await expect(reading).rejects.toMatchObject({
      code: 'read.tornCommit',
      details: { version: 5, commitFirst: 3, commitLast: 5, commitId: 'c-3' },
    });
    expect(seen).toEqual([1, 2]);
  });

  it('stops asking the table when the reader stops', async () => {
    let pages = 0;
    const table = memoryEventTable({ pageSize: 1 });
    for (const event of history([1, 1, 1, 1])) await table.put({ commitId: event.commitId, events: [event] });
    const counting: EventTable = {
      ...table,
      async *query(aggregateUuid, options) {
        for await (const page of table.query(aggregateUuid, options)) {
          pages++;
          yield page;
        }
      },
    };
    for await (const event of createEventStore({ table: counting }).read('a')) if (event.version === 2) break;
    expect(pages).toBe(2);
  });
});

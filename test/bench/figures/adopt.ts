import assert from 'node:assert/strict';
import { adopt } from '../../../src/feed/adopt.ts';
import { memoryCursors } from '../../simulation/memory-ports.ts';
import { defineBench } from '../figure.ts';
import { storedTransfer } from '../ledger.ts';
import { liveMegabytes } from '../live-memory.ts';

/** Of each aggregate; adopting looks at the last one. */
const VERSIONS = 10;
/** Live memory is read after so many pages, so the reading costs each aggregate the same. */
const EVERY_PAGES = 10;

/**
 * `daybook feed adopt --from now` on a table of 1,000,000 events of 100,000 aggregates. The table makes events as they are
 * asked for, and cursors are only counted: what grows is the verb's own.
 */
export default defineBench({
  name: 'adopt',
  rounds: 5,
  warmUp: 1,
  figures: [
    {
      name: 'adopt-linear',
      what: 'adopting a table of 1,000,000 events of 100,000 aggregates ÷ one of a tenth, CPU per aggregate',
      formula: { kind: 'ratio', of: 'million', to: 'tenth', by: 'cpu' },
      budget: { atMost: 1.2 },
    },
    {
      name: 'adopt-memory',
      what: 'live memory above the start while adopting 1,000,000 events, at its most',
      formula: { kind: 'reading', of: 'million', by: 'live', unit: 'MB' },
      budget: { atMost: 20 },
    },
    {
      name: 'adopt-requests',
      what: 'requests per aggregate: its last version, its cursor, and its part of lists and checkpoints',
      formula: { kind: 'reading', of: 'million', by: 'requests', unit: 'per aggregate' },
    },
  ],
  prepare() {
    const side = (aggregates: number) => {
      let taken: { live: number; requests: number };
      return {
        count: aggregates,
        async run() {
          taken = await adoptTable(aggregates);
        },
        // Readings are taken per operation; this one is of the whole.
        readings: () => ({ ...taken, live: taken.live * aggregates }),
      };
    };
    return { sides: { tenth: side(10_000), million: side(100_000) } };
  },
});

async function adoptTable(aggregates: number) {
  const before = liveMegabytes();
  let requests = 0;
  let live = 0;
  let pages = 0;
  const cursors = {
    ...memoryCursors(),
    async readMany() {
      requests++;
      return new Map();
    },
    async begin(_: string, start: { readonly confirmed: number; readonly base: number }) {
      requests++;
      assert.deepEqual(start, { confirmed: VERSIONS, base: VERSIONS });
      return true;
    },
  };
  const table = {
    async *query(aggregate: string) {
      requests++;
      yield [storedTransfer(VERSIONS, aggregate)];
    },
    async aggregates({ after, limit = 100 }: { after?: string; limit?: number }) {
      requests++;
      const begin = after === undefined ? 0 : Number(after);
      const aggregateUuids = Array.from(
        { length: Math.min(limit, aggregates - begin) },
        (_, i) => `ledger-${begin + i}`,
      );
      return { aggregateUuids, ...(begin + limit < aggregates && { next: String(begin + limit) }) };
    },
  };
  const { complete, begun } = await adopt(
    { feed: 'feed', cursors, table, earlier: () => assert.fail('there is none'), now: Date.now },
    {
      from: 'now',
      onProgress() {
        requests++; // the checkpoint
        if (++pages % EVERY_PAGES === 0) live = Math.max(live, liveMegabytes() - before);
      },
    },
  );
  assert.deepEqual({ complete, begun }, { complete: true, begun: aggregates });
  return { live: Math.max(live, liveMegabytes() - before), requests };
}

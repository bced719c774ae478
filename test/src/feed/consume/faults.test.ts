import { describe, expect, test } from 'vitest';
import {
  type Bench,
  crashingAt,
  createBench,
  drainFeed,
  drainQueue,
  full,
  type Gate,
  message,
  redriveAll,
} from './crashing.ts';

const LENGTHS = { a: 4, b: 2 };

/** Everything arrives while a:2 cannot be done; then it is mended, and redriven. */
const SCENARIOS: Readonly<
  Record<string, (bench: Bench, invoke: (event: unknown) => Promise<unknown>) => Promise<void>>
> = {
  'from the feed': async (bench, invoke) => {
    bench.poison.add('a:2');
    await drainFeed([full('a', 1, 2), full('b', 1, 1), full('a', 3, 4), full('b', 2, 2)], invoke);
    expect(bench.done.filter((id) => id.startsWith('a')).at(-1)).toBe('a:1'); // those behind it wait
    bench.poison.clear();
    await redriveAll(bench, invoke);
  },
  'from a queue, turned round': async (bench, invoke) => {
    bench.poison.add('a:2');
    const messages = [message('a', 4), message('b', 2), message('a', 1), message('a', 2), message('b', 1)];
    await drainQueue(messages, invoke);
    expect(bench.done.filter((id) => id.startsWith('a')).at(-1)).toBe('a:1');
    bench.poison.clear();
    await redriveAll(bench, invoke);
  },
};

/** Runs a scenario with a crash at these points, counted over all its invocations. */
async function run(kind: 'effect' | 'act', name: string, crashes: readonly number[]) {
  const bench = createBench(kind, LENGTHS);
  const counter = { calls: 0 };
  const points = new Set(crashes);
  await SCENARIOS[name]!(bench, (event) => {
    const gate: Gate = crashingAt(counter, points);
    // Whoever died may still hold a lease.
    if (kind === 'act') bench.now += 31_000;
    return bench.invoke(gate, event);
  });
  return { bench, points: counter.calls };
}

/** In the order in which each version was done first. */
const firsts = (done: readonly string[], aggregate: string) => [
  ...new Set(done.filter((id) => id.startsWith(aggregate))),
];

describe.each(Object.keys(SCENARIOS))('a crash between any two calls, %s', (name) => {
  test('an effect in DynamoDB is there exactly once and in order, parked ones wait, nothing is lost', async () => {
    const { points } = await run('effect', name, []);
    expect(points).toBeGreaterThan(40);
    for (let first = 0; first < points + 10; first++) {
      const { bench } = await run('effect', name, [first]);
      expect(
        bench.done.filter((id) => id.startsWith('a')),
        `crash at ${first}`,
      ).toEqual(['a:1', 'a:2', 'a:3', 'a:4']);
      expect(
        bench.done.filter((id) => id.startsWith('b')),
        `crash at ${first}`,
      ).toEqual(['b:1', 'b:2']);
    }
  });

  test('and so it is with two crashes', async () => {
    const { points } = await run('effect', name, []);
    for (let first = 0; first < points; first++) {
      for (let second = first + 1; second < points + 20; second += 3) {
        const { bench } = await run('effect', name, [first, second]);
        const a = bench.done.filter((id) => id.startsWith('a')).join();
        if (a !== 'a:1,a:2,a:3,a:4' || bench.done.length !== 6)
          expect.fail(`crashes at ${first}, ${second}: ${bench.done}`);
      }
    }
  });

  test('what acts outside comes in order, at least once, and repeats only the one that was under way', async () => {
    const { points } = await run('act', name, []);
    for (let first = 0; first < points; first++) {
      for (let second = first + 1; second < points + 20; second += 3) {
        const { bench } = await run('act', name, [first, second]);
        const where = `crashes at ${first}, ${second}: ${bench.done}`;
        expect(firsts(bench.done, 'a'), where).toEqual(['a:1', 'a:2', 'a:3', 'a:4']);
        expect(firsts(bench.done, 'b'), where).toEqual(['b:1', 'b:2']);
        expect(bench.overlaps, where).toEqual([]);
        expect(bench.done.length, where).toBeLessThanOrEqual(6 + 4); // of each aggregate one, a crash
        // A repeat is of the last one that was done: never an earlier one after a later.
        for (const aggregate of ['a', 'b']) {
          const versions = bench.done.filter((id) => id.startsWith(aggregate));
          expect([...versions].sort(), where).toEqual(versions);
        }
      }
    }
  });
});

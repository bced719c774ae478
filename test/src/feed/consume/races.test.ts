import { expect, test } from 'vitest';
import { seededRandom } from '../../../../local/kernel/kernel.ts';
import { virtualKernel } from '../../../../local/kernel/virtual-kernel.ts';
import { consumeEvents } from '../../../../src/feed/consume/consume-events.ts';
import { memoryPositions } from '../../../simulation/memory-ports.ts';
import { storedEvent } from '../../../simulation/records.ts';
import { Crash, createBench, type Gate, MoneyDeposited, message, redriveAll } from './crashing.ts';

/** Many invocations at once in seeded virtual time: every call takes its time, some never come back. */
async function runSeed(seed: number, kind: 'effect' | 'act') {
  const kernel = virtualKernel({ seed });
  const random = seededRandom(seed);
  const pick = (least: number, most: number) => least + Math.floor(random.next() * (most - least + 1));
  const lengths = { a: 8, b: 3 };
  const bench = createBench(kind, lengths);
  bench.poison.add(`a:${pick(1, 8)}`);
  const clock = Object.defineProperty(bench, 'now', { get: () => kernel.clock.now(), set: () => {} });
  const gateOf = (crashes: boolean): Gate => {
    let dead = false;
    const point = async () => {
      await kernel.scheduler.sleep(pick(1, 15));
      dead ||= crashes && random.next() < 0.02;
      if (dead) throw new Crash();
    };
    return async (what, call) => {
      if (what === 'pause') return await call(); // it sleeps by itself
      await point();
      const result = await call();
      await point();
      return result;
    };
  };
  const invoke = (event: unknown, crashes = true) => clock.invoke(gateOf(crashes), event);

  // Each message comes up to three times, in any order, several batches at once, and again while it is given back.
  const waiting = Object.entries(lengths).flatMap(([aggregate, length]) =>
    Array.from({ length }, (_, i) => Array.from({ length: pick(1, 3) }, () => message(aggregate, i + 1))).flat(),
  );
  waiting.sort(() => random.next() - 0.5);
  let working = 0;
  const work = async () => {
    working++;
    for (let round = 0; waiting.length > 0 && round < 2000; round++) {
      const batch = [...new Map(waiting.splice(0, pick(1, 4)).map((each) => [each.messageId, each])).values()];
      try {
        const answer = (await invoke({ Records: batch })) as { batchItemFailures: { itemIdentifier: string }[] };
        const failed = answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
        waiting.push(...batch.filter(({ messageId }) => failed.includes(messageId)));
      } catch {
        waiting.push(...batch);
      }
      await kernel.scheduler.sleep(pick(10, 2000));
    }
    working--;
  };
  for (let i = 0; i < 4; i++) void work();
  // An operator who mends it while all of this goes on, and redrives more than once at a time.
  const operate = async () => {
    await kernel.scheduler.sleep(pick(0, 20_000));
    bench.poison.clear();
    for (let i = 0; i < 6; i++) {
      await kernel.scheduler.sleep(pick(100, 3000));
      await invoke({ daybook: 'redrive', aggregates: ['a', 'b'] }).catch(() => {});
    }
  };
  void operate();
  void operate();
  for (let minute = 1; minute <= 60 && (working > 0 || waiting.length > 0); minute++) {
    await kernel.run(kernel.clock.now() + 60_000);
  }
  const redriven = redriveAll(bench, async (event) => {
    await kernel.scheduler.sleep(40_000);
    return await invoke(event, false);
  });
  for (let minute = 0; minute < 10; minute++) await kernel.run(kernel.clock.now() + 60_000);
  await redriven;
  return { bench, left: waiting.length };
}

test('whoever races, crashes, parks and redrives: effects once and in order', async () => {
  let parked = 0;
  for (let seed = 1; seed <= 80; seed++) {
    const { bench, left } = await runSeed(seed, 'effect');
    expect(left, `seed ${seed}`).toBe(0);
    expect(bench.done.filter((id) => id.startsWith('a')).join(), `seed ${seed}`).toBe(
      'a:1,a:2,a:3,a:4,a:5,a:6,a:7,a:8',
    );
    expect(bench.done.filter((id) => id.startsWith('b')).join(), `seed ${seed}`).toBe('b:1,b:2,b:3');
    parked += bench.positions.parked.size;
  }
  expect(parked).toBe(0);
});

test('whoever races, crashes, parks and redrives: one acts at a time, in order, nothing is left out', async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const { bench, left } = await runSeed(seed, 'act');
    expect(left, `seed ${seed}`).toBe(0);
    expect(bench.overlaps, `seed ${seed}`).toEqual([]);
    for (const [aggregate, length] of [
      ['a', 8],
      ['b', 3],
    ] as const) {
      const done = bench.done.filter((id) => id.startsWith(aggregate));
      expect(new Set(done).size, `seed ${seed}`).toBe(length);
      expect([...done].sort(), `seed ${seed}: ${done}`).toEqual(done);
    }
  }
});

/** Eight invocations with a message each of one aggregate; two transactions at its item at the same moment: one is cancelled. */
async function hotAggregate(seed: number, asItIs: boolean) {
  const kernel = virtualKernel({ seed });
  const random = seededRandom(seed);
  const ledger: string[] = [];
  const kept = memoryPositions<string>((item) => ledger.push(item));
  let inTransaction = 0;
  let effects = 0;
  let givenBack = 0;
  const slow = async <T>(call: () => Promise<T>): Promise<T> => {
    await kernel.scheduler.sleep(2 + Math.floor(random.next() * 8));
    return await call();
  };
  const positions = {
    ...kept,
    standings: (...args: Parameters<typeof kept.standings>) => slow(() => kept.standings(...args)),
    async commit(...args: Parameters<typeof kept.commit>) {
      inTransaction++;
      try {
        await kernel.scheduler.sleep(3 + Math.floor(random.next() * 5));
        if (inTransaction > 1 && random.next() < 0.5) {
          if (asItIs) return false;
          throw new Error('TransactionConflict');
        }
        return await kept.commit(...args);
      } finally {
        inTransaction--;
      }
    },
  };
  const events = Array.from({ length: 40 }, (_, i) => storedEvent('hot', i + 1));
  const handler = consumeEvents({
    name: 'ledger',
    feed: 'feed-1',
    events: [MoneyDeposited],
    positions,
    table: {
      query: async function* (_, { from = 1, to = 40 }) {
        await kernel.scheduler.sleep(5);
        yield events.slice(from - 1, to);
      },
    },
    effect: ({ version }) => {
      effects++;
      return [`hot:${version}`];
    },
    clock: kernel.clock,
    // As it was before: a conflict gives everything back to the queue, and whoever lost begins again at once.
    pauses: { random: random.next, sleep: asItIs ? kernel.scheduler.sleep : async () => {} },
  });
  for (let i = 0; i < 8; i++) {
    kernel.scheduler.after(i, async () => {
      const answer = await handler({ Records: [message('hot', 40 - i), message('hot', 8 - i)] });
      givenBack += answer?.batchItemFailures.length ?? 0;
    });
  }
  await kernel.run(kernel.clock.now() + 60_000);
  if (asItIs) expect(ledger).toEqual(events.map(({ version }) => `hot:${version}`));
  return { effects, givenBack };
}

test('losers of a race wait a moment and find the work done: nothing is given back', async () => {
  const now = { effects: 0, givenBack: 0 };
  const before = { effects: 0, givenBack: 0 };
  for (let seed = 1; seed <= 40; seed++) {
    for (const [sum, asItIs] of [
      [now, true],
      [before, false],
    ] as const) {
      const { effects, givenBack } = await hotAggregate(seed, asItIs);
      sum.effects += effects;
      sum.givenBack += givenBack;
    }
  }
  // Of 640 messages none waits for a visibility timeout, where more than half did; 1,600 effects are needed.
  expect(now.givenBack).toBe(0);
  expect(before.givenBack).toBeGreaterThan(320);
  expect(now.effects).toBeLessThan(3 * 1600);
});

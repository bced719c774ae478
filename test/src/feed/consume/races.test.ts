import { expect, test } from 'vitest';
import { seededRandom } from '../../../../local/kernel/kernel.ts';
import { virtualKernel } from '../../../../local/kernel/virtual-kernel.ts';
import { consumeEvents } from '../../../../src/feed/consume/consume-events.ts';
import { memoryPositions } from '../../../simulation/memory-ports.ts';
import { storedEvent } from '../../../simulation/records.ts';
import { MoneyDeposited, message } from './crashing.ts';

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

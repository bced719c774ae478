import { seededRandom } from '../../../../local/kernel/kernel.ts';
import { virtualKernel } from '../../../../local/kernel/virtual-kernel.ts';
import type { consumeEvents } from '../../../../src/feed/consume/consume-events.ts';
import {
  type Bench,
  Crash,
  crashingAt,
  createBench,
  drainFeed,
  drainQueue,
  full,
  type Gate,
  MOST_CALLS,
  message,
  redriveAll,
} from './crashing.ts';

export const LENGTHS = { a: 4, b: 2 };

/** Everything arrives while a:2 cannot be done; then it is mended, and redriven. */
export const SCENARIOS: Readonly<
  Record<string, (bench: Bench, invoke: (event: unknown) => Promise<unknown>) => Promise<void>>
> = {
  'from the feed': async (bench, invoke) => {
    bench.poison.add('a:2');
    await drainFeed([full('a', 1, 2), full('b', 1, 1), full('a', 3, 4), full('b', 2, 2)], invoke);
    expectWaiting(bench);
    bench.poison.clear();
    await redriveAll(bench, invoke);
  },
  'from a queue, turned round': async (bench, invoke) => {
    bench.poison.add('a:2');
    const messages = [message('a', 4), message('b', 2), message('a', 1), message('a', 2), message('b', 1)];
    await drainQueue(messages, invoke);
    expectWaiting(bench);
    bench.poison.clear();
    await redriveAll(bench, invoke);
  },
};

/** Those behind it wait. */
function expectWaiting({ done }: Bench): void {
  const last = done.filter((id) => id.startsWith('a')).at(-1);
  if (last !== 'a:1') throw new Error(`${last} is done, and a:2 is not`);
}

/** Runs a scenario with a crash at these points, counted over all its invocations. */
export async function crashRun(
  kind: 'effect' | 'act',
  name: string,
  crashes: readonly number[],
  consume?: typeof consumeEvents,
) {
  const bench = createBench(kind, LENGTHS, consume);
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

export const RACE_LENGTHS = { a: 8, b: 3 };

/** Many invocations at once in seeded virtual time: every call takes its time, some never come back. */
export async function raceRun(seed: number, kind: 'effect' | 'act', consume?: typeof consumeEvents) {
  const kernel = virtualKernel({ seed });
  const random = seededRandom(seed);
  const pick = (least: number, most: number) => least + Math.floor(random.next() * (most - least + 1));
  const bench = createBench(kind, RACE_LENGTHS, consume);
  bench.poison.add(`a:${pick(1, 8)}`);
  const clock = Object.defineProperty(bench, 'now', { get: () => kernel.clock.now(), set: () => {} });
  let calls = 0;
  const gateOf = (crashes: boolean): Gate => {
    let dead = false;
    const point = async () => {
      if (calls++ > MOST_CALLS) throw new Error('it does not end');
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
  const waiting = Object.entries(RACE_LENGTHS).flatMap(([aggregate, length]) =>
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
  return { bench, left: waiting.length, ends: calls <= MOST_CALLS };
}

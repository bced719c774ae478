import { describe, expect, test } from 'vitest';
import { type ConsumeEventsOptions, consumeEvents } from '../../../../src/feed/consume/consume-events.ts';
import { memoryEvents, memoryPositions } from '../../../simulation/memory-ports.ts';
import { kinesisEvent, storedEvent } from '../../../simulation/records.ts';
import { full, MoneyDeposited } from './crashing.ts';

const SECOND = 1_000;

/** Invocations of one consumer, whose acts and calls end when the test says so; its clock goes on only by the test's hand. */
function setup() {
  const clock = { now: 1_800_000_000_000 };
  const events = memoryEvents();
  for (let version = 1; version <= 3; version++) events.put(storedEvent('a', version));
  const kept = memoryPositions();
  const acting = new Map<string, () => void>();
  const log: string[] = [];
  const together: string[] = [];
  const start = (
    who: string,
    more: {
      readonly runMs?: number;
      readonly pausedAt?: 'standings' | 'lease';
      readonly pauseMs?: number;
      readonly sleep?: (ms: number) => Promise<void>;
      readonly aheadMs?: number;
    } = {},
  ) => {
    const { runMs, pausedAt, pauseMs = 0, sleep = async () => {}, aheadMs = 0 } = more;
    const pauseAfter = <T>(at: string, answer: T): T => {
      if (at === pausedAt) clock.now += pauseMs;
      return answer;
    };
    const options: ConsumeEventsOptions<typeof MoneyDeposited, never> = {
      name: 'letters',
      feed: 'feed-1',
      events: [MoneyDeposited],
      table: events.table,
      clock: { now: () => clock.now + aheadMs },
      pauses: { random: () => 0.5, sleep },
      positions: {
        ...kept,
        standings: async (...args) => pauseAfter('standings', await kept.standings(...args)),
        lease: async (...args) => pauseAfter('lease', await kept.lease(...args)),
      },
      async act({ version }) {
        if (acting.size > 0) together.push(`${who}:${version}`);
        log.push(`${who}:${version}`);
        await new Promise<void>((resolve) => acting.set(who, resolve));
        acting.delete(who);
      },
    };
    const deadline = clock.now + (runMs ?? 0);
    const context = runMs === undefined ? undefined : { getRemainingTimeInMillis: () => deadline - clock.now };
    return consumeEvents(options)(kinesisEvent([full('a', 1, 3)]), context);
  };
  const tick = () => new Promise((resolve) => setTimeout(resolve, 5));
  return { clock, start, log, together, acting, tick };
}

const refused = { batchItemFailures: [{ itemIdentifier: '1' }] };

describe('another’s lease', () => {
  /** The second finds the first at work, which ends its acts once the second has waited for so long. */
  async function meet(runMs: number, worksForMs: number) {
    const { start, log, acting, tick } = setup();
    const first = start('first', { runMs: 60 * SECOND });
    await tick();
    let waited = 0;
    const sleep = async (ms: number) => {
      waited += ms;
      if (waited > worksForMs) for (const end of [...acting.values()]) end();
      await tick();
    };
    const second = await start('second', { runMs, sleep });
    for (; acting.size > 0; await tick()) for (const end of [...acting.values()]) end();
    expect(await first).toEqual({ batchItemFailures: [] });
    expect(log).toEqual(['first:1', 'first:2', 'first:3']);
    return second;
  }

  test('is waited for, for seconds: a message that is given back is away for minutes', async () => {
    expect(await meet(30 * SECOND, 4 * SECOND)).toEqual({ batchItemFailures: [] });
  });

  test('is not waited for until there is no time left', async () => {
    expect(await meet(30 * SECOND, 60 * SECOND)).toEqual(refused);
  });
});

test('a lease is not taken by a clock that is seconds ahead, while its holder may be at work', async () => {
  const { clock, start, log, acting, together, tick } = setup();
  const first = start('first', { runMs: 30 * SECOND });
  await tick();
  clock.now += 25 * SECOND;
  expect(await start('second', { runMs: 30 * SECOND, aheadMs: 8 * SECOND })).toEqual(refused);
  for (; acting.size > 0; await tick()) for (const end of [...acting.values()]) end();
  expect(await first).toEqual({ batchItemFailures: [] });
  expect(log).toEqual(['first:1', 'first:2', 'first:3']);
  expect(together).toEqual([]);
});

describe('no act begins under a lease that is over', () => {
  test.each(['standings', 'lease'] as const)('when the process was paused beyond its end in %s', async (pausedAt) => {
    const { start, log, together } = setup();
    expect(await start('paused', { runMs: 30 * SECOND, pausedAt, pauseMs: 45 * SECOND })).toEqual(refused);
    expect(log).toEqual([]);
    expect(together).toEqual([]);
  });

  test('the lease of one that was paused in taking it is given back', async () => {
    const { start, log, acting, tick } = setup();
    await start('paused', { runMs: 30 * SECOND, pausedAt: 'lease', pauseMs: 30 * SECOND });
    void start('next', { runMs: 30 * SECOND });
    await tick();
    expect(log).toEqual(['next:1']);
    expect(acting.size).toBe(1);
  });

  test('when an act takes so long that the time is over: the next event is left to another', async () => {
    const { clock, start, log, acting, tick } = setup();
    const first = start('first', { runMs: 30 * SECOND });
    await tick();
    clock.now += 31 * SECOND;
    acting.get('first')!();
    expect(await first).toEqual(refused);
    void start('second', { runMs: 30 * SECOND });
    await tick();
    expect(log).toEqual(['first:1', 'second:2']);
  });

  test.each([5, 20, 80, 800])('when nobody says how long the function runs, and acts take %i s', async (seconds) => {
    const { clock, start, log, together, acting, tick } = setup();
    const first = start('first');
    await tick();
    clock.now += seconds * SECOND;
    const second = start('second'); // the mapping brings the batch to another, as after a lost answer
    expect(await second).toEqual(refused);
    expect(log).toEqual(['first:1']);
    acting.get('first')!();
    await tick();
    expect(await start('third')).toEqual(refused);
    expect(together).toEqual([]);
    expect(log.at(-1)).toBe('first:2');
    void first;
  });

  test('and when that takes longer than any function runs', async () => {
    const { clock, start, log, acting, tick } = setup();
    const first = start('first');
    await tick();
    clock.now += 15 * 60 * SECOND;
    acting.get('first')!();
    expect(await first).toEqual(refused);
    expect(log).toEqual(['first:1']);
  });
});

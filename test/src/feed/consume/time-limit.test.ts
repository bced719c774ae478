import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { toBusEvent } from '../../../../src/feed/bus-event.ts';
import { consumeEvents } from '../../../../src/feed/consume/consume-events.ts';
import { memoryEvents, memoryPositions } from '../../../simulation/memory-ports.ts';
import { deliveredEvent, kinesisEvent, storedEvent } from '../../../simulation/records.ts';
import { full, MoneyDeposited } from './crashing.ts';

const RUN_MS = 30_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A consumer for which some events never end, and its invocations with all the time that they may run. */
function setup(kind: 'effect' | 'act', more: { readonly takesMs?: number; readonly concurrency?: number } = {}) {
  const { takesMs = 0, concurrency = 10 } = more;
  const events = memoryEvents();
  for (const aggregate of ['a', 'b']) for (let v = 1; v <= 3; v++) events.put(storedEvent(aggregate, v));
  const done: string[] = [];
  const begun: string[] = [];
  const hangs = new Set(['a:2']);
  const positions = memoryPositions<string>((item) => done.push(item));
  const work = async (id: string) => {
    begun.push(id);
    if (hangs.has(id)) await new Promise(() => {});
    if (takesMs > 0) await new Promise((resolve) => setTimeout(resolve, takesMs));
    return [id];
  };
  const shared = {
    name: 'letters',
    feed: 'feed-1',
    events: [MoneyDeposited],
    attempts: 3,
    concurrency,
    positions,
    table: events.table,
    pauses: { random: () => 0.5, sleep: async () => {} },
  };
  type Given = { readonly aggregateUuid: string; readonly version: number };
  const idOf = ({ aggregateUuid, version }: Given) => `${aggregateUuid}:${version}`;
  const handler =
    kind === 'effect'
      ? consumeEvents({ ...shared, effect: (event: Given) => work(idOf(event)) })
      : consumeEvents({ ...shared, act: async (event: Given) => void done.push(...(await work(idOf(event)))) });
  const invoke = async (event: unknown) => {
    const deadline = Date.now() + RUN_MS;
    const answer = Promise.resolve(handler(event, { getRemainingTimeInMillis: () => deadline - Date.now() }));
    answer.catch(() => {}); // looked at below
    await vi.advanceTimersByTimeAsync(RUN_MS);
    return await answer;
  };
  return { done, begun, hangs, positions, invoke };
}

const all = kinesisEvent([full('a', 1, 3), full('b', 1, 3)]);
const refused = { batchItemFailures: [{ itemIdentifier: '1' }] };
/** By then a lease that was left is over. */
const leaseEnds = () => vi.advanceTimersByTimeAsync(10_000);
const delivered = (version: number) =>
  deliveredEvent('MoneyDeposited', toBusEvent('feed-1', storedEvent('a', version)).detail);

describe.each(['effect', 'act'] as const)('an %s that does not end', (kind) => {
  test('is cut off before the function is, counts as failed, and parks; others go on', async () => {
    const { done, hangs, positions, invoke } = setup(kind);
    for (let attempt = 1; attempt < 3; attempt++) {
      expect(await invoke(all)).toEqual(refused);
      await leaseEnds();
    }
    expect(await invoke(all)).toEqual({ batchItemFailures: [] });
    expect([...done].sort()).toEqual(['a:1', 'b:1', 'b:2', 'b:3']);
    expect(positions.parked.get('letters|a')).toMatchObject({ version: 2, waiting: 3, code: 'feed.effectUnended' });

    await leaseEnds();
    expect(await invoke({ daybook: 'redrive', aggregates: ['a'] })).toMatchObject({
      outcomes: [{ outcome: 'parked', version: 2, code: 'feed.effectUnended' }],
    });
    await leaseEnds();
    hangs.clear();
    expect(await invoke({ daybook: 'redrive', aggregates: ['a'] })).toMatchObject({ outcomes: [{ position: 3 }] });
    expect(done.filter((id) => id.startsWith('a'))).toEqual(['a:1', 'a:2', 'a:3']);
  });

  test('of which another took the time before is not counted', async () => {
    const { done, positions, invoke, hangs } = setup(kind, { takesMs: 22_000 });
    hangs.clear();
    hangs.add('a:2');
    expect(await invoke(kinesisEvent([full('a', 1, 3)]))).toEqual(refused);
    expect(done).toEqual(['a:1']);
    expect((await positions.standings('letters', ['a'])).get('a')).toMatchObject({ position: 1, attempts: 0 });
  });

  test('is the last that begins: what would be cut off at once is left to the next invocation', async () => {
    const { begun, invoke } = setup(kind, { concurrency: 1 });
    expect(await invoke(all)).toEqual(refused);
    expect(begun).toEqual(['a:1', 'a:2']);
  });

  test('brought by a rule directly, is parked with the last of its deliveries', async () => {
    const { positions, invoke } = setup(kind);
    await invoke(delivered(1));
    for (let delivery = 1; delivery < 3; delivery++) {
      await expect(invoke(delivered(2))).rejects.toThrow('feed.effectUnended');
      await leaseEnds();
    }
    await invoke(delivered(2));
    expect(positions.parked.get('letters|a')).toMatchObject({ version: 2, code: 'feed.effectUnended' });
  });
});

test('the lease of an act that goes on is not given back with its failure', async () => {
  const { begun, invoke } = setup('act');
  expect(await invoke(all)).toEqual(refused);
  const before = begun.length;
  expect(await invoke(all)).toEqual(refused);
  expect(begun.slice(before)).toEqual([]); // it may be under way still
  await leaseEnds();
  expect(await invoke(all)).toEqual(refused);
  expect(begun.slice(before)).toEqual(['a:2']);
});

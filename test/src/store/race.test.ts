import { describe, expect, it } from 'vitest';
import type { EventStore } from '../../../src/index.ts';
import { memorySnapshots, raceWriters } from '../../../src/testing/index.ts';
import { Account, deposited } from '../../contract/bank.ts';

describe('writers who race on one aggregate', () => {
  it.each([
    [2, 11],
    [7, 12],
    [32, 13],
  ])('%i of them, 10,000 commits, answers lost: each commit once, no hole, no overwrite', async (count, seed) => {
    const total = 10_000;
    let left = total;
    const writer = async (store: EventStore, { index }: { readonly index: number }) => {
      while (left-- > 0) {
        const events = index % 2 === 0 ? [deposited(1)] : [deposited(1), deposited(1)];
        await store.handle(Account, 'bob', () => events, undefined, { attempts: 1000 });
      }
    };
    const { commits, events, store } = await raceWriters({
      seed,
      writers: Array.from({ length: count }, () => writer),
      faults: { lostAnswers: 0.02 },
      snapshots: memorySnapshots(),
    });
    expect(commits).toBe(total);
    expect((await store.load(Account, 'bob')).state.balance).toBe(events.length);
  });
});

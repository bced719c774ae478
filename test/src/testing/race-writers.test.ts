import { describe, expect, it } from 'vitest';
import type { EventStore, EventTable, StoredEvent } from '../../../src/index.ts';
import {
  InjectedFault,
  memoryEventTable,
  memorySnapshots,
  RaceError,
  raceWriters,
} from '../../../src/testing/index.ts';
import { Account, deposited, opened } from '../../contract/bank.ts';

const many = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);
const depositing = (times: number) => async (store: EventStore) => {
  for (let n = 0; n < times; n++) await store.handle(Account, 'bob', () => [deposited(1), deposited(2)]);
};

describe('a race of writers', () => {
  it('keeps every commit once, by any seed, with answers that are lost', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const race = { seed, writers: many(2 + (seed % 5), depositing(5)), faults: { lostAnswers: 0.1 } };
      const { store, commits } = await raceWriters(race);
      expect(commits).toBe(race.writers.length * 5);
      expect((await store.load(Account, 'bob')).state.balance).toBe(15 * race.writers.length);
    }
  });

  it('is the same again with the same seed, and another with another', async () => {
    const race = async (seed: number) => {
      const order: number[] = [];
      const writer = async (store: EventStore, { index }: { index: number }) => {
        for (let n = 0; n < 4; n++) {
          await store.handle(Account, 'bob', () => deposited(1));
          order.push(index);
        }
      };
      const { calls, events } = await raceWriters({ seed, writers: many(4, writer), snapshots: memorySnapshots() });
      return { order, calls, times: events.map(({ recordedAt }) => recordedAt) };
    };
    expect(await race(7)).toEqual(await race(7));
    expect(await race(8)).not.toEqual(await race(7));
  });

  it('knows every verb: transactions over aggregates, bare versions, anything goes, runs by a commit id', async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const writers = many(4, async (store: EventStore, { index, random }: { index: number; random: () => number }) => {
        for (let n = 0; n < 5; n++) {
          const aggregateUuid = random() < 0.5 ? 'bob' : 'eve';
          const other = aggregateUuid === 'bob' ? 'eve' : 'bob';
          await store.append({ aggregate: Account, aggregateUuid, expectedVersion: 'any' }, [deposited(1)]);
          for (;;) {
            try {
              const [one, two] = [await store.load(Account, aggregateUuid), await store.load(Account, other)];
              await store.transact([
                { target: one, events: [deposited(1)] },
                { target: two, events: [deposited(1), deposited(1)] },
              ]);
              break;
            } catch (error) {
              if (!String(error).includes('append.versionConflict')) throw error;
            }
          }
          const own = { aggregate: Account, aggregateUuid: `own-${index}`, expectedVersion: n };
          const commitId = `${index}-${n}`;
          for (;;) {
            try {
              await store.append(own, [opened('Bob')], { commitId });
              break;
            } catch (error) {
              if (!(error instanceof InjectedFault)) throw error;
            }
          }
        }
      });
      const { commits, store } = await raceWriters({ seed, writers, faults: { lostAnswers: 0.05 } });
      expect(commits).toBe(4 * 5 * 3);
      const [bob, eve] = [await store.load(Account, 'bob'), await store.load(Account, 'eve')];
      expect(bob.state.balance + eve.state.balance).toBe(4 * 5 * 4);
    }
  });

  it('lets a writer have what cannot be told, and then asks for less', async () => {
    const faults = { refusedPuts: 0.2, lostAnswers: 0.2, failedReads: 0.1 };
    let met = 0;
    const writer = async (store: EventStore) => {
      for (let n = 0; n < 10; n++) {
        try {
          await store.handle(Account, 'bob', () => deposited(1));
        } catch (error) {
          if (!(error instanceof InjectedFault)) throw error;
          met++;
        }
      }
    };
    const { commits } = await raceWriters({ seed: 3, writers: many(4, writer), faults });
    expect(met).toBeGreaterThan(5);
    expect(commits).toBeGreaterThanOrEqual(40 - met);
  });

  it('ends with what a writer throws, and the seed', async () => {
    const broken = async () => {
      throw new RangeError('not enough money');
    };
    const race = raceWriters({ seed: 5, writers: [broken, depositing(3)] });
    await expect(race).rejects.toThrow(/not enough money \(seed 5/);
    await expect(race).rejects.toBeInstanceOf(RaceError);
  });
});

/** Tables with one mistake each, as event stores have made them. */
const BROKEN: readonly [string, RegExp, (table: EventTable) => EventTable][] = [
  [
    'puts without a condition',
    /overwritten by/,
    () => {
      const kept = new Map<string, Map<number, StoredEvent>>();
      const of = (id: string) => kept.get(id) ?? kept.set(id, new Map()).get(id)!;
      return {
        async put({ events }) {
          for (const event of events) of(event.aggregateUuid).set(event.version, event);
          return { outcome: 'written' };
        },
        get: async (id, version) => of(id).get(version),
        async *query(id, { from = 1, reverse, limit = 1e9 }) {
          const events = [...of(id).values()].sort((a, b) => a.version - b.version).filter((e) => e.version >= from);
          if (events.length > 0) yield (reverse === true ? events.reverse() : events).slice(0, limit);
        },
        head: async () => undefined,
        aggregates: async () => ({ aggregateUuids: [] }),
      };
    },
  ],
  [
    'says it took what it did not',
    /overwritten by|is gone/,
    (table) => {
      let puts = 0;
      return {
        ...table,
        put: async (commit) => (++puts % 5 === 0 ? { outcome: 'written' as const } : await table.put(commit)),
      };
    },
  ],
  [
    'takes a conflict for a fault of the network, and puts again behind it',
    /no writer was told|in the table it is|was recorded at/,
    (table) => ({
      ...table,
      async put(commit) {
        const outcome = await table.put(commit);
        if (outcome.outcome !== 'conflict') return outcome;
        const events = commit.events.map((event) => ({ ...event, version: event.version + 2 }));
        await table.put({ ...commit, events });
        return outcome;
      },
    }),
  ],
  [
    'writes a commit event by event, and may break off',
    /ends with version/,
    (table) => {
      let puts = 0;
      return {
        ...table,
        async put(commit) {
          for (const event of commit.events) {
            const outcome = await table.put({ ...commit, events: [event] });
            if (outcome.outcome === 'conflict') return outcome;
            if (++puts === 7) throw new InjectedFault('out of memory');
          }
          return { outcome: 'written' };
        },
      };
    },
  ],
];

describe('a race finds the mistakes of a table that', () => {
  it.each(BROKEN)('%s', async (_what, breach, breakTable) => {
    const found: string[] = [];
    for (let seed = 1; seed <= 20; seed++) {
      const table = breakTable(memoryEventTable({ pageSize: 3 }));
      const race = raceWriters({ seed, writers: many(4, depositing(5)), table, faults: { lostAnswers: 0.05 } });
      await race.catch((error: unknown) => found.push(String(error)));
    }
    expect(found.length).toBeGreaterThan(10);
    expect(found.filter((error) => breach.test(error)).length).toBeGreaterThan(0);
    for (const error of found) expect(error).toMatch(/^RaceError: (version|commit) .*\(seed \d+: /);
  });
});

import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../local/kernel/kernel.ts';
import {
  type Commit,
  createEventStore,
  isDaybookError,
  type Snapshot,
  type SnapshotPolicy,
  type SnapshotStore,
} from '../../../src/index.ts';
import { foldName, withChecksum } from '../../../src/store/snapshots.ts';
import { faultyEventTable, InjectedFault, memoryEventTable, memorySnapshots } from '../../../src/testing/index.ts';
import { Account, deposited, opened } from '../../contract/bank.ts';

const quick = { sleep: async () => {}, conflictBackoff: { attempts: 200, baseMs: 1, capMs: 1 } };

describe('faults', () => {
  it('loses and doubles nothing when answers are lost and the caller tries again with its commit id', async () => {
    const table = memoryEventTable();
    const random = seededRandom(1).next;
    const store = createEventStore({
      table: faultyEventTable(table, { lostAnswers: 0.3, refusedPuts: 0.3, failedReads: 0.1, random }),
      ...quick,
    });
    let version = 0;
    for (let n = 1; n <= 200; n++) {
      const events = Array.from({ length: 1 + (n % 3) }, () => deposited(n));
      for (;;) {
        try {
          const target = { aggregate: Account, aggregateUuid: 'a', expectedVersion: version };
          ({ version } = await store.append(target, events, { commitId: `order-${n}` }));
          break;
        } catch (error) {
          if (!(error instanceof InjectedFault)) throw error;
        }
      }
    }
    const commits = new Map<string, number>();
    for (const { commitId } of table.all()) commits.set(commitId, (commits.get(commitId) ?? 0) + 1);
    expect(commits.size).toBe(200);
    for (let n = 1; n <= 200; n++) expect(commits.get(`order-${n}`)).toBe(1 + (n % 3));
    expect(table.all().map((event) => event.version)).toEqual(Array.from({ length: version }, (_, i) => i + 1));
  });

  it('gives up after so many attempts, and says so', async () => {
    const table = memoryEventTable();
    const rival = createEventStore({ table });
    let version = 0;
    const store = createEventStore({
      table,
      sleep: async () => {},
      conflictBackoff: { attempts: 3, baseMs: 1, capMs: 1 },
    });
    const always = faultyEventTable(table, {});
    const beaten = createEventStore({
      table: {
        ...always,
        async put(commit) {
          await rival.append({ aggregate: Account, aggregateUuid: 'a', expectedVersion: version++ }, [deposited(1)]);
          return await table.put(commit);
        },
      },
      sleep: async () => {},
      conflictBackoff: { attempts: 3, baseMs: 1, capMs: 1 },
    });
    await expect(beaten.handle(Account, 'a', () => deposited(5))).rejects.toMatchObject({
      code: 'append.contended',
      details: { attempts: 3, actual: 3 },
    });
    expect((await store.load(Account, 'a')).state.balance).toBe(3);
  });

  it('pauses longer after each lost race, by chance, and up to a limit', async () => {
    const slept = async (random: () => number) => {
      const pauses: number[] = [];
      const table = memoryEventTable();
      const rival = createEventStore({ table });
      const any = { aggregate: Account, aggregateUuid: 'a', expectedVersion: 'any' } as const;
      const store = createEventStore({ table, random, sleep: async (ms) => void pauses.push(ms) });
      let rivals = 9;
      const decide = () => deposited(1);
      const racing = {
        ...table,
        put: async (commit: Commit) => {
          if (rivals-- > 0) await rival.append(any, [deposited(1)]);
          return await table.put(commit);
        },
      };
      const own = createEventStore({ table: racing, random, sleep: async (ms) => void pauses.push(ms) });
      await own.handle(Account, 'a', decide);
      expect((await store.load(Account, 'a')).version).toBe(10);
      return pauses;
    };
    expect(await slept(() => 1 - Number.EPSILON)).toEqual([5, 10, 20, 40, 80, 160, 320, 500, 500]);
    expect(await slept(() => 0.5)).toEqual([3, 5, 10, 20, 40, 80, 160, 250, 250]);
    expect(await slept(() => 0)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('passes on what decide throws, having written nothing, and writes nothing for no events', async () => {
    const table = memoryEventTable();
    const store = createEventStore({ table });
    const refuse = () => {
      throw new RangeError('not enough money');
    };
    await expect(store.handle(Account, 'a', refuse)).rejects.toThrow(RangeError);
    expect(await store.handle(Account, 'a', () => [])).toMatchObject({ version: 0, events: [] });
    expect(table.all()).toEqual([]);
  });

  it('lets an append follow what handle gave back', async () => {
    const store = createEventStore({ table: memoryEventTable() });
    const handled = await store.handle(Account, 'a', () => [opened('Bob'), deposited(3)]);
    expect(handled).toMatchObject({ version: 2, state: { balance: 3 } });
    expect(await store.append(handled, [deposited(4)])).toMatchObject({ version: 3 });
  });

  it('takes no other commit for its own, where an application names two alike', async () => {
    const table = memoryEventTable();
    const store = createEventStore({ table, newCommitId: () => 'same' });
    const early = await store.load(Account, 'a');
    await store.append(early, [deposited(1)]);
    const reused = { code: 'append.commitIdReused', details: { commitId: 'same', version: 1 } };
    await expect(store.append(early, [deposited(2)])).rejects.toMatchObject(reused);
    const late = createEventStore({
      table: { ...table, query: (id, options) => table.query(id, { ...options, to: 0 }) },
      newCommitId: () => 'same',
    });
    await expect(late.handle(Account, 'a', () => deposited(2))).rejects.toMatchObject({
      code: 'append.commitIdReused',
    });
  });

  it('bounds the events that a conflict hands over', async () => {
    const store = createEventStore({ table: memoryEventTable() });
    const early = await store.load(Account, 'a');
    for (let version = 0; version < 120; version += 40) {
      const target = { aggregate: Account, aggregateUuid: 'a', expectedVersion: version };
      await store.append(
        target,
        Array.from({ length: 40 }, () => deposited(1)),
      );
    }
    const error = await store.append(early, [deposited(1)]).catch((e: unknown) => e);
    if (!isDaybookError(error, 'append.versionConflict')) throw error;
    expect(error.details.events).toHaveLength(100);
    expect(error.details).toMatchObject({ actual: 120, more: true });
  });
});

describe('snapshots', () => {
  const filled = async (count: number) => {
    const table = memoryEventTable({ pageSize: 1000 });
    let commits = 0;
    const store = createEventStore({ table, newCommitId: () => `commit-${++commits}` });
    for (let version = 0; version < count; version += 10) {
      const target = { aggregate: Account, aggregateUuid: 'a', expectedVersion: version };
      await store.append(
        target,
        Array.from({ length: 10 }, (_, i) => deposited(version + i + 1)),
      );
    }
    return table;
  };
  const snapshot = (more: Partial<Snapshot>): Snapshot => ({
    ...withChecksum({
      aggregateUuid: 'a',
      fold: foldName(Account),
      version: 20,
      commitId: 'commit-2',
      state: '{"holder":"","balance":1000000,"events":0}',
      ...more,
    }),
    ...more,
  });

  it('need one read of the snapshot and one page of events', async () => {
    const table = await filled(1000);
    const snapshots = memorySnapshots();
    const until = createEventStore({ table: upTo(table, 990), snapshots });
    await until.load(Account, 'a');
    let pages = 0;
    const counted = createEventStore({
      table: {
        ...table,
        async *query(aggregateUuid, options) {
          expect(options.from).toBe(990);
          for await (const page of table.query(aggregateUuid, options)) {
            pages++;
            yield page;
          }
        },
      },
      snapshots,
    });
    expect((await counted.load(Account, 'a')).state.balance).toBe(500500);
    expect(pages).toBe(1);
    expect(counted.counts).toEqual({ snapshotsIgnored: 0, snapshotsFailed: 0 });
  });

  it.each([
    ['no JSON', { state: '{' }, 1, 0],
    ['damaged', { checksum: '0123456789abcdef' }, 1, 0],
    ['of another aggregate', { aggregateUuid: 'b' }, 1, 0],
    ['of no version', { version: Number.NaN }, 1, 0],
    ['of another history', { commitId: 'other' }, 1, 0],
    ['ahead of the table', { version: 31 }, 1, 0],
    ['of an odd version', { version: 1.5 }, 1, 0],
    ['of another fold', { fold: 'Account@2' }, 1, 0],
  ])('that are %s are ignored and counted', async (_what, more, ignored, failed) => {
    const table = await filled(30);
    const given: SnapshotStore = { get: async () => snapshot(more), put: async () => {} };
    const store = createEventStore({ table, snapshots: given });
    expect((await store.load(Account, 'a')).state.balance).toBe(465);
    expect(store.counts).toEqual({ snapshotsIgnored: ignored, snapshotsFailed: failed });
  });

  it('that are sound are used: the ones above are ignored for their defects only', async () => {
    const table = await filled(30);
    const sound: SnapshotStore = { get: async () => snapshot({}), put: async () => {} };
    const store = createEventStore({ table, snapshots: sound });
    expect((await store.load(Account, 'a')).state.balance).toBe(1_000_000 + 255);
    expect(store.counts).toEqual({ snapshotsIgnored: 0, snapshotsFailed: 0 });
    // To check each event is to read each event.
    expect((await store.load(Account, 'a', { validate: true })).state.balance).toBe(465);
  });

  it('that fail are counted, and fail nothing', async () => {
    const table = await filled(30);
    const broken: SnapshotStore = {
      get: async () => Promise.reject(new Error('throttled')),
      put: async () => Promise.reject(new Error('throttled')),
    };
    const store = createEventStore({ table, snapshots: broken, snapshotPolicy: { everyBytes: 100 } });
    expect((await store.load(Account, 'a')).version).toBe(30);
    expect(store.counts).toEqual({ snapshotsIgnored: 0, snapshotsFailed: 2 });
  });

  it('are not kept of a state that is no JSON, nor with the policy never', async () => {
    const table = await filled(200);
    const snapshots = memorySnapshots();
    const odd = { ...Account, initialState: () => new Map() as never, evolve: (state: never) => state };
    const store = createEventStore({ table, snapshots });
    await store.load(odd, 'a');
    expect(await snapshots.get('a', foldName(Account))).toBeUndefined();
    expect(store.counts.snapshotsFailed).toBe(1);
    await createEventStore({ table, snapshots, snapshotPolicy: 'never' }).load(Account, 'a');
    expect(await snapshots.get('a', foldName(Account))).toBeUndefined();
  });

  it.each<[string, SnapshotPolicy, readonly (number | undefined)[]]>([
    ['count', { everyEvents: 20 }, [undefined, 20, 20, 40]],
    // 10 events of {"amount":10}: 13 bytes each.
    ['cost', { everyBytes: 250 }, [undefined, 20, 20, 40]],
    ['never', 'never', [undefined, undefined, undefined, undefined]],
  ])('are kept by %s, counted from the last one', async (_what, snapshotPolicy, expected) => {
    const table = memoryEventTable();
    const snapshots = memorySnapshots();
    const store = createEventStore({ table, snapshots, snapshotPolicy });
    const kept: (number | undefined)[] = [];
    for (let version = 0; version < 40; version += 10) {
      const target = { aggregate: Account, aggregateUuid: 'a', expectedVersion: version };
      await store.append(
        target,
        Array.from({ length: 10 }, () => deposited(10)),
      );
      expect((await store.load(Account, 'a')).state.balance).toBe((version + 10) * 10);
      kept.push((await snapshots.get('a', foldName(Account)))?.version);
    }
    expect(kept).toEqual(expected);
  });

  it('of an older fold are never read', async () => {
    const table = await filled(100);
    const snapshots = memorySnapshots();
    const store = createEventStore({ table, snapshots });
    await store.load(Account, 'a');
    expect((await snapshots.get('a', foldName(Account)))?.version).toBe(100);
    const changed = { ...Account, initialState: () => ({ holder: 'new', balance: 1, events: 0 }) };
    expect((await store.load(changed, 'a')).state).toMatchObject({ holder: 'new', balance: 5051 });
    const raised = { ...Account, foldVersion: 2 };
    expect([Account, changed, raised, { ...raised, foldVersion: 3 }].map(foldName)).toEqual([
      expect.stringMatching(/^Account@[0-9a-f]{16}$/),
      expect.not.stringMatching(foldName(Account)),
      'Account@2',
      'Account@3',
    ]);
    const upcast = { ...Account, events: Account.events.map((event) => ({ ...event, upcasts: { 1: () => event } })) };
    expect(foldName(upcast)).not.toBe(foldName(Account));
  });
});

function upTo(table: ReturnType<typeof memoryEventTable>, last: number): ReturnType<typeof memoryEventTable> {
  return { ...table, query: (aggregateUuid, options) => table.query(aggregateUuid, { ...options, to: last }) };
}

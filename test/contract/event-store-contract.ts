import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  createEventStore,
  type EventStore,
  type EventTable,
  isDaybookError,
  type SnapshotStore,
} from '../../src/index.ts';
import { foldName } from '../../src/store/snapshots.ts';
import { Account, deposited, Other, opened, withdrawn } from './bank.ts';

/** What an application sees, the same on every storage. */
export function eventStoreContract(
  name: string,
  make: () => Promise<{ readonly table: EventTable; readonly snapshots: SnapshotStore }>,
): void {
  describe(`the event store contract on ${name}`, () => {
    let table: EventTable;
    let snapshots: SnapshotStore;
    let store: EventStore;
    beforeAll(async () => {
      ({ table, snapshots } = await make());
      store = createEventStore({ table });
    });
    const newId = () => `account-${randomUUID()}`;
    const fill = async (id: string, count: number) => {
      for (let done = 0; done < count; ) {
        const batch = Math.min(100, count - done);
        const events = Array.from({ length: batch }, (_, i) => deposited(done + i + 1));
        await store.append({ aggregate: Account, aggregateUuid: id, expectedVersion: done }, events);
        done += batch;
      }
    };
    const versions = async (id: string, options: Parameters<EventStore['read']>[1]) => {
      const seen: number[] = [];
      for await (const event of store.read(id, options)) seen.push(event.version);
      return seen;
    };

    it('loads what was appended', async () => {
      const id = newId();
      const empty = await store.load(Account, id);
      expect(empty).toMatchObject({ version: 0, state: { balance: 0 } });
      const appended = await store.append(empty, [opened('Bob'), deposited(100)]);
      expect(appended).toMatchObject({ aggregateUuid: id, from: 1, version: 2, alreadyWritten: false });
      const account = await store.load(Account, id);
      expect(account).toEqual({
        aggregate: Account,
        aggregateUuid: id,
        version: 2,
        state: { holder: 'Bob', balance: 100, events: 2 },
      });
      await store.append(account, [withdrawn(30)]);
      expect((await store.load(Account, id)).state.balance).toBe(70);
    });

    it('names a conflict and hands over what came between', async () => {
      const id = newId();
      await fill(id, 2);
      const alex = await store.load(Account, id);
      const alexander = await store.load(Account, id);
      await store.append(alex, [deposited(5), withdrawn(1)]);
      const late = store.append(alexander, [deposited(7)]);
      const error = await late.catch((e: unknown) => e);
      expect(isDaybookError(error, 'append.versionConflict')).toBe(true);
      if (!isDaybookError(error, 'append.versionConflict')) return;
      expect(error.details).toMatchObject({
        aggregateUuid: id,
        aggregateType: 'Account',
        expected: 2,
        actual: 4,
        more: false,
      });
      expect(error.details.events.map(({ version, type, data }) => ({ version, type, data }))).toEqual([
        { version: 3, ...deposited(5) },
        { version: 4, ...withdrawn(1) },
      ]);
      expect(error.message).toContain(id);
    });

    it('leaves no hole when a version is expected that is not there', async () => {
      const id = newId();
      const far = store.append({ aggregate: Account, aggregateUuid: id, expectedVersion: 7 }, [deposited(1)]);
      await expect(far).rejects.toMatchObject({ code: 'append.hole', details: { expected: 7, actual: 0 } });
      await fill(id, 3);
      const copied = { ...(await store.load(Account, id)), version: 9 };
      await expect(store.append(copied, [deposited(1)])).rejects.toMatchObject({
        code: 'append.hole',
        details: { expected: 9, actual: 3 },
      });
      expect(await versions(id, {})).toEqual([1, 2, 3]);
    });

    it('appends unchecked only when told, and loses nothing to races', async () => {
      const id = newId();
      await Promise.all(
        Array.from({ length: 6 }, () =>
          store.append({ aggregate: Account, aggregateUuid: id, expectedVersion: 'any' }, [deposited(1), deposited(2)]),
        ),
      );
      expect((await store.load(Account, id)).state).toMatchObject({ balance: 18, events: 12 });
    });

    it('appends once however often it is run with the same commit id', async () => {
      const id = newId();
      const target = { aggregate: Account, aggregateUuid: id, expectedVersion: 0 } as const;
      const first = await store.append(target, [opened('Bob')], { commitId: 'order-1' });
      const again = await store.append(target, [opened('Bob')], { commitId: 'order-1' });
      expect(again).toEqual({ ...first, alreadyWritten: true });
      await expect(store.append(target, [opened('Eve')], { commitId: 'order-1' })).rejects.toMatchObject({
        code: 'append.commitIdReused',
      });
      const three = { aggregate: Account, aggregateUuid: id, expectedVersion: 1 } as const;
      await store.append(three, [deposited(1), deposited(2), deposited(3)], { commitId: 'order-2' });
      const repeated = await store.append(three, [deposited(1), deposited(2), deposited(3)], { commitId: 'order-2' });
      expect(repeated).toMatchObject({ from: 2, version: 4, alreadyWritten: true });
      await expect(store.append(three, [deposited(1), deposited(2)], { commitId: 'order-2' })).rejects.toMatchObject({
        code: 'append.commitIdReused',
      });
      // At a later version, behind other commits, it is a new commit: its place is what makes it known.
      const later = { ...target, expectedVersion: 4 } as const;
      expect(await store.append(later, [opened('Bob')], { commitId: 'order-1' })).toMatchObject({
        version: 5,
        alreadyWritten: false,
      });
      expect(await versions(id, {})).toEqual([1, 2, 3, 4, 5]);
    });

    it('writes several aggregates in one transaction, all or none', async () => {
      const [from, to] = [newId(), newId()];
      await fill(from, 3);
      const giver = await store.load(Account, from);
      const taker = await store.load(Account, to);
      const results = await store.transact([
        { target: giver, events: [withdrawn(2)] },
        { target: taker, events: [opened('Eve'), deposited(2)] },
      ]);
      expect(results.map(({ aggregateUuid, from: first, version }) => [aggregateUuid, first, version])).toEqual([
        [from, 4, 4],
        [to, 1, 2],
      ]);
      const late = store.transact([
        { target: giver, events: [withdrawn(1)] },
        { target: { aggregate: Other, aggregateUuid: newId(), expectedVersion: 0 }, events: [deposited(1)] },
      ]);
      await expect(late).rejects.toMatchObject({
        code: 'append.versionConflict',
        details: { aggregateUuid: from, expected: 3, actual: 4 },
      });
    });

    it('keeps an aggregate’s type', async () => {
      const id = newId();
      await fill(id, 1);
      await expect(store.load(Other, id)).rejects.toMatchObject({ code: 'aggregate.wrongType' });
      const wrong = store.append({ aggregate: Other, aggregateUuid: id, expectedVersion: 1 }, [deposited(1)]);
      await expect(wrong).rejects.toMatchObject({ code: 'aggregate.wrongType', details: { actual: 'Account' } });
      const any = store.append({ aggregate: 'Third', aggregateUuid: id, expectedVersion: 'any' }, [deposited(1)]);
      await expect(any).rejects.toMatchObject({ code: 'aggregate.wrongType' });
    });

    it('handles commands of many writers at once, each exactly once', async () => {
      const id = newId();
      await fill(id, 1);
      const handled = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          store.handle(Account, id, (_state, amount: number) => deposited(amount), 10 ** i),
        ),
      );
      const { state, version } = await store.load(Account, id);
      expect(state.balance).toBe(1 + 11111111);
      expect(version).toBe(9);
      expect(handled.map((one) => one.version).sort()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
      for (const one of handled) expect(one.events).toHaveLength(1);
    });

    it('reads the three kinds of ranges, both ways, with exact limits', async () => {
      const id = newId();
      await fill(id, 10);
      expect(await versions(id, {})).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(await versions(id, { from: 8 })).toEqual([8, 9, 10]);
      expect(await versions(id, { from: 3, to: 5 })).toEqual([3, 4, 5]);
      expect(await versions(id, { limit: 2 })).toEqual([1, 2]);
      expect(await versions(id, { reverse: true, limit: 3 })).toEqual([10, 9, 8]);
      expect(await versions(id, { from: 2, to: 4, reverse: true })).toEqual([4, 3, 2]);
      expect(await versions(id, { from: 11 })).toEqual([]);
      expect(await versions(newId(), { from: 1 })).toEqual([]);
      const lastTwo = store.read(id, { reverse: true, limit: 2 });
      for (let loop = 0; loop < 2; loop++) {
        const seen: number[] = [];
        for await (const event of lastTwo) seen.push(event.version);
        expect(seen, `loop ${loop}`).toEqual([10, 9]);
      }
    });

    it('reads by time, naming its clock', async () => {
      const id = newId();
      let now = Date.UTC(2026, 0, 1);
      const timed = createEventStore({ table, clock: { now: () => now } });
      const occurred = ['2020-01-01T00:00:00Z', '2019-01-01T01:00:00+01:00', '2021-01-01T00:00:00Z'];
      for (const [version, occurredAt] of occurred.entries()) {
        const target = { aggregate: Account, aggregateUuid: id, expectedVersion: version };
        await timed.append(target, [{ ...deposited(10 ** version), occurredAt }]);
        now += 1000;
      }
      expect(await versions(id, { until: '2020-06-01T00:00:00Z' })).toEqual([1, 2]);
      expect(await versions(id, { since: '2019-12-31T00:00:00Z', clock: 'occurred' })).toEqual([1, 3]);
      expect(await versions(id, { since: '2026-01-01T00:00:01Z', clock: 'recorded' })).toEqual([2, 3]);
      expect(await versions(id, { until: new Date(Date.UTC(2026, 0, 1)), clock: 'recorded', reverse: true })).toEqual([
        1,
      ]);
      const then = await timed.stateAt(Account, id, { time: '2019-06-01T00:00:00Z' });
      expect(then).toMatchObject({ version: 2, events: 1, state: { balance: 10 } });
      const known = await timed.stateAt(Account, id, { time: '2026-01-01T00:00:00Z', clock: 'recorded' });
      expect(known).toMatchObject({ version: 1, state: { balance: 1 } });
      expect(await timed.stateAt(Account, id, { version: 2 })).toMatchObject({ version: 2, state: { balance: 11 } });
      expect(await timed.stateAt(Account, id, { version: 0 })).toMatchObject({ version: 0, state: { balance: 0 } });
      await expect(timed.stateAt(Account, id, { version: 4 })).rejects.toMatchObject({ code: 'read.notThere' });
      const rich = await timed.when(Account, id, (state) => state.balance > 5);
      expect(rich?.event.version).toBe(2);
      expect(await timed.when(Account, id, (state) => state.balance < 0)).toBeUndefined();
    });

    it('never lets the time of recording fall', async () => {
      const id = newId();
      const times = [5000, 1000, 9000];
      const store = createEventStore({ table, clock: { now: () => times.shift()! } });
      await store.append({ aggregate: Account, aggregateUuid: id, expectedVersion: 0 }, [opened('Bob')]);
      await store.append({ aggregate: Account, aggregateUuid: id, expectedVersion: 1 }, [deposited(1)]);
      await store.append(await store.load(Account, id), [deposited(1)]);
      const recorded: string[] = [];
      for await (const event of store.read(id)) recorded.push(event.recordedAt);
      expect(recorded).toEqual(['1970-01-01T00:00:05.000Z', '1970-01-01T00:00:05.000Z', '1970-01-01T00:00:09.000Z']);
    });

    it('loads from a snapshot what a load without would give', async () => {
      const id = newId();
      const kept = createEventStore({ table, snapshots, snapshotPolicy: { everyEvents: 10 } });
      await fill(id, 25);
      const first = await kept.load(Account, id);
      expect((await snapshots.get(id, foldName(Account)))?.version).toBe(25);
      await kept.append(first, [withdrawn(1)]);
      expect(await kept.load(Account, id)).toEqual(await store.load(Account, id));
      expect((await snapshots.get(id, foldName(Account)))?.version).toBe(25);
      expect(kept.counts).toEqual({ snapshotsIgnored: 0, snapshotsFailed: 0 });
    });

    it('lists aggregates by type', async () => {
      const type = `Type-${randomUUID()}`;
      const ids = [newId(), newId(), newId()];
      for (const aggregateUuid of ids) {
        await store.append({ aggregate: type, aggregateUuid, expectedVersion: 0 }, [{ type: 'Any', data: null }]);
      }
      const listed: string[] = [];
      for await (const id of store.list({ type })) listed.push(id);
      expect(listed.sort()).toEqual(ids.sort());
      let count = 0;
      for await (const _ of store.list({ type, limit: 2 })) count++;
      expect(count).toBe(2);
    });

    it('refuses an item over the limit before the call, and takes one just below it', async () => {
      const target = { aggregate: 'Large', aggregateUuid: newId(), expectedVersion: 0 } as const;
      const size = async (length: number) => store.append(target, [{ type: 'Large', data: 'x'.repeat(length) }]);
      const tooLarge = await size(409_600).catch((e: unknown) => e);
      expect(isDaybookError(tooLarge, 'append.itemTooLarge')).toBe(true);
      if (!isDaybookError(tooLarge, 'append.itemTooLarge')) return;
      expect(tooLarge.details.limit).toBe(409_600);
      const exact = 409_600 - (tooLarge.details.size - 409_600);
      await expect(size(exact + 1)).rejects.toMatchObject({ code: 'append.itemTooLarge', details: { size: 409_601 } });
      await expect(size(exact)).resolves.toMatchObject({ version: 1 });
    });
  });
}

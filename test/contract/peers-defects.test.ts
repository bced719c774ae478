import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventStore as CastoreStore } from '@castore/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { createCloud } from '../../local/cloud.ts';
import { createDynamoDb } from '../../local/dynamodb/dynamodb.ts';
import { seededRandom } from '../../local/kernel/kernel.ts';
import { realKernel } from '../../local/kernel/real-kernel.ts';
import { createEventStore, type EventStore, type EventTable, isDaybookError } from '../../src/index.ts';
import { memoryEventTable } from '../../src/testing/index.ts';
import { SDK_CONFIG, sdkHandler } from '../local/sdk-handler.ts';
import { Account, deposited } from './bank.ts';
import { castoreAccounts } from './castore-accounts.ts';
import { makeDynamoTables } from './dynamo-tables.ts';
import { watchClient } from './faulty-client.ts';

/** An endpoint of its own for each store, so that a fault is meant for one. */
async function make() {
  const cloud = createCloud(realKernel({ seed: 1 }));
  createDynamoDb(cloud);
  const client = new DynamoDBClient({ ...SDK_CONFIG, maxAttempts: 3, requestHandler: sdkHandler(cloud) });
  const { table, tableName } = await makeDynamoTables(client);
  return { client, table, tableName, watched: watchClient(client, seededRandom(1).next) };
}

const newId = () => `account-${randomUUID()}`;
const bare = (aggregateUuid: string, expectedVersion: number) => ({
  aggregate: Account,
  aggregateUuid,
  expectedVersion,
});
const payment = (aggregateId: string, version: number, more: object = {}) => ({
  aggregateId,
  version,
  type: 'MoneyDeposited' as const,
  payload: { amount: version },
  ...more,
});

describe('what Castore 2.4.2 does, beside what Daybook does', () => {
  let ours: Awaited<ReturnType<typeof make>>;
  let theirs: Awaited<ReturnType<typeof make>>;
  let store: EventStore;
  let castore: Awaited<ReturnType<typeof castoreAccounts>>;
  beforeAll(async () => {
    [ours, theirs] = [await make(), await make()];
    store = createEventStore({ table: ours.table });
    castore = await castoreAccounts(theirs.client);
  });

  it('a limit of 2 is the size of a page: all events come; here it is a limit', async () => {
    const id = newId();
    for (let version = 1; version <= 10; version++) {
      await castore.pushEvent(payment(id, version));
      await store.append(bare(id, version - 1), [deposited(version)]);
    }
    expect((await castore.getEvents(id, { limit: 2 })).events).toHaveLength(10);
    const seen: number[] = [];
    for await (const event of store.read(id, { limit: 2 })) seen.push(event.version);
    expect(seen).toEqual([1, 2]);
  });

  it('version 7 of an empty aggregate is taken; here it is a hole, and refused', async () => {
    const id = newId();
    await castore.pushEvent(payment(id, 7));
    expect((await castore.getEvents(id)).events.map(({ version }) => version)).toEqual([7]);
    await expect(store.append(bare(id, 6), [deposited(1)])).rejects.toMatchObject({
      code: 'append.hole',
      details: { aggregateUuid: id, expected: 6, actual: 0 },
    });
  });

  it('a conflict in a group names nothing; here it names the aggregate, both versions and what came between', async () => {
    const [first, second] = [newId(), newId()];
    await castore.pushEvent(payment(second, 1));
    const group = CastoreStore.pushEventGroup(
      castore.groupEvent(payment(first, 1)),
      castore.groupEvent(payment(second, 1)),
    );
    const theirError = (await group.catch((error: unknown) => error)) as Error & {
      aggregateId?: string;
      version?: number;
    };
    expect(theirError.message).not.toContain(second);
    expect([theirError.aggregateId, theirError.version]).toEqual(['???', Number.NaN]);

    await store.append(bare(second, 0), [deposited(5)]);
    const transaction = store.transact([
      { target: bare(first, 0), events: [deposited(1)] },
      { target: bare(second, 0), events: [deposited(1)] },
    ]);
    const error = await transaction.catch((thrown: unknown) => thrown);
    if (!isDaybookError(error, 'append.versionConflict')) throw error;
    expect(error.details).toMatchObject({ aggregateUuid: second, aggregateType: 'Account', expected: 0, actual: 1 });
    expect(error.details.events.map(({ data }) => data)).toEqual([{ amount: 5 }]);
    expect(error.message).toContain(second);
  });

  it('the SDK’s own retry after a lost answer looks like a conflict; here it finds its own event', async () => {
    const id = newId();
    const loseOne = ({ watched }: typeof ours) => {
      watched.wired = 0;
      watched.faults = { at: (call) => (call === 1 ? 'lostAnswer' : undefined) };
    };
    loseOne(theirs);
    await expect(castore.pushEvent(payment(id, 1))).rejects.toThrow(/already exists/i);
    loseOne(ours);
    expect(await store.append(bare(id, 0), [deposited(1)])).toMatchObject({ version: 1 });
    theirs.watched.faults = ours.watched.faults = {};
  });

  it.each([10, 20, 40])(
    '40 aggregates, pages of %i: each is listed once, also where the last page is full',
    async (size) => {
      const aggregate = `Type-${size}`;
      const ids = Array.from({ length: 40 }, (_, i) => `${aggregate}-${i}`);
      for (const aggregateUuid of ids) {
        await store.append({ aggregate, aggregateUuid, expectedVersion: 0 }, [{ type: 'Any', data: null }]);
      }
      for (const type of [aggregate, undefined]) {
        const seen: string[] = [];
        let after: string | undefined;
        do {
          const page = await ours.table.aggregates({
            limit: size,
            ...(type !== undefined && { type }),
            ...(after !== undefined && { after }),
          });
          seen.push(...page.aggregateUuids.filter((id) => id.startsWith(aggregate)));
          after = page.next;
        } while (after !== undefined);
        expect(seen.sort()).toEqual([...ids].sort());
      }
    },
  );

  it('events of one millisecond are replayed in reverse; here order is by version, never by time', async () => {
    const id = newId();
    const still = createEventStore({ table: ours.table, clock: { now: () => 0 } });
    for (let version = 0; version < 5; version++) await still.append(bare(id, version), [deposited(version + 1)]);
    const seen: unknown[] = [];
    for await (const { data } of still.read(id, { since: new Date(0), until: new Date(0), clock: 'recorded' }))
      seen.push(data);
    expect(seen).toEqual([1, 2, 3, 4, 5].map((amount) => ({ amount })));
  });
});

/** Where a peer's behaviour depends on its storage, ours must not. */
const STORAGES: readonly [string, () => Promise<EventTable>][] = [
  ['memory', async () => memoryEventTable({ pageSize: 3 })],
  ['the embedded DynamoDB', async () => (await make()).table],
];

describe.each(STORAGES)('what other peers do, on %s', (_name, makeTable) => {
  let table: EventTable;
  let store: EventStore;
  beforeAll(async () => {
    table = await makeTable();
    store = createEventStore({ table });
  });

  it('Emmett appends unchecked when no version is expected; here that must be said', async () => {
    const target = { aggregate: Account, aggregateUuid: newId() } as ReturnType<typeof bare>;
    await expect(store.append(target, [deposited(1)])).rejects.toMatchObject({ code: 'append.noExpectedVersion' });
    expect(await store.append({ ...target, expectedVersion: 'any' }, [deposited(1)])).toMatchObject({ version: 1 });
  });

  it('Emmett’s from and maxCount mean different things per storage; here a range is one on each', async () => {
    const id = newId();
    await store.append(
      bare(id, 0),
      Array.from({ length: 10 }, (_, i) => deposited(i + 1)),
    );
    const seen = async (options: Parameters<EventStore['read']>[1]) => {
      const versions: number[] = [];
      for await (const { version } of store.read(id, options)) versions.push(version);
      return versions;
    };
    expect(await seen({ from: 3, limit: 4 })).toEqual([3, 4, 5, 6]);
    expect(await seen({ from: 3, to: 5, limit: 4 })).toEqual([3, 4, 5]);
    expect(await seen({ from: 3, limit: 4, reverse: true })).toEqual([10, 9, 8, 7]);
  });

  it('ocoda writes without a condition, so that writers overwrite history; here one of them comes through', async () => {
    const id = newId();
    const writers = Array.from({ length: 12 }, (_, i) =>
      store.append(bare(id, 0), [deposited(i + 1), deposited(i + 1)]),
    );
    const ends = await Promise.allSettled(writers);
    const winner = ends.findIndex(({ status }) => status === 'fulfilled') + 1;
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const end of ends) {
      if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'append.versionConflict' });
    }
    expect((await store.load(Account, id)).state).toMatchObject({ balance: 2 * winner, events: 2 });
  });

  it('event-store-adapter-js reads one page, so that what is past 1 MB is missing; here every page is read', async () => {
    const id = newId();
    const text = 'x'.repeat(150_000);
    for (let version = 0; version < 12; version++) {
      const target = { aggregate: 'Large', aggregateUuid: id, expectedVersion: version };
      await store.append(target, [{ type: 'Kept', data: { version: version + 1, text } }]);
    }
    for (const reverse of [false, true]) {
      let count = 0;
      for await (const { data, version } of store.read(id, { reverse })) {
        expect((data as { version: number }).version).toBe(version);
        count++;
      }
      expect(count).toBe(12);
    }
  });

  it('Akka’s batches were written in part; here a commit of 100 in ten aggregates is there wholly or not at all', async () => {
    const ids = Array.from({ length: 10 }, newId);
    const entries = ids.map((id) => ({ target: bare(id, 0), events: Array.from({ length: 10 }, () => deposited(1)) }));
    await store.append(bare(ids[9]!, 0), [deposited(1)]);
    await expect(store.transact(entries)).rejects.toMatchObject({ details: { aggregateUuid: ids[9] } });
    for (const id of ids.slice(0, 9)) expect((await store.load(Account, id)).version).toBe(0);
    await store.transact(entries.slice(0, 9));
    for (const id of ids.slice(0, 9)) expect((await store.load(Account, id)).version).toBe(10);
  });

  it('Propulsion passes gaps unchecked, and Marten skipped committed events; here a missing version is an error', async () => {
    const id = newId();
    const events = [1, 2, 4].map((version) => ({
      aggregateUuid: id,
      aggregateType: 'Account',
      version,
      type: 'MoneyDeposited',
      schemaVersion: 1,
      commitId: `c-${version}`,
      commitFirst: version,
      commitLast: version,
      recordedAt: '2026-01-01T00:00:00.000Z',
      occurredAt: '2026-01-01T00:00:00.000Z',
      data: '{"amount":1}',
    }));
    for (const event of events) await table.put({ commitId: event.commitId, events: [event] });
    const patient = createEventStore({ table, sleep: async () => {} });
    const hole = { code: 'read.hole', details: { aggregateUuid: id, version: 3 } };
    await expect(patient.load(Account, id)).rejects.toMatchObject(hole);
    await expect(patient.stateAt(Account, id, { version: 4 })).rejects.toMatchObject(hole);
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { version } of patient.read(id)) seen.push(version);
    })();
    await expect(reading).rejects.toMatchObject(hole);
    expect(seen).toEqual([1, 2]);
  });
});

import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../local/kernel/kernel.ts';
import {
  createEventStore,
  dynamoEventTable,
  type EventStore,
  isDaybookError,
  type SnapshotStore,
} from '../../src/index.ts';
import { itemSize, MAX_ITEM_BYTES, MAX_TRANSACTION_BYTES } from '../../src/store/item-size.ts';
import { Account, deposited, withdrawn } from './bank.ts';
import { makeDynamoTables } from './dynamo-tables.ts';
import { type ClientFaults, isInjected, type Watched, watchClient } from './faulty-client.ts';

type Fault = Exclude<ReturnType<NonNullable<ClientFaults['at']>>, undefined>;

/**
 * What goes over the wire of a client of the SDK, and what comes of it when that breaks.
 *
 * @param long events of a long history: more than one page of 1 MB
 */
export function clientContract(name: string, makeClient: () => DynamoDBClient, long = 10_000): void {
  describe(`by the SDK on ${name}`, () => {
    let client: DynamoDBClient;
    let watched: Watched;
    let tableName: string;
    let snapshots: SnapshotStore;
    let store: EventStore;
    beforeAll(async () => {
      client = makeClient();
      ({ tableName, snapshots } = await makeDynamoTables(client));
      watched = watchClient(client, seededRandom(1).next);
      store = createEventStore({ table: tableWith() });
    });
    afterEach(() => {
      watched.faults = {};
    });
    const tableWith = (sleep: () => Promise<void> = async () => {}) => dynamoEventTable({ client, tableName, sleep });
    const newId = () => `account-${randomUUID()}`;
    const bare = (aggregateUuid: string, expectedVersion: number) => ({
      aggregate: Account,
      aggregateUuid,
      expectedVersion,
    });
    const fill = async (id: string, count: number) => {
      for (let done = 0; done < count; done += 100) {
        const events = Array.from({ length: Math.min(100, count - done) }, (_, i) => deposited(done + i + 1));
        await store.append(bare(id, done), events);
      }
    };
    /** The commands that something sends. */
    const sent = async (run: () => Promise<unknown>) => {
      watched.calls.length = 0;
      await run();
      return watched.calls.map((call) => call.replace('Command', ''));
    };

    it(`a load of ${long} events with a snapshot ten before is one read of the snapshot and one page of events`, async () => {
      const id = newId();
      const kept = createEventStore({ table: tableWith(), snapshots, snapshotPolicy: { everyEvents: long - 10 } });
      await fill(id, long - 10);
      await kept.load(Account, id);
      await store.append(
        bare(id, long - 10),
        Array.from({ length: 10 }, (_, i) => deposited(long - 9 + i)),
      );
      let balance = 0;
      const calls = await sent(async () => {
        balance = (await kept.load(Account, id)).state.balance;
      });
      expect(calls).toEqual(['GetItem', 'Query']);
      expect(balance).toBe((long * (long + 1)) / 2);
      expect(kept.counts).toEqual({ snapshotsIgnored: 0, snapshotsFailed: 0 });
      // Without it, as many pages as 1 MB takes.
      expect((await sent(() => store.load(Account, id))).length).toBeGreaterThan(1);
    }, 240_000);

    it('a write is one call behind what was loaded, and two behind what was not', async () => {
      const id = newId();
      expect(await sent(() => store.append(bare(id, 0), [deposited(1)]))).toEqual(['PutItem']);
      expect(await sent(() => store.append(bare(id, 1), [deposited(1)]))).toEqual(['GetItem', 'PutItem']);
      const account = await store.load(Account, id);
      expect(await sent(() => store.append(account, [deposited(1), deposited(2)]))).toEqual(['TransactWriteItems']);
      const any = { aggregate: Account, aggregateUuid: id, expectedVersion: 'any' } as const;
      expect(await sent(() => store.append(any, [deposited(1)]))).toEqual(['Query', 'PutItem']);
      expect(await sent(() => store.handle(Account, id, () => deposited(1)))).toEqual(['Query', 'PutItem']);
      expect(await sent(() => store.append(bare(id, 9), [deposited(1)]).catch(() => {}))).toEqual(['GetItem', 'Query']);
    });

    it('a conflict is two queries more, however much came between', async () => {
      const id = newId();
      const early = await store.load(Account, id);
      await fill(id, 1200);
      let error: unknown;
      const calls = await sent(async () => {
        error = await store.append(early, [deposited(1)]).catch((thrown: unknown) => thrown);
      });
      expect(calls).toEqual(['PutItem', 'Query', 'Query']);
      if (!isDaybookError(error, 'append.versionConflict')) throw error;
      expect(error.details).toMatchObject({
        aggregateUuid: id,
        aggregateType: 'Account',
        expected: 0,
        actual: 1200,
        more: true,
      });
      expect(error.details.events.map(({ version }) => version)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    });

    it('a reader who has enough asks for no more pages', async () => {
      const id = newId();
      for (let version = 0; version < 12; version++) await store.append(bare(id, version), [deposited(1)]);
      watched.faults = { pageSize: () => 5 };
      const read = async (enough: number, options: Parameters<EventStore['read']>[1] = {}) => {
        let count = 0;
        for await (const _ of store.read(id, options)) if (++count === enough) break;
      };
      expect(await sent(() => read(7))).toEqual(['Query', 'Query']);
      expect(await sent(() => read(7, { reverse: true }))).toEqual(['Query', 'Query']);
      expect(await sent(() => read(99, { limit: 5 }))).toEqual(['Query']);
      // The page ends where the range does: whether there is more, DynamoDB Local knows, and AWS need not.
      expect((await sent(() => read(99, { from: 3, to: 7 }))).length).toBeLessThanOrEqual(2);
      watched.faults = {};
      expect(await sent(async () => void store.read(id))).toEqual([]);
    });

    it('the aggregates are listed a page at a time', async () => {
      const aggregate = `Type-${randomUUID()}`;
      const ids = Array.from({ length: 12 }, newId);
      for (const aggregateUuid of ids) {
        await store.append({ aggregate, aggregateUuid, expectedVersion: 0 }, [{ type: 'Any', data: null }]);
      }
      watched.faults = { pageSize: () => 1 };
      const listed: string[] = [];
      for await (const id of store.list({ type: aggregate })) listed.push(id);
      expect(listed.sort()).toEqual(ids.sort());
      const calls = await sent(async () => {
        for await (const _ of store.list({ type: aggregate })) break;
      });
      // The shards before the first that holds one, and not one beyond it.
      expect(calls.length).toBeLessThanOrEqual(16);
      watched.faults = {};
    });

    /** A day of an aggregate's life: every verb, every command of DynamoDB. */
    async function live(id: string, own: EventStore): Promise<unknown> {
      const again = async <T>(run: () => Promise<T>): Promise<T> => {
        for (;;) {
          try {
            return await run();
          } catch (error) {
            if (!isInjected(error)) throw error;
          }
        }
      };
      const other = `${id}-other`;
      await again(() => own.append(bare(id, 0), [deposited(1)], { commitId: 'c1' }));
      await again(() => own.append(bare(id, 1), [deposited(2), deposited(3), deposited(4)], { commitId: 'c2' }));
      await again(() =>
        own.transact(
          [
            { target: bare(id, 4), events: [withdrawn(1)] },
            { target: bare(other, 0), events: [deposited(1)] },
          ],
          {
            commitId: 'c3',
          },
        ),
      );
      // Run anew it would decide anew: what broke off without an outcome may be there.
      await again(async () => {
        await own.handle(Account, id, (state) => (state.balance < 100 ? [deposited(100), deposited(100)] : []));
      });
      const seen: unknown[] = [];
      await again(async () => {
        seen.length = 0;
        for await (const { version, type, data } of own.read(id, { reverse: true, limit: 5 }))
          seen.push([version, type, data]);
      });
      const { state, version } = await again(() => own.load(Account, id));
      const at = await again(() => own.stateAt(Account, id, { version: 3 }));
      const when = await again(() => own.when(Account, id, ({ balance }) => balance > 5));
      const found = await again(async () => {
        for await (const one of own.list({ type: 'Account' })) if (one === id) return true;
        return false;
      });
      return { state, version, at: at.state, when: when?.event.version, seen, found };
    }

    it.each<Fault>(['refused', 'lostAnswer', 'oddRefusal', 'oddAnswer'])(
      'any one call may be broken: %s',
      async (fault) => {
        const own = () =>
          createEventStore({
            table: tableWith(),
            snapshots,
            snapshotPolicy: { everyEvents: 2 },
            sleep: async () => {},
          });
        watched.wired = 0;
        watched.faults = { at: () => undefined };
        const expected = await live(newId(), own());
        const calls = watched.wired;
        expect(calls).toBeGreaterThanOrEqual(15);
        expect(expected).toMatchObject({ version: 7, state: { balance: 209 }, found: true });
        for (let broken = 1; broken <= calls; broken++) {
          watched.wired = 0;
          watched.faults = { at: (call) => (call === broken ? fault : undefined) };
          expect(await live(newId(), own()), `call ${broken}`).toEqual(expected);
        }
        watched.faults = {};
      },
    );

    it.each([
      ['a single put', 1],
      ['a transaction', 3],
    ])(
      'the answer to %s is lost and others write on before it is tried again: it finds its own',
      async (_what, count) => {
        const id = newId();
        const rival = createEventStore({ table: tableWith() });
        const events = Array.from({ length: count }, (_, i) => deposited(i + 1));
        const own = createEventStore({
          table: tableWith(async () => {
            watched.faults = {};
            await rival.append({ aggregate: Account, aggregateUuid: id, expectedVersion: 'any' }, [deposited(50)]);
          }),
        });
        const account = await own.load(Account, id);
        watched.wired = 0;
        watched.faults = { at: (call) => (call === 1 ? 'lostAnswer' : undefined) };
        expect(await own.append(account, events)).toMatchObject({ from: 1, version: count, alreadyWritten: false });
        expect((await store.load(Account, id)).version).toBe(count + 1);
        // By a commit id also much later, and by another process.
        const commit = { commitId: 'order-1' };
        const next = bare(id, count + 1);
        const first = await store.append(next, events, commit);
        await rival.append({ ...next, expectedVersion: 'any' }, [deposited(1), deposited(2)]);
        const again = await createEventStore({ table: tableWith() }).append(next, events, commit);
        expect(again).toEqual({ ...first, alreadyWritten: true });
      },
    );

    it('a commit run again behind a newer load finds itself at the end', async () => {
      const id = newId();
      await fill(id, 2);
      const commit = { commitId: 'order-1' };
      const first = await store.append(await store.load(Account, id), [deposited(1), deposited(2)], commit);
      const reloaded = await store.load(Account, id);
      expect(await store.append(reloaded, [deposited(1), deposited(2)], commit)).toEqual({
        ...first,
        alreadyWritten: true,
      });
      expect(await store.append(bare(id, 4), [deposited(1), deposited(2)], commit)).toMatchObject({
        alreadyWritten: true,
      });
      const other = store.append(reloaded, [deposited(9)], commit);
      await expect(other).rejects.toMatchObject({ code: 'append.commitIdReused' });
      expect((await store.load(Account, id)).version).toBe(4);
    });

    it('an item of exactly the limit is taken, one byte more is refused before the call, and by DynamoDB', async () => {
      for (const [i, aggregateType] of ['L', 'Größe', '量'.repeat(40)].entries()) {
        const aggregateUuid = `${newId()}${'é'.repeat(i * 50)}`;
        const target = { aggregate: aggregateType, aggregateUuid, expectedVersion: 0 };
        const event = (length: number) => ({
          type: `${aggregateType}Kept`,
          data: { text: `ä€𝄞"\\\u0001${'x'.repeat(length)}` },
          ...(i > 0 && { metadata: { by: 'Åse' }, occurredAt: '2020-01-01T00:00:00Z' }),
        });
        const tooLarge = await store.append(target, [event(MAX_ITEM_BYTES)]).catch((error: unknown) => error);
        if (!isDaybookError(tooLarge, 'append.itemTooLarge')) throw tooLarge;
        expect(tooLarge.message).toMatch(/would be an item of 4\d\d,\d\d\d bytes; DynamoDB takes 409,600 bytes/);
        const fits = MAX_ITEM_BYTES - (tooLarge.details.size - MAX_ITEM_BYTES);
        const calls = await sent(() => store.append(target, [event(fits + 1)]).catch(() => {}));
        expect(calls).toEqual([]);
        await store.append(target, [event(fits)]);
        const stored = (await tableWith().get(aggregateUuid, 1))!;
        expect(itemSize(stored)).toBe(MAX_ITEM_BYTES);
        const larger = {
          ...stored,
          aggregateUuid: aggregateUuid.replace('account', 'Account'),
          data: `${stored.data} `,
        };
        const byDynamo = tableWith().put({ commitId: 'c', events: [larger] });
        await expect(byDynamo).rejects.toThrow(/size/i);
      }
    });

    it('a transaction of exactly the limit is taken, one byte more is refused before the call', async () => {
      const commit = async (id: string, extra: number) => {
        const events = Array.from({ length: 100 }, (_, i) => ({
          type: 'Kept',
          data: { text: 'x'.repeat(41_400 + (i === 0 ? extra : 0)) },
        }));
        return await store.append({ aggregate: 'Large', aggregateUuid: id, expectedVersion: 0 }, events);
      };
      const id = newId();
      const tooLarge = await commit(id, 100_000).catch((error: unknown) => error);
      if (!isDaybookError(tooLarge, 'append.transactionTooLarge')) throw tooLarge;
      expect(tooLarge.details).toMatchObject({ events: 100, limit: MAX_TRANSACTION_BYTES });
      const fits = 100_000 - (tooLarge.details.size - MAX_TRANSACTION_BYTES);
      const calls = await sent(async () => {
        await expect(commit(id, fits + 1)).rejects.toMatchObject({ details: { size: MAX_TRANSACTION_BYTES + 1 } });
      });
      expect(calls).toEqual([]);
      await commit(id, fits);
      const versions: number[] = [];
      for await (const { version } of store.read(id)) versions.push(version);
      expect(versions).toHaveLength(100);
    });
  });
}

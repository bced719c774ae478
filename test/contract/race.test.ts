import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { createCloud } from '../../local/cloud.ts';
import { createDynamoDb } from '../../local/dynamodb/dynamodb.ts';
import { seededRandom } from '../../local/kernel/kernel.ts';
import { realKernel } from '../../local/kernel/real-kernel.ts';
import {
  createEventStore,
  dynamoEventTable,
  type EventStore,
  type EventTable,
  isDaybookError,
} from '../../src/index.ts';
import { memoryEventTable, raceWriters } from '../../src/testing/index.ts';
import { SDK_CONFIG, sdkHandler } from '../local/sdk-handler.ts';
import { Account, deposited, withdrawn } from './bank.ts';
import { makeDynamoTables } from './dynamo-tables.ts';
import { watchClient } from './faulty-client.ts';

/** RACE_COMMITS=10000 for the whole length; memory runs it always (test/src/store/race.test.ts). */
const COMMITS = Number(process.env.RACE_COMMITS ?? 200);

async function race(client: DynamoDBClient, writers: number, seed: number): Promise<void> {
  const random = seededRandom(seed).next;
  const { tableName, snapshots } = await makeDynamoTables(client);
  const watched = watchClient(client, random);
  watched.faults = { refused: 0.02, lostAnswers: 0.02 };
  const table = dynamoEventTable({ client, tableName, backoff: { attempts: 12, baseMs: 1, capMs: 4 } });
  let left = COMMITS;
  const writer = async (store: EventStore, { index }: { readonly index: number }) => {
    while (left-- > 0) {
      const events = index % 2 === 0 ? [deposited(1)] : [deposited(1), deposited(1)];
      await store.handle(Account, 'bob', () => events, undefined, { attempts: 1000 });
    }
  };
  const raced = await raceWriters({ seed, writers: Array.from({ length: writers }, () => writer), table, snapshots });
  expect(raced.commits).toBe(COMMITS);
  expect((await raced.store.load(Account, 'bob')).state.balance).toBe(raced.events.length);
}

/** Money goes round between five accounts: none is made, none is lost, whatever commit loses whichever race. */
async function transfers(table: EventTable, seed: number, count: number): Promise<void> {
  const ids = Array.from({ length: 5 }, (_, i) => `account-${i}`);
  const bare = (aggregateUuid: string) => ({ aggregate: Account, aggregateUuid, expectedVersion: 0 });
  const open = ids.map((id) => ({ target: bare(id), events: [deposited(1000)] }));
  await createEventStore({ table }).transact(open);
  let left = count;
  const writer = async (store: EventStore, { random }: { readonly random: () => number }) => {
    const pick = () => ids[Math.floor(random() * ids.length)]!;
    while (left-- > 0) {
      const [from, to, amount] = [pick(), pick(), 1 + Math.floor(random() * 9)];
      if (from === to) continue;
      for (;;) {
        const [giver, taker] = [await store.load(Account, from), await store.load(Account, to)];
        const anyTaker = { aggregate: Account, aggregateUuid: to, expectedVersion: 'any' } as const;
        try {
          await store.transact([
            { target: giver, events: [withdrawn(amount)] },
            { target: random() < 0.5 ? taker : anyTaker, events: [deposited(amount)] },
          ]);
          break;
        } catch (error) {
          if (!isDaybookError(error, 'append.versionConflict')) throw error;
        }
      }
    }
  };
  const { store, events } = await raceWriters({ seed, writers: Array.from({ length: 6 }, () => writer), table });
  const balances = await Promise.all(ids.map(async (id) => (await store.load(Account, id)).state.balance));
  expect(balances.reduce((sum, balance) => sum + balance, 0)).toBe(5000);
  // By race: the opening was before it.
  expect(events.length).toBeGreaterThan(count);
}

describe('writers who race on one aggregate, by the SDK, with calls that break', () => {
  it.each([2, 8, 32])('%i of them on the embedded DynamoDB: each commit once, no hole, no overwrite', async (count) => {
    const cloud = createCloud(realKernel({ seed: count }));
    createDynamoDb(cloud);
    await race(new DynamoDBClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) }), count, count);
  });

  it('transfers between five accounts, by transactions that are in each other’s way, lose nothing', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      await transfers(memoryEventTable({ pageSize: 3, halfVisible: 2, random: seededRandom(seed).next }), seed, 40);
    }
    const cloud = createCloud(realKernel({ seed: 3 }));
    createDynamoDb(cloud);
    const client = new DynamoDBClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
    const watched = watchClient(client, seededRandom(3).next);
    const { table } = await makeDynamoTables(client);
    watched.faults = { refused: 0.02, lostAnswers: 0.05 };
    await transfers(table, 3, 40);
  });

  const endpoint = process.env.DYNAMODB_ENDPOINT;
  it.skipIf(endpoint === undefined)('8 of them on DynamoDB Local', async () => {
    await race(new DynamoDBClient({ ...SDK_CONFIG, endpoint: endpoint! }), 8, 21);
  });
  it.skipIf(endpoint === undefined)('transfers between five accounts on DynamoDB Local lose nothing', async () => {
    const client = new DynamoDBClient({ ...SDK_CONFIG, endpoint: endpoint! });
    await transfers((await makeDynamoTables(client)).table, 22, 60);
  });
});

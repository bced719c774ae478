import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { createCloud } from '../../local/cloud.ts';
import { createDynamoDb } from '../../local/dynamodb/dynamodb.ts';
import { seededRandom } from '../../local/kernel/kernel.ts';
import { realKernel } from '../../local/kernel/real-kernel.ts';
import { dynamoEventTable, type EventStore } from '../../src/index.ts';
import { raceWriters } from '../../src/testing/index.ts';
import { SDK_CONFIG, sdkHandler } from '../local/sdk-handler.ts';
import { Account, deposited } from './bank.ts';
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

describe('writers who race on one aggregate, by the SDK, with calls that break', () => {
  it.each([2, 8, 32])('%i of them on the embedded DynamoDB: each commit once, no hole, no overwrite', async (count) => {
    const cloud = createCloud(realKernel({ seed: count }));
    createDynamoDb(cloud);
    await race(new DynamoDBClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) }), count, count);
  });

  const endpoint = process.env.DYNAMODB_ENDPOINT;
  it.skipIf(endpoint === undefined)('8 of them on DynamoDB Local', async () => {
    await race(new DynamoDBClient({ ...SDK_CONFIG, endpoint: endpoint! }), 8, 21);
  });
});

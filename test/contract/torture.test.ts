import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { createCloud } from '../../local/cloud.ts';
import { createDynamoDb } from '../../local/dynamodb/dynamodb.ts';
import { seededRandom } from '../../local/kernel/kernel.ts';
import { realKernel } from '../../local/kernel/real-kernel.ts';
import { dynamoEventTable } from '../../src/index.ts';
import { memoryEventTable, memorySnapshots } from '../../src/testing/index.ts';
import { SDK_CONFIG, sdkHandler } from '../local/sdk-handler.ts';
import { makeDynamoTables } from './dynamo-tables.ts';
import { type ClientFaults, isInjected, watchClient } from './faulty-client.ts';
import { torture } from './torture.ts';

async function tortureClient(client: DynamoDBClient, seed: number, steps: number, faults: ClientFaults) {
  const random = seededRandom(seed * 7).next;
  const { tableName, snapshots } = await makeDynamoTables(client);
  const watched = watchClient(client, random);
  watched.faults = { pageSize: () => 1 + Math.floor(random() * 6), ...faults };
  const sleep = async () => {};
  const table = dynamoEventTable({ client, tableName, sleep });
  return await torture({ table, snapshots, seed, steps, isFault: isInjected });
}

/** Every kind of answer came, or the torture did not hurt. */
function expectAll(outcomes: ReadonlyMap<string, number>): void {
  for (const verb of ['append', 'transact']) {
    for (const end of ['written', 'append.versionConflict', 'append.hole']) {
      expect(outcomes.get(`${verb} ${end}`), `${verb} ${end}`).toBeGreaterThan(0);
    }
  }
}

const PASSING = { refused: 0.05, lostAnswers: 0.05 };
const ODD = { ...PASSING, oddAnswers: 0.02 };

describe('whatever is done in whatever order, every answer is the oracle’s', () => {
  it('in memory, with pages and half visible transactions of every size', async () => {
    const all = new Map<string, number>();
    for (let seed = 1; seed <= 12; seed++) {
      const random = seededRandom(seed * 7).next;
      const table = memoryEventTable({ pageSize: 1 + (seed % 5), halfVisible: seed % 4, random });
      const { outcomes } = await torture({ table, snapshots: memorySnapshots(), seed, steps: 300 });
      for (const [outcome, times] of outcomes) all.set(outcome, (all.get(outcome) ?? 0) + times);
    }
    expectAll(all);
  });

  it.each([
    [1, PASSING],
    [2, ODD],
  ])('on the embedded DynamoDB, by the SDK, with broken calls by seed %i', async (seed, faults) => {
    const cloud = createCloud(realKernel({ seed }));
    createDynamoDb(cloud);
    const client = new DynamoDBClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
    const { outcomes, counts } = await tortureClient(client, seed, 300, faults);
    expectAll(outcomes);
    // Faults that pass are nothing that an application hears of; others it does.
    expect([...outcomes.keys()].some((outcome) => outcome.endsWith('fault'))).toBe(faults === ODD);
    expect(counts.some(({ snapshotsFailed }) => snapshotsFailed > 0)).toBe(true);
  });

  const endpoint = process.env.DYNAMODB_ENDPOINT;
  it.skipIf(endpoint === undefined).each([
    [3, PASSING],
    [4, ODD],
  ])('on DynamoDB Local, with broken calls by seed %i', async (seed, faults) => {
    const client = new DynamoDBClient({ ...SDK_CONFIG, endpoint: endpoint! });
    const { outcomes } = await tortureClient(client, seed, 100, faults);
    expect(outcomes.size).toBeGreaterThan(4);
  });
});

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createCloud } from '../../local/cloud.ts';
import { createDynamoDb } from '../../local/dynamodb/dynamodb.ts';
import { seededRandom } from '../../local/kernel/kernel.ts';
import { realKernel } from '../../local/kernel/real-kernel.ts';
import { memoryEventTable } from '../../src/testing/index.ts';
import { SDK_CONFIG, sdkHandler } from '../local/sdk-handler.ts';
import { makeDynamoTables } from './dynamo-tables.ts';
import { watchClient } from './faulty-client.ts';
import { type MakeTable, readContract } from './read-contract.ts';

const random = seededRandom(1).next;

readContract('memory', async (pageSize, torn) => memoryEventTable({ pageSize, halfVisible: torn ? 4 : 0, random }), {
  runs: 300,
  sleep: async () => {},
});

function onClient(client: DynamoDBClient, tear: (torn: boolean) => void): MakeTable {
  const watched = watchClient(client, random);
  const made = makeDynamoTables(client);
  return async (pageSize, torn) => {
    watched.faults = { pageSize: () => pageSize };
    tear(torn);
    return (await made).table;
  };
}

const cloud = createCloud(realKernel({ seed: 1 }));
const dynamoDb = createDynamoDb(cloud);
readContract(
  'the embedded DynamoDB, by the SDK',
  onClient(new DynamoDBClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) }), (torn) => {
    // Milliseconds until a query sees each item of a transaction.
    const transactionSpread = (items: number) => Array.from({ length: items }, () => Math.floor(random() * 12));
    dynamoDb.setFaults(torn ? { transactionSpread } : {});
  }),
  { runs: 25 },
);

const endpoint = process.env.DYNAMODB_ENDPOINT;
if (endpoint !== undefined) {
  // Its transactions are seen whole.
  readContract(
    'DynamoDB Local',
    onClient(new DynamoDBClient({ ...SDK_CONFIG, endpoint }), () => {}),
    { runs: 15, tears: false },
  );
}

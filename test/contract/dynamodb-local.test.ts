import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describe, it } from 'vitest';
import { makeDynamoTables } from './dynamo-tables.ts';
import { eventStoreContract } from './event-store-contract.ts';
import { eventTableContract } from './event-table-contract.ts';

const endpoint = process.env.DYNAMODB_ENDPOINT;

if (endpoint === undefined) {
  describe('the storage contract on DynamoDB Local', () => {
    it.skip('needs DYNAMODB_ENDPOINT: npm run test:strict', () => {});
  });
} else {
  const client = new DynamoDBClient({
    region: 'us-east-1',
    endpoint,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  eventTableContract('DynamoDB Local', async () => (await makeDynamoTables(client)).table);
  eventStoreContract('DynamoDB Local', () => makeDynamoTables(client));
}

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createCloud } from '../../local/cloud.ts';
import { createDynamoDb } from '../../local/dynamodb/dynamodb.ts';
import { realKernel } from '../../local/kernel/real-kernel.ts';
import { SDK_CONFIG, sdkHandler } from '../local/sdk-handler.ts';
import { makeDynamoTables } from './dynamo-tables.ts';
import { eventStoreContract } from './event-store-contract.ts';
import { eventTableContract } from './event-table-contract.ts';

const cloud = createCloud(realKernel({ seed: 1 }));
createDynamoDb(cloud);
const client = new DynamoDBClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });

eventTableContract('the embedded DynamoDB', async () => (await makeDynamoTables(client)).table);
eventStoreContract('the embedded DynamoDB', () => makeDynamoTables(client));

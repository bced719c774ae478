import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createCloud } from '../../local/cloud.ts';
import { createDynamoDb } from '../../local/dynamodb/dynamodb.ts';
import { realKernel } from '../../local/kernel/real-kernel.ts';
import { SDK_CONFIG, sdkHandler } from '../local/sdk-handler.ts';
import { clientContract } from './client-contract.ts';

clientContract('the embedded DynamoDB', () => {
  const cloud = createCloud(realKernel({ seed: 1 }));
  createDynamoDb(cloud);
  return new DynamoDBClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
});

const endpoint = process.env.DYNAMODB_ENDPOINT;
if (endpoint !== undefined) {
  // Where cores are few, a hundred events take it a second.
  clientContract('DynamoDB Local', () => new DynamoDBClient({ ...SDK_CONFIG, endpoint }), 5000);
}

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';

// The two clients alone, which nobody can do anything with.
const table = new DynamoDBClient();
const bus = new EventBridgeClient();

export const handler = () => [table, bus];

import { DynamoDBClient, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';

// A command handler of somebody who has only the two clients.
const table = new DynamoDBClient();
const bus = new EventBridgeClient();

export const handler = async ({ id, amount }: { readonly id: string; readonly amount: number }) => {
  const key = {
    TableName: 'events',
    KeyConditionExpression: 'id = :id',
    ExpressionAttributeValues: { ':id': { S: id } },
  };
  const { Count = 0 } = await table.send(new QueryCommand(key));
  const Item = { id: { S: id }, version: { N: String(Count + 1) }, amount: { N: String(amount) } };
  await table.send(new PutItemCommand({ TableName: 'events', Item, ConditionExpression: 'attribute_not_exists(id)' }));
  await bus.send(new PutEventsCommand({ Entries: [{ Source: 'bank', DetailType: 'Asked', Detail: '{}' }] }));
};

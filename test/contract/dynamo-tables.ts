import { randomUUID } from 'node:crypto';
import { CreateTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoEventTable, dynamoSnapshots } from '../../src/index.ts';

/** Both tables, made as the stack makes them, on any endpoint that speaks DynamoDB. */
export async function makeDynamoTables(client: DynamoDBClient) {
  const events = `events-${randomUUID()}`;
  const snapshots = `snapshots-${randomUUID()}`;
  await client.send(
    new CreateTableCommand({
      TableName: events,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'AggregateUuid', AttributeType: 'S' },
        { AttributeName: 'Version', AttributeType: 'N' },
        { AttributeName: 'AggregateShard', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'AggregateUuid', KeyType: 'HASH' },
        { AttributeName: 'Version', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'AggregatesByType',
          KeySchema: [
            { AttributeName: 'AggregateShard', KeyType: 'HASH' },
            { AttributeName: 'AggregateUuid', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    }),
  );
  await client.send(
    new CreateTableCommand({
      TableName: snapshots,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'AggregateUuid', AttributeType: 'S' },
        { AttributeName: 'Fold', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'AggregateUuid', KeyType: 'HASH' },
        { AttributeName: 'Fold', KeyType: 'RANGE' },
      ],
    }),
  );
  return {
    tableName: events,
    snapshotsTable: snapshots,
    table: dynamoEventTable({ client, tableName: events }),
    snapshots: dynamoSnapshots({ client, tableName: snapshots }),
  };
}

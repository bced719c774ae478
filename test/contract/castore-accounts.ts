import { randomUUID } from 'node:crypto';
import { CreateTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventStore, EventType } from '@castore/core';
import { DynamoDBSingleTableEventStorageAdapter } from '@castore/event-storage-adapter-dynamodb';

/** A table as Castore's documentation says. */
export async function createCastoreTable(client: DynamoDBClient, TableName: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'aggregateId', AttributeType: 'S' },
        { AttributeName: 'version', AttributeType: 'N' },
        { AttributeName: 'eventStoreId', AttributeType: 'S' },
        { AttributeName: 'timestamp', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'aggregateId', KeyType: 'HASH' },
        { AttributeName: 'version', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'initialEvents',
          KeySchema: [
            { AttributeName: 'eventStoreId', KeyType: 'HASH' },
            { AttributeName: 'timestamp', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    }),
  );
}

/** Castore's own store of accounts, in a table as its documentation says, to be held beside Daybook's. */
export async function castoreAccounts(client: DynamoDBClient) {
  const tableName = `castore-${randomUUID()}`;
  await createCastoreTable(client, tableName);
  return new EventStore({
    eventStoreId: 'ACCOUNTS',
    eventTypes: [new EventType<'MoneyDeposited', { amount: number }>({ type: 'MoneyDeposited' })],
    reducer: (state: { aggregateId: string; version: number; balance: number } | undefined, event) => ({
      aggregateId: event.aggregateId,
      version: event.version,
      balance: (state?.balance ?? 0) + event.payload.amount,
    }),
    eventStorageAdapter: new DynamoDBSingleTableEventStorageAdapter({ tableName, dynamoDBClient: client }),
  });
}

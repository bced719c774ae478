import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { EventStore, EventType } from '@castore/core';
import { DynamoDBSingleTableEventStorageAdapter } from '@castore/event-storage-adapter-dynamodb';

// The same handler on Castore, which does not validate.
interface Account {
  readonly aggregateId: string;
  readonly version: number;
  readonly balance: number;
}

const store = new EventStore({
  eventStoreId: 'ACCOUNTS',
  eventTypes: [new EventType<'MoneyDeposited', { readonly amount: number }>({ type: 'MoneyDeposited' })],
  reducer: (state: Account, event): Account => ({
    balance: (state?.balance ?? 0) + event.payload.amount,
    aggregateId: event.aggregateId,
    version: event.version,
  }),
  eventStorageAdapter: new DynamoDBSingleTableEventStorageAdapter({
    tableName: 'events',
    dynamoDBClient: new DynamoDBClient(),
  }),
});
const bus = new EventBridgeClient();

export const handler = async ({ id, amount }: { readonly id: string; readonly amount: number }) => {
  const { aggregate } = await store.getAggregate(id);
  const version = (aggregate?.version ?? 0) + 1;
  await store.pushEvent({ aggregateId: id, version, type: 'MoneyDeposited', payload: { amount } });
  await bus.send(new PutEventsCommand({ Entries: [{ Source: 'bank', DetailType: 'Asked', Detail: '{}' }] }));
};

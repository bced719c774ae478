import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventStore, EventType, isEventAlreadyExistsError } from '@castore/core';
import { DynamoDBSingleTableEventStorageAdapter } from '@castore/event-storage-adapter-dynamodb';

const eventTypes = [
  new EventType<'MoneyDeposited', { amount: number }>({ type: 'MoneyDeposited' }),
  new EventType<'MoneyWithdrawn', { amount: number }>({ type: 'MoneyWithdrawn' }),
];
type Account = { aggregateId: string; version: number; balance: number };

export async function withdraw(client: DynamoDBClient, tableName: string, id: string, amount: number) {
  const store = new EventStore({
    eventStoreId: 'ACCOUNTS',
    eventTypes,
    reducer: (state: Account, { aggregateId, version, type, payload }): Account => ({
      aggregateId,
      version,
      balance: (state?.balance ?? 0) + (type === 'MoneyDeposited' ? payload.amount : -payload.amount),
    }),
    eventStorageAdapter: new DynamoDBSingleTableEventStorageAdapter({ tableName, dynamoDBClient: client }),
  });
  for (;;) {
    const { aggregate, lastEvent } = await store.getAggregate(id);
    const balance = aggregate?.balance ?? 0;
    if (balance < amount) throw new Error('not enough money');
    const version = (lastEvent?.version ?? 0) + 1;
    try {
      await store.pushEvent({ aggregateId: id, version, type: 'MoneyWithdrawn', payload: { amount } });
      return balance - amount;
    } catch (error) {
      if (!isEventAlreadyExistsError(error)) throw error; // also after the answer to its own write was lost
    }
  }
}

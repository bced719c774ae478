import assert from 'node:assert/strict';
import { BatchWriteItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { DynamoDBSingleTableEventStorageAdapter } from '@castore/event-storage-adapter-dynamodb';
import { pourEventStoreEvents } from '@castore/lib-dam';
import { createCastoreTable } from '../contract/castore-accounts.ts';
import { type Balance, book, castoreLedger, storedTransfers } from './ledger.ts';

/** What a BatchWriteItem takes. */
const WRITTEN_AT_ONCE = 25;

/** An aggregate's transfers as Castore's single table holds them, from this second of the year on. */
export function castoreItems(aggregateId: string, count: number, second = 0) {
  return storedTransfers(count, aggregateId).map(({ version, type, data }) =>
    marshall({
      aggregateId: `LEDGER#${aggregateId}`,
      version,
      type,
      timestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, second + version)).toISOString(),
      payload: JSON.parse(data),
      ...(version === 1 && { eventStoreId: 'LEDGER' }),
    }),
  );
}

/** Castore's table with so many aggregates, one after the other in time: then its replay holds the least in memory. */
export async function writeCastoreHistory(client: DynamoDBClient, aggregates: number, perAggregate: number) {
  await createCastoreTable(client, 'castore');
  const items = Array.from({ length: aggregates }, (_, n) =>
    castoreItems(`ledger-${n}`, perAggregate, n * perAggregate),
  );
  const puts = items.flat().map((Item) => ({ PutRequest: { Item } }));
  for (let from = 0; from < puts.length; from += WRITTEN_AT_ONCE) {
    const RequestItems = { castore: puts.slice(from, from + WRITTEN_AT_ONCE) };
    const { UnprocessedItems } = await client.send(new BatchWriteItemCommand({ RequestItems }));
    assert.deepEqual(UnprocessedItems ?? {}, {});
  }
}

/**
 * A projection rebuilt as Castore's users do: its maintenance tool publishes every event anew, to a channel that folds it.
 * The answer is the states and how many events came.
 */
export async function replayWithCastore(dynamoDBClient: DynamoDBClient) {
  const states = new Map<string, Balance>();
  const { pouredEventCount } = await pourEventStoreEvents({
    eventStore: castoreLedger(new DynamoDBSingleTableEventStorageAdapter({ tableName: 'castore', dynamoDBClient })),
    messageChannel: {
      async publishMessage({ event: { aggregateId, type, payload } }) {
        states.set(aggregateId, book(states.get(aggregateId) ?? { balance: 0, transfers: 0 }, type, payload));
      },
    },
  });
  return { states, events: pouredEventCount };
}

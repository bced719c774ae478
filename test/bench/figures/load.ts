import assert from 'node:assert/strict';
import { type AttributeValue, type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { DynamoDBSingleTableEventStorageAdapter } from '@castore/event-storage-adapter-dynamodb';
import { createEventStore, dynamoEventTable } from '../../../src/index.ts';
import { defineBench } from '../figure.ts';
import {
  AGGREGATE,
  type Balance,
  book,
  castoreLedger,
  itemOf,
  Ledger,
  storedTransfers,
  type Transfer,
} from '../ledger.ts';
import { pagesOf, stubClient } from '../stub-transport.ts';

const EVENTS = 10_000;
/** About 1 MB of such items, which is what a Query reads at a time. */
const PAGE = 2_000;

/** The client's work for a load, from the bytes of a Query's answers to the state. */
export default defineBench({
  name: 'load',
  rounds: 15,
  figures: [
    {
      name: 'load-castore',
      what: 'load 10,000 events ÷ Castore getAggregate, CPU',
      formula: { kind: 'ratio', of: 'daybook', to: 'castore', by: 'cpu' },
      budget: { atMost: 0.6 },
    },
    {
      name: 'load-castore-wall',
      what: 'load 10,000 events ÷ Castore getAggregate, wall',
      formula: { kind: 'ratio', of: 'daybook', to: 'castore', by: 'wall' },
      budget: { atMost: 0.65 },
    },
    {
      name: 'load-bare',
      what: 'load 10,000 events ÷ bare Query + unmarshall + fold of items with a map as payload, CPU',
      formula: { kind: 'ratio', of: 'daybook', to: 'bareMap', by: 'cpu' },
    },
    {
      name: 'load-bare-text',
      what: 'load 10,000 events ÷ bare Query + unmarshall + JSON.parse + fold of the same items, CPU',
      formula: { kind: 'ratio', of: 'daybook', to: 'bareText', by: 'cpu' },
    },
  ],
  async prepare() {
    const events = storedTransfers(EVENTS);
    const ours = stubClient(pagesOf(events.map(itemOf), 'Version', PAGE));
    const theirItems = events.map(({ aggregateUuid, version, type, recordedAt, data }) =>
      marshall({
        aggregateId: `LEDGER#${aggregateUuid}`,
        version,
        type,
        timestamp: recordedAt,
        payload: JSON.parse(data),
        ...(version === 1 && { eventStoreId: 'LEDGER' }),
      }),
    );
    const theirs = stubClient(pagesOf(theirItems, 'version', PAGE));

    const store = createEventStore({ table: dynamoEventTable({ client: ours, tableName: 'events' }) });
    const castore = castoreLedger(
      new DynamoDBSingleTableEventStorageAdapter({ tableName: 'events', dynamoDBClient: theirs }),
    );
    const daybook = async () => (await store.load(Ledger, AGGREGATE)).state;
    const withCastore = async () => (await castore.getExistingAggregate(AGGREGATE)).aggregate;
    const bareMap = () => foldBare(theirs, 'aggregateId', (item) => [item.type as string, item.payload as Transfer]);
    const bareText = () =>
      foldBare(ours, 'AggregateUuid', (item) => [item.Type as string, JSON.parse(item.Data as string) as Transfer]);

    const { balance } = await daybook();
    for (const load of [withCastore, bareMap, bareText]) assert.equal((await load()).balance, balance);
    const once = (load: () => Promise<unknown>) => ({
      count: 1,
      async run() {
        await load();
      },
    });
    return {
      sides: { daybook: once(daybook), castore: once(withCastore), bareMap: once(bareMap), bareText: once(bareText) },
    };
  },
});

async function foldBare(
  client: DynamoDBClient,
  key: string,
  read: (item: Record<string, unknown>) => readonly [string, Transfer],
): Promise<Balance> {
  let state = Ledger.initialState();
  let start: Record<string, AttributeValue> | undefined;
  do {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: 'events',
        KeyConditionExpression: `${key} = :a`,
        ExpressionAttributeValues: { ':a': { S: AGGREGATE } },
        ConsistentRead: true,
        ...(start !== undefined && { ExclusiveStartKey: start }),
      }),
    );
    for (const item of Items) state = book(state, ...read(unmarshall(item)));
    start = LastEvaluatedKey;
  } while (start !== undefined);
  return state;
}

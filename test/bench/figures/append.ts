import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { PutItemCommand, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { EventStore } from '@castore/core';
import { DynamoDBSingleTableEventStorageAdapter } from '@castore/event-storage-adapter-dynamodb';
import { createEventStore, dynamoEventTable } from '../../../src/index.ts';
import { defineBench } from '../figure.ts';
import { AGGREGATE, castoreLedger, itemOf, Ledger, storedTransfer, transfer } from '../ledger.ts';
import { pagesOf, stubClient } from '../stub-transport.ts';

const COUNT = 400;
const TABLE = 'events';
const NOTHING = Buffer.from('{}');

/** The client's CPU for a validated append, over the SDK alone sending the very same request. */
export default defineBench({
  name: 'append',
  turns: 5,
  figures: [
    {
      name: 'append-one',
      what: 'append 1 validated event ÷ bare SDK PutItem of the same item, CPU',
      formula: { kind: 'ratio', of: 'daybook', to: 'bare', by: 'cpu' },
      budget: { atMost: 1.1 },
    },
    {
      name: 'append-one-castore',
      what: 'Castore pushEvent (not validating) ÷ bare SDK PutItem, CPU',
      formula: { kind: 'ratio', of: 'castore', to: 'bare', by: 'cpu' },
    },
    {
      name: 'append-three',
      what: 'append 3 validated events ÷ bare SDK TransactWriteItems of the same items, CPU',
      formula: { kind: 'ratio', of: 'daybook3', to: 'bare3', by: 'cpu' },
      budget: { atMost: 1.1 },
    },
    {
      name: 'append-three-castore',
      what: 'Castore pushEventGroup of 3 (not validating) ÷ bare SDK TransactWriteItems, CPU',
      formula: { kind: 'ratio', of: 'castore3', to: 'bare3', by: 'cpu' },
    },
  ],
  async prepare() {
    const page = pagesOf([itemOf(storedTransfer(1))], 'Version', 1);
    let sent = '';
    let checking = true;
    const client = stubClient((operation, body) => {
      if (operation === 'Query') return page(operation, body);
      if (checking) sent = body();
      return NOTHING;
    });
    const store = createEventStore({ table: dynamoEventTable({ client, tableName: TABLE }) });
    const account = await store.load(Ledger, AGGREGATE);
    const castore = castoreLedger(
      new DynamoDBSingleTableEventStorageAdapter({ tableName: TABLE, dynamoDBClient: client }),
    );

    const put = (n: number, version: number, commit: { id: string; at: string; first?: number; last?: number }) => ({
      TableName: TABLE,
      Item: {
        AggregateUuid: { S: AGGREGATE },
        Version: { N: String(version) },
        Format: { N: '1' },
        AggregateType: { S: 'Ledger' },
        Type: { S: 'MoneyReceived' },
        SchemaVersion: { N: '1' },
        CommitId: { S: commit.id },
        RecordedAt: { S: commit.at },
        Data: { S: JSON.stringify(transfer(n)) },
        ...(commit.first !== undefined && {
          CommitFirst: { N: String(commit.first) },
          CommitLast: { N: String(commit.last) },
        }),
      },
      ConditionExpression: 'attribute_not_exists(AggregateUuid)',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    });
    const event = (n: number) => ({ type: 'MoneyReceived' as const, data: transfer(n) });
    const castoreEvent = (n: number, version: number) => ({
      aggregateId: AGGREGATE,
      version,
      type: 'MoneyReceived' as const,
      payload: transfer(n),
    });
    const now = () => new Date().toISOString();

    const appendOne = (n: number) => store.append(account, [event(n)]);
    const putOne = (n: number) => client.send(new PutItemCommand(put(n, 2, { id: randomUUID(), at: now() })));
    const appendThree = (n: number) => store.append(account, [event(n), event(n + 1), event(n + 2)]);
    const putThree = (n: number) => {
      const commit = { id: randomUUID(), at: now(), first: 2, last: 4 };
      const TransactItems = [0, 1, 2].map((i) => ({ Put: put(n + i, 2 + i, commit) }));
      return client.send(new TransactWriteItemsCommand({ TransactItems, ClientRequestToken: randomUUID() }));
    };

    // The ratio means something only when both send the same.
    for (const [ours, bare] of [
      [appendOne, putOne],
      [appendThree, putThree],
    ] as const) {
      await ours(7);
      const first = sent;
      await bare(7);
      assert.deepEqual(JSON.parse(withoutChance(first)), JSON.parse(withoutChance(sent)));
    }
    checking = false;
    return {
      sides: {
        daybook: repeat(appendOne),
        bare: repeat(putOne),
        castore: repeat((n) => castore.pushEvent(castoreEvent(n, 2))),
        daybook3: repeat(appendThree),
        bare3: repeat(putThree),
        castore3: repeat((n) => {
          const [a, b, c] = [0, 1, 2].map((i) => castore.groupEvent(castoreEvent(n + i, 2 + i)));
          return EventStore.pushEventGroup(a!, b!, c!);
        }),
      },
    };
  },
});

const repeat = (operation: (n: number) => Promise<unknown>) => ({
  count: COUNT,
  async run() {
    for (let n = 0; n < COUNT; n++) await operation(n);
  },
});

/** New ids and times are each side's own. */
const withoutChance = (body: string) =>
  body
    .replaceAll(/"(CommitId|RecordedAt)":\{"S":"[^"]+"\}/g, '"$1":""')
    .replace(/"ClientRequestToken":"[^"]+"/, '"ClientRequestToken":""');

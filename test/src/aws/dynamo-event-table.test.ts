import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { createCloud, type Json, ServiceError } from '../../../local/cloud.ts';
import { createDynamoDb, type DynamoDbService } from '../../../local/dynamodb/dynamodb.ts';
import { seededRandom } from '../../../local/kernel/kernel.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { type EventItem, toItem } from '../../../src/aws/event-item.ts';
import { bucketOf } from '../../../src/event/bucket.ts';
import { readStreamRecord } from '../../../src/feed/stream-record.ts';
import { createEventStore, dynamoEventTable, type EventTable, type StoredEvent } from '../../../src/index.ts';
import { Account, deposited, opened } from '../../contract/bank.ts';
import { makeDynamoTables } from '../../contract/dynamo-tables.ts';
import { SDK_CONFIG, sdkHandler } from '../../local/sdk-handler.ts';

let dynamoDb: DynamoDbService;
let client: DynamoDBClient;
let tableName: string;
let table: EventTable;
let slept: number[];

beforeEach(async () => {
  const cloud = createCloud(realKernel({ seed: 1 }));
  dynamoDb = createDynamoDb(cloud);
  client = new DynamoDBClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
  ({ tableName } = await makeDynamoTables(client));
  slept = [];
  table = dynamoEventTable({
    client,
    tableName,
    random: () => 1,
    sleep: async (ms) => {
      slept.push(ms);
    },
  });
});

const AT = '2026-01-01T00:00:00.000Z';
const event = (version: number, more: Partial<StoredEvent> = {}): StoredEvent => ({
  aggregateUuid: 'a-1',
  aggregateType: 'Account',
  version,
  type: 'MoneyDeposited',
  schemaVersion: 1,
  commitId: 'c',
  commitFirst: version,
  commitLast: version,
  recordedAt: AT,
  occurredAt: AT,
  data: '{"amount":1}',
  ...more,
});

/** Fails the first `times` calls of an operation, before or after it was done. */
function failing(when: 'before' | 'after', operation: string, times: number, code: string, status = 400): () => number {
  let calls = 0;
  const fail = (at: 'before' | 'after', called: string) => {
    if (called === operation && at === when && calls <= times) throw new ServiceError(code, 'a fault', { status });
  };
  dynamoDb.setFaults({
    before: (called: string) => {
      if (called === operation) calls++;
      fail('before', called);
    },
    after: (called: string) => fail('after', called),
  });
  return () => calls;
}

describe('the events table in DynamoDB', () => {
  it('stores exactly the documented attributes', async () => {
    await table.put({ commitId: 'c', events: [event(1)] });
    const Key = { AggregateUuid: { S: 'a-1' }, Version: { N: '1' } };
    const { Item } = await client.send(new GetItemCommand({ TableName: tableName, Key }));
    expect(Item).toEqual({
      ...Key,
      Format: { N: '1' },
      AggregateType: { S: 'Account' },
      Type: { S: 'MoneyDeposited' },
      SchemaVersion: { N: '1' },
      CommitId: { S: 'c' },
      RecordedAt: { S: AT },
      Data: { S: '{"amount":1}' },
      AggregateShard: { S: expect.stringMatching(/^Account#[0-9a-f]$/) },
    });
    const full = [2, 3].map((version) =>
      event(version, { commitFirst: 2, commitLast: 3, occurredAt: '2020-01-01T00:00:00.000Z', metadata: '{}' }),
    );
    await table.put({ commitId: 'c2', events: full.map((one) => ({ ...one, commitId: 'c2' })) });
    const second = await client.send(
      new GetItemCommand({ TableName: tableName, Key: { ...Key, Version: { N: '3' } } }),
    );
    expect(second.Item).toMatchObject({
      CommitFirst: { N: '2' },
      CommitLast: { N: '3' },
      OccurredAt: { S: '2020-01-01T00:00:00.000Z' },
      Metadata: { S: '{}' },
    });
    expect(second.Item).not.toHaveProperty('AggregateShard');
  });

  it.each([
    ['a format that it does not know', { Format: { N: '2' } }, 'event.unknownFormat'],
    ['no format', { Format: undefined }, 'event.unknownFormat'],
    ['encrypted fields', { Encryption: { M: {} } }, 'event.encrypted'],
    ['no data', { Data: undefined }, 'event.missingAttribute'],
    ['data that is no text', { Data: { M: {} } }, 'event.missingAttribute'],
  ])('refuses an item with %s', async (_what, more, code) => {
    await table.put({ commitId: 'c', events: [event(1)] });
    const Key = { AggregateUuid: { S: 'a-1' }, Version: { N: '1' } };
    const { Item } = await client.send(new GetItemCommand({ TableName: tableName, Key }));
    const entries = Object.entries({ ...Item, ...more, Version: { N: '2' } }).filter(
      ([, value]) => value !== undefined,
    );
    await client.send(
      new PutItemCommand({ TableName: tableName, Item: Object.fromEntries(entries) as NonNullable<typeof Item> }),
    );
    await expect(table.get('a-1', 2)).rejects.toMatchObject({ code });
  });

  it.each([
    ['PutItem', 1],
    ['TransactWriteItems', 3],
  ])('recognises its own write when the answer to %s was lost', async (operation, count) => {
    const calls = failing('after', operation, 1, 'InternalServerError', 500);
    const events = Array.from({ length: count }, (_, i) => event(i + 1, { commitFirst: 1, commitLast: count }));
    const { outcome } = await table.put({ commitId: 'c', events });
    // A transaction's token answers "written" to the repeat, a single put's condition finds the own item.
    expect(['written', 'alreadyWritten']).toContain(outcome);
    expect(calls()).toBe(2);
    expect(await table.get('a-1', count)).toEqual(events[count - 1]);
  });

  it.each([
    ['PutItem', 'ThrottlingException', 400],
    ['PutItem', 'ProvisionedThroughputExceededException', 400],
    ['PutItem', 'InternalServerError', 500],
    ['PutItem', 'TransactionConflictException', 400],
    ['TransactWriteItems', 'ThrottlingException', 400],
    ['TransactWriteItems', 'TransactionInProgressException', 400],
  ])('tries %s again after %s, with growing pauses, so often at the most', async (operation, code, status) => {
    const count = operation === 'PutItem' ? 1 : 2;
    const events = Array.from({ length: count }, (_, i) => event(i + 1, { commitFirst: 1, commitLast: count }));
    failing('before', operation, 3, code, status);
    expect(await table.put({ commitId: 'c', events })).toEqual({ outcome: 'written' });
    expect(slept).toEqual([25, 50, 100]);
    const calls = failing('before', operation, 100, code, status);
    await expect(
      table.put({ commitId: 'd', events: events.map((e) => ({ ...e, aggregateUuid: 'b' })) }),
    ).rejects.toThrow();
    expect(calls()).toBe(8);
  });

  it.each<[string, Json]>([
    ['Type', { S: '' }],
    ['Type', { S: 'T'.repeat(129) }],
    ['SchemaVersion', undefined],
    ['SchemaVersion', { N: '0' }],
    ['SchemaVersion', { N: '1.5' }],
    ['SchemaVersion', { N: '1E+30' }],
    ['CommitFirst', { N: '0' }],
    ['CommitLast', { S: '3' }],
  ])('takes no item for an event whose %s is %j, as the feed does not', async (attribute, value) => {
    await table.put({ commitId: 'c', events: [event(1)] });
    const Key = { AggregateUuid: { S: 'a-1' }, Version: { N: '1' } };
    const { Item } = await client.send(new GetItemCommand({ TableName: tableName, Key }));
    const { [attribute]: _, ...rest } = Item!;
    const NewImage = { ...rest, ...(value !== undefined && { [attribute]: value }) };
    await client.send(new PutItemCommand({ TableName: tableName, Item: NewImage }));
    const details = { aggregateUuid: 'a-1', version: 1, attribute };
    await expect(table.get('a-1', 1)).rejects.toMatchObject({ code: 'event.missingAttribute', details });
    const record = { eventName: 'INSERT', dynamodb: { Keys: Key, NewImage } };
    expect(readStreamRecord(record)).toMatchObject({ kind: 'inserted', event: 'poison' });
  });

  it('lists an aggregate once, whatever other versions carry the key of the list', async () => {
    await table.put({ commitId: 'c', events: [event(1)] });
    const { AggregateUuid, AggregateShard, ...first } = toItem(event(1));
    const second = { ...first, AggregateUuid, AggregateShard, Version: { N: '2' } } as EventItem;
    await client.send(new PutItemCommand({ TableName: tableName, Item: second }));
    expect(await table.aggregates({})).toEqual({ aggregateUuids: ['a-1'] });
    const ofType = await table.aggregates({ type: 'Account', part: Number.parseInt(bucketOf('a-1'), 16) });
    expect(ofType).toEqual({ aggregateUuids: ['a-1'] });
  });

  it('tries a transaction again that another one was in the way of', async () => {
    let calls = 0;
    dynamoDb.setFaults({
      before: (operation: string) => {
        if (operation !== 'TransactWriteItems' || ++calls > 2) return;
        const CancellationReasons = [{ Code: 'TransactionConflict', Message: 'conflict' }, { Code: 'None' }];
        throw new ServiceError('TransactionCanceledException', 'cancelled', { fields: { CancellationReasons } });
      },
    });
    const events = [1, 2].map((version) => event(version, { commitFirst: 1, commitLast: 2 }));
    expect(await table.put({ commitId: 'c', events })).toEqual({ outcome: 'written' });
    expect(calls).toBe(3);
  });

  it('does not try again what cannot pass', async () => {
    const calls = failing('before', 'PutItem', 9, 'AccessDeniedException');
    await expect(table.put({ commitId: 'c', events: [event(1)] })).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
    expect(calls()).toBe(1);
  });

  it('reads on after throttling, at every page', async () => {
    const data = JSON.stringify('x'.repeat(300_000));
    for (let version = 1; version <= 9; version++)
      await table.put({ commitId: 'c', events: [event(version, { data })] });
    let calls = 0;
    dynamoDb.setFaults({
      before: (operation: string) => {
        if (operation === 'Query' && calls++ % 2 === 0) throw new ServiceError('ThrottlingException', 'slow down');
      },
    });
    const seen: number[] = [];
    for await (const page of table.query('a-1', {})) seen.push(...page.map(({ version }) => version));
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(calls).toBeGreaterThanOrEqual(6);
  });

  it('asks for consistent reads, unless told otherwise, and never for more than is wanted', async () => {
    const queries: Json[] = [];
    dynamoDb.setFaults({
      before: (operation: string, input: Json) => {
        if (operation === 'Query') queries.push(input);
      },
    });
    const all = async (options: Parameters<EventTable['query']>[1]) => {
      for await (const _ of table.query('a-1', options)) expect(_).toBeDefined();
    };
    await all({ limit: 3 });
    await all({ consistent: false, reverse: true });
    expect(queries[0]).toMatchObject({ ConsistentRead: true, Limit: 3 });
    expect(queries[1]).toMatchObject({ ConsistentRead: false, ScanIndexForward: false });
    expect(queries[1]).not.toHaveProperty('Limit');
  });

  it('keeps every commit once while answers are lost and calls fail at random', async () => {
    const random = seededRandom(11).next;
    dynamoDb.setFaults({
      before: (operation: string) => {
        if (operation !== 'CreateTable' && random() < 0.1) throw new ServiceError('ThrottlingException', 'slow down');
      },
      after: (operation: string) => {
        if (random() < 0.1) throw new ServiceError('InternalServerError', operation, { status: 500 });
      },
    });
    const writers = Array.from({ length: 6 }, () => createEventStore({ table, sleep: async () => {} }));
    await Promise.all(
      writers.map(async (store, writer) => {
        for (let n = 0; n < 20; n++) {
          const both = n % 2 === 0 ? [deposited(writer + 1)] : [deposited(writer + 1), opened('x')];
          await store.handle(Account, 'shared', () => both);
        }
      }),
    );
    dynamoDb.setFaults({});
    const { version, state } = await writers[0]!.load(Account, 'shared');
    expect(version).toBe(6 * 30);
    expect(state.balance).toBe(20 * 21);
  });
});

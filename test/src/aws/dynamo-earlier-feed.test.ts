import { CreateTableCommand, DynamoDBClient, PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { expect, test } from 'vitest';
import { createCloud, ServiceError } from '../../../local/cloud.ts';
import { createDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { dynamoCursorTable } from '../../../src/aws/dynamo-cursor-table.ts';
import { dynamoEarlierFeeds } from '../../../src/aws/dynamo-earlier-feed.ts';
import { dynamoPositionTable } from '../../../src/aws/dynamo-position-table.ts';
import { type Adopted, adopt } from '../../../src/feed/adopt.ts';
import type { EarlierPage } from '../../../src/feed/earlier-feed.ts';
import { SDK_CONFIG, sdkHandler } from '../../local/sdk-handler.ts';
import { memoryEvents } from '../../simulation/memory-ports.ts';
import { storedEvent } from '../../simulation/records.ts';

async function setup() {
  const cloud = createCloud(realKernel({ seed: 1 }));
  createDynamoDb(cloud);
  const client = new DynamoDBClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud), maxAttempts: 8 });
  const tables = { confirmedTable: 'confirmed', positionsTable: 'positions' };
  for (const [TableName, hash] of [
    ['confirmed', 'Cursor'],
    ['positions', 'Consumer'],
  ]) {
    await client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: hash, AttributeType: 'S' }],
        KeySchema: [{ AttributeName: hash, KeyType: 'HASH' }],
      }),
    );
  }
  const feed = (id: string) => ({
    cursors: dynamoCursorTable({ client, tableName: 'confirmed', feed: id }),
    positions: dynamoPositionTable({ client, tableName: 'positions', feed: id }),
  });
  const earlier = dynamoEarlierFeeds({ client, ...tables, feed: 'feed-2', pageSize: 30 });
  return { client, cloud, feed, earlier };
}

async function allOf<T>(page: (after?: string) => Promise<EarlierPage<T>>): Promise<T[]> {
  const all: T[] = [];
  for (let after: string | undefined; ; ) {
    const { entries, next } = await page(after);
    all.push(...entries);
    if (next === undefined) return all;
    after = next;
  }
}

test('of many feeds only the one that is asked for is read, whatever its ids hold', async () => {
  const { feed, earlier } = await setup();
  for (const id of ['feed-1', 'feed-10', 'feed', 'feed-2']) {
    const { cursors, positions } = feed(id);
    for (const aggregate of ['a', 'x|feed-1|y', 'feed-1']) {
      await cursors.raise(aggregate, 1, 3);
      await positions.raise('bus', aggregate, 2);
      await positions.raise('feed-1', aggregate, 1);
    }
    await cursors.saveCheckpoint({ startedAt: 1, after: 'z' });
  }
  await feed('feed-1').cursors.noteAdoption('now', 1000);
  expect(await earlier('feed-1').adoption()).toEqual({ from: 'now', since: 1000 });
  expect(await earlier('feed-10').adoption()).toBeUndefined();
  const cursors = await allOf(earlier('feed-1').cursors);
  expect(cursors.map(({ aggregate }) => aggregate).sort()).toEqual(['a', 'feed-1', 'x|feed-1|y']);
  expect(cursors[0]?.cursor).toEqual({ confirmed: 3 });
  const positions = await allOf(earlier('feed-1').positions);
  expect(positions.map(({ consumer, aggregate, position }) => `${consumer} ${aggregate} ${position}`).sort()).toEqual(
    ['bus a 2', 'bus feed-1 2', 'bus x|feed-1|y 2', 'feed-1 a 1', 'feed-1 feed-1 1', 'feed-1 x|feed-1|y 1'].sort(),
  );
});

test('a position is kept only where there is none, with everything that stands beside it', async () => {
  const { client, cloud, earlier, feed } = await setup();
  const Item = {
    Consumer: { S: 'fees|feed-1|a' },
    Position: { N: '4' },
    ParkedIn: { S: 'feed-1' },
    ParkedVersion: { N: '5' },
    LeaseHolder: { S: 'gone' },
    Why: { M: { x: { S: 'y' } } },
  };
  await client.send(new PutItemCommand({ TableName: 'positions', Item }));
  const [position] = await allOf(earlier('feed-1').positions);
  expect(await earlier('feed-1').keep(position!)).toBe(true);
  const { Items = [] } = await client.send(new ScanCommand({ TableName: 'positions' }));
  const { LeaseHolder: _, ...kept } = Item;
  expect(Items).toContainEqual({ ...kept, Consumer: { S: 'fees|feed-2|a' }, ParkedIn: { S: 'feed-2' } });
  await feed('feed-2').positions.raise('fees', 'a', 7);
  expect(await earlier('feed-1').keep(position!)).toBe(false);
  // One that failed at its first version has no position yet, and moves from there.
  const entry = { consumer: 'fees', aggregate: 'b', position: 0, rest: { Attempts: { N: '2' } } };
  expect(await earlier('feed-1').keep(entry)).toBe(true);
  const move = { consumer: 'fees', aggregate: 'b', from: 0, to: 1 };
  expect(await feed('feed-2').positions.commit(move, [])).toBe(true);
  const { call } = cloud;
  cloud.call = () => Promise.reject(new ServiceError('AccessDeniedException', 'no'));
  await expect(earlier('feed-1').keep(position!)).rejects.toMatchObject({ name: 'AccessDeniedException' });
  cloud.call = call;
  expect((await feed('feed-2').positions.read('fees', ['a'])).get('a')).toBe(7);
});

test('a feed goes on from another over real tables, killed after every page and throttled on the way', async () => {
  const { cloud, feed, earlier } = await setup();
  const events = memoryEvents({ pageSize: 100 });
  const old = feed('feed-1');
  const ids = Array.from({ length: 100 }, (_, i) => `a${i}`);
  for (const id of ids) {
    for (let version = 1; version <= 3; version++) events.put(storedEvent(id, version));
    await old.cursors.raise(id, 1, 3);
    await old.positions.raise('bus', id, 2);
  }
  const { call } = cloud;
  let calls = 0;
  cloud.call = (caller, service, operation, input) => {
    if (calls++ % 20 === 0) throw new ServiceError('ProvisionedThroughputExceededException', 'slow down');
    return call(caller, service, operation, input);
  };
  const { cursors } = feed('feed-2');
  const ports = { feed: 'feed-2', cursors, table: events.table, earlier, now: () => 1000 };
  const counted = { begun: 0, positions: 0, runs: 0 };
  for (let adopted: Adopted | undefined; adopted?.complete !== true; counted.runs++) {
    adopted = await adopt(ports, { from: 'feed-1', isLate: () => true });
    counted.begun += adopted.begun;
    counted.positions += adopted.positions;
  }
  expect(counted).toMatchObject({ begun: 100, positions: 100 });
  expect(counted.runs).toBeGreaterThan(3);
  expect(await cursors.readMany(ids)).toEqual(new Map(ids.map((id) => [id, { confirmed: 2 }])));
  expect((await feed('feed-2').positions.read('bus', ids)).size).toBe(100);
}, 60_000);

test('a feed has run once its reconciler has left a checkpoint', async () => {
  const { feed, earlier } = await setup();
  await feed('feed-10').cursors.saveCheckpoint({ startedAt: 1 });
  expect(await earlier('feed-1').hasRun()).toBe(false);
  expect(await earlier('feed-10').hasRun()).toBe(true);
});

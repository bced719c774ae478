import {
  CreateTableCommand,
  DynamoDBClient,
  GetItemCommand,
  ScanCommand,
  type TransactWriteItem,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Cloud, createCloud, ServiceError } from '../../../local/cloud.ts';
import { createDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { dynamoCursorTable } from '../../../src/aws/dynamo-cursor-table.ts';
import { parkedAggregates } from '../../../src/aws/dynamo-parked.ts';
import { dynamoPositionTable } from '../../../src/aws/dynamo-position-table.ts';
import type { CursorTable } from '../../../src/feed/cursor-table.ts';
import type { PositionTable } from '../../../src/feed/position-table.ts';
import { SDK_CONFIG, sdkHandler } from '../../local/sdk-handler.ts';
import { memoryCursors, memoryPositions } from '../../simulation/memory-ports.ts';

const MOVE = { consumer: 'c', aggregate: 'a', from: 0, to: 1 };

const parking = {
  version: 3,
  waiting: 5,
  since: '2026-01-02T03:04:05.678Z',
  code: 'TypeError',
  message: '',
  function: 'fees',
};

async function makeTable(
  name: string,
  hash: string,
  indexes: Readonly<Record<string, readonly [hash: string, range: string]>> = {},
): Promise<{ client: DynamoDBClient; cloud: Cloud }> {
  const cloud = createCloud(realKernel({ seed: 1 }));
  createDynamoDb(cloud);
  const client = new DynamoDBClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [...new Set([hash, ...Object.values(indexes).flat()])].map((AttributeName) => ({
        AttributeName,
        AttributeType: 'S',
      })),
      KeySchema: [{ AttributeName: hash, KeyType: 'HASH' }],
      ...(Object.keys(indexes).length > 0 && {
        GlobalSecondaryIndexes: Object.entries(indexes).map(([IndexName, [hashOf, range]]) => ({
          IndexName,
          KeySchema: [
            { AttributeName: hashOf, KeyType: 'HASH' },
            { AttributeName: range, KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        })),
      }),
    }),
  );
  return { client, cloud };
}

async function dynamoCursors(feed = 'feed-1'): Promise<CursorTable> {
  const { client } = await makeTable('confirmed', 'Cursor');
  return dynamoCursorTable({ client, tableName: 'confirmed', feed });
}

/** The port's contract, on every implementation of it. */
describe.each<[string, () => Promise<CursorTable>]>([
  ['in memory', async () => memoryCursors()],
  ['in DynamoDB', dynamoCursors],
])('cursors %s', (_, make) => {
  test('an absent one is at 0 and left out of many', async () => {
    const cursors = await make();
    expect(await cursors.read('a')).toEqual({ confirmed: 0 });
    expect(await cursors.readMany(['a', 'b'])).toEqual(new Map());
    expect(await cursors.readMany([])).toEqual(new Map());
  });

  test.each([
    // confirmed, from, to, raised
    [0, 1, 3, true],
    [0, 2, 3, false],
    [3, 4, 5, true],
    [3, 1, 5, true],
    [3, 5, 6, false],
    [3, 1, 3, false],
    [3, 2, 3, false],
  ])('at %d, [%d..%d] raises: %s', async (confirmed, from, to, raised) => {
    const cursors = await make();
    if (confirmed > 0) await cursors.raise('a', 1, confirmed);
    const cursor = { confirmed: raised ? to : confirmed };
    expect(await cursors.raise('a', from, to)).toEqual({ raised, before: confirmed, cursor });
    expect(await cursors.read('a')).toEqual(cursor);
  });

  test('the commit of the confirmed version is kept with it, and forgotten where the next one’s is not known', async () => {
    const cursors = await make();
    await cursors.raise('a', 1, 2, 'x');
    expect(await cursors.read('a')).toEqual({ confirmed: 2, commit: 'x' });
    expect(await cursors.raise('a', 3, 4, 'y')).toEqual({
      raised: true,
      before: 2,
      cursor: { confirmed: 4, commit: 'y' },
    });
    await cursors.raise('a', 1, 3, 'z');
    expect(await cursors.read('a')).toEqual({ confirmed: 4, commit: 'y' });
    await cursors.raise('a', 5, 5);
    expect(await cursors.read('a')).toEqual({ confirmed: 5 });
  });

  test('an aggregate begins at a base once, and only where nothing is confirmed', async () => {
    const cursors = await make();
    expect(await cursors.begin('a', { confirmed: 7, base: 7 })).toBe(true);
    expect(await cursors.begin('a', { confirmed: 9, base: 9 })).toBe(false);
    expect(await cursors.read('a')).toEqual({ confirmed: 7, base: 7 });
    expect(await cursors.raise('a', 8, 8)).toEqual({
      raised: true,
      before: 7,
      cursor: { confirmed: 8, base: 7 },
    });
    await cursors.offer('b', 1, 1000);
    expect(await cursors.begin('b', { confirmed: 3, base: 0 })).toBe(true);
    expect(await cursors.read('b')).toEqual({ confirmed: 3, offered: 1, offeredAt: 1000 });
    await cursors.raise('c', 1, 1);
    expect(await cursors.begin('c', { confirmed: 2, base: 2 })).toBe(false);
  });

  test('how a feed begins is noted once, and how far that is', async () => {
    const cursors = await make();
    expect(await cursors.adoption()).toBeUndefined();
    expect(await cursors.noteAdoption('now', 1000)).toEqual({ from: 'now', since: 1000 });
    expect(await cursors.noteAdoption('start', 2000)).toEqual({ from: 'now', since: 1000 });
    await cursors.saveAdoption({ after: 'x' });
    await cursors.saveCheckpoint({ startedAt: 5, after: 'y' });
    expect(await cursors.adoption()).toEqual({ from: 'now', since: 1000, after: 'x' });
    await cursors.saveAdoption({ doneAt: 3000 });
    await cursors.saveAdoption({ after: 'z' }); // another that is behind
    expect(await cursors.adoption()).toEqual({ from: 'now', since: 1000, after: 'z', doneAt: 3000 });
    expect(await cursors.checkpoint()).toEqual({ startedAt: 5, after: 'y' });
  });

  test('offers, heads and holes are kept; a raise ends the hole', async () => {
    const cursors = await make();
    await cursors.offer('a', 4, 1000);
    expect(await cursors.noteHead('a', 9)).toEqual({ confirmed: 0, offered: 4, offeredAt: 1000, head: 9 });
    expect(await cursors.noteHead('a', 8)).toMatchObject({ head: 9 });
    await cursors.noteHead('c', 1);
    expect(await cursors.noteHead('c', 2)).toEqual({ confirmed: 0, head: 2 });
    const hole = { version: 1, since: 2000, attempts: 3 };
    const holed = { confirmed: 0, offered: 4, offeredAt: 1000, head: 9, holed: 1, holedAt: 2000, attempts: 3 };
    expect(await cursors.markHole('a', hole)).toEqual({ marked: true, cursor: holed });
    expect(await cursors.readMany(['a', 'x'])).toEqual(new Map([['a', holed]]));
    expect(await cursors.markHole('a', { ...hole, version: 2 })).toEqual({ marked: false, cursor: holed });
    const raised = { confirmed: 1, offered: 4, offeredAt: 1000, head: 9 };
    expect(await cursors.raise('a', 1, 1)).toEqual({ raised: true, before: 0, cursor: raised });
    expect(await cursors.markHole('a', hole)).toEqual({ marked: false, cursor: raised });
    expect((await cursors.markHole('a', { ...hole, version: 2 })).marked).toBe(true);
  });

  test('how far a person’s look at the feed is', async () => {
    const cursors = await make();
    expect(await cursors.statusRound()).toBeUndefined();
    const round = { startedAt: 1, looked: 100, behind: 2, events: 7, after: '{"x":1}' };
    await cursors.saveStatusRound(round);
    await cursors.saveCheckpoint({ startedAt: 5 });
    expect(await cursors.statusRound()).toEqual(round);
    const { after: _, ...last } = round;
    await cursors.saveStatusRound({ ...last, last: { ...last, endedAt: 3 } });
    expect(await cursors.statusRound()).toEqual({ ...last, last: { ...last, endedAt: 3 } });
  });

  test('the checkpoint', async () => {
    const cursors = await make();
    expect(await cursors.checkpoint()).toBeUndefined();
    await cursors.saveCheckpoint({ startedAt: 5, after: 'token' });
    expect(await cursors.checkpoint()).toEqual({ startedAt: 5, after: 'token' });
    await cursors.saveCheckpoint({ startedAt: 6 });
    expect(await cursors.checkpoint()).toEqual({ startedAt: 6 });
    expect(await cursors.readMany(['a'])).toEqual(new Map());
  });
});

test('in DynamoDB the cursor is as the protocol has it, whatever is raised in whatever order', async () => {
  const raises = fc.array(fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 })), { maxLength: 12 });
  const cursors = await dynamoCursors();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(raises, async (given) => {
      const aggregate = `a${run++}`;
      let confirmed = 0;
      for (const [one, other] of given) {
        const [from, to] = [Math.min(one, other), Math.max(one, other)];
        const raised = from <= confirmed + 1 && to > confirmed;
        const before = confirmed;
        if (raised) confirmed = to;
        expect(await cursors.raise(aggregate, from, to)).toEqual({ raised, before, cursor: { confirmed } });
      }
    }),
    { numRuns: 50 },
  );
});

test('a commit is that of the version that it was written with', async () => {
  const { client } = await makeTable('confirmed', 'Cursor');
  const cursors = dynamoCursorTable({ client, tableName: 'confirmed', feed: 'feed-1' });
  await cursors.raise('a', 1, 1, 'x');
  // As code that does not know of commits raises it.
  await client.send(
    new UpdateItemCommand({
      TableName: 'confirmed',
      Key: { Cursor: { S: 'feed-1|a' } },
      UpdateExpression: 'SET Confirmed = :to',
      ExpressionAttributeValues: { ':to': { N: '2' } },
    }),
  );
  expect(await cursors.read('a')).toEqual({ confirmed: 2 });
});

test('feeds share the table and nothing else', async () => {
  const { client } = await makeTable('confirmed', 'Cursor');
  const [one, two] = ['feed-1', 'feed-2'].map((feed) => dynamoCursorTable({ client, tableName: 'confirmed', feed }));
  await one!.raise('a|b', 1, 3);
  expect(await two!.read('a|b')).toEqual({ confirmed: 0 });
  expect(await one!.readMany(['a|b'])).toEqual(new Map([['a|b', { confirmed: 3 }]]));
  const { Items } = await client.send(new ScanCommand({ TableName: 'confirmed' }));
  expect(Items).toEqual([{ Cursor: { S: 'feed-1|a|b' }, Confirmed: { N: '3' } }]);
});

test('250 cursors are read, and keys that a throttled table leaves out are asked for again', async () => {
  const { client, cloud } = await makeTable('confirmed', 'Cursor');
  const names = Array.from({ length: 250 }, (_, i) => `a${i}`);
  const cursors = dynamoCursorTable({ client, tableName: 'confirmed', feed: 'feed-1' });
  for (const name of names) await cursors.raise(name, 1, 1);
  const { call } = cloud;
  let calls = 0;
  cloud.call = (caller, service, operation, input) => {
    if (operation !== 'BatchGetItem' || calls++ % 2 === 0) return call(caller, service, operation, input);
    const Keys = input.RequestItems.confirmed.Keys;
    return Promise.resolve({ Responses: { confirmed: [] }, UnprocessedKeys: { confirmed: { Keys } } });
  };
  expect((await cursors.readMany(names)).size).toBe(250);
  expect(calls).toBeGreaterThan(3);
});

describe.each<[string, () => Promise<PositionTable<never>>]>([
  ['in memory', async () => memoryPositions()],
  [
    'in DynamoDB',
    async () => {
      const { client } = await makeTable('positions', 'Consumer');
      return dynamoPositionTable({ client, tableName: 'positions', feed: 'feed-1' }) as PositionTable<never>;
    },
  ],
])('positions %s', (_, make) => {
  test('rise and never fall', async () => {
    const positions = await make();
    expect(await positions.read('c', ['a'])).toEqual(new Map());
    for (const to of [3, 2, 5]) await positions.raise('c', 'a', to);
    expect(await positions.read('c', ['a', 'b'])).toEqual(new Map([['a', 5]]));
    expect(await positions.read('d', ['a'])).toEqual(new Map());
  });

  test('move only from where they are', async () => {
    const positions = await make();
    expect(await positions.commit(MOVE, [])).toBe(true);
    expect(await positions.commit(MOVE, [])).toBe(false);
    expect(await positions.commit({ ...MOVE, from: 1, to: 4 }, [])).toBe(true);
    expect(await positions.commit({ ...MOVE, from: 2, to: 5 }, [])).toBe(false);
    expect(await positions.read('c', ['a'])).toEqual(new Map([['a', 4]]));
  });

  test('a lease is one holder’s until its time is up, and a move may ask for it', async () => {
    const positions = await make();
    const lease = { consumer: 'c', aggregate: 'a', holder: 'x', until: 100, now: 0 };
    expect(await positions.lease(lease)).toEqual({ position: 0, attempts: 0 });
    expect(await positions.read('c', ['a'])).toEqual(new Map()); // a lease is no position
    expect(await positions.lease({ ...lease, holder: 'y' })).toBeUndefined();
    expect(await positions.lease({ ...lease, until: 200, now: 50 })).toEqual({ position: 0, attempts: 0 });
    expect(await positions.commit({ ...MOVE, holder: 'y' }, [])).toBe(false);
    expect(await positions.commit({ ...MOVE, holder: 'x' }, [])).toBe(true);
    await positions.release({ ...lease, holder: 'y' });
    expect(await positions.lease({ ...lease, holder: 'y', now: 199 })).toBeUndefined();
    expect(await positions.lease({ ...lease, holder: 'y', now: 200, until: 300 })).toEqual({
      position: 1,
      attempts: 0,
    });
    expect(await positions.commit({ ...MOVE, from: 1, to: 2, holder: 'x' }, [])).toBe(false);
    expect(await positions.commit({ ...MOVE, from: 1, to: 2, holder: 'y', release: true }, [])).toBe(true);
    expect(await positions.lease({ ...lease, holder: 'x', now: 201 })).toEqual({ position: 2, attempts: 0 });
    await positions.release({ ...lease, holder: 'x' });
    expect(await positions.lease({ ...lease, holder: 'y', until: 400, now: 202 })).toEqual({
      position: 2,
      attempts: 0,
    });
    await positions.release({ ...lease, holder: 'y' });
    expect(await positions.lease({ ...lease, until: 500, now: 203 })).toBeDefined();
    // A failed move and an end of parking give it back only where they say so.
    const held = { ...MOVE, from: 2, to: 2, holder: 'x' };
    expect(await positions.fail(held)).toBe(true);
    expect(await positions.lease({ ...lease, holder: 'y', until: 500, now: 204 })).toBeUndefined();
    expect(await positions.fail({ ...held, release: true }, { ...parking, version: 2, waiting: 2 })).toBe(true);
    expect(await positions.lease({ ...lease, until: 500, now: 205 })).toBeDefined();
    expect(await positions.unpark({ ...held, release: true })).toBe(true);
    expect(await positions.lease({ ...lease, holder: 'y', until: 500, now: 206 })).toEqual({
      position: 2,
      attempts: 0,
    });
  });

  test('attempts are counted where the position is, and end with it', async () => {
    const positions = await make();
    const standing = async () => (await positions.standings('c', ['a'])).get('a');
    expect(await positions.fail({ ...MOVE, to: 0 })).toBe(true);
    expect(await standing()).toEqual({ position: 0, attempts: 1 });
    expect(await positions.fail({ ...MOVE, to: 2 })).toBe(true);
    expect(await positions.fail({ ...MOVE, to: 2 })).toBe(false);
    expect(await standing()).toEqual({ position: 2, attempts: 1 }); // of another version
    expect(await positions.fail({ ...MOVE, from: 2, to: 2 })).toBe(true);
    expect(await standing()).toEqual({ position: 2, attempts: 2 });
    expect(await positions.commit({ ...MOVE, from: 2, to: 3 }, [])).toBe(true);
    expect(await standing()).toEqual({ position: 3, attempts: 0 });
  });

  test('a parked aggregate moves only by who knows it, and is not ended while something waits above', async () => {
    const positions = await make();
    const standing = async () => (await positions.standings('c', ['a', 'z'])).get('a');
    const redriven = { ...MOVE, parked: true };
    expect(await positions.wait('c', 'a', 4)).toEqual({ position: 0, attempts: 0 }); // not parked: nothing is noted
    expect(await positions.fail({ ...MOVE, to: 2 }, parking)).toBe(true);
    expect(await standing()).toEqual({ position: 2, attempts: 1, parked: parking });
    expect(await positions.commit({ ...MOVE, from: 2, to: 3 }, [])).toBe(false);
    expect(await positions.fail({ ...MOVE, from: 2, to: 2 }, parking)).toBe(false);
    expect((await positions.wait('c', 'a', 7)).parked).toEqual({ ...parking, waiting: 7 });
    expect((await positions.wait('c', 'a', 6)).parked).toEqual({ ...parking, waiting: 7 });
    expect(await positions.commit({ ...redriven, from: 2, to: 4 }, [])).toBe(true);
    expect(await positions.unpark({ ...redriven, from: 4 })).toBe(false);
    // Parked again: what waits is not forgotten.
    expect(await positions.fail({ ...redriven, from: 4, to: 4 }, { ...parking, version: 5 })).toBe(true);
    expect(await standing()).toEqual({ position: 4, attempts: 1, parked: { ...parking, version: 5, waiting: 7 } });
    expect(await positions.commit({ ...redriven, from: 4, to: 7 }, [])).toBe(true);
    expect(await positions.unpark({ ...redriven, from: 6 })).toBe(false);
    expect(await positions.unpark({ ...redriven, from: 7 })).toBe(true);
    expect(await standing()).toEqual({ position: 7, attempts: 0 });
    expect(await positions.unpark({ ...redriven, from: 7 })).toBe(false);
    expect(await positions.commit({ ...MOVE, from: 7, to: 8 }, [])).toBe(true);
  });

  test('one redrive does not end what another has parked beyond all that waits: what comes there is taken for noted', async () => {
    const positions = await make();
    const redriven = { ...MOVE, parked: true };
    await positions.fail({ ...MOVE, to: 2 }, { ...parking, version: 3, waiting: 5 });
    await positions.commit({ ...redriven, from: 2, to: 5 }, []);
    await positions.fail({ ...redriven, from: 5, to: 5 }, { ...parking, version: 6, waiting: 6 });
    expect(await positions.unpark({ ...redriven, from: 5 })).toBe(false);
    expect((await positions.standings('c', ['a'])).get('a')?.parked).toMatchObject({ version: 6, waiting: 6 });
  });
});

test('what a table says that is no answer is thrown, and taken for none', async () => {
  const { client, cloud } = await makeTable('confirmed', 'Cursor');
  const cursors = dynamoCursorTable({ client, tableName: 'confirmed', feed: 'feed-1' });
  const positions = dynamoPositionTable({ client, tableName: 'confirmed', feed: 'feed-1' });
  let code = 'AccessDeniedException';
  cloud.call = () => Promise.reject(new ServiceError(code, 'no'));
  const lease = { consumer: 'c', aggregate: 'a', holder: 'x', until: 100, now: 0 };
  const item = { Put: { TableName: 'confirmed', Item: { Cursor: { S: 'x' } } } };
  for (const call of [
    () => cursors.raise('a', 1, 1),
    () => cursors.noteAdoption('now', 1),
    () => positions.raise('c', 'a', 1),
    () => positions.lease(lease),
    () => positions.commit(MOVE, []),
    () => positions.commit(MOVE, [item]),
  ])
    await expect(call()).rejects.toMatchObject({ name: code });
  code = 'TransactionConflictException'; // of another's effect at the same item: a lost race
  expect(await positions.commit(MOVE, [])).toBe(false);
});

test('what is parked is listed over as many pages as the index has', async () => {
  const { client, cloud } = await makeTable('positions', 'Consumer', { ParkedAggregates: ['ParkedIn', 'Consumer'] });
  const positions = dynamoPositionTable({ client, tableName: 'positions', feed: 'feed-1' });
  const { call } = cloud;
  cloud.call = (caller, service, operation, input) =>
    call(caller, service, operation, operation === 'Query' ? { ...input, Limit: 1 } : input);
  for (const aggregate of ['a', 'b|c', 'd']) await positions.fail({ ...MOVE, aggregate, to: 0 }, parking);
  await positions.fail({ ...MOVE, consumer: 'another', to: 0 }, parking);
  const listed: string[] = [];
  for await (const each of parkedAggregates({ client, tableName: 'positions', feed: 'feed-1' }, 'c'))
    listed.push(`${each.aggregate} ${each.position} ${each.waiting}`);
  expect(listed).toEqual(['a 0 5', 'b|c 0 5', 'd 0 5']);
});

describe('an effect in DynamoDB', () => {
  const line = (id: string, condition = true): TransactWriteItem => ({
    Put: {
      TableName: 'positions',
      Item: { Consumer: { S: id } },
      ...(condition && { ConditionExpression: 'attribute_not_exists(Consumer)' }),
    },
  });
  const make = async () => {
    const { client, cloud } = await makeTable('positions', 'Consumer');
    const has = async (id: string) =>
      (await client.send(new GetItemCommand({ TableName: 'positions', Key: { Consumer: { S: id } } }))).Item !==
      undefined;
    return { cloud, has, positions: dynamoPositionTable({ client, tableName: 'positions', feed: 'feed-1' }) };
  };

  test('is written with the position, or not at all', async () => {
    const { has, positions } = await make();
    expect(await positions.commit(MOVE, [line('x'), line('y')])).toBe(true);
    expect([await has('x'), await has('y')]).toEqual([true, true]);
    expect(await positions.commit(MOVE, [line('z')])).toBe(false);
    expect(await has('z')).toBe(false);
    expect(await positions.read('c', ['a'])).toEqual(new Map([['a', 1]]));
  });

  test('of which a condition of its own fails is refused with a code that names the item', async () => {
    const { has, positions } = await make();
    await positions.commit(MOVE, [line('x')]);
    const again = positions.commit({ ...MOVE, from: 1, to: 2 }, [line('y'), line('x')]);
    await expect(again).rejects.toMatchObject({
      code: 'feed.effectRefused',
      details: { consumer: 'c', aggregate: 'a', version: 2, reasons: ['item 1: ConditionalCheckFailed'] },
    });
    expect(await has('y')).toBe(false);
  });

  test('of more items than a transaction takes is refused before anything is sent', async () => {
    const { positions } = await make();
    const items = Array.from({ length: 100 }, (_, i) => line(`x${i}`));
    await expect(positions.commit(MOVE, items)).rejects.toMatchObject({ code: 'feed.effectInvalid' });
    expect(await positions.read('c', ['a'])).toEqual(new Map());
    expect(await positions.commit(MOVE, items.slice(1))).toBe(true);
  });

  test.each([
    ['a conflict with another transaction is a lost race', ['None', 'TransactionConflict'], false],
    ['throttling is an error that passes', ['None', 'ThrottlingError'], 'TransactionCanceledException'],
    ['an item that DynamoDB cannot take is refused with a code', ['None', 'ValidationError'], 'DaybookError'],
  ])('%s', async (_, codes, outcome) => {
    const { positions, cloud } = await make();
    const { call } = cloud;
    cloud.call = (caller, service, operation, input) => {
      if (operation !== 'TransactWriteItems') return call(caller, service, operation, input);
      const CancellationReasons = codes.map((Code) => ({ Code }));
      throw new ServiceError('TransactionCanceledException', 'cancelled', { fields: { CancellationReasons } });
    };
    const committed = positions.commit(MOVE, [line('x')]);
    if (outcome === false) expect(await committed).toBe(false);
    else await expect(committed).rejects.toMatchObject({ name: outcome });
  });

  test('of a wrong shape is refused with a code', async () => {
    const { positions } = await make();
    const nothing = { Put: { TableName: 'positions', Item: { Consumer: { N: '1' } } } };
    await expect(positions.commit(MOVE, [nothing])).rejects.toMatchObject({ code: 'feed.effectRefused' });
    await expect(positions.commit(MOVE, [line('x'), line('x')])).rejects.toMatchObject({ code: 'feed.effectRefused' });
  });

  const circle: Record<string, unknown> = {};
  circle.M = { again: circle };
  test.each<[string, unknown]>([
    ['a number in the place of an item', 42],
    ['an attribute without its type', { Put: { TableName: 'positions', Item: { Consumer: { S: 'x' }, text: 'x' } } }],
    ['an attribute of no type', { Put: { TableName: 'positions', Item: { Consumer: { S: 'x' }, text: { Z: 'x' } } } }],
    ['what is no JSON', { Put: { TableName: 'positions', Item: { Consumer: { S: 'x' }, circle } } }],
  ])('that holds %s is refused with a code, for no retry mends it', async (_, item) => {
    const { positions } = await make();
    const refused = { code: 'feed.effectRefused', details: { aggregate: 'a', version: 1 } };
    await expect(positions.commit(MOVE, [item as never])).rejects.toMatchObject(refused);
  });
});

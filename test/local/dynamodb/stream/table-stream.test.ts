import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '../../../../local/cloud.ts';
import { failure, key, plain, type Setup, STREAMED, setup, tableInput } from '../setup.ts';

let s: Setup;
let arn: string;

function start(options: Parameters<typeof setup>[0] = {}, view = 'NEW_AND_OLD_IMAGES'): void {
  s = setup(options);
  s.call('CreateTable', tableInput('tbl', { StreamSpecification: { StreamEnabled: true, StreamViewType: view } }));
  arn = s.db.streamArnOf('tbl')!;
}

beforeEach(() => start());

const put = (r: number, x = 'x', p = 'a') =>
  s.call('PutItem', { TableName: 'tbl', Item: { ...key(p, r), x: { S: x } } });
const shards = () => s.call('DescribeStream', { StreamArn: arn }).StreamDescription.Shards;
const iterator = (ShardIteratorType: string, more: Json = {}, ShardId = shards()[0].ShardId) =>
  s.call('GetShardIterator', { StreamArn: arn, ShardId, ShardIteratorType, ...more }).ShardIterator;
const read = (ShardIterator: string, more: Json = {}) => plain(s.call('GetRecords', { ShardIterator, ...more }));
const versions = (records: Json) => records.map(({ dynamodb }: Json) => Number(dynamodb.Keys.r.N));

describe('records', () => {
  it('tell each change with its images', async () => {
    await s.kernel.run(s.kernel.clock.now() + 1500);
    put(1, 'one');
    put(1, 'two');
    s.call('UpdateItem', { TableName: 'tbl', Key: key('a', 1), UpdateExpression: 'REMOVE x' });
    s.call('DeleteItem', { TableName: 'tbl', Key: key('a', 1) });
    const { Records } = read(iterator('TRIM_HORIZON'));
    expect(Records.map(({ eventName }: Json) => eventName)).toEqual(['INSERT', 'MODIFY', 'MODIFY', 'REMOVE']);
    expect(Records[0]).toMatchObject({ eventVersion: '1.1', eventSource: 'aws:dynamodb', awsRegion: 'us-east-1' });
    expect(Records[1].dynamodb).toMatchObject({
      ApproximateCreationDateTime: Date.UTC(2026, 0, 1) / 1000 + 1,
      Keys: key('a', 1),
      OldImage: { ...key('a', 1), x: { S: 'one' } },
      NewImage: { ...key('a', 1), x: { S: 'two' } },
      SizeBytes: 5 + 9 + 9,
      StreamViewType: 'NEW_AND_OLD_IMAGES',
    });
    expect(Records[3].dynamodb).not.toHaveProperty('NewImage');
    const numbers = Records.map(({ dynamodb }: Json) => dynamodb.SequenceNumber);
    expect(numbers.every((n: string) => /^\d{21,40}$/.test(n))).toBe(true);
    expect([...numbers].sort()).toEqual(numbers);
    expect(new Set(Records.map(({ eventID }: Json) => eventID)).size).toBe(4);
  });

  it('are not written for a change that changed nothing', () => {
    put(1);
    put(1);
    s.call('DeleteItem', { TableName: 'tbl', Key: key('a', 2) });
    s.call('UpdateItem', { TableName: 'tbl', Key: key('a', 1), UpdateExpression: 'REMOVE nothing' });
    expect(read(iterator('TRIM_HORIZON')).Records).toHaveLength(1);
  });

  it.each([
    ['NEW_IMAGE', ['NewImage']],
    ['OLD_IMAGE', ['OldImage']],
    ['KEYS_ONLY', []],
    ['NEW_AND_OLD_IMAGES', ['NewImage', 'OldImage']],
  ])('show with %s: %j', (view, images) => {
    start({}, view);
    put(1, 'one');
    put(1, 'two');
    const { dynamodb } = read(iterator('TRIM_HORIZON')).Records[1];
    expect(
      Object.keys(dynamodb)
        .filter((name) => name.endsWith('Image'))
        .sort(),
    ).toEqual(images);
    expect(dynamodb.Keys).toEqual(key('a', 1));
  });

  it('of a transaction come in its order', () => {
    s.call('TransactWriteItems', {
      TransactItems: [3, 1, 2].map((r) => ({ Put: { TableName: 'tbl', Item: key('a', r) } })),
    });
    expect(versions(read(iterator('TRIM_HORIZON')).Records)).toEqual([3, 1, 2]);
  });
});

describe('iterators', () => {
  beforeEach(() => {
    for (let r = 1; r <= 5; r++) put(r);
  });

  it('begin where they are told to', () => {
    const records = read(iterator('TRIM_HORIZON')).Records;
    const third = records[2].dynamodb.SequenceNumber;
    expect(versions(records)).toEqual([1, 2, 3, 4, 5]);
    expect(versions(read(iterator('AT_SEQUENCE_NUMBER', { SequenceNumber: third })).Records)).toEqual([3, 4, 5]);
    expect(versions(read(iterator('AFTER_SEQUENCE_NUMBER', { SequenceNumber: third })).Records)).toEqual([4, 5]);
    const latest = iterator('LATEST');
    expect(read(latest).Records).toEqual([]);
    put(6);
    expect(versions(read(latest).Records)).toEqual([6]);
  });

  it('go on from page to page', () => {
    const first = read(iterator('TRIM_HORIZON'), { Limit: 2 });
    const second = read(first.NextShardIterator, { Limit: 2 });
    const third = read(second.NextShardIterator, { Limit: 2 });
    expect([first, second, third].map(({ Records }) => versions(Records))).toEqual([[1, 2], [3, 4], [5]]);
    expect(read(third.NextShardIterator).Records).toEqual([]);
    put(6);
    expect(versions(read(third.NextShardIterator).Records)).toEqual([6]);
  });

  it('give a megabyte at the most', () => {
    for (let r = 10; r < 15; r++) put(r, 'x'.repeat(300_000));
    const page = read(iterator('TRIM_HORIZON'));
    expect(versions(page.Records)).toEqual([1, 2, 3, 4, 5, 10, 11, 12]);
    expect(versions(read(page.NextShardIterator).Records)).toEqual([13, 14]);
  });

  it('expire after fifteen minutes', async () => {
    const old = iterator('TRIM_HORIZON');
    await s.kernel.run(s.kernel.clock.now() + 15 * 60_000 + 1);
    expect(failure(() => read(old)).code).toBe('ExpiredIteratorException');
  });

  it('do not reach what is older than a day', async () => {
    const first = read(iterator('TRIM_HORIZON')).Records[0].dynamodb.SequenceNumber;
    await s.kernel.run(s.kernel.clock.now() + 23 * 3_600_000);
    put(6);
    await s.kernel.run(s.kernel.clock.now() + 3_600_000);
    expect(versions(read(iterator('TRIM_HORIZON')).Records)).toEqual([6]);
    const at = () => iterator('AT_SEQUENCE_NUMBER', { SequenceNumber: first });
    expect(failure(at).code).toBe('TrimmedDataAccessException');
  });

  it.each<[Json, string]>([
    [{ ShardIteratorType: 'AT_SEQUENCE_NUMBER' }, 'One or more parameter values were invalid: Invalid SequenceNumber'],
    [
      { ShardIteratorType: 'AT_SEQUENCE_NUMBER', SequenceNumber: '999999999999999999999' },
      'One or more parameter values were invalid: Invalid SequenceNumber: 999999999999999999999',
    ],
  ])('refuse %j', (more, message) => {
    const input = { StreamArn: arn, ShardId: shards()[0].ShardId, ...more };
    expect(failure(() => s.call('GetShardIterator', input)).message).toBe(message);
  });

  it('refuse what is no iterator, and shards that are not there', () => {
    expect(failure(() => read('nonsense')).message).toBe('Invalid ShardIterator');
    expect(failure(() => read(iterator('LATEST'), { Limit: 1001 })).message).toBe(
      'One or more parameter values were invalid: Limit should be less than or equal to 1000',
    );
    expect(failure(() => iterator('LATEST', { SequenceNumber: '100000000000000000001' })).message).toBe(
      'One or more parameter values were invalid: SequenceNumber should not be passed for this iterator type',
    );
    expect(failure(() => iterator('LATEST', {}, 'shardId-00000000000000000000-00000000')).code).toBe(
      'ResourceNotFoundException',
    );
  });
});

describe('shards', () => {
  const read_all = (ShardId: string) => read(iterator('TRIM_HORIZON', {}, ShardId));

  it('keep each partition in one of them', () => {
    start({ streamShards: 4 });
    for (let i = 0; i < 100; i++) put(i, 'x', `p${i % 20}`);
    const found = shards().map(({ ShardId }: Json) => read_all(ShardId).Records);
    expect(found.flat()).toHaveLength(100);
    const homes = found.map((records: Json) => new Set(records.map(({ dynamodb }: Json) => dynamodb.Keys.p.S)));
    expect(homes.every((home: Set<string>) => home.size > 0)).toBe(true);
    expect(homes.reduce((sum: number, home: Set<string>) => sum + home.size, 0)).toBe(20);
  });

  it('end by a split, and their children go on', () => {
    for (let i = 0; i < 20; i++) put(1, 'x', `p${i}`);
    const [parent] = shards();
    const before = iterator('LATEST');
    s.db.splitShard(arn);
    for (let i = 0; i < 20; i++) put(2, 'x', `p${i}`);
    const [, ...children] = shards();
    expect(children.map(({ ParentShardId }: Json) => ParentShardId)).toEqual([parent.ShardId, parent.ShardId]);
    expect(shards()[0].SequenceNumberRange).toHaveProperty('EndingSequenceNumber');
    expect(children[0].SequenceNumberRange).not.toHaveProperty('EndingSequenceNumber');
    expect(versions(read_all(parent.ShardId).Records)).toEqual(Array(20).fill(1));
    expect(read_all(parent.ShardId)).not.toHaveProperty('NextShardIterator');
    expect(read(before)).toEqual({ Records: [] });
    const after = children.map(({ ShardId }: Json) => versions(read_all(ShardId).Records));
    expect(after.flat()).toEqual(Array(20).fill(2));
    expect(after.every(({ length }: Json) => length > 0)).toBe(true);
    const filter = { ShardFilter: { Type: 'CHILD_SHARDS', ShardId: parent.ShardId } };
    expect(s.call('DescribeStream', { StreamArn: arn, ...filter }).StreamDescription.Shards).toHaveLength(2);
  });

  it('are paged by DescribeStream', () => {
    start({ streamShards: 3 });
    const first = s.call('DescribeStream', { StreamArn: arn, Limit: 2 }).StreamDescription;
    const rest = s.call('DescribeStream', {
      StreamArn: arn,
      ExclusiveStartShardId: first.LastEvaluatedShardId,
    }).StreamDescription;
    expect([...first.Shards, ...rest.Shards]).toEqual(shards());
  });
});

describe('a stream', () => {
  it('can be read for a day after it was disabled', async () => {
    put(1);
    s.call('UpdateTable', { TableName: 'tbl', StreamSpecification: { StreamEnabled: false } });
    put(2);
    expect(s.call('DescribeStream', { StreamArn: arn }).StreamDescription.StreamStatus).toBe('DISABLED');
    const page = read(iterator('TRIM_HORIZON'));
    expect(versions(page.Records)).toEqual([1]);
    expect(page).not.toHaveProperty('NextShardIterator');
    expect(s.call('ListStreams', { TableName: 'tbl' }).Streams).toHaveLength(1);
    await s.kernel.run(s.kernel.clock.now() + 25 * 3_600_000);
    expect(failure(() => s.call('DescribeStream', { StreamArn: arn })).code).toBe('ResourceNotFoundException');
    expect(s.call('ListStreams', {}).Streams).toEqual([]);
  });

  it('outlives its table', () => {
    put(1);
    s.call('DeleteTable', { TableName: 'tbl' });
    expect(versions(read(iterator('TRIM_HORIZON')).Records)).toEqual([1]);
    s.call('CreateTable', tableInput('tbl', STREAMED));
    expect(s.db.streamArnOf('tbl')).not.toBe(arn);
  });

  it('tells listeners of new records, until they stop', () => {
    const heard: [string, number[]][] = [];
    const stop = s.db.onRecords(arn, (shardId, records) => heard.push([shardId, versions(records)]));
    put(1);
    s.call('TransactWriteItems', {
      TransactItems: [2, 3].map((r) => ({ Put: { TableName: 'tbl', Item: key('a', r) } })),
    });
    stop();
    put(4);
    const { ShardId } = shards()[0];
    expect(heard).toEqual([
      [ShardId, [1]],
      [ShardId, [2, 3]],
    ]);
    expect(failure(() => s.db.onRecords(`${arn}x`, () => {})).code).toBe('ResourceNotFoundException');
  });

  it('tells listeners of a shard that was closed: only a read finds its end', () => {
    const heard: [string, number][] = [];
    const [{ ShardId: parent }] = shards();
    s.db.onRecords(arn, (shardId, records) => heard.push([shardId, records.length]));
    s.db.splitShard(arn);
    expect(heard).toEqual([[parent, 0]]);
  });
});

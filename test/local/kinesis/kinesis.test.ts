import { createHash } from 'node:crypto';
import {
  CreateStreamCommand,
  DescribeStreamCommand,
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  ListStreamsCommand,
  MergeShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  type ShardIteratorType,
  SplitShardCommand,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Cloud, createCloud, type Json, ROOT } from '../../../local/cloud.ts';
import { type VirtualKernel, virtualKernel } from '../../../local/kernel/virtual-kernel.ts';
import { createKinesis, type Kinesis } from '../../../local/kinesis/kinesis.ts';
import { SDK_CONFIG, sdkHandler } from '../sdk-handler.ts';

const HOUR = 3_600_000;
let kernel: VirtualKernel;
let cloud: Cloud;
let kinesis: Kinesis;
let client: KinesisClient;

beforeEach(() => {
  kernel = virtualKernel({ seed: 1 });
  cloud = createCloud(kernel);
  kinesis = createKinesis(cloud);
  client = new KinesisClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
});

const call = (operation: string, input: Json) => cloud.call(ROOT, 'kinesis', operation, input);
const base64 = (text: string) => Buffer.from(text).toString('base64');
const wait = (ms: number) => kernel.run(kernel.clock.now() + ms);
const create = (ShardCount: number, StreamName = 'feed') => call('CreateStream', { StreamName, ShardCount });
const put = (text: string, PartitionKey = 'a', more: Json = {}) =>
  call('PutRecord', { StreamName: 'feed', Data: base64(text), PartitionKey, ...more });

async function read(ShardId: string, ShardIteratorType: ShardIteratorType, more: Json = {}): Promise<string[]> {
  const { ShardIterator } = await call('GetShardIterator', { StreamName: 'feed', ShardId, ShardIteratorType, ...more });
  const { Records } = await call('GetRecords', { ShardIterator });
  return Records.map((record: Json) => Buffer.from(record.Data, 'base64').toString());
}

/** Every record of every shard, parents before children. */
async function readAll(): Promise<string[]> {
  const { Shards } = await call('ListShards', { StreamName: 'feed' });
  const found: string[] = [];
  for (const shard of Shards) found.push(...(await read(shard.ShardId, 'TRIM_HORIZON')));
  return found;
}

describe('through the SDK', () => {
  it('creates, describes and lists streams', async () => {
    await client.send(new CreateStreamCommand({ StreamName: 'feed', StreamModeDetails: { StreamMode: 'ON_DEMAND' } }));
    const { StreamDescription: made } = await client.send(new DescribeStreamCommand({ StreamName: 'feed' }));
    expect(made).toMatchObject({
      StreamName: 'feed',
      StreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/feed',
      StreamStatus: 'ACTIVE',
      RetentionPeriodHours: 24,
      EncryptionType: 'NONE',
      HasMoreShards: false,
    });
    expect(made?.StreamCreationTimestamp).toBeInstanceOf(Date);
    expect(made?.Shards?.map((shard) => shard.ShardId)).toEqual([
      'shardId-000000000000',
      'shardId-000000000001',
      'shardId-000000000002',
      'shardId-000000000003',
    ]);
    expect(made?.Shards?.[0]?.HashKeyRange?.StartingHashKey).toBe('0');
    expect(made?.Shards?.[3]?.HashKeyRange?.EndingHashKey).toBe('340282366920938463463374607431768211455');
    const { StreamNames } = await client.send(new ListStreamsCommand({}));
    expect(StreamNames).toEqual(['feed']);
    await expect(client.send(new CreateStreamCommand({ StreamName: 'feed', ShardCount: 1 }))).rejects.toMatchObject({
      name: 'ResourceInUseException',
      message: 'Stream feed under account 000000000000 already exists.',
    });
    await expect(client.send(new DescribeStreamCommand({ StreamName: 'none' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  it('puts and reads bytes as they are', async () => {
    await create(1);
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const made = await client.send(new PutRecordCommand({ StreamName: 'feed', Data: bytes, PartitionKey: 'k' }));
    expect(made.SequenceNumber).toMatch(/^49\d{54}$/);
    const StreamARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/feed';
    const { ShardIterator } = await client.send(
      new GetShardIteratorCommand({ StreamARN, ShardId: made.ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
    );
    const answer = await client.send(new GetRecordsCommand({ ShardIterator }));
    expect(answer.Records).toEqual([
      {
        SequenceNumber: made.SequenceNumber,
        ApproximateArrivalTimestamp: new Date(kernel.clock.now()),
        Data: bytes,
        PartitionKey: 'k',
      },
    ]);
    expect(answer.MillisBehindLatest).toBe(0);
    const next = await client.send(new GetRecordsCommand({ ShardIterator: answer.NextShardIterator }));
    expect(next.Records).toEqual([]);
  });

  it('splits and merges, and tells readers of the children', async () => {
    await create(1);
    const parent = 'shardId-000000000000';
    await put('before');
    const half = '170141183460469231731687303715884105728';
    await client.send(new SplitShardCommand({ StreamName: 'feed', ShardToSplit: parent, NewStartingHashKey: half }));
    await put('after', 'a');
    expect(await read(parent, 'TRIM_HORIZON')).toEqual(['before']);
    const { ShardIterator } = await client.send(
      new GetShardIteratorCommand({ StreamName: 'feed', ShardId: parent, ShardIteratorType: 'TRIM_HORIZON' }),
    );
    const end = await client.send(new GetRecordsCommand({ ShardIterator }));
    expect(end.NextShardIterator).toBeUndefined();
    expect(end.ChildShards?.map((child) => [child.ShardId, child.ParentShards])).toEqual([
      ['shardId-000000000001', [parent]],
      ['shardId-000000000002', [parent]],
    ]);
    await client.send(
      new MergeShardsCommand({
        StreamName: 'feed',
        ShardToMerge: 'shardId-000000000002',
        AdjacentShardToMerge: 'shardId-000000000001',
      }),
    );
    const { Shards } = await client.send(new ListShardsCommand({ StreamName: 'feed' }));
    expect(Shards?.at(-1)).toMatchObject({
      ShardId: 'shardId-000000000003',
      ParentShardId: 'shardId-000000000002',
      AdjacentParentShardId: 'shardId-000000000001',
      HashKeyRange: { StartingHashKey: '0' },
    });
    const open = await client.send(new ListShardsCommand({ StreamName: 'feed', ShardFilter: { Type: 'AT_LATEST' } }));
    expect(open.Shards?.map((shard) => shard.ShardId)).toEqual(['shardId-000000000003']);
    await expect(
      client.send(new SplitShardCommand({ StreamName: 'feed', ShardToSplit: parent, NewStartingHashKey: half })),
    ).rejects.toMatchObject({ name: 'InvalidArgumentException' });
  });

  it('scales evenly and not by more than double', async () => {
    await create(3);
    for (let i = 0; i < 60; i++) await put(String(i), `k${i}`);
    await client.send(
      new UpdateShardCountCommand({ StreamName: 'feed', TargetShardCount: 5, ScalingType: 'UNIFORM_SCALING' }),
    );
    const summary = await client.send(new DescribeStreamSummaryCommand({ StreamName: 'feed' }));
    expect(summary.StreamDescriptionSummary?.OpenShardCount).toBe(5);
    for (let i = 60; i < 90; i++) await put(String(i), `k${i}`);
    expect((await readAll()).map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 90 }, (_, i) => i));
    await expect(
      client.send(
        new UpdateShardCountCommand({ StreamName: 'feed', TargetShardCount: 11, ScalingType: 'UNIFORM_SCALING' }),
      ),
    ).rejects.toMatchObject({ name: 'InvalidArgumentException' });
  });
});

describe('where records go', () => {
  it('is the shard whose range holds the MD5 of the partition key', async () => {
    await create(7);
    const { Shards } = await call('ListShards', { StreamName: 'feed' });
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }), async (key) => {
        const hash = BigInt(`0x${createHash('md5').update(key).digest('hex')}`);
        const expected = Shards.find(
          ({ HashKeyRange: range }: Json) =>
            BigInt(range.StartingHashKey) <= hash && hash <= BigInt(range.EndingHashKey),
        );
        expect((await put('x', key)).ShardId).toBe(expected.ShardId);
      }),
    );
  });

  it('is said by an explicit hash key when one is given', async () => {
    await create(2);
    const half = 2n ** 127n;
    expect((await put('x', 'a', { ExplicitHashKey: String(half - 1n) })).ShardId).toBe('shardId-000000000000');
    expect((await put('x', 'a', { ExplicitHashKey: String(half) })).ShardId).toBe('shardId-000000000001');
    await expect(put('x', 'a', { ExplicitHashKey: String(2n ** 128n) })).rejects.toThrow(/2\^128-1/);
    await expect(put('x', 'a', { ExplicitHashKey: '-1' })).rejects.toMatchObject({ code: 'ValidationException' });
  });

  it('keeps every record once through any resharding, in order within a shard', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ put: fc.integer({ min: 1, max: 20 }) }) },
      { weight: 1, arbitrary: fc.record({ scale: fc.integer({ min: 1, max: 8 }) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        if (cloud) await call('DeleteStream', { StreamName: 'feed' }).catch(() => {});
        await create(2);
        let count = 0;
        const last = new Map<string, bigint>();
        for (const one of steps) {
          if ('put' in one) {
            for (let i = 0; i < one.put; i++) {
              const { SequenceNumber, ShardId } = await put(String(count), `key${count % 5}`);
              expect(BigInt(SequenceNumber)).toBeGreaterThan(last.get(`key${count % 5}`) ?? 0n);
              last.set(`key${count % 5}`, BigInt(SequenceNumber));
              expect(ShardId).toBeDefined();
              count++;
            }
          } else {
            await call('UpdateShardCount', {
              StreamName: 'feed',
              TargetShardCount: one.scale,
              ScalingType: 'UNIFORM_SCALING',
            }).catch((error) => expect(error.code).toBe('InvalidArgumentException'));
            await wait(1);
          }
        }
        const all = (await readAll()).map(Number);
        expect([...all].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
        for (let key = 0; key < 5; key++) {
          const mine = all.filter((n) => n % 5 === key);
          expect(mine).toEqual([...mine].sort((a, b) => a - b));
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('iterators', () => {
  const shard = 'shardId-000000000000';

  it('start where each type says', async () => {
    await create(1);
    const made: Json[] = [];
    const start = kernel.clock.now();
    for (const text of ['a', 'b', 'c']) {
      await wait(1000);
      made.push(await put(text));
    }
    const at = (i: number) => ({ StartingSequenceNumber: made[i].SequenceNumber });
    expect(await read(shard, 'TRIM_HORIZON')).toEqual(['a', 'b', 'c']);
    expect(await read(shard, 'LATEST')).toEqual([]);
    expect(await read(shard, 'AT_SEQUENCE_NUMBER', at(1))).toEqual(['b', 'c']);
    expect(await read(shard, 'AFTER_SEQUENCE_NUMBER', at(1))).toEqual(['c']);
    expect(await read(shard, 'AT_TIMESTAMP', { Timestamp: (start + 2000) / 1000 })).toEqual(['b', 'c']);
    expect(await read(shard, 'AT_TIMESTAMP', { Timestamp: (start + 2001) / 1000 })).toEqual(['c']);
    expect(await read(shard, 'AT_TIMESTAMP', { Timestamp: 1 })).toEqual(['a', 'b', 'c']);
    await expect(read(shard, 'AT_TIMESTAMP', { Timestamp: (start + 9000) / 1000 })).rejects.toThrow(
      /cannot be greater/,
    );
    await expect(read(shard, 'AT_TIMESTAMP')).rejects.toMatchObject({ code: 'InvalidArgumentException' });
    await expect(read(shard, 'AT_SEQUENCE_NUMBER', { StartingSequenceNumber: '7' })).rejects.toThrow(/invalid/);
    await expect(read(shard, 'NEWEST' as ShardIteratorType)).rejects.toMatchObject({ code: 'ValidationException' });
  });

  it('LATEST sees what comes afterwards, and an old iterator expires', async () => {
    await create(1);
    await put('old');
    const { ShardIterator } = await call('GetShardIterator', {
      StreamName: 'feed',
      ShardId: shard,
      ShardIteratorType: 'LATEST',
    });
    await put('new');
    await wait(300_000);
    const { Records, MillisBehindLatest } = await call('GetRecords', { ShardIterator });
    expect(Records.map((record: Json) => Buffer.from(record.Data, 'base64').toString())).toEqual(['new']);
    expect(MillisBehindLatest).toBe(0);
    await wait(1);
    await expect(call('GetRecords', { ShardIterator })).rejects.toMatchObject({ code: 'ExpiredIteratorException' });
    await expect(call('GetRecords', { ShardIterator: 'nonsense' })).rejects.toThrow('Invalid ShardIterator.');
  });

  it('is refused after the stream was made anew', async () => {
    await create(1);
    const { ShardIterator } = await call('GetShardIterator', {
      StreamName: 'feed',
      ShardId: shard,
      ShardIteratorType: 'TRIM_HORIZON',
    });
    await call('DeleteStream', { StreamName: 'feed' });
    await wait(1);
    await create(1);
    await expect(call('GetRecords', { ShardIterator })).rejects.toMatchObject({ code: 'InvalidArgumentException' });
  });

  it('pages by Limit and by 10 MiB, and says how far behind it is', async () => {
    await call('CreateStream', { StreamName: 'feed', ShardCount: 1, MaxRecordSizeInKiB: 4096 });
    for (let i = 0; i < 4; i++) {
      await put('x'.repeat(3 * 1024 * 1024));
      await wait(1000);
    }
    const { ShardIterator } = await call('GetShardIterator', {
      StreamName: 'feed',
      ShardId: shard,
      ShardIteratorType: 'TRIM_HORIZON',
    });
    const first = await call('GetRecords', { ShardIterator });
    expect(first.Records).toHaveLength(3);
    expect(first.MillisBehindLatest).toBe(1000);
    const second = await call('GetRecords', { ShardIterator: first.NextShardIterator });
    expect(second.Records).toHaveLength(1);
    expect(second.MillisBehindLatest).toBe(0);
    expect((await call('GetRecords', { ShardIterator, Limit: 2 })).Records).toHaveLength(2);
    await expect(call('GetRecords', { ShardIterator, Limit: 10_001 })).rejects.toMatchObject({
      code: 'ValidationException',
    });
  });
});

it('on demand only the service reshards', async () => {
  await call('CreateStream', { StreamName: 'feed', StreamModeDetails: { StreamMode: 'ON_DEMAND' } });
  for (let i = 0; i < 40; i++) await put(String(i), `k${i}`);
  const update = { StreamName: 'feed', TargetShardCount: 8, ScalingType: 'UNIFORM_SCALING' };
  await expect(call('UpdateShardCount', update)).rejects.toMatchObject({ code: 'ValidationException' });
  kinesis.scale('feed', 8);
  for (let i = 40; i < 80; i++) await put(String(i), `k${i}`);
  expect((await readAll()).map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 80 }, (_, i) => i));
  const { StreamDescriptionSummary } = await call('DescribeStreamSummary', { StreamName: 'feed' });
  expect(StreamDescriptionSummary.OpenShardCount).toBe(8);
});

describe('limits', () => {
  it('refuses too many, too big, and nothing', async () => {
    await create(1);
    const record = { Data: base64('x'), PartitionKey: 'a' };
    const records = (Records: Json) => call('PutRecords', { StreamName: 'feed', Records });
    await expect(records(Array(501).fill(record))).rejects.toThrow(/less than or equal to 500/);
    await expect(records([])).rejects.toThrow(/greater than or equal to 1/);
    expect((await records(Array(500).fill(record))).FailedRecordCount).toBe(0);
    await expect(put('x'.repeat(1024 * 1024))).rejects.toMatchObject({ code: 'ValidationException' });
    await put('x'.repeat(1024 * 1024 - 1));
    const big = { Data: base64('x'.repeat(1024 * 1024 - 1)), PartitionKey: 'a' };
    expect((await records(Array(10).fill(big))).FailedRecordCount).toBe(0);
    await expect(records([...Array(10).fill(big), record])).rejects.toThrow('Records size exceeds 10 MB limit');
    await expect(put('x', '')).rejects.toMatchObject({ code: 'ValidationException' });
    await expect(put('x', 'k'.repeat(257))).rejects.toMatchObject({ code: 'ValidationException' });
  });

  it('answers in part when single records fail', async () => {
    await create(1);
    kinesis.intercept(({ index }) => (index % 3 === 1 ? 'ProvisionedThroughputExceededException' : undefined));
    const Records = ['a', 'b', 'c', 'd', 'e'].map((text) => ({ Data: base64(text), PartitionKey: text }));
    const answer = await client.send(
      new PutRecordsCommand({
        StreamName: 'feed',
        Records: Records.map((record) => ({ ...record, Data: Buffer.from(record.Data, 'base64') })),
      }),
    );
    expect(answer.FailedRecordCount).toBe(2);
    expect(answer.Records?.map((record) => record.ErrorCode)).toEqual([
      undefined,
      'ProvisionedThroughputExceededException',
      undefined,
      undefined,
      'ProvisionedThroughputExceededException',
    ]);
    expect(answer.Records?.[1]?.ErrorMessage).toContain('Rate exceeded for shard shardId-000000000000');
    kinesis.intercept(undefined);
    expect(await readAll()).toEqual(['a', 'c', 'd']);
  });

  it('refuses operations and parameters that it does not have, by name', async () => {
    await create(1);
    await expect(call('EnableEnhancedMonitoring', {})).rejects.toMatchObject({ code: 'UnknownOperationException' });
    await expect(put('x', 'a', { Colour: 'red' })).rejects.toThrow(/the parameter Colour is not supported/);
  });
});

describe('retention', () => {
  it('trims by the clock, closed shards too', async () => {
    await create(1);
    await put('old');
    await wait(HOUR);
    await put('young');
    await call('SplitShard', {
      StreamName: 'feed',
      ShardToSplit: 'shardId-000000000000',
      NewStartingHashKey: String(2n ** 127n),
    });
    await wait(23 * HOUR + 1);
    expect(await readAll()).toEqual(['young']);
    await wait(HOUR);
    expect((await call('ListShards', { StreamName: 'feed' })).Shards).toHaveLength(2);
  });

  it('lasts as long as was asked', async () => {
    await create(1);
    await call('IncreaseStreamRetentionPeriod', { StreamName: 'feed', RetentionPeriodHours: 48 });
    await put('kept');
    await wait(47 * HOUR);
    expect(await readAll()).toEqual(['kept']);
    await expect(
      call('IncreaseStreamRetentionPeriod', { StreamName: 'feed', RetentionPeriodHours: 24 }),
    ).rejects.toMatchObject({ code: 'InvalidArgumentException' });
    await call('DecreaseStreamRetentionPeriod', { StreamName: 'feed', RetentionPeriodHours: 24 });
    expect(await readAll()).toEqual([]);
  });

  it('keeps places right after bulk trimming', async () => {
    await create(1);
    const many = (from: number) =>
      call('PutRecords', {
        StreamName: 'feed',
        Records: Array.from({ length: 500 }, (_, i) => ({ Data: base64(String(from + i)), PartitionKey: 'a' })),
      });
    for (let i = 0; i < 6; i++) await many(i * 500);
    await wait(12 * HOUR);
    const { SequenceNumber } = await put('marked');
    await put('last');
    await wait(13 * HOUR);
    expect(await readAll()).toEqual(['marked', 'last']);
    const at = { StartingSequenceNumber: SequenceNumber };
    expect(await read('shardId-000000000000', 'AFTER_SEQUENCE_NUMBER', at)).toEqual(['last']);
  });
});

describe('news', () => {
  it('rings for each shard that took records, until told to stop', async () => {
    const heard: string[] = [];
    const stop = kinesis.onRecords('feed', (shardId, count) => heard.push(`${shardId} ${count}`));
    await create(2);
    await call('PutRecords', {
      StreamName: 'feed',
      Records: [
        { Data: '', PartitionKey: 'a', ExplicitHashKey: '0' },
        { Data: '', PartitionKey: 'b', ExplicitHashKey: '1' },
        { Data: '', PartitionKey: 'c', ExplicitHashKey: String(2n ** 128n - 1n) },
      ],
    });
    expect(heard).toEqual(['shardId-000000000000 2', 'shardId-000000000001 1']);
    stop();
    await put('x');
    expect(heard).toHaveLength(2);
  });

  it('rings for each shard that is closed: only a read finds its end', async () => {
    const heard: string[] = [];
    await create(1);
    kinesis.onRecords('feed', (shardId, count) => heard.push(`${shardId} ${count}`));
    await call('UpdateShardCount', { StreamName: 'feed', TargetShardCount: 2, ScalingType: 'UNIFORM_SCALING' });
    expect(heard).toEqual(['shardId-000000000000 0']);
    kinesis.scale('feed', 1);
    expect(heard.slice(1)).toEqual(['shardId-000000000001 0', 'shardId-000000000002 0']);
  });

  it('is behind as long as there is a record to read, be it of this millisecond', async () => {
    await create(1);
    for (const data of ['first', 'second']) await put(data);
    const from = { StreamName: 'feed', ShardId: 'shardId-000000000000', ShardIteratorType: 'TRIM_HORIZON' };
    const { ShardIterator } = await call('GetShardIterator', from);
    const first = await call('GetRecords', { ShardIterator, Limit: 1 });
    expect(first.MillisBehindLatest).toBe(1);
    expect((await call('GetRecords', { ShardIterator: first.NextShardIterator })).MillisBehindLatest).toBe(0);
  });
});

describe('consumers, tags, encryption', () => {
  it('registers consumers by their ARN', async () => {
    await create(1);
    const StreamARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/feed';
    const { Consumer } = await call('RegisterStreamConsumer', { StreamARN, ConsumerName: 'fan' });
    expect(Consumer.ConsumerARN).toMatch(/stream\/feed\/consumer\/fan:\d+$/);
    const { ConsumerDescription } = await call('DescribeStreamConsumer', { ConsumerARN: Consumer.ConsumerARN });
    expect(ConsumerDescription).toMatchObject({ ConsumerName: 'fan', ConsumerStatus: 'ACTIVE', StreamARN });
    await expect(call('DeleteStream', { StreamName: 'feed' })).rejects.toMatchObject({
      code: 'ResourceInUseException',
    });
    await call('DeregisterStreamConsumer', { StreamARN, ConsumerName: 'fan' });
    expect((await call('ListStreamConsumers', { StreamARN })).Consumers).toEqual([]);
  });

  it('keeps tags and says when records are encrypted', async () => {
    await create(1);
    await call('AddTagsToStream', { StreamName: 'feed', Tags: { b: '2', a: '1' } });
    expect((await call('ListTagsForStream', { StreamName: 'feed' })).Tags).toEqual([
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: '2' },
    ]);
    await call('StartStreamEncryption', { StreamName: 'feed', EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' });
    expect((await put('x')).EncryptionType).toBe('KMS');
  });
});

import * as sdk from '@aws-sdk/client-kinesis';
import { clientOf } from '../client.ts';
import { errorOf, same, uniqueName } from '../expect.ts';
import type { Case, Suite } from '../suite.ts';

type Play = (client: sdk.KinesisClient, StreamName: string) => Promise<void>;

/** Makes a stream of two shards, and leaves nothing behind. */
const on = (name: string, says: string, play: Play): Case => ({
  name,
  says,
  async run(target) {
    const client = clientOf(target, sdk.KinesisClient);
    const StreamName = uniqueName();
    await client.send(new sdk.CreateStreamCommand({ StreamName, ShardCount: 2 }));
    try {
      await active(client, StreamName);
      await play(client, StreamName);
    } finally {
      await client.send(new sdk.DeleteStreamCommand({ StreamName }));
    }
  },
});

async function active(client: sdk.KinesisClient, StreamName: string): Promise<void> {
  await sdk.waitUntilStreamExists({ client, maxWaitTime: 120, minDelay: 1, maxDelay: 2 }, { StreamName });
  for (;;) {
    const { StreamDescriptionSummary } = await client.send(new sdk.DescribeStreamSummaryCommand({ StreamName }));
    if (StreamDescriptionSummary?.StreamStatus === 'ACTIVE') return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

const put = (client: sdk.KinesisClient, StreamName: string, text: string, more = {}) =>
  client.send(new sdk.PutRecordCommand({ StreamName, Data: Buffer.from(text), PartitionKey: 'k', ...more }));

async function shards(client: sdk.KinesisClient, StreamName: string): Promise<readonly sdk.Shard[]> {
  return (await client.send(new sdk.ListShardsCommand({ StreamName }))).Shards ?? [];
}

async function read(
  client: sdk.KinesisClient,
  StreamName: string,
  from: Omit<sdk.GetShardIteratorCommandInput, 'StreamName'>,
  Limit = 100,
): Promise<readonly string[]> {
  const { ShardIterator } = await client.send(new sdk.GetShardIteratorCommand({ StreamName, ...from }));
  const { Records } = await client.send(new sdk.GetRecordsCommand({ ShardIterator, Limit }));
  return (Records ?? []).map(({ Data }) => Buffer.from(Data!).toString());
}

const LARGEST = '340282366920938463463374607431768211455';

const cases: readonly Case[] = [
  on(
    'shards share the range of hash keys, and a key always meets the same one',
    'PutRecord: "Partition keys are Unicode strings … An MD5 hash function is used to map partition keys to 128-bit integer values and to map associated data records to shards."',
    async (client, stream) => {
      const ranges = (await shards(client, stream)).map(({ HashKeyRange }) => HashKeyRange);
      same(
        [ranges[0]?.StartingHashKey, ranges[1]?.StartingHashKey, ranges[1]?.EndingHashKey],
        ['0', '170141183460469231731687303715884105728', LARGEST],
      );
      const a = await put(client, stream, 'a', { PartitionKey: 'one' });
      const b = await put(client, stream, 'b', { PartitionKey: 'one' });
      same(a.ShardId, b.ShardId);
      if (BigInt(a.SequenceNumber!) >= BigInt(b.SequenceNumber!)) throw new Error('sequence numbers do not grow');
      const last = await put(client, stream, 'c', { ExplicitHashKey: LARGEST });
      same(last.ShardId, (await shards(client, stream))[1]?.ShardId);
    },
  ),
  on(
    'every iterator type begins where it says',
    'GetShardIterator: "AT_SEQUENCE_NUMBER … AFTER_SEQUENCE_NUMBER … AT_TIMESTAMP … TRIM_HORIZON … LATEST"',
    async (client, stream) => {
      const { ShardId, SequenceNumber } = await put(client, stream, '1');
      await put(client, stream, '2');
      await new Promise((resolve) => setTimeout(resolve, 1100));
      const Timestamp = new Date();
      await new Promise((resolve) => setTimeout(resolve, 50));
      await put(client, stream, '3');
      const from = (ShardIteratorType: sdk.ShardIteratorType, more = {}) =>
        read(client, stream, { ShardId, ShardIteratorType, ...more });
      same(await from('TRIM_HORIZON'), ['1', '2', '3']);
      same(await from('AT_SEQUENCE_NUMBER', { StartingSequenceNumber: SequenceNumber }), ['1', '2', '3']);
      same(await from('AFTER_SEQUENCE_NUMBER', { StartingSequenceNumber: SequenceNumber }), ['2', '3']);
      same(await from('AT_TIMESTAMP', { Timestamp }), ['3']);
      same(await from('AT_TIMESTAMP', { Timestamp: new Date(0) }), ['1', '2', '3']);
      same(await from('LATEST'), []);
      same(await read(client, stream, { ShardId, ShardIteratorType: 'TRIM_HORIZON' }, 2), ['1', '2']);
    },
  ),
  on(
    'PutRecords answers for each record',
    'PutRecords: "The response Records array includes both successfully and unsuccessfully processed records … in the same order"',
    async (client, StreamName) => {
      const Records = ['a', 'b', 'c'].map((text) => ({ Data: Buffer.from(text), PartitionKey: text }));
      const answer = await client.send(new sdk.PutRecordsCommand({ StreamName, Records }));
      same([answer.FailedRecordCount, answer.Records?.length], [0, 3]);
      if (answer.Records?.some(({ ShardId, SequenceNumber }) => ShardId === undefined || SequenceNumber === undefined))
        throw new Error(`a record without its place: ${JSON.stringify(answer.Records)}`);
    },
  ),
  on(
    'limits are those of the documentation',
    'PutRecords: "up to 500 records"; a record\'s data blob by default up to 1 MiB; a partition key up to 256 characters; GetRecords: Limit up to 10,000',
    async (client, StreamName) => {
      const many = Array.from({ length: 501 }, () => ({ Data: Buffer.from('x'), PartitionKey: 'k' }));
      const { ShardIterator } = await client.send(
        new sdk.GetShardIteratorCommand({
          StreamName,
          ShardId: 'shardId-000000000000',
          ShardIteratorType: 'TRIM_HORIZON',
        }),
      );
      const refused = [
        client.send(new sdk.PutRecordsCommand({ StreamName, Records: many })),
        put(client, StreamName, 'x'.repeat(1_048_577)),
        put(client, StreamName, 'x', { PartitionKey: 'k'.repeat(257) }),
        put(client, StreamName, 'x', { PartitionKey: '' }),
        client.send(new sdk.GetRecordsCommand({ ShardIterator, Limit: 10_001 })),
        client.send(new sdk.GetRecordsCommand({ ShardIterator: 'nonsense' })),
        put(client, StreamName, 'x', { ExplicitHashKey: `${LARGEST}0` }),
      ].map(errorOf);
      const names = await Promise.all(refused);
      const right = names.map((name) => name === 'ValidationException' || name === 'InvalidArgumentException');
      if (right.includes(false)) throw new Error(`refused as ${JSON.stringify(names)}`);
    },
  ),
  on(
    'what is not there is said by name',
    'ResourceNotFoundException: "The requested resource could not be found."',
    async (client, StreamName) => {
      const iterator = { ShardId: 'shardId-000000000099', ShardIteratorType: 'LATEST' } as const;
      same(
        [
          await errorOf(put(client, `${StreamName}x`, 'a')),
          await errorOf(client.send(new sdk.DescribeStreamSummaryCommand({ StreamName: `${StreamName}x` }))),
          await errorOf(client.send(new sdk.GetShardIteratorCommand({ StreamName, ...iterator }))),
          await errorOf(client.send(new sdk.CreateStreamCommand({ StreamName, ShardCount: 1 }))),
        ],
        [
          'ResourceNotFoundException',
          'ResourceNotFoundException',
          'ResourceNotFoundException',
          'ResourceInUseException',
        ],
      );
    },
  ),
  on(
    'a split leaves a closed parent with two children, and its records stay',
    'SplitShard: "Splits a shard into two new shards in the Kinesis data stream … The SplitShard operation … The old parent shard … becomes closed"',
    async (client, StreamName) => {
      const { ShardId } = await put(client, StreamName, 'before', { ExplicitHashKey: '0' });
      await client.send(new sdk.SplitShardCommand({ StreamName, ShardToSplit: ShardId, NewStartingHashKey: '1000' }));
      await active(client, StreamName);
      const all = await shards(client, StreamName);
      const children = all.filter(({ ParentShardId }) => ParentShardId === ShardId);
      const parent = all.find((shard) => shard.ShardId === ShardId);
      same([children.length, parent?.SequenceNumberRange?.EndingSequenceNumber === undefined], [2, false]);
      const from = { ShardId, ShardIteratorType: 'TRIM_HORIZON' } as const;
      same(await read(client, StreamName, from), ['before']);
      const { ShardIterator } = await client.send(new sdk.GetShardIteratorCommand({ StreamName, ...from }));
      const page = await client.send(new sdk.GetRecordsCommand({ ShardIterator }));
      const end =
        page.NextShardIterator == null
          ? page
          : await client.send(new sdk.GetRecordsCommand({ ShardIterator: page.NextShardIterator }));
      // "When the shard is closed … NextShardIterator null", and the children are named.
      same([end.NextShardIterator ?? null, end.ChildShards?.length], [null, 2]);
      const { ShardId: now } = await put(client, StreamName, 'after', { ExplicitHashKey: '0' });
      same(
        children.some((child) => child.ShardId === now),
        true,
      );
    },
  ),
  on(
    'a merge leaves one shard with two parents',
    'MergeShards: "Merges two adjacent shards in a Kinesis data stream and combines them into a single shard"',
    async (client, StreamName) => {
      const [first, second] = await shards(client, StreamName);
      await client.send(
        new sdk.MergeShardsCommand({
          StreamName,
          ShardToMerge: first?.ShardId,
          AdjacentShardToMerge: second?.ShardId,
        }),
      );
      await active(client, StreamName);
      const merged = (await shards(client, StreamName)).find(({ ParentShardId }) => ParentShardId !== undefined);
      same(
        [merged?.ParentShardId, merged?.AdjacentParentShardId, merged?.HashKeyRange?.EndingHashKey],
        [first?.ShardId, second?.ShardId, LARGEST],
      );
    },
  ),
  on(
    'retention is kept between 24 hours and 365 days',
    'IncreaseStreamRetentionPeriod: "The maximum value of a stream\'s retention period is 8760 hours (365 days)"; DecreaseStreamRetentionPeriod: minimum 24',
    async (client, StreamName) => {
      const hours = async () =>
        (await client.send(new sdk.DescribeStreamSummaryCommand({ StreamName }))).StreamDescriptionSummary
          ?.RetentionPeriodHours;
      same(await hours(), 24);
      await client.send(new sdk.IncreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours: 48 }));
      await active(client, StreamName);
      same(await hours(), 48);
      const [over, under] = [
        await errorOf(
          client.send(new sdk.IncreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours: 8761 })),
        ),
        await errorOf(
          client.send(new sdk.DecreaseStreamRetentionPeriodCommand({ StreamName, RetentionPeriodHours: 23 })),
        ),
      ];
      for (const name of [over, under])
        if (name !== 'ValidationException' && name !== 'InvalidArgumentException') throw new Error(`${over}, ${under}`);
    },
  ),
];

export const kinesis: Suite = {
  service: 'kinesis',
  costs: { makes: 'a stream of two shards, five at most, for an hour', dollars: 0.08 },
  cases,
};

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCloud, type Json, ROOT, type ServiceName } from '../../../local/cloud.ts';
import { createDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import { createEventBridge } from '../../../local/eventbridge/eventbridge.ts';
import { journalFile } from '../../../local/host/journal-file.ts';
import { type Random, seededRandom } from '../../../local/kernel/kernel.ts';
import { virtualKernel } from '../../../local/kernel/virtual-kernel.ts';
import { createKinesis } from '../../../local/kinesis/kinesis.ts';
import { createLambda } from '../../../local/lambda/lambda.ts';
import { createSqs } from '../../../local/sqs/sqs.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-kept-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const START = Date.UTC(2026, 0, 1);

/** The services on the test's journal, at a time; each start has other chances. */
function open(startMs = START) {
  const kernel = virtualKernel({ seed: startMs % 9973, startMs });
  const cloud = createCloud(kernel);
  const journal = journalFile(join(folder, 'journal.jsonl'));
  createDynamoDb(cloud, { journal, streamShards: 2 });
  createKinesis(cloud, { journal });
  createSqs(cloud, { journal });
  createEventBridge(cloud, { journal });
  const lambda = createLambda(cloud, { journal, asyncRetryDelaysMs: [60_000, 120_000] });
  journal.open();
  const call = async (service: ServiceName, operation: string, input: Json = {}) => {
    const answer = cloud.call(ROOT, service, operation, input);
    answer.catch(() => {});
    await kernel.run(kernel.clock.now() + 1);
    return await answer;
  };
  return { kernel, cloud, journal, lambda, call };
}
type Opened = ReturnType<typeof open>;

/** The same everything must be there after a restart, and after one from a compacted journal. */
async function expectKept(opened: Opened, dump: (opened: Opened) => Promise<Json>): Promise<Opened> {
  const before = await dump(opened);
  opened.journal.close();
  const again = open(opened.kernel.clock.now());
  expect(await dump(again)).toEqual(before);
  again.journal.compact();
  again.journal.close();
  const compacted = open(again.kernel.clock.now());
  expect(await dump(compacted)).toEqual(before);
  return compacted;
}

const between = (random: Random, from: number, to: number) => from + Math.floor(random.next() * (to - from));

describe('DynamoDB', () => {
  const dump = async ({ call }: Opened) => {
    const { TableNames } = await call('dynamodb', 'ListTables');
    const tables: Json = {};
    for (const TableName of TableNames) {
      tables[TableName] = [
        (await call('dynamodb', 'DescribeTable', { TableName })).Table,
        await call('dynamodb', 'DescribeTimeToLive', { TableName }),
        (await call('dynamodb', 'Scan', { TableName })).Items,
      ];
    }
    const { Streams } = await call('dynamodbstreams', 'ListStreams');
    const streams: Json = {};
    for (const { StreamArn } of Streams) {
      const { StreamDescription } = await call('dynamodbstreams', 'DescribeStream', { StreamArn });
      const records = [];
      for (const { ShardId } of StreamDescription.Shards) {
        const at = { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' };
        const { ShardIterator } = await call('dynamodbstreams', 'GetShardIterator', at);
        records.push((await call('dynamodbstreams', 'GetRecords', { ShardIterator })).Records);
      }
      streams[StreamArn] = [StreamDescription, records];
    }
    return { tables, streams };
  };

  it('keeps tables, items, indexes, time to live, streams with their sequence numbers, and idempotency tokens', async () => {
    const opened = open();
    const { call, kernel } = opened;
    const table = (TableName: string) => ({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [
        { AttributeName: 'id', AttributeType: 'S' },
        { AttributeName: 'kind', AttributeType: 'S' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'byKind',
          KeySchema: [{ AttributeName: 'kind', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    });
    await call('dynamodb', 'CreateTable', table('one'));
    await call('dynamodb', 'CreateTable', table('other'));
    await call('dynamodb', 'CreateTable', table('gone'));
    await call('dynamodb', 'DeleteTable', { TableName: 'gone' });
    const TimeToLiveSpecification = { Enabled: true, AttributeName: 'until' };
    await call('dynamodb', 'UpdateTimeToLive', { TableName: 'one', TimeToLiveSpecification });
    const random = seededRandom(1);
    for (let i = 0; i < 200; i++) {
      const id = { S: `id ${between(random, 0, 40)}` };
      const Item = {
        id,
        kind: { S: `k${between(random, 0, 4)}` },
        n: { N: String(i) },
        ['__proto__']: { B: 'AAECAw==' },
        until: { N: String(Math.floor(kernel.clock.now() / 1000) + between(random, 1, 1000)) },
      };
      if (i % 7 === 0) await call('dynamodb', 'DeleteItem', { TableName: 'one', Key: { id } });
      else if (i % 11 === 0) {
        const TransactItems = ['one', 'other'].map((TableName) => ({ Put: { TableName, Item } }));
        await call('dynamodb', 'TransactWriteItems', { TransactItems, ClientRequestToken: `token ${i}` });
      } else await call('dynamodb', 'PutItem', { TableName: 'one', Item });
      await kernel.run(kernel.clock.now() + 500);
    }
    const again = await expectKept(opened, dump);
    const query = {
      TableName: 'one',
      IndexName: 'byKind',
      KeyConditionExpression: 'kind = :k',
      ExpressionAttributeValues: { ':k': { S: 'k1' } },
    };
    expect((await again.call('dynamodb', 'Query', query)).Count).toBeGreaterThan(0);
    // The last transaction's token still stands for it, and for nothing else.
    const changed = [{ Put: { TableName: 'one', Item: { id: { S: 'another' } } } }];
    const repeated = { TransactItems: changed, ClientRequestToken: 'token 198' };
    await expect(again.call('dynamodb', 'TransactWriteItems', repeated)).rejects.toMatchObject({
      name: 'IdempotentParameterMismatchException',
    });
    // Items expire that were to expire meanwhile, and the stream goes on after the numbers that it gave.
    await again.kernel.run(again.kernel.clock.now() + 2_000_000);
    const { Items } = await again.call('dynamodb', 'Scan', { TableName: 'one' });
    expect(Items).toEqual([]);
    await expectKept(again, dump);
  });
});

describe('Kinesis', () => {
  const dump = async ({ call }: Opened) => {
    const { StreamNames } = await call('kinesis', 'ListStreams');
    const streams: Json = {};
    for (const StreamName of StreamNames) {
      const { StreamDescription } = await call('kinesis', 'DescribeStream', { StreamName });
      const records = [];
      for (const { ShardId } of StreamDescription.Shards) {
        const at = { StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' };
        const { ShardIterator } = await call('kinesis', 'GetShardIterator', at);
        records.push((await call('kinesis', 'GetRecords', { ShardIterator })).Records);
      }
      streams[StreamName] = [
        StreamDescription,
        await call('kinesis', 'ListStreamConsumers', { StreamARN: StreamDescription.StreamARN }),
        await call('kinesis', 'ListTagsForStream', { StreamName }),
        records,
      ];
    }
    return streams;
  };

  it('keeps streams, shards through splits and merges, records with their sequence numbers, and consumers', async () => {
    const opened = open();
    const { call, kernel } = opened;
    await call('kinesis', 'CreateStream', { StreamName: 'feed', ShardCount: 2, Tags: { team: 'a' } });
    await call('kinesis', 'CreateStream', { StreamName: 'gone', ShardCount: 1 });
    await call('kinesis', 'DeleteStream', { StreamName: 'gone' });
    const put = async (n: number) => {
      const Records = Array.from({ length: n }, (_, i) => ({
        Data: Buffer.from([0, 255, i]).toString('base64'),
        PartitionKey: `k${i}`,
      }));
      await call('kinesis', 'PutRecords', { StreamName: 'feed', Records });
    };
    await put(30);
    await call('kinesis', 'UpdateShardCount', {
      StreamName: 'feed',
      TargetShardCount: 3,
      ScalingType: 'UNIFORM_SCALING',
    });
    await put(30);
    const StreamARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/feed';
    await call('kinesis', 'RegisterStreamConsumer', { StreamARN, ConsumerName: 'reader' });
    await call('kinesis', 'IncreaseStreamRetentionPeriod', { StreamName: 'feed', RetentionPeriodHours: 48 });
    const again = await expectKept(opened, dump);
    // The first half leaves by its age, and stays away.
    await again.kernel.run(kernel.clock.now() + 40 * 3_600_000);
    await again.call('kinesis', 'PutRecord', { StreamName: 'feed', Data: 'AA==', PartitionKey: 'late' });
    await again.kernel.run(again.kernel.clock.now() + 10 * 3_600_000);
    const later = await expectKept(again, dump);
    const records = (await dump(later)).feed[3].flat();
    expect(records).toHaveLength(1);
  });
});

describe('SQS', () => {
  const attributes = async ({ call }: Opened, name: string) => {
    const QueueUrl = `http://127.0.0.1/000000000000/${name}`;
    return (await call('sqs', 'GetQueueAttributes', { QueueUrl, AttributeNames: ['All'] })).Attributes;
  };

  it('keeps messages, receive counts, visibility, dead letters and what stands against repeats', async () => {
    const opened = open();
    const { call, kernel } = opened;
    const url = (name: string) => `http://127.0.0.1/000000000000/${name}`;
    await call('sqs', 'CreateQueue', { QueueName: 'dead' });
    const RedrivePolicy = JSON.stringify({
      deadLetterTargetArn: 'arn:aws:sqs:us-east-1:000000000000:dead',
      maxReceiveCount: 2,
    });
    await call('sqs', 'CreateQueue', { QueueName: 'orders', Attributes: { VisibilityTimeout: '30', RedrivePolicy } });
    const Attributes = { FifoQueue: 'true', ContentBasedDeduplication: 'true' };
    await call('sqs', 'CreateQueue', { QueueName: 'in-order.fifo', Attributes });
    for (let i = 0; i < 8; i++) {
      const MessageAttributes = { n: { DataType: 'Number', StringValue: String(i) } };
      await call('sqs', 'SendMessage', {
        QueueUrl: url('orders'),
        MessageBody: `m${i}`,
        MessageAttributes,
        DelaySeconds: i === 7 ? 900 : 0,
      });
      await call('sqs', 'SendMessage', {
        QueueUrl: url('in-order.fifo'),
        MessageBody: `f${i}`,
        MessageGroupId: `g${i % 2}`,
      });
    }
    const receive = async ({ call: through }: Opened, name: string, VisibilityTimeout?: number) => {
      const input = {
        QueueUrl: url(name),
        MaxNumberOfMessages: 10,
        AttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      };
      return (await through('sqs', 'ReceiveMessage', { ...input, VisibilityTimeout })).Messages ?? [];
    };
    const [first, second] = await receive(opened, 'orders', 20);
    await call('sqs', 'DeleteMessage', { QueueUrl: url('orders'), ReceiptHandle: first.ReceiptHandle });
    const [head] = await receive(opened, 'in-order.fifo', 20);
    await call('sqs', 'DeleteMessage', { QueueUrl: url('in-order.fifo'), ReceiptHandle: head.ReceiptHandle });
    const all = async (one: Opened) => [
      await attributes(one, 'orders'),
      await attributes(one, 'dead'),
      await attributes(one, 'in-order.fifo'),
    ];
    const again = await expectKept(opened, all);

    // In flight until its timeout; a handle from before the restart is good.
    expect(await receive(again, 'orders')).toEqual([]);
    await again.call('sqs', 'DeleteMessage', { QueueUrl: url('orders'), ReceiptHandle: second.ReceiptHandle });
    // A repeat of a message that was deleted is not taken again.
    await again.call('sqs', 'SendMessage', { QueueUrl: url('in-order.fifo'), MessageBody: 'f0', MessageGroupId: 'g0' });
    await again.kernel.run(kernel.clock.now() + 25_000);
    const bodies = (messages: Json[]) => messages.map(({ Body }) => Body);
    const seen = await receive(again, 'orders', 1);
    expect(bodies(seen)).toEqual(['m2', 'm3', 'm4', 'm5', 'm6']);
    expect(seen[0].Attributes).toMatchObject({ ApproximateReceiveCount: '2' });
    expect(seen[0].MessageAttributes).toEqual({ n: { DataType: 'Number', StringValue: '2' } });
    expect(bodies(await receive(again, 'in-order.fifo', 0)).sort()).toEqual(['f1', 'f2', 'f3', 'f4', 'f5', 'f6', 'f7']);
    await again.kernel.run(again.kernel.clock.now() + 2_000);
    expect(await receive(again, 'orders')).toEqual([]); // received twice: given up
    const later = await expectKept(again, all);
    expect(bodies(await receive(later, 'dead')).sort()).toEqual(['m2', 'm3', 'm4', 'm5', 'm6']);
  });
});

describe('EventBridge', () => {
  const dump = async ({ call }: Opened) => {
    const { EventBuses } = await call('events', 'ListEventBuses');
    const buses: Json = {};
    for (const { Name, ...bus } of EventBuses) {
      const { Rules } = await call('events', 'ListRules', { EventBusName: Name });
      const targets = [];
      for (const { Name: Rule } of Rules)
        targets.push(await call('events', 'ListTargetsByRule', { Rule, EventBusName: Name }));
      buses[Name] = [bus, Rules, targets];
    }
    return [buses, await call('events', 'ListArchives'), await call('events', 'ListReplays')];
  };

  it('keeps buses, rules, archives with their events, and deliveries that were not over', async () => {
    const opened = open();
    opened.journal.resume();
    const { call, kernel } = opened;
    await call('events', 'CreateEventBus', { Name: 'orders' });
    const EventBusName = 'orders';
    const EventSourceArn = 'arn:aws:events:us-east-1:000000000000:event-bus/orders';
    await call('events', 'CreateArchive', { ArchiveName: 'all', EventSourceArn, RetentionDays: 10 });
    await call('events', 'PutRule', { Name: 'shop', EventBusName, EventPattern: '{"source":["shop"]}' });
    await call('events', 'PutRule', { Name: 'hourly', ScheduleExpression: 'rate(1 hour)' });
    const Targets = [{ Id: '1', Arn: 'arn:aws:lambda:us-east-1:000000000000:function:seller' }];
    await call('events', 'PutTargets', { Rule: 'shop', EventBusName, Targets });
    const event = { EventBusName, Source: 'shop', DetailType: 'Sold', Detail: '{"price":1.10}' };
    await opened.cloud.call(ROOT, 'events', 'PutEvents', { Entries: [event, event] }); // taken, and the process ends
    opened.journal.close();
    const again = open(kernel.clock.now());
    const handled: Json[] = [];
    again.lambda.registerInProcess('seller', (one: Json) => void handled.push(one.detail.price));
    await again.kernel.run(again.kernel.clock.now() + 1_000);
    expect(handled).toEqual([]); // its target may not be there yet
    again.journal.resume();
    await again.kernel.run(again.kernel.clock.now() + 600_000);
    expect(handled).toEqual([1.1, 1.1]);
    const compacted = await expectKept(again, dump);
    compacted.journal.resume();
    const replayed: Json[] = [];
    compacted.lambda.registerInProcess('seller', (one: Json) => void replayed.push(one['replay-name']));
    await compacted.call('events', 'StartReplay', {
      ReplayName: 'again',
      EventSourceArn: 'arn:aws:events:us-east-1:000000000000:archive/all',
      EventStartTime: START / 1000 - 60,
      EventEndTime: START / 1000 + 60,
      Destination: { Arn: EventSourceArn },
    });
    await compacted.kernel.run(compacted.kernel.clock.now() + 60_000);
    expect(replayed).toEqual(['again', 'again']);
    await expectKept(compacted, dump);
  });
});

describe('asynchronous invocations', () => {
  it('run when they were accepted before the end, and their retries when they are due', async () => {
    const opened = open();
    opened.journal.resume();
    opened.lambda.registerInProcess('flaky', () => {
      throw new Error('not today');
    });
    const invoke = (n: number) => ({ FunctionName: 'flaky', InvocationType: 'Event', Payload: JSON.stringify({ n }) });
    await opened.call('lambda', 'Invoke', invoke(1));
    await opened.kernel.run(opened.kernel.clock.now() + 10_000); // it has failed once
    await opened.cloud.call(ROOT, 'lambda', 'Invoke', invoke(2)); // accepted, and the process ends
    opened.journal.close();
    const again = open(opened.kernel.clock.now());
    const handled: [number, number][] = [];
    again.lambda.registerInProcess('flaky', ({ n }: Json) => void handled.push([n, again.kernel.clock.now() - START]));
    await again.kernel.run(again.kernel.clock.now() + 1_000);
    expect(handled).toEqual([]); // what it calls may not be there yet
    again.journal.resume();
    await again.kernel.run(again.kernel.clock.now() + 600_000);
    expect(handled.map(([n]) => n)).toEqual([2, 1]);
    expect(handled[1]![1]).toBeGreaterThanOrEqual(60_000); // the minute's pause goes on, it does not begin anew
    expect(handled[1]![1]).toBeLessThan(62_000);
    again.journal.close();
    const last = open(again.kernel.clock.now());
    last.journal.resume();
    expect(last.lambda.inFlight()).toBe(0);
  });
});

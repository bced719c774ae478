import { describe, expect, it } from 'vitest';
import { createChaos } from '../../../local/chaos/chaos.ts';
import { readPlan } from '../../../local/chaos/read-plan.ts';
import { type Caller, type Cloud, createCloud, type Json, ROOT, type ServiceName } from '../../../local/cloud.ts';
import { createDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import { createEventBridge } from '../../../local/eventbridge/eventbridge.ts';
import { type VirtualKernel, virtualKernel } from '../../../local/kernel/virtual-kernel.ts';
import { createKinesis } from '../../../local/kinesis/kinesis.ts';
import { createLambda } from '../../../local/lambda/lambda.ts';
import { createSqs } from '../../../local/sqs/sqs.ts';

interface World {
  readonly kernel: VirtualKernel;
  /** As a client from outside. */
  call(service: ServiceName, operation: string, input: Json): Promise<Json>;
  readonly inside: Cloud;
  readonly handled: Json[];
  struck(): Readonly<Record<string, number>>;
}

/** A table, a feed with a mapped function, two queues, and a bus whose rule fills one of them; then the faults begin. */
async function world(only: string, seed = 7): Promise<World> {
  const kernel = virtualKernel({ seed: 1 });
  const plain = createCloud(kernel);
  const chaos = createChaos(seed, readPlan(only), kernel);
  const inside = chaos.inside(plain);
  const outside = chaos.outside(plain);
  createDynamoDb(inside).setFaults({ leaves: chaos.leaves });
  const kinesis = createKinesis(inside);
  kinesis.intercept(chaos.putFaults);
  createSqs(inside);
  createEventBridge(inside);
  const lambda = createLambda(inside, { sources: { kinesis } });
  const handled: Json[] = [];
  lambda.registerInProcess('handler', (event: Json) => void handled.push(event));
  const call = async (service: ServiceName, operation: string, input: Json) => {
    const answer = outside.call(ROOT, service, operation, input);
    answer.catch(() => {});
    await kernel.run(kernel.clock.now() + 5_000);
    return await answer;
  };
  await call('dynamodb', 'CreateTable', {
    TableName: 'things',
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
  });
  await call('kinesis', 'CreateStream', { StreamName: 'feed', ShardCount: 1 });
  await call('sqs', 'CreateQueue', { QueueName: 'orders', Attributes: { VisibilityTimeout: '600' } });
  await call('sqs', 'CreateQueue', { QueueName: 'heard' });
  await call('events', 'PutRule', { Name: 'all', EventPattern: '{"source":["test"]}' });
  const Arn = 'arn:aws:sqs:us-east-1:000000000000:heard';
  await call('events', 'PutTargets', { Rule: 'all', Targets: [{ Id: '1', Arn }] });
  await call('lambda', 'CreateEventSourceMapping', {
    FunctionName: 'handler',
    EventSourceArn: 'arn:aws:kinesis:us-east-1:000000000000:stream/feed',
    StartingPosition: 'TRIM_HORIZON',
  });
  chaos.begin();
  return { kernel, call, inside, handled, struck: chaos.struck };
}

const put = (id: string) => ({ TableName: 'things', Item: { id: { S: id } } });
const url = (name: string) => `http://127.0.0.1/000000000000/${name}`;
const codeOf = (answer: Promise<Json>) =>
  answer.then(
    () => 'done',
    (error) => error.code as string,
  );
const records = (...texts: string[]) => ({
  StreamName: 'feed',
  Records: texts.map((text) => ({ Data: Buffer.from(text).toString('base64'), PartitionKey: 'one' })),
});
const textsOf = (events: readonly Json[]) =>
  events.flatMap(({ Records }) => Records.map(({ kinesis }: Json) => Buffer.from(kinesis.data, 'base64').toString()));
async function readFeed({ inside }: World): Promise<string[]> {
  const at = { StreamName: 'feed', ShardId: 'shardId-000000000000', ShardIteratorType: 'TRIM_HORIZON' };
  const person: Caller = ROOT;
  const { ShardIterator } = await inside.call(person, 'kinesis', 'GetShardIterator', at);
  const { Records } = await inside.call(person, 'kinesis', 'GetRecords', { ShardIterator });
  return Records.map(({ Data }: Json) => Buffer.from(Data, 'base64').toString());
}

describe('throttle', () => {
  it.each([
    ['dynamodb', 'PutItem', put('a'), 'ProvisionedThroughputExceededException'],
    ['sqs', 'SendMessage', { QueueUrl: url('orders'), MessageBody: 'x' }, 'RequestThrottled'],
    ['lambda', 'Invoke', { FunctionName: 'handler' }, 'TooManyRequestsException'],
  ] as const)('of %s refuses %s before it does anything', async (service, operation, input, code) => {
    const { call, struck } = await world(`${service}:throttle=1`);
    expect(await codeOf(call(service, operation, input))).toBe(code);
    expect(struck()).toEqual({ [`${service}:throttle`]: 1 });
  });

  it('of kinesis refuses single records of a PutRecords', async () => {
    const { call } = await world('kinesis:throttle=0.5');
    const answer = await call('kinesis', 'PutRecords', records(...Array.from({ length: 40 }, (_, i) => String(i))));
    const refused = answer.Records.filter(
      ({ ErrorCode }: Json) => ErrorCode === 'ProvisionedThroughputExceededException',
    );
    expect(answer.FailedRecordCount).toBe(refused.length);
    expect(refused.length).toBeGreaterThan(5);
    expect(refused.length).toBeLessThan(35);
  });

  it('of events refuses single entries, and takes the others', async () => {
    const { call } = await world('events:throttle=0.5');
    const Entries = Array.from({ length: 10 }, (_, i) => ({
      Source: 'test',
      DetailType: 'T',
      Detail: JSON.stringify({ i }),
    }));
    const answer = await call('events', 'PutEvents', { Entries });
    const refused = answer.Entries.filter(({ ErrorCode }: Json) => ErrorCode === 'ThrottlingException');
    expect(answer.Entries).toHaveLength(10);
    expect(answer.FailedEntryCount).toBe(refused.length);
    expect(refused.length).toBeGreaterThan(1);
    expect(answer.Entries.filter(({ EventId }: Json) => EventId !== undefined)).toHaveLength(10 - refused.length);
  });

  it('of dynamodb leaves requests of a batch unprocessed', async () => {
    const { call } = await world('dynamodb:throttle=0.3', 3);
    const requests = Array.from({ length: 25 }, (_, i) => ({ PutRequest: { Item: put(`id-${i}`).Item } }));
    let left: Json[] = requests;
    for (let i = 0; left.length > 0; i++) {
      const batch = call('dynamodb', 'BatchWriteItem', { RequestItems: { things: left } });
      const answer = await batch.catch((error) => {
        expect(error.code).toBe('ProvisionedThroughputExceededException');
        return { UnprocessedItems: { things: left } };
      });
      left = answer.UnprocessedItems.things ?? [];
      expect(i).toBeLessThan(100);
    }
    expect((await call('dynamodb', 'DescribeTable', { TableName: 'things' })).Table.ItemCount).toBe(25);
  });

  it('of s3 and others spares what makes and describes', async () => {
    const { call } = await world('dynamodb:throttle=1,sqs:throttle=1');
    expect((await call('dynamodb', 'DescribeTable', { TableName: 'things' })).Table.TableName).toBe('things');
    expect((await call('sqs', 'GetQueueUrl', { QueueName: 'orders' })).QueueUrl).toMatch(/orders$/);
  });
});

it('slow answers later, and right', async () => {
  const { kernel, inside: _, ...all } = await world('dynamodb:slow=1');
  const before = kernel.clock.now();
  let answeredAt = 0;
  const answer = all.call('dynamodb', 'PutItem', put('a'));
  await answer.then(() => {
    answeredAt = kernel.clock.now();
  });
  expect(answeredAt - before).toBeGreaterThanOrEqual(50);
  expect(all.struck()).toEqual({ 'dynamodb:slow': 1 });
});

it('fail leaves open whether a write was done; a read does nothing', async () => {
  const { call, inside } = await world('dynamodb:fail=1');
  const ids = Array.from({ length: 20 }, (_, i) => `id-${i}`);
  for (const id of ids) expect(await codeOf(call('dynamodb', 'PutItem', put(id)))).toBe('InternalServerError');
  const { Count } = await inside.call(ROOT, 'dynamodb', 'Scan', { TableName: 'things' });
  expect(Count).toBeGreaterThan(3);
  expect(Count).toBeLessThan(17);
});

describe('a service that the functions and people call', () => {
  /** Answers whatever is asked, and says how often it was. */
  async function stub(name: ServiceName, only: string) {
    const kernel = virtualKernel({ seed: 1 });
    const plain = createCloud(kernel);
    const chaos = createChaos(7, readPlan(only), kernel);
    const done: string[] = [];
    plain.register({
      name,
      handle(operation, input: Json) {
        done.push(operation);
        return input.Records === undefined ? {} : { RequestResponses: input.Records.map(() => ({ RecordId: '1' })) };
      },
    });
    const outside = chaos.outside(plain);
    chaos.begin();
    const call = (operation: string, input: Json = {}) => outside.call(ROOT, name, operation, input);
    return { call, done, struck: chaos.struck };
  }

  it.each<[ServiceName, string, string, string]>([
    ['dynamodbstreams', 'GetRecords', 'LimitExceededException', 'InternalServerError'],
    ['s3', 'GetObject', 'SlowDown', 'InternalError'],
    ['firehose', 'PutRecord', 'ServiceUnavailableException', 'InternalFailure'],
    ['states', 'StartExecution', 'ThrottlingException', 'InternalFailure'],
    ['athena', 'GetQueryResults', 'TooManyRequestsException', 'InternalServerException'],
  ])('%s refuses %s with %s and with %s', async (name, operation, throttle, fail) => {
    const throttled = await stub(name, `${name}:throttle=1`);
    expect(await codeOf(throttled.call(operation))).toBe(throttle);
    expect([throttled.done, throttled.struck()]).toEqual([[], { [`${name}:throttle`]: 1 }]);
    const failing = await stub(name, `${name}:fail=1`);
    expect(await codeOf(failing.call(operation))).toBe(fail);
    expect(failing.struck()).toEqual({ [`${name}:fail`]: 1 });
  });

  it('s3 may have done a write that failed, never a read', async () => {
    const { call, done } = await stub('s3', 's3:fail=1');
    for (let i = 0; i < 20; i++) expect(await codeOf(call('PutObject'))).toBe('InternalError');
    for (let i = 0; i < 20; i++) expect(await codeOf(call('GetObject'))).toBe('InternalError');
    expect(done.length).toBeGreaterThan(3);
    expect(done.length).toBeLessThan(17);
    expect(new Set(done)).toEqual(new Set(['PutObject']));
    expect(await codeOf(call('CreateBucket'))).toBe('done');
  });

  it('firehose refuses single records of a batch, and takes the others', async () => {
    const { call } = await stub('firehose', 'firehose:throttle=0.3,firehose:fail=0.2');
    const Records = Array.from({ length: 50 }, (_, i) => ({ Data: String(i) }));
    const { FailedPutCount, RequestResponses } = await call('PutRecordBatch', { Records });
    const codes = RequestResponses.map(({ ErrorCode }: Json) => ErrorCode);
    expect(new Set(codes)).toEqual(new Set([undefined, 'ServiceUnavailableException', 'InternalFailure']));
    expect(codes.filter((code: unknown) => code !== undefined)).toHaveLength(FailedPutCount);
    expect(RequestResponses).toHaveLength(50);
  });
});

it('of dynamodbstreams delays what a mapped function gets, and loses nothing', async () => {
  const { call, handled, kernel, struck } = await world('dynamodbstreams:throttle=0.4,dynamodbstreams:fail=0.3');
  await call('dynamodb', 'UpdateTable', {
    TableName: 'things',
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
  });
  const { Table } = await call('dynamodb', 'DescribeTable', { TableName: 'things' });
  await call('lambda', 'CreateEventSourceMapping', {
    FunctionName: 'handler',
    EventSourceArn: Table.LatestStreamArn,
    StartingPosition: 'TRIM_HORIZON',
  });
  const ids = Array.from({ length: 10 }, (_, i) => `id-${i}`);
  for (const id of ids) await call('dynamodb', 'PutItem', put(id));
  await kernel.run(kernel.clock.now() + 60_000);
  const seen = handled.flatMap(({ Records }) => Records.map((one: Json) => one.dynamodb.Keys.id.S));
  expect(seen.sort()).toEqual(ids);
  expect(struck()['dynamodbstreams:throttle']).toBeGreaterThan(0);
  expect(struck()['dynamodbstreams:fail']).toBeGreaterThan(0);
});

describe('drop', () => {
  it('of events is tried again until the target has it', async () => {
    const { kernel, call, inside, struck } = await world('events:drop=0.5');
    for (let i = 0; i < 10; i++) {
      const entry = { Source: 'test', DetailType: 'Happened', Detail: JSON.stringify({ i }) };
      expect((await call('events', 'PutEvents', { Entries: [entry] })).FailedEntryCount).toBe(0);
    }
    await kernel.run(kernel.clock.now() + 3_600_000);
    const all = { QueueUrl: url('heard'), AttributeNames: ['ApproximateNumberOfMessages'] };
    const { Attributes } = await inside.call(ROOT, 'sqs', 'GetQueueAttributes', all);
    expect(Attributes.ApproximateNumberOfMessages).toBe('10');
    expect(struck()['events:drop']).toBeGreaterThan(2);
  });

  it('of lambda hands the batch on later', async () => {
    const { kernel, call, handled, struck } = await world('lambda:drop=0.5');
    for (let i = 0; i < 10; i++) await call('kinesis', 'PutRecords', records(`r${i}`));
    await kernel.run(kernel.clock.now() + 600_000);
    expect(textsOf(handled)).toEqual(Array.from({ length: 10 }, (_, i) => `r${i}`));
    expect(struck()['lambda:drop']).toBeGreaterThan(1);
  });

  it('of sqs gives nothing now, and the message later', async () => {
    const { call } = await world('sqs:drop=0.5');
    await call('sqs', 'SendMessage', { QueueUrl: url('orders'), MessageBody: 'x' });
    const answers = [];
    for (let i = 0; i < 12; i++)
      answers.push((await call('sqs', 'ReceiveMessage', { QueueUrl: url('orders') })).Messages);
    expect(answers[0] === undefined || answers.some((messages) => messages === undefined)).toBe(true);
    expect(answers.flatMap((messages) => messages ?? [])).toHaveLength(1);
  });
});

describe('repeat', () => {
  it('of kinesis loses an answer: the sender puts the records again', async () => {
    const world1 = await world('kinesis:repeat=1');
    expect(await codeOf(world1.call('kinesis', 'PutRecords', records('a')))).toBe('InternalFailure');
    expect(await codeOf(world1.call('kinesis', 'PutRecords', records('a')))).toBe('InternalFailure');
    expect(await readFeed(world1)).toEqual(['a', 'a']);
  });

  it('of lambda hands a batch on twice, and an asynchronous event', async () => {
    const { call, handled, kernel } = await world('lambda:repeat=1');
    await call('kinesis', 'PutRecords', records('a', 'b'));
    await kernel.run(kernel.clock.now() + 10_000);
    expect(textsOf(handled)).toEqual(['a', 'b', 'a', 'b']);
    handled.length = 0;
    await call('lambda', 'Invoke', { FunctionName: 'handler', InvocationType: 'Event', Payload: '{"n":1}' });
    expect(handled).toEqual([{ n: 1 }, { n: 1 }]);
  });

  it('of sqs lets a message of a standard queue be received twice', async () => {
    const { call } = await world('sqs:repeat=1');
    await call('sqs', 'SendMessage', { QueueUrl: url('orders'), MessageBody: 'x' });
    for (let i = 0; i < 2; i++) {
      expect((await call('sqs', 'ReceiveMessage', { QueueUrl: url('orders') })).Messages).toHaveLength(1);
    }
  });

  it('of sqs brings a copy again that was deleted in between, once', async () => {
    const { call, struck } = await world('sqs:repeat=1');
    const QueueUrl = url('orders');
    for (const MessageBody of ['a', 'b', 'c', 'd']) await call('sqs', 'SendMessage', { QueueUrl, MessageBody });
    const received: string[] = [];
    for (let i = 0; i < 4; i++) {
      const { Messages = [] } = await call('sqs', 'ReceiveMessage', { QueueUrl, MaxNumberOfMessages: 3 });
      received.push(...Messages.map(({ Body }: Json) => Body));
      const [first, ...others] = Messages;
      if (first === undefined) continue;
      const { ReceiptHandle } = first;
      expect(await call('sqs', 'DeleteMessage', { QueueUrl, ReceiptHandle })).toEqual({});
      const Entries = others.map((one: Json, n: number) => ({ Id: String(n), ReceiptHandle: one.ReceiptHandle }));
      if (Entries.length === 0) continue;
      const { Successful, Failed } = await call('sqs', 'DeleteMessageBatch', { QueueUrl, Entries });
      expect([Successful.length, Failed]).toEqual([Entries.length, undefined]);
    }
    expect(received.sort()).toEqual(['a', 'a', 'b', 'b', 'c', 'c', 'd', 'd']);
    expect(struck()).toEqual({ 'sqs:repeat': 4 });
    expect(await call('sqs', 'ReceiveMessage', { QueueUrl })).toEqual({});
  });

  it('of sqs lets a mapped function meet a message twice', async () => {
    const { call, handled, kernel } = await world('sqs:repeat=1');
    await call('lambda', 'CreateEventSourceMapping', {
      FunctionName: 'handler',
      EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:orders',
    });
    await call('sqs', 'SendMessage', { QueueUrl: url('orders'), MessageBody: 'x' });
    await kernel.run(kernel.clock.now() + 60_000);
    expect(handled.flatMap(({ Records }) => Records.map(({ body }: Json) => body))).toEqual(['x', 'x']);
  });

  it('of events calls the target twice', async () => {
    const { kernel, call, inside } = await world('events:repeat=1');
    await call('events', 'PutEvents', { Entries: [{ Source: 'test', DetailType: 'Happened', Detail: '{}' }] });
    await kernel.run(kernel.clock.now() + 10_000);
    const { Messages } = await inside.call(ROOT, 'sqs', 'ReceiveMessage', {
      QueueUrl: url('heard'),
      MaxNumberOfMessages: 10,
    });
    expect(Messages).toHaveLength(2);
  });
});

describe('reorder', () => {
  it('of kinesis puts the records of one request in another order, and answers in theirs', async () => {
    const world1 = await world('kinesis:reorder=1');
    const texts = Array.from({ length: 12 }, (_, i) => `r${i}`);
    const answer = await world1.call('kinesis', 'PutRecords', records(...texts));
    const stored = await readFeed(world1);
    expect(stored).not.toEqual(texts);
    expect([...stored].sort()).toEqual([...texts].sort());
    const bySequence = texts
      .map((text, i) => [answer.Records[i].SequenceNumber, text])
      .sort(([a], [b]) => (a < b ? -1 : 1));
    expect(bySequence.map(([, text]) => text)).toEqual(stored);
  });

  it('of events lets events overtake one another', async () => {
    const { kernel, call, inside } = await world('events:reorder=1');
    const Entries = Array.from({ length: 10 }, (_, i) => ({
      Source: 'test',
      DetailType: 'T',
      Detail: JSON.stringify({ i }),
    }));
    await call('events', 'PutEvents', { Entries });
    await kernel.run(kernel.clock.now() + 10_000);
    const all = { QueueUrl: url('heard'), MaxNumberOfMessages: 10 };
    const { Messages } = await inside.call(ROOT, 'sqs', 'ReceiveMessage', all);
    const order = Messages.map(({ Body }: Json) => JSON.parse(Body).detail.i);
    expect(order).not.toEqual([...order].sort());
    expect([...order].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('of sqs spares FIFO queues', async () => {
    const { call } = await world('sqs:reorder=1,sqs:repeat=1');
    const Attributes = { FifoQueue: 'true', ContentBasedDeduplication: 'true' };
    await call('sqs', 'CreateQueue', { QueueName: 'in-order.fifo', Attributes });
    for (const MessageBody of ['a', 'b', 'c']) {
      await call('sqs', 'SendMessage', { QueueUrl: url('in-order.fifo'), MessageBody, MessageGroupId: 'g' });
    }
    const all = { QueueUrl: url('in-order.fifo'), MaxNumberOfMessages: 10 };
    const { Messages } = await call('sqs', 'ReceiveMessage', all);
    expect(Messages.map(({ Body }: Json) => Body)).toEqual(['a', 'b', 'c']);
    expect((await call('sqs', 'ReceiveMessage', all)).Messages).toBeUndefined();
  });
});

it('draws the same from the same seed, whatever else is switched on', async () => {
  const draw = async (only: string, seed: number) => {
    const { call } = await world(only, seed);
    const codes: string[] = [];
    for (let i = 0; i < 30; i++) codes.push(await codeOf(call('dynamodb', 'PutItem', put(String(i)))));
    return codes.join();
  };
  const first = await draw('dynamodb:throttle=0.3', 7);
  expect(await draw('dynamodb:throttle=0.3', 7)).toBe(first);
  expect(await draw('dynamodb:throttle=0.3,sqs', 7)).toBe(first);
  expect(await draw('dynamodb:throttle=0.3', 8)).not.toBe(first);
});

describe('the plan', () => {
  it('takes services, faults and rates', () => {
    expect(readPlan().size).toBe(10);
    expect(Object.fromEntries(readPlan('dynamodb:throttle=0.05,kinesis:repeat,dynamodb:slow'))).toEqual({
      dynamodb: { throttle: 0.05, slow: 0.05 },
      kinesis: { repeat: 0.02 },
    });
  });

  it.each([
    ['dynamo', /dynamo is not one: services are dynamodb,/],
    ['dynamodb:reorder', /dynamodb never shows it on AWS; it can throttle, slow, fail/],
    ['sqs:burn', /faults of sqs are throttle, slow, fail, drop, repeat, reorder/],
    ['sqs:slow=2', /a rate is a number from 0 to 1, not 2/],
    ['', /is not one/],
  ])('%s is refused', (only, message) => {
    expect(() => readPlan(only)).toThrow(message);
  });
});

import {
  CreateEventBusCommand,
  DescribeEventBusCommand,
  DescribeRuleCommand,
  EventBridgeClient,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  TestEventPatternCommand,
} from '@aws-sdk/client-eventbridge';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Caller, type Cloud, createCloud, type Json, ROOT, ServiceError } from '../../../local/cloud.ts';
import { createEventBridge, type EventBridge } from '../../../local/eventbridge/eventbridge.ts';
import { type VirtualKernel, virtualKernel } from '../../../local/kernel/virtual-kernel.ts';
import { createKinesis } from '../../../local/kinesis/kinesis.ts';
import { createSqs } from '../../../local/sqs/sqs.ts';
import { SDK_CONFIG, sdkHandler } from '../sdk-handler.ts';

const ROLE = 'arn:aws:iam::000000000000:role/rule';
let kernel: VirtualKernel;
let cloud: Cloud;
let events: EventBridge;
let client: EventBridgeClient;
/** What came to the services that stand for the ones not under test, and their next failures. */
let calls: { caller: Caller; service: string; operation: string; input: Json }[];
let failures: ServiceError[];

beforeEach(() => {
  kernel = virtualKernel({ seed: 1 });
  cloud = createCloud(kernel);
  events = createEventBridge(cloud);
  createSqs(cloud);
  createKinesis(cloud);
  calls = [];
  failures = [];
  for (const name of ['lambda', 'states', 'firehose'] as const) {
    cloud.register({
      name,
      handle(operation, input, caller) {
        calls.push({ caller, service: name, operation, input });
        const failure = failures.shift();
        if (failure !== undefined) throw failure;
        return {};
      },
    });
  }
  client = new EventBridgeClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
});

const call = (operation: string, input: Json) => cloud.call(ROOT, 'events', operation, input);
const sqs = (operation: string, input: Json) => cloud.call(ROOT, 'sqs', operation, input);
const wait = (ms: number) => kernel.run(kernel.clock.now() + ms);
const arn = (service: string, resource: string) => `arn:aws:${service}:us-east-1:000000000000:${resource}`;
const FUNCTION = arn('lambda', 'function:charge');
const rule = async (pattern: object, targets: Json[], more: Json = {}) => {
  await call('PutRule', { Name: 'r', EventPattern: JSON.stringify(pattern), ...more });
  await call('PutTargets', { Rule: 'r', EventBusName: more.EventBusName, Targets: targets });
};
const put = (detail: object | string, more: Json = {}) => {
  const Detail = typeof detail === 'string' ? detail : JSON.stringify(detail);
  return call('PutEvents', { Entries: [{ Source: 'daybook', DetailType: 'Deposited', Detail, ...more }] });
};
const queue = async (QueueName: string, Attributes: Json = {}): Promise<string> =>
  (await sqs('CreateQueue', { QueueName, Attributes })).QueueUrl;
const received = async (QueueUrl: string): Promise<Json[]> =>
  (
    await sqs('ReceiveMessage', {
      QueueUrl,
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'],
    })
  ).Messages ?? [];
const payloads = () => calls.map(({ input }) => JSON.parse(String(input.Payload)));

describe('through the SDK', () => {
  it('makes buses and rules, and delivers what matches', async () => {
    const { EventBusArn } = await client.send(new CreateEventBusCommand({ Name: 'bank' }));
    expect(EventBusArn).toBe(arn('events', 'event-bus/bank'));
    const { RuleArn } = await client.send(
      new PutRuleCommand({
        Name: 'deposits',
        EventBusName: 'bank',
        EventPattern: JSON.stringify({ 'detail-type': ['Deposited'], detail: { amount: [{ numeric: ['>', 100] }] } }),
      }),
    );
    expect(RuleArn).toBe(arn('events', 'rule/bank/deposits'));
    const url = await queue('deposits');
    const put = await client.send(
      new PutTargetsCommand({
        Rule: 'deposits',
        EventBusName: 'bank',
        Targets: [{ Id: 'q', Arn: arn('sqs', 'deposits') }],
      }),
    );
    expect(put.FailedEntryCount).toBe(0);
    const { Entries, FailedEntryCount } = await client.send(
      new PutEventsCommand({
        Entries: [250, 50].map((amount) => ({
          EventBusName: EventBusArn,
          Source: 'daybook',
          DetailType: 'Deposited',
          Detail: JSON.stringify({ amount }),
          Resources: ['arn:x'],
          Time: new Date('2026-02-03T04:05:06.789Z'),
        })),
      }),
    );
    expect(FailedEntryCount).toBe(0);
    await wait(0);
    const messages = await received(url);
    expect(messages.map((message) => JSON.parse(message.Body))).toEqual([
      {
        version: '0',
        id: Entries?.[0]?.EventId,
        'detail-type': 'Deposited',
        source: 'daybook',
        account: '000000000000',
        time: '2026-02-03T04:05:06Z',
        region: 'us-east-1',
        resources: ['arn:x'],
        detail: { amount: 250 },
      },
    ]);
    const described = await client.send(new DescribeRuleCommand({ Name: 'deposits', EventBusName: 'bank' }));
    expect(described).toMatchObject({ State: 'ENABLED', EventBusName: 'bank' });
    const { Targets } = await client.send(new ListTargetsByRuleCommand({ Rule: 'deposits', EventBusName: 'bank' }));
    expect(Targets).toEqual([{ Id: 'q', Arn: arn('sqs', 'deposits') }]);
    await expect(client.send(new DescribeEventBusCommand({ Name: 'none' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  it('tests a pattern', async () => {
    const event = { id: '1', account: '1', source: 's', time: 't', region: 'r', resources: [], 'detail-type': 'd' };
    const test = (EventPattern: object, Event: object) =>
      client.send(
        new TestEventPatternCommand({ EventPattern: JSON.stringify(EventPattern), Event: JSON.stringify(Event) }),
      );
    expect((await test({ source: [{ prefix: 's' }] }, event)).Result).toBe(true);
    expect((await test({ source: ['x'] }, event)).Result).toBe(false);
    await expect(test({ source: 's' }, event)).rejects.toMatchObject({ name: 'InvalidEventPatternException' });
    await expect(test({ source: ['s'] }, {})).rejects.toMatchObject({ name: 'ValidationException' });
  });
});

describe('PutEvents', () => {
  it('fails entries one by one', async () => {
    const entry = { Source: 'daybook', DetailType: 'a', Detail: '{}' };
    const answer = await call('PutEvents', {
      Entries: [
        entry,
        { ...entry, Source: undefined },
        { ...entry, Detail: '{' },
        { ...entry, Detail: '[]' },
        { ...entry, Source: 'aws.ec2' },
        { ...entry, DetailType: 'x'.repeat(129) },
      ],
    });
    expect(answer.FailedEntryCount).toBe(5);
    expect(answer.Entries.map((one: Json) => one.ErrorCode)).toEqual([
      undefined,
      'InvalidArgument',
      'MalformedDetail',
      'MalformedDetail',
      'NotAuthorizedForSourceException',
      'InvalidArgument',
    ]);
    expect(answer.Entries[1].ErrorMessage).toBe(
      'Parameter Source is not valid. Reason: Source is a required argument.',
    );
  });

  it('answers in part when single entries meet a fault', async () => {
    await rule({ source: ['daybook'] }, [{ Id: '1', Arn: FUNCTION }]);
    events.intercept(({ index, bus }) => (bus === 'default' && index === 1 ? 'ThrottlingException' : undefined));
    const entry = (n: number) => ({ Source: 'daybook', DetailType: 'N', Detail: JSON.stringify({ n }) });
    const answer = await call('PutEvents', { Entries: [entry(0), entry(1), entry(2)] });
    expect(answer.FailedEntryCount).toBe(1);
    expect(answer.Entries[1]).toEqual({ ErrorCode: 'ThrottlingException', ErrorMessage: 'Rate exceeded' });
    await wait(0);
    expect(payloads().map((event) => event.detail.n)).toEqual([0, 2]);
  });

  it('takes ten entries and less than 1 MB', async () => {
    const entry = { Source: 'daybook', DetailType: 'a', Detail: '{}' };
    await expect(call('PutEvents', { Entries: Array(11).fill(entry) })).rejects.toMatchObject({
      code: 'ValidationException',
    });
    await expect(call('PutEvents', { Entries: [] })).rejects.toMatchObject({ code: 'ValidationException' });
    const object = (bytes: number) => ({ ...entry, Detail: `{"a":"${'x'.repeat(bytes)}"}` });
    // Source 7, type 1, and 8 bytes around the text.
    expect((await call('PutEvents', { Entries: [object(1_048_575 - 16)] })).FailedEntryCount).toBe(0);
    await expect(call('PutEvents', { Entries: [object(1_048_576 - 16)] })).rejects.toThrow(
      'Total size of the entries in the request is over the limit.',
    );
  });

  it('delivers the detail as it was given, digit for digit', async () => {
    const url = await queue('all');
    await call('PutRule', { Name: 'r', EventPattern: '{"detail":{"id":[12345678901234567890]}}' });
    await call('PutTargets', { Rule: 'r', Targets: [{ Id: 'q', Arn: arn('sqs', 'all') }] });
    await put('{"id": 12345678901234567890}');
    await put('{"id": 12345678901234567891}');
    await wait(0);
    const bodies = (await received(url)).map((message) => message.Body);
    expect(bodies).toHaveLength(1);
    expect(bodies[0]).toContain('"detail":{"id": 12345678901234567890}');
  });

  it('drops what goes to a bus that is not there, and says so in the trace', async () => {
    const dropped: string[] = [];
    cloud.trace.subscribe(({ what, detail }) => what === 'event dropped' && dropped.push(String(detail.bus)));
    expect((await put({}, { EventBusName: 'none' })).FailedEntryCount).toBe(0);
    expect(dropped).toEqual(['none']);
  });
});

describe('targets', () => {
  it('are called as the service for the rule, or as their role', async () => {
    await cloud.call(ROOT, 'kinesis', 'CreateStream', { StreamName: 'feed', ShardCount: 1 });
    const seen: Record<string, Caller> = {};
    cloud.setAuthorize((caller, service) => {
      seen[service] = caller;
    });
    await queue('fifo.fifo', { FifoQueue: 'true', ContentBasedDeduplication: 'true' });
    await rule({ source: ['daybook'] }, [
      { Id: '1', Arn: FUNCTION },
      { Id: '2', Arn: arn('sqs', 'fifo.fifo'), SqsParameters: { MessageGroupId: 'g' } },
      {
        Id: '3',
        Arn: arn('kinesis', 'stream/feed'),
        RoleArn: ROLE,
        KinesisParameters: { PartitionKeyPath: '$.detail.who' },
      },
      { Id: '4', Arn: arn('states', 'stateMachine:replay'), RoleArn: ROLE },
      { Id: '5', Arn: arn('firehose', 'deliverystream/archive'), RoleArn: ROLE },
    ]);
    const { Entries } = await put({ who: 'bob' });
    await wait(0);
    const service = { principal: 'service:events.amazonaws.com', sourceArn: arn('events', 'rule/r') };
    const role = { principal: ROLE, sourceArn: arn('events', 'rule/r') };
    expect(seen).toMatchObject({ lambda: service, sqs: service, kinesis: role, states: role, firehose: role });
    const byService = Object.fromEntries(calls.map((one) => [one.service, one]));
    expect(byService.lambda).toMatchObject({
      operation: 'Invoke',
      input: { FunctionName: FUNCTION, InvocationType: 'Event' },
    });
    expect(JSON.parse(String(byService.lambda?.input.Payload)).detail).toEqual({ who: 'bob' });
    expect(byService.states).toMatchObject({
      operation: 'StartExecution',
      input: { stateMachineArn: arn('states', 'stateMachine:replay') },
    });
    const archived = Buffer.from(byService.firehose?.input.Record.Data, 'base64').toString();
    expect(JSON.parse(archived).id).toBe(Entries[0].EventId);
    const [message] = await received('/000000000000/fifo.fifo');
    expect(message.Attributes.MessageGroupId).toBe('g');
    const { ShardIterator } = await cloud.call(ROOT, 'kinesis', 'GetShardIterator', {
      StreamName: 'feed',
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'TRIM_HORIZON',
    });
    const { Records } = await cloud.call(ROOT, 'kinesis', 'GetRecords', { ShardIterator });
    expect(Records.map((record: Json) => record.PartitionKey)).toEqual(['bob']);
  });

  it('may be another bus, where the event keeps its id', async () => {
    await call('CreateEventBus', { Name: 'audit' });
    await call('PutRule', { Name: 'all', EventBusName: 'audit', EventPattern: '{"source":["daybook"]}' });
    await call('PutTargets', { Rule: 'all', EventBusName: 'audit', Targets: [{ Id: '1', Arn: FUNCTION }] });
    await rule({ source: ['daybook'] }, [{ Id: '1', Arn: arn('events', 'event-bus/audit'), RoleArn: ROLE }]);
    const { Entries } = await put({ a: 1 });
    await wait(0);
    expect(payloads().map((event) => event.id)).toEqual([Entries[0].EventId]);
  });

  it('are refused when they cannot be called', async () => {
    await call('PutRule', { Name: 'r', EventPattern: '{"a":[1]}' });
    const target = (one: Json) => call('PutTargets', { Rule: 'r', Targets: [{ Id: '1', ...one }] });
    await expect(target({ Arn: arn('sns', 'topic') })).rejects.toThrow(/is not supported here/);
    await expect(target({ Arn: 'nonsense' })).rejects.toThrow(/not in correct format/);
    await expect(target({ Arn: arn('kinesis', 'stream/feed') })).rejects.toThrow(/RoleArn is required/);
    await expect(target({ Arn: FUNCTION, EcsParameters: {} })).rejects.toThrow(/EcsParameters .* is not supported/);
    await expect(target({ Arn: FUNCTION, Input: '{' })).rejects.toThrow(/Input/);
    await expect(target({ Arn: FUNCTION, Input: '{}', InputPath: '$' })).rejects.toThrow(/Only one of/);
    await expect(target({ Arn: FUNCTION, RetryPolicy: { MaximumRetryAttempts: 186 } })).rejects.toThrow(/185/);
    const transformer = (InputTemplate: string, InputPathsMap: Json = {}) =>
      target({ Arn: FUNCTION, InputTransformer: { InputTemplate, InputPathsMap } });
    await expect(transformer('{"a": <b>}')).rejects.toThrow(/<b> is not in InputPathsMap/);
    await expect(transformer('plain text')).rejects.toThrow(/neither JSON nor quoted text/);
    await expect(transformer('<aws.events.event>', { 'aws.events.x': '$' })).rejects.toThrow(/reserved/);
    await expect(transformer('<AWSid>', { AWSid: '$.id' })).rejects.toThrow(/AWSid is reserved/);
    const six = Array.from({ length: 6 }, (_, i) => ({ Id: String(i), Arn: FUNCTION }));
    await expect(call('PutTargets', { Rule: 'r', Targets: six })).rejects.toMatchObject({
      code: 'LimitExceededException',
    });
  });
});

describe('inputs', () => {
  const detail = { 'instance-id': 'i-0123456789', state: 'RUNNING', tags: ['a', 'b'], size: { cpu: 2 }, n: 7 };
  const paths = {
    instance: '$.detail.instance-id',
    state: '$.detail.state',
    tags: '$.detail.tags',
    second: '$.detail.tags[1]',
    size: '$.detail.size',
    n: '$.detail.n',
    all: '$.detail.tags[*]',
    none: '$.detail.none',
  };
  const bodyOf = async (target: Json): Promise<string> => {
    const url = await queue('inputs');
    await rule({ source: ['daybook'] }, [{ Id: '1', Arn: arn('sqs', 'inputs'), ...target }]);
    await put(detail);
    await wait(0);
    return (await received(url))[0].Body;
  };

  // The table "Input transform examples" of the user guide, and what it says beside it.
  it.each([
    ['"instance <instance> is in <state>"', '"instance i-0123456789 is in RUNNING"'],
    ['"instance \\"<instance>\\" is in <state>"', '"instance \\"i-0123456789\\" is in RUNNING"'],
    ['{\n  "instance" : <instance>,\n  "state": <state>\n}', '{"instance":"i-0123456789","state":"RUNNING"}'],
    [
      '{"instance" : <instance>, "state": "<state>", "instanceStatus": "instance \\"<instance>\\" is in <state>"}',
      '{"instance":"i-0123456789","state":"RUNNING","instanceStatus":"instance \\"i-0123456789\\" is in RUNNING"}',
    ],
    ['{"state": [ 9, <state>, true ]}', '{"state":[9,"RUNNING",true]}'],
    [
      '{"rule": <aws.events.rule-name>, "arn": "<aws.events.rule-arn>"}',
      `{"rule":"r","arn":"${arn('events', 'rule/r')}"}`,
    ],
    ['{"tags": <tags>, "second": <second>, "all": <all>}', '{"tags":["a","b"],"second":"b","all":["a","b"]}'],
    ['{"size": <size>, "n": <n>, "text": "<n> of <none>"}', '{"size":{"cpu":2},"n":7,"text":"7 of "}'],
    ['<size>', '{"cpu":2}'],
    ['{"at": <aws.events.event.ingestion-time>}', '{"at":"2026-01-01T00:00:00Z"}'],
    ['"line <state>"\n"line <n>"', '"line RUNNING"\n"line 7"'],
  ])('%s', async (InputTemplate, expected) => {
    expect(await bodyOf({ InputTransformer: { InputPathsMap: paths, InputTemplate } })).toBe(expected);
  });

  it('can hold the event itself', async () => {
    const body = JSON.parse(
      await bodyOf({
        InputTransformer: { InputTemplate: '{"with": <aws.events.event.json>, "without": <aws.events.event>}' },
      }),
    );
    expect(body.with.detail).toEqual(detail);
    expect(body.without.source).toBe('daybook');
    expect(body.without.detail).toBeUndefined();
  });

  it('can be a constant', async () => {
    expect(await bodyOf({ Input: '{"constant": true}' })).toBe('{"constant": true}');
  });

  it('can be a part', async () => {
    expect(await bodyOf({ InputPath: '$.detail.size' })).toBe('{"cpu":2}');
  });
});

describe('delivery', () => {
  const throttled = () => new ServiceError('TooManyRequestsException', 'Rate exceeded', { status: 429 });

  it('is tried again with growing pauses until it succeeds', async () => {
    await rule({ source: ['daybook'] }, [{ Id: '1', Arn: FUNCTION }]);
    failures = [throttled(), throttled(), new ServiceError('ServiceException', 'oops', { status: 500 })];
    const at: number[] = [];
    cloud.trace.subscribe((entry) => {
      if (entry.service === 'events' && /failed|delivered/.test(entry.what)) at.push(entry.at);
    });
    await put({});
    await wait(0);
    expect(calls).toHaveLength(1);
    await wait(60_000);
    expect(calls).toHaveLength(4);
    const pauses = at.slice(1).map((ms, i) => ms - at[i]!);
    for (const [i, pause] of pauses.entries()) {
      expect(pause).toBeGreaterThan(500 * 2 ** i - 1);
      expect(pause).toBeLessThanOrEqual(1000 * 2 ** i);
    }
    expect(kernel.pending()).toBe(0);
  });

  it('ends after the attempts allowed as a dead letter that says why', async () => {
    const url = await queue('dead');
    await rule({ source: ['daybook'] }, [
      {
        Id: '1',
        Arn: FUNCTION,
        DeadLetterConfig: { Arn: arn('sqs', 'dead') },
        RetryPolicy: { MaximumRetryAttempts: 2 },
        InputPath: '$.detail',
      },
    ]);
    failures = [throttled(), throttled(), throttled(), throttled()];
    const { Entries } = await put({ a: 1 });
    await wait(60_000);
    expect(calls).toHaveLength(3);
    const [letter] = await received(url);
    expect(JSON.parse(letter.Body)).toMatchObject({ id: Entries[0].EventId, detail: { a: 1 } });
    const attributes = Object.fromEntries(
      Object.entries(letter.MessageAttributes).map(([name, value]) => [name, (value as Json).StringValue]),
    );
    expect(attributes).toEqual({
      RULE_ARN: arn('events', 'rule/r'),
      TARGET_ARN: FUNCTION,
      ERROR_CODE: 'THROTTLING',
      ERROR_MESSAGE: 'Rate exceeded',
      EXHAUSTED_RETRY_CONDITION: 'MaximumRetryAttempts',
      RETRY_ATTEMPTS: '2',
    });
  });

  it('ends by age', async () => {
    const url = await queue('dead');
    await rule({ source: ['daybook'] }, [
      {
        Id: '1',
        Arn: FUNCTION,
        DeadLetterConfig: { Arn: arn('sqs', 'dead') },
        RetryPolicy: { MaximumEventAgeInSeconds: 60 },
      },
    ]);
    failures = Array.from({ length: 100 }, throttled);
    await put({});
    await wait(61_000);
    const [letter] = await received(url);
    expect(letter.MessageAttributes.EXHAUSTED_RETRY_CONDITION.StringValue).toBe('MaximumEventAgeInSeconds');
    expect(calls.length).toBeGreaterThan(4);
  });

  it('lasts 24 hours and 185 retries at most by default', async () => {
    await rule({ source: ['daybook'] }, [{ Id: '1', Arn: FUNCTION }]);
    failures = Array.from({ length: 1000 }, throttled);
    await put({});
    await wait(25 * 3_600_000);
    expect(calls.length).toBeLessThanOrEqual(186);
    expect(calls.length).toBeGreaterThan(150);
    expect(kernel.pending()).toBe(0);
  });

  it('is not tried again without permission or without the target', async () => {
    const url = await queue('dead');
    const DeadLetterConfig = { Arn: arn('sqs', 'dead') };
    await rule({ source: ['daybook'] }, [
      { Id: '1', Arn: FUNCTION, DeadLetterConfig },
      { Id: '2', Arn: arn('sqs', 'gone'), DeadLetterConfig },
    ]);
    failures = [new ServiceError('AccessDeniedException', 'no', { status: 403 })];
    await put({});
    await wait(0);
    const codes = (await received(url)).map((letter) => [
      letter.MessageAttributes.ERROR_CODE.StringValue,
      letter.MessageAttributes.RETRY_ATTEMPTS.StringValue,
    ]);
    expect(codes.sort()).toEqual([
      ['NO_PERMISSIONS', '0'],
      ['NO_RESOURCE', '0'],
    ]);
  });

  it('asks the resource policy of the dead-letter queue too', async () => {
    await queue('dead');
    await rule({ source: ['daybook'] }, [{ Id: '1', Arn: FUNCTION, DeadLetterConfig: { Arn: arn('sqs', 'dead') } }]);
    cloud.setAuthorize((caller, service) => {
      if (caller.principal !== 'root') throw new ServiceError('AccessDeniedException', `${service} says no`);
    });
    const notes: string[] = [];
    cloud.trace.subscribe(({ service, what }) => service === 'events' && notes.push(what));
    await put({});
    await wait(0);
    expect(notes).toEqual(['event put', 'rule matched', 'delivery failed', 'event dropped']);
  });
});

describe('rules', () => {
  it('can be disabled, changed and deleted', async () => {
    await rule({ source: ['daybook'] }, [{ Id: '1', Arn: FUNCTION }]);
    await call('DisableRule', { Name: 'r' });
    await put({});
    await wait(0);
    expect(calls).toHaveLength(0);
    await call('EnableRule', { Name: 'r' });
    await call('PutRule', { Name: 'r', EventPattern: '{"detail":{"a":[1]}}' });
    await put({ a: 1 });
    await put({ a: 2 });
    await wait(0);
    expect(payloads().map((event) => event.detail)).toEqual([{ a: 1 }]);
    await expect(call('DeleteRule', { Name: 'r' })).rejects.toThrow("Rule can't be deleted since it has targets.");
    await call('RemoveTargets', { Rule: 'r', Ids: ['1'] });
    await call('DeleteRule', { Name: 'r' });
    await call('DeleteRule', { Name: 'r' });
    expect((await call('ListRules', {})).Rules).toEqual([]);
    await expect(call('DescribeRule', { Name: 'r' })).rejects.toThrow('Rule r does not exist on EventBus default.');
  });

  it('want a pattern or a schedule that is valid', async () => {
    await expect(call('PutRule', { Name: 'r' })).rejects.toThrow(/EventPattern or ScheduleExpression/);
    await expect(call('PutRule', { Name: 'r', EventPattern: '{"a":1}' })).rejects.toMatchObject({
      code: 'InvalidEventPatternException',
      message: 'Event pattern is not valid. Reason: "a" must be an object or an array',
    });
    await expect(call('PutRule', { Name: 'r', ScheduleExpression: 'rate(1 minutes)' })).rejects.toThrow(
      'Parameter ScheduleExpression is not valid.',
    );
    await call('CreateEventBus', { Name: 'bank' });
    const scheduled = { Name: 'r', EventBusName: 'bank', ScheduleExpression: 'rate(1 minute)' };
    await expect(call('PutRule', scheduled)).rejects.toThrow(/only on the default event bus/);
  });

  it('fire on their schedule', async () => {
    await call('PutRule', { Name: 'r', ScheduleExpression: 'cron(0/20 * * * ? *)' });
    await call('PutTargets', { Rule: 'r', Targets: [{ Id: '1', Arn: FUNCTION }] });
    await wait(3_600_000);
    expect(payloads().map((event) => event.time)).toEqual([
      '2026-01-01T00:20:00Z',
      '2026-01-01T00:40:00Z',
      '2026-01-01T01:00:00Z',
    ]);
    expect(payloads()[0]).toMatchObject({
      source: 'aws.events',
      'detail-type': 'Scheduled Event',
      resources: [arn('events', 'rule/r')],
      detail: {},
    });
    await call('DisableRule', { Name: 'r' });
    await wait(3_600_000);
    expect(calls).toHaveLength(3);
    expect(kernel.pending()).toBe(0);
  });
});

describe('buses', () => {
  it('keep their policy', async () => {
    await call('PutPermission', { StatementId: 's', Action: 'events:PutEvents', Principal: '111111111111' });
    expect(events.busPolicyOf('default')).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 's',
          Effect: 'Allow',
          Principal: { AWS: 'arn:aws:iam::111111111111:root' },
          Action: 'events:PutEvents',
          Resource: arn('events', 'event-bus/default'),
        },
      ],
    });
    await call('RemovePermission', { StatementId: 's' });
    expect(events.busPolicyOf(arn('events', 'event-bus/default'))).toBeUndefined();
  });

  it('go only when they are empty, and never the default one', async () => {
    await call('CreateEventBus', { Name: 'bank' });
    await expect(call('CreateEventBus', { Name: 'bank' })).rejects.toMatchObject({
      code: 'ResourceAlreadyExistsException',
    });
    await call('PutRule', { Name: 'r', EventBusName: 'bank', EventPattern: '{"a":[1]}' });
    await expect(call('DeleteEventBus', { Name: 'bank' })).rejects.toThrow(/since it has rules/);
    await call('DeleteRule', { Name: 'r', EventBusName: 'bank' });
    await call('DeleteEventBus', { Name: 'bank' });
    expect((await call('ListEventBuses', {})).EventBuses.map((bus: Json) => bus.Name)).toEqual(['default']);
    await expect(call('DeleteEventBus', { Name: 'default' })).rejects.toMatchObject({ code: 'ValidationException' });
  });

  it('refuse what they do not have, by name', async () => {
    await expect(call('CreateConnection', {})).rejects.toMatchObject({ code: 'UnknownOperationException' });
    await expect(call('CreateEventBus', { Name: 'x', EventSourceName: 'y' })).rejects.toThrow(/EventSourceName/);
    await expect(put({}, { ReplayName: 'x' })).rejects.toThrow(/ReplayName/);
    expect(await put({}, { TraceHeader: 'Root=1-0' })).toMatchObject({ FailedEntryCount: 0 });
  });
});

import { beforeEach, expect, it } from 'vitest';
import { type Cloud, createCloud, type Json, ROOT } from '../../../local/cloud.ts';
import { createEventBridge } from '../../../local/eventbridge/eventbridge.ts';
import { type VirtualKernel, virtualKernel } from '../../../local/kernel/virtual-kernel.ts';
import { createSqs } from '../../../local/sqs/sqs.ts';

const DEFAULT = 'arn:aws:events:us-east-1:000000000000:event-bus/default';
let kernel: VirtualKernel;
let cloud: Cloud;

beforeEach(async () => {
  kernel = virtualKernel({ seed: 1 });
  cloud = createCloud(kernel);
  createEventBridge(cloud);
  createSqs(cloud);
  await rule('a');
  await rule('b');
});

const call = (operation: string, input: Json) => cloud.call(ROOT, 'events', operation, input);
const wait = (ms: number) => kernel.run(kernel.clock.now() + ms);
const rule = async (name: string) => {
  await cloud.call(ROOT, 'sqs', 'CreateQueue', { QueueName: name });
  await call('PutRule', { Name: name, EventPattern: '{"source":["daybook"]}' });
  await call('PutTargets', { Rule: name, Targets: [{ Id: '1', Arn: `arn:aws:sqs:us-east-1:000000000000:${name}` }] });
};
const put = (n: number) =>
  call('PutEvents', { Entries: [{ Source: 'daybook', DetailType: 'N', Detail: JSON.stringify({ n }) }] });
const taken = async (queue: string): Promise<Json[]> => {
  const { Messages = [] } = await cloud.call(ROOT, 'sqs', 'ReceiveMessage', {
    QueueUrl: `/000000000000/${queue}`,
    MaxNumberOfMessages: 10,
    VisibilityTimeout: 43_200,
  });
  return Messages.map((message: Json) => JSON.parse(message.Body));
};
const start = (from: number, to: number, more: Json = {}) =>
  call('StartReplay', {
    ReplayName: 'again',
    EventSourceArn: 'arn:aws:events:us-east-1:000000000000:archive/all',
    EventStartTime: from / 1000,
    EventEndTime: to / 1000,
    Destination: { Arn: DEFAULT },
    ...more,
  });

it('keeps what matches, and sends a range of it again, marked, to the rules named', async () => {
  const pattern = JSON.stringify({ detail: { n: [{ numeric: ['<', 5] }] } });
  await call('CreateArchive', { ArchiveName: 'all', EventSourceArn: DEFAULT, EventPattern: pattern });
  const begin = kernel.clock.now();
  for (let n = 0; n < 6; n++) {
    await put(n);
    await wait(60_000);
  }
  expect(await call('DescribeArchive', { ArchiveName: 'all' })).toMatchObject({ EventCount: 5, State: 'ENABLED' });
  const originals = await taken('a');
  await taken('b');
  const started = await start(begin + 60_000, begin + 3 * 60_000, {
    Destination: { Arn: DEFAULT, FilterArns: ['arn:aws:events:us-east-1:000000000000:rule/b'] },
  });
  expect(started.State).toBe('STARTING');
  await wait(10_000);
  expect(await taken('a')).toEqual([]);
  expect(await taken('b')).toEqual(originals.slice(1, 4).map((event) => ({ ...event, 'replay-name': 'again' })));
  expect(await call('DescribeReplay', { ReplayName: 'again' })).toMatchObject({
    State: 'COMPLETED',
    EventLastReplayedTime: begin / 1000 + 180,
  });
  // Replayed events are not archived again.
  expect((await call('DescribeArchive', { ArchiveName: 'all' })).EventCount).toBe(5);
  await expect(start(begin, begin + 1)).rejects.toMatchObject({ code: 'ResourceAlreadyExistsException' });
});

it('forgets events after its days', async () => {
  await call('CreateArchive', { ArchiveName: 'all', EventSourceArn: DEFAULT, RetentionDays: 1 });
  await put(1);
  await wait(86_400_000);
  await put(2);
  await wait(1);
  expect((await call('DescribeArchive', { ArchiveName: 'all' })).EventCount).toBe(1);
});

it('can be cancelled, and refuses what makes no sense', async () => {
  await call('CreateArchive', { ArchiveName: 'all', EventSourceArn: DEFAULT });
  await call('CreateEventBus', { Name: 'other' });
  const begin = kernel.clock.now();
  await put(1);
  await wait(60_000);
  await put(2);
  await wait(0);
  await taken('a');
  await start(begin, begin + 120_000);
  await wait(50);
  await call('CancelReplay', { ReplayName: 'again' });
  await wait(1000);
  expect((await taken('a')).map((event) => event.detail.n)).toEqual([1]);
  await expect(call('CancelReplay', { ReplayName: 'again' })).rejects.toMatchObject({ code: 'IllegalStatusException' });
  const ReplayName = 'more';
  await expect(start(begin, begin, { ReplayName })).rejects.toThrow(/EventEndTime/);
  const Destination = { Arn: DEFAULT.replace('default', 'other') };
  await expect(start(begin, begin + 1, { ReplayName, Destination })).rejects.toThrow(/Cross event bus/);
  await expect(start(begin, begin + 1, { ReplayName, EventSourceArn: 'x' })).rejects.toThrow(/EventSourceArn/);
});

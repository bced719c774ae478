import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Cloud, createCloud, type Json, ROOT } from '../../../local/cloud.ts';
import { type VirtualKernel, virtualKernel } from '../../../local/kernel/virtual-kernel.ts';
import { createSqs, type Sqs } from '../../../local/sqs/sqs.ts';
import { SDK_CONFIG, sdkHandler } from '../sdk-handler.ts';

let kernel: VirtualKernel;
let cloud: Cloud;
let sqs: Sqs;
let client: SQSClient;

beforeEach(() => {
  kernel = virtualKernel({ seed: 1 });
  cloud = createCloud(kernel);
  sqs = createSqs(cloud);
  sqs.setEndpoint('http://127.0.0.1:4566/');
  client = new SQSClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
});

const call = (operation: string, input: Json) => cloud.call(ROOT, 'sqs', operation, input);
const wait = (ms: number) => kernel.run(kernel.clock.now() + ms);
const create = async (QueueName: string, Attributes: Record<string, string> = {}): Promise<string> =>
  (await call('CreateQueue', { QueueName, Attributes })).QueueUrl;
const send = (QueueUrl: string, MessageBody: string, more: Json = {}) =>
  call('SendMessage', { QueueUrl, MessageBody, ...more });
const receive = async (QueueUrl: string, more: Json = {}): Promise<Json[]> =>
  (await call('ReceiveMessage', { QueueUrl, MaxNumberOfMessages: 10, ...more })).Messages ?? [];
const bodies = async (url: string, more: Json = {}) => (await receive(url, more)).map((message) => message.Body);
const remove = (QueueUrl: string, ReceiptHandle: string) => call('DeleteMessage', { QueueUrl, ReceiptHandle });
const arn = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${name}`;

describe('through the SDK, which checks the digests', () => {
  it('sends, receives and deletes, attributes included', async () => {
    const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: 'work' }));
    expect(QueueUrl).toBe('http://127.0.0.1:4566/000000000000/work');
    const sent = await client.send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: 'Grüße',
        MessageAttributes: {
          City: { DataType: 'String', StringValue: 'Köln' },
          Count: { DataType: 'Number.int', StringValue: '7' },
          Raw: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 255) },
        },
        MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: 'Root=1' } },
      }),
    );
    expect(sent.MD5OfMessageSystemAttributes).toMatch(/^[\da-f]{32}$/);
    const { Messages } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
      }),
    );
    const message = Messages?.[0];
    expect(message).toMatchObject({
      MessageId: sent.MessageId,
      Body: 'Grüße',
      MD5OfBody: sent.MD5OfMessageBody,
      MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
      Attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: String(kernel.clock.now()),
        SenderId: 'root',
        AWSTraceHeader: 'Root=1',
      },
    });
    expect(message?.MessageAttributes?.Raw?.BinaryValue).toEqual(Uint8Array.of(0, 255));
    await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
    await wait(60_000);
    expect((await client.send(new ReceiveMessageCommand({ QueueUrl }))).Messages).toBeUndefined();
  });

  it('knows the digest that AWS documents', async () => {
    const url = await create('work');
    // The example of the SendMessage API reference.
    expect((await send(url, 'This is a test message')).MD5OfMessageBody).toBe('fafb00f5732ab283681e124bf8747ed1');
  });

  it('answers batches in part', async () => {
    const QueueUrl = await create('work', { MaximumMessageSize: '1024' });
    const sent = await client.send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: 'good', MessageBody: 'a' },
          { Id: 'big', MessageBody: 'x'.repeat(1025) },
          { Id: 'also', MessageBody: 'b' },
        ],
      }),
    );
    expect(sent.Successful?.map((entry) => entry.Id)).toEqual(['good', 'also']);
    expect(sent.Failed).toEqual([
      {
        Id: 'big',
        SenderFault: true,
        Code: 'InvalidParameterValue',
        Message: 'One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.',
      },
    ]);
    const got = await receive(QueueUrl);
    const removed = await client.send(
      new DeleteMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: '0', ReceiptHandle: got[0].ReceiptHandle },
          { Id: '1', ReceiptHandle: 'nonsense' },
        ],
      }),
    );
    expect(removed.Successful?.map((entry) => entry.Id)).toEqual(['0']);
    expect(removed.Failed?.[0]?.Code).toBe('ReceiptHandleIsInvalid');
    await client.send(
      new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: got[1].ReceiptHandle, VisibilityTimeout: 0 }),
    );
    expect(await bodies(QueueUrl)).toEqual(['b']);
    const { Attributes } = await client.send(
      new GetQueueAttributesCommand({
        QueueUrl,
        AttributeNames: ['ApproximateNumberOfMessagesNotVisible', 'QueueArn'],
      }),
    );
    expect(Attributes).toEqual({ ApproximateNumberOfMessagesNotVisible: '1', QueueArn: arn('work') });
  });
});

describe('queues', () => {
  it('are created once, unless an attribute differs', async () => {
    const url = await create('work', { VisibilityTimeout: '5' });
    expect(await create('work', { VisibilityTimeout: '5' })).toBe(url);
    expect(await create('work')).toBe(url);
    await expect(create('work', { VisibilityTimeout: '6' })).rejects.toMatchObject({ code: 'QueueNameExists' });
    await expect(create('work', { Colour: 'red' })).rejects.toMatchObject({ code: 'InvalidAttributeName' });
    await expect(create('work', { DelaySeconds: '901' })).rejects.toMatchObject({ code: 'InvalidAttributeValue' });
    await expect(create('a b')).rejects.toMatchObject({ code: 'InvalidParameterValue' });
    await expect(create('work.fifo')).rejects.toMatchObject({ code: 'InvalidParameterValue' });
  });

  it('are found by any URL that ends with account and name', async () => {
    await create('work');
    await send('https://sqs.us-east-1.amazonaws.com/000000000000/work', 'a');
    expect(await bodies('/000000000000/work')).toEqual(['a']);
    await expect(send('http://x/111111111111/work', 'a')).rejects.toMatchObject({ code: 'QueueDoesNotExist' });
    await expect(call('GetQueueUrl', { QueueName: 'none' })).rejects.toThrow('The specified queue does not exist.');
  });

  it('list, tag, purge and go', async () => {
    const url = await create('work');
    await create('other');
    expect((await call('ListQueues', { QueueNamePrefix: 'w' })).QueueUrls).toEqual([url]);
    await call('TagQueue', { QueueUrl: url, Tags: { team: 'a' } });
    expect(await call('ListQueueTags', { QueueUrl: url })).toEqual({ Tags: { team: 'a' } });
    await send(url, 'a');
    await call('PurgeQueue', { QueueUrl: url });
    expect(await bodies(url)).toEqual([]);
    await expect(call('PurgeQueue', { QueueUrl: url })).rejects.toMatchObject({ code: 'PurgeQueueInProgress' });
    await call('DeleteQueue', { QueueUrl: url });
    await expect(send(url, 'a')).rejects.toMatchObject({ code: 'QueueDoesNotExist' });
  });

  it('refuse what they do not know, by name', async () => {
    const url = await create('work');
    await expect(send(url, 'a', { Priority: 1 })).rejects.toThrow(/the parameter Priority is not supported/);
    await expect(call('StartMessageMoveTask', {})).rejects.toMatchObject({ code: 'UnknownOperationException' });
  });
});

describe('visibility', () => {
  it('hides a received message for its timeout, and counts receptions', async () => {
    const url = await create('work', { VisibilityTimeout: '10' });
    await send(url, 'a');
    const [first] = await receive(url);
    expect(await bodies(url)).toEqual([]);
    await wait(9_999);
    expect(await bodies(url)).toEqual([]);
    await wait(1);
    const [second] = await receive(url, { MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
    expect(second.Attributes).toEqual({ ApproximateReceiveCount: '2' });
    await remove(url, first.ReceiptHandle);
    await wait(10_000);
    const [third] = await receive(url);
    expect(third.Body).toBe('a');
    await remove(url, third.ReceiptHandle);
    await wait(10_000);
    expect(await bodies(url)).toEqual([]);
  });

  it('can be made longer and shorter', async () => {
    const url = await create('work');
    await send(url, 'a');
    const [{ ReceiptHandle }] = await receive(url);
    const change = (VisibilityTimeout: number) =>
      call('ChangeMessageVisibility', { QueueUrl: url, ReceiptHandle, VisibilityTimeout });
    await change(100);
    await wait(99_000);
    expect(await bodies(url)).toEqual([]);
    await change(2);
    await wait(1_999);
    expect(await bodies(url)).toEqual([]);
    await wait(1);
    expect(await bodies(url)).toEqual(['a']);
    await expect(change(5)).rejects.toMatchObject({ code: 'MessageNotInflight' });
    await expect(change(43_201)).rejects.toMatchObject({ code: 'InvalidParameterValue' });
  });

  it('comes after a delay', async () => {
    const url = await create('work', { DelaySeconds: '5' });
    await send(url, 'queue');
    await send(url, 'own', { DelaySeconds: 1 });
    expect(await bodies(url)).toEqual([]);
    await wait(1000);
    expect(await bodies(url)).toEqual(['own']);
    await wait(4000);
    expect(await bodies(url)).toEqual(['queue']);
    await expect(send(url, 'x', { DelaySeconds: 901 })).rejects.toMatchObject({ code: 'InvalidParameterValue' });
  });

  it('ends with the retention period', async () => {
    const url = await create('work', { MessageRetentionPeriod: '60' });
    await send(url, 'a');
    await wait(30_000);
    await send(url, 'b');
    await wait(30_000);
    expect(await bodies(url)).toEqual(['b']);
  });
});

describe('long polling', () => {
  const poll = (url: string, WaitTimeSeconds: number) => {
    const result: { bodies?: string[]; at?: number } = {};
    bodies(url, { WaitTimeSeconds }).then((found) => {
      result.bodies = found;
      result.at = kernel.clock.now();
    });
    return result;
  };

  it('answers when a message comes, and with nothing at the end', async () => {
    const url = await create('work');
    const start = kernel.clock.now();
    const waiting = poll(url, 20);
    await wait(5000);
    expect(waiting.bodies).toBeUndefined();
    await send(url, 'a');
    await wait(0);
    expect(waiting).toEqual({ bodies: ['a'], at: start + 5000 });
    const empty = poll(url, 3);
    await wait(20_000);
    expect(empty).toEqual({ bodies: [], at: start + 8000 });
  });

  it('answers when a message becomes visible, in the order of waiting', async () => {
    const url = await create('work', { VisibilityTimeout: '4', ReceiveMessageWaitTimeSeconds: '0' });
    const start = kernel.clock.now();
    await send(url, 'back');
    await receive(url);
    await send(url, 'late', { DelaySeconds: 7 });
    const first = poll(url, 20);
    const second = poll(url, 20);
    await wait(20_000);
    expect(first).toEqual({ bodies: ['back'], at: start + 4000 });
    // The first one's visibility ends again at 8 s.
    expect(second).toEqual({ bodies: ['late'], at: start + 7000 });
  });

  it('leaves no timer behind', async () => {
    const url = await create('work');
    for (let i = 0; i < 5; i++) {
      const waiting = poll(url, 20);
      await send(url, String(i));
      await wait(0);
      expect(waiting.bodies).toEqual([String(i)]);
    }
    expect(kernel.pending()).toBe(0);
  });
});

describe('dead letters', () => {
  it('move after too many receptions, and say where from', async () => {
    await create('dead');
    const url = await create('work', {
      VisibilityTimeout: '1',
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arn('dead'), maxReceiveCount: 2 }),
    });
    const { MessageId } = await send(url, 'poison', {
      MessageAttributes: { a: { DataType: 'String', StringValue: 'b' } },
    });
    await send(url, 'fine');
    for (let i = 0; i < 2; i++) {
      expect(await bodies(url)).toEqual(['poison', 'fine']);
      await wait(1000);
    }
    expect(await bodies(url)).toEqual([]);
    const dead = await receive('/000000000000/dead', {
      MessageSystemAttributeNames: ['DeadLetterQueueSourceArn'],
      MessageAttributeNames: ['a'],
    });
    expect(dead).toHaveLength(2);
    expect(dead[0]).toMatchObject({
      MessageId,
      Body: 'poison',
      Attributes: { DeadLetterQueueSourceArn: arn('work') },
      MessageAttributes: { a: { StringValue: 'b' } },
    });
    const { queueUrls } = await call('ListDeadLetterSourceQueues', { QueueUrl: '/000000000000/dead' });
    expect(queueUrls).toEqual([url]);
  });

  it('need a queue that is there and of the same kind', async () => {
    const policy = (name: string) => ({
      RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arn(name), maxReceiveCount: '3' }),
    });
    await expect(create('work', policy('none'))).rejects.toMatchObject({ code: 'InvalidParameterValue' });
    await create('dead.fifo', { FifoQueue: 'true' });
    await expect(create('work', policy('dead.fifo'))).rejects.toThrow(/same type/);
  });
});

describe('FIFO', () => {
  const fifo = (more: Record<string, string> = {}) =>
    create('work.fifo', { FifoQueue: 'true', ContentBasedDeduplication: 'true', ...more });
  const to = (MessageGroupId: string) => ({ MessageGroupId });

  it('keeps the order of a group and blocks it while a message is in flight', async () => {
    const url = await fifo();
    for (const text of ['a1', 'a2', 'a3']) await send(url, text, to('a'));
    await send(url, 'b1', to('b'));
    const [first] = await receive(url, { MaxNumberOfMessages: 1 });
    expect(first.Body).toBe('a1');
    expect(await bodies(url)).toEqual(['b1']);
    expect(await bodies(url)).toEqual([]);
    await remove(url, first.ReceiptHandle);
    expect(await bodies(url)).toEqual(['a2', 'a3']);
    await wait(30_000);
    expect((await bodies(url)).sort()).toEqual(['a2', 'a3', 'b1']);
  });

  it('takes a repeat within five minutes only once', async () => {
    const url = await fifo();
    const first = await send(url, 'same', to('a'));
    await wait(299_999);
    const again = await send(url, 'same', to('a'));
    expect(again).toEqual(first);
    await wait(1);
    const later = await send(url, 'same', to('a'));
    expect(later.MessageId).not.toBe(first.MessageId);
    expect(BigInt(later.SequenceNumber)).toBeGreaterThan(BigInt(first.SequenceNumber));
    expect(await bodies(url)).toEqual(['same', 'same']);
    await send(url, 'other', { ...to('a'), MessageDeduplicationId: 'x' });
    await send(url, 'different', { ...to('a'), MessageDeduplicationId: 'x' });
    await wait(30_000);
    expect(await bodies(url)).toEqual(['same', 'same', 'other']);
  });

  it('wants a group, a deduplication id, no delay, and a fresh handle', async () => {
    const url = await fifo({ ContentBasedDeduplication: 'false', VisibilityTimeout: '1' });
    await expect(send(url, 'a')).rejects.toMatchObject({ code: 'MissingParameter' });
    await expect(send(url, 'a', to('a'))).rejects.toThrow(
      /ContentBasedDeduplication enabled or MessageDeduplicationId/,
    );
    const good = { ...to('a'), MessageDeduplicationId: '1' };
    await expect(send(url, 'a', { ...good, DelaySeconds: 1 })).rejects.toMatchObject({ code: 'InvalidParameterValue' });
    await send(url, 'a', good);
    const [{ ReceiptHandle }] = await receive(url);
    await wait(1000);
    await expect(remove(url, ReceiptHandle)).rejects.toThrow(/expired/);
  });

  it('delivers each group in order whatever the receivers do', async () => {
    const action = fc.oneof(
      fc.record({ send: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ receive: fc.integer({ min: 1, max: 10 }), keep: fc.boolean() }),
      fc.record({ wait: fc.constantFrom(1000, 5000) }),
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
        const url = await create(`q${run++}.fifo`, { FifoQueue: 'true', VisibilityTimeout: '5' });
        const sent = { a: 0, b: 0, c: 0 };
        const done: Record<string, number[]> = { a: [], b: [], c: [] };
        const take = async (count: number, keep: boolean) => {
          const got = await receive(url, {
            MaxNumberOfMessages: count,
            MessageSystemAttributeNames: ['MessageGroupId'],
          });
          for (const { Body, ReceiptHandle, Attributes } of got) {
            if (keep) continue;
            await remove(url, ReceiptHandle);
            done[Attributes.MessageGroupId]!.push(Number(Body));
          }
          return got.length;
        };
        for (const one of actions) {
          if ('send' in one) {
            const group = one.send as 'a' | 'b' | 'c';
            const n = sent[group]++;
            await send(url, String(n), { MessageGroupId: group, MessageDeduplicationId: `${group}${n}` });
          } else if ('receive' in one) await take(one.receive, one.keep);
          else await wait(one.wait);
        }
        await wait(5000);
        while ((await take(10, false)) > 0) {
          // Until nothing is left.
        }
        for (const group of ['a', 'b', 'c'] as const) {
          expect(done[group]).toEqual(Array.from({ length: sent[group] }, (_, i) => i));
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('limits', () => {
  it('are those of the service', async () => {
    const url = await create('work');
    await expect(send(url, '')).rejects.toMatchObject({ code: 'MissingParameter' });
    await expect(send(url, 'a\u0000')).rejects.toMatchObject({ code: 'InvalidMessageContents' });
    await send(url, 'x'.repeat(1_048_576));
    await expect(send(url, 'x'.repeat(1_048_577))).rejects.toThrow(/shorter than 1048576 bytes/);
    await expect(receive(url, { MaxNumberOfMessages: 11 })).rejects.toMatchObject({ code: 'InvalidParameterValue' });
    await expect(receive(url, { WaitTimeSeconds: 21 })).rejects.toMatchObject({ code: 'InvalidParameterValue' });
    const batch = (Entries: Json) => call('SendMessageBatch', { QueueUrl: url, Entries });
    await expect(batch([])).rejects.toMatchObject({ code: 'EmptyBatchRequest' });
    const entries = Array.from({ length: 11 }, (_, i) => ({ Id: String(i), MessageBody: 'x' }));
    await expect(batch(entries)).rejects.toMatchObject({ code: 'TooManyEntriesInBatchRequest' });
    await expect(batch([entries[0], entries[0]])).rejects.toMatchObject({ code: 'BatchEntryIdsNotDistinct' });
    await expect(batch([{ Id: 'a b', MessageBody: 'x' }])).rejects.toMatchObject({ code: 'InvalidBatchEntryId' });
    const half = { MessageBody: 'x'.repeat(600_000) };
    await expect(
      batch([
        { Id: '1', ...half },
        { Id: '2', ...half },
      ]),
    ).rejects.toMatchObject({ code: 'BatchRequestTooLong' });
  });
});

import * as sdk from '@aws-sdk/client-sqs';
import { clientOf } from '../client.ts';
import { errorOf, same, uniqueName } from '../expect.ts';
import type { Case, Suite } from '../suite.ts';

type Play = (client: sdk.SQSClient, QueueUrl: string) => Promise<void>;

/** Makes a queue, and leaves nothing behind. */
function on(name: string, says: string, Attributes: Record<string, string>, play: Play): Case {
  return {
    name,
    says,
    async run(target) {
      const client = clientOf(target, sdk.SQSClient);
      const QueueName = `${uniqueName()}${Attributes.FifoQueue === 'true' ? '.fifo' : ''}`;
      const { QueueUrl } = await client.send(new sdk.CreateQueueCommand({ QueueName, Attributes }));
      try {
        await play(client, QueueUrl!);
      } finally {
        await client.send(new sdk.DeleteQueueCommand({ QueueUrl }));
      }
    },
  };
}

const FIFO = { FifoQueue: 'true' };
const send = (client: sdk.SQSClient, QueueUrl: string, MessageBody: string, more = {}) =>
  client.send(new sdk.SendMessageCommand({ QueueUrl, MessageBody, ...more }));
const inGroup = (MessageGroupId: string, MessageDeduplicationId: string) => ({
  MessageGroupId,
  MessageDeduplicationId,
});

async function receive(client: sdk.SQSClient, QueueUrl: string, more = {}): Promise<readonly sdk.Message[]> {
  const input = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, ...more };
  return (await client.send(new sdk.ReceiveMessageCommand(input))).Messages ?? [];
}

const bodies = (messages: readonly sdk.Message[]) => messages.map(({ Body }) => Body);
const drop = (client: sdk.SQSClient, QueueUrl: string, { ReceiptHandle }: sdk.Message) =>
  client.send(new sdk.DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const cases: readonly Case[] = [
  on(
    'a message is hidden while it is worked on, comes back, and is gone when it is deleted',
    'Visibility timeout: "a period of time during which Amazon SQS prevents all consumers from receiving and processing the message"',
    { VisibilityTimeout: '1' },
    async (client, url) => {
      await send(client, url, 'hello');
      const [first] = await receive(client, url, { MessageSystemAttributeNames: ['All'] });
      same([first?.Body, first?.Attributes?.ApproximateReceiveCount], ['hello', '1']);
      same(bodies(await receive(client, url, { WaitTimeSeconds: 0 })), []);
      await pause(1200);
      const [again] = await receive(client, url, { MessageSystemAttributeNames: ['All'] });
      same([again?.MessageId, again?.Attributes?.ApproximateReceiveCount], [first?.MessageId, '2']);
      await drop(client, url, again!);
      await pause(1200);
      same(bodies(await receive(client, url, { WaitTimeSeconds: 0 })), []);
    },
  ),
  on(
    'ChangeMessageVisibility to 0 gives it back at once',
    'ChangeMessageVisibility: "Changes the visibility timeout of a specified message in a queue to a new value"',
    { VisibilityTimeout: '600' },
    async (client, QueueUrl) => {
      await send(client, QueueUrl, 'x');
      const [{ ReceiptHandle } = {}] = await receive(client, QueueUrl);
      await client.send(new sdk.ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
      same(bodies(await receive(client, QueueUrl)), ['x']);
    },
  ),
  on(
    'a delayed message waits',
    'SendMessage: "DelaySeconds: The length of time, in seconds, for which to delay a specific message. Valid values: 0 to 900."',
    {},
    async (client, url) => {
      await send(client, url, 'late', { DelaySeconds: 1 });
      same(bodies(await receive(client, url, { WaitTimeSeconds: 0 })), []);
      same(bodies(await receive(client, url, { WaitTimeSeconds: 3 })), ['late']);
      same(await errorOf(send(client, url, 'x', { DelaySeconds: 901 })), 'InvalidParameterValue');
    },
  ),
  on(
    'FIFO: each group in its order, and none of it while one is worked on',
    'FIFO delivery logic: "When you receive a message with a message group ID, no more messages for the same message group ID are returned unless you delete the message or it becomes visible"',
    FIFO,
    async (client, url) => {
      for (const [body, group] of [
        ['a1', 'a'],
        ['b1', 'b'],
        ['a2', 'a'],
        ['a3', 'a'],
      ] as const)
        await send(client, url, body, inGroup(group, body));
      const [one] = await receive(client, url, { MaxNumberOfMessages: 1 });
      same(one?.Body, 'a1');
      same(bodies(await receive(client, url, { WaitTimeSeconds: 0 })), ['b1']);
      await drop(client, url, one!);
      same(bodies(await receive(client, url)), ['a2', 'a3']);
    },
  ),
  on(
    'FIFO: a message sent twice within five minutes is one',
    'Exactly-once processing: "If a message with a particular message deduplication ID is sent successfully, any messages sent with the same message deduplication ID are accepted successfully but aren\'t delivered during the 5-minute deduplication interval"',
    FIFO,
    async (client, url) => {
      const first = await send(client, url, 'one', inGroup('g', 'same'));
      const second = await send(client, url, 'two', inGroup('g', 'same'));
      same(second.MessageId, first.MessageId);
      const [message] = await receive(client, url);
      same(message?.Body, 'one');
      await drop(client, url, message!);
      await send(client, url, 'three', inGroup('g', 'same'));
      same(bodies(await receive(client, url, { WaitTimeSeconds: 0 })), []);
    },
  ),
  on(
    'FIFO: what it must be told',
    'SendMessage: "MessageGroupId is required for FIFO queues"; "If you aren\'t able to provide a MessageDeduplicationId and you enable ContentBasedDeduplication for your queue, Amazon SQS uses a SHA-256 hash"',
    FIFO,
    async (client, url) => {
      same(await errorOf(send(client, url, 'x')), 'MissingParameter');
      same(await errorOf(send(client, url, 'x', { MessageGroupId: 'g' })), 'InvalidParameterValue');
      same(await errorOf(send(client, url, 'x', { ...inGroup('g', 'd'), DelaySeconds: 1 })), 'InvalidParameterValue');
    },
  ),
  on(
    'FIFO: content stands for the id',
    'ContentBasedDeduplication: "uses a SHA-256 hash to generate the MessageDeduplicationId using the body of the message (but not the attributes of the message)"',
    { ...FIFO, ContentBasedDeduplication: 'true' },
    async (client, url) => {
      for (const body of ['x', 'x', 'y']) await send(client, url, body, { MessageGroupId: 'g' });
      same(bodies(await receive(client, url)), ['x', 'y']);
    },
  ),
  on(
    'attributes and their digests come along',
    'MessageAttributes; MD5OfMessageBody, MD5OfMessageAttributes',
    {},
    async (client, url) => {
      const MessageAttributes = {
        n: { DataType: 'Number', StringValue: '5' },
        b: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 1]) },
      };
      const sent = await send(client, url, 'body', { MessageAttributes });
      same(sent.MD5OfMessageBody, '841a2d689ad86bd1611447453c22c6fc');
      const [message] = await receive(client, url, { MessageAttributeNames: ['All'] });
      same(
        [message?.MessageAttributes?.n?.StringValue, message?.MD5OfMessageAttributes],
        ['5', sent.MD5OfMessageAttributes],
      );
    },
  ),
  on(
    'batches answer for each entry',
    'SendMessageBatch: "the result of sending each message is reported individually in the response … up to 10"; errors by name',
    {},
    async (client, QueueUrl) => {
      const batch = (Entries: sdk.SendMessageBatchRequestEntry[]) =>
        client.send(new sdk.SendMessageBatchCommand({ QueueUrl, Entries }));
      const entry = (Id: string) => ({ Id, MessageBody: Id });
      const { Successful, Failed = [] } = await batch([entry('a'), { Id: 'b', MessageBody: 'x', DelaySeconds: 901 }]);
      same(
        [Successful?.map(({ Id }) => Id), Failed.map(({ Id, SenderFault }) => [Id, SenderFault])],
        [['a'], [['b', true]]],
      );
      same(
        [
          await errorOf(batch([])),
          await errorOf(batch([entry('a'), entry('a')])),
          await errorOf(batch(Array.from({ length: 11 }, (_, i) => entry(String(i))))),
          await errorOf(batch([entry('a b')])),
        ],
        ['EmptyBatchRequest', 'BatchEntryIdsNotDistinct', 'TooManyEntriesInBatchRequest', 'InvalidBatchEntryId'],
      );
    },
  ),
  {
    name: 'a message that is received too often goes to the dead-letter queue',
    says: 'Dead-letter queues: "If the ReceiveCount of a message exceeds the maxReceiveCount for a queue, Amazon SQS moves the message to the associated DLQ (with its original message ID)"',
    async run(target) {
      const client = clientOf(target, sdk.SQSClient);
      const make = async (Attributes: Record<string, string>) =>
        (await client.send(new sdk.CreateQueueCommand({ QueueName: uniqueName(), Attributes }))).QueueUrl!;
      const dead = await make({});
      const { Attributes } = await client.send(
        new sdk.GetQueueAttributesCommand({ QueueUrl: dead, AttributeNames: ['QueueArn'] }),
      );
      const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: 1 });
      const url = await make({ VisibilityTimeout: '0', RedrivePolicy });
      try {
        const { MessageId } = await send(client, url, 'bad');
        same(bodies(await receive(client, url)), ['bad']);
        same(bodies(await receive(client, url)), []);
        same(
          (await receive(client, dead)).map((message) => message.MessageId),
          [MessageId],
        );
      } finally {
        for (const QueueUrl of [url, dead]) await client.send(new sdk.DeleteQueueCommand({ QueueUrl }));
      }
    },
  },
  on(
    'what is wrong is said by name',
    'QueueDoesNotExist, ReceiptHandleIsInvalid, InvalidMessageContents, …',
    {},
    async (client, url) => {
      same(
        [
          await errorOf(send(client, `${url}x`, 'a')),
          await errorOf(client.send(new sdk.GetQueueUrlCommand({ QueueName: uniqueName() }))),
          await errorOf(drop(client, url, { ReceiptHandle: 'nonsense' })),
          await errorOf(receive(client, url, { MaxNumberOfMessages: 11 })),
          await errorOf(send(client, url, '\u0000')),
        ],
        [
          'QueueDoesNotExist',
          'QueueDoesNotExist',
          'ReceiptHandleIsInvalid',
          'InvalidParameterValue',
          'InvalidMessageContents',
        ],
      );
    },
  ),
];

export const sqs: Suite = {
  service: 'sqs',
  costs: { makes: 'two queues at most', dollars: 0.0002 },
  cases,
};

import { createHash } from 'node:crypto';
import { type Caller, type Json, ServiceError } from '../cloud.ts';
import { type Operations, operation } from '../operations.ts';
import { runBatch } from './batch.ts';
import { sqsErrors } from './errors.ts';
import { type Content, md5, md5OfAttributes, readContent, sizeOf } from './message.ts';
import type { Message, Queue } from './queue.ts';
import { findQueue, type Queues } from './queues.ts';
import { wakeWaiters } from './wait.ts';

const ENTRY = [
  'MessageBody',
  'DelaySeconds',
  'MessageAttributes',
  'MessageSystemAttributes',
  'MessageDeduplicationId',
  'MessageGroupId',
];

// "The maximum message size and the maximum total payload size are both 1 MiB" (SendMessageBatch).
const MAX_BATCH_BYTES = 1_048_576;

// "The 5-minute deduplication interval" (SQS developer guide, exactly-once processing).
export const DEDUPLICATION_MS = 300_000;

export function sendOperations(queues: Queues): Operations {
  return {
    SendMessage: operation(['QueueUrl', ...ENTRY], (input, caller) => {
      const queue = findQueue(queues, input);
      const answer = send(queues, queue, input, caller);
      wakeWaiters(queues, queue);
      return answer;
    }),

    SendMessageBatch: operation(['QueueUrl', 'Entries'], (input, caller) => {
      const queue = findQueue(queues, input);
      const total = (Array.isArray(input.Entries) ? input.Entries : [])
        .filter((entry: Json) => typeof entry.MessageBody === 'string')
        .reduce((sum: number, entry: Json) => sum + Buffer.byteLength(entry.MessageBody), 0);
      if (total > MAX_BATCH_BYTES) {
        throw new ServiceError(
          'BatchRequestTooLong',
          `Batch requests cannot be longer than ${MAX_BATCH_BYTES} bytes. You have sent ${total} bytes.`,
        );
      }
      const answer = runBatch('SendMessageBatchRequestEntry', input.Entries, (entry) => {
        for (const name of Object.keys(entry)) {
          if (entry[name] !== undefined && name !== 'Id' && !ENTRY.includes(name)) {
            throw sqsErrors.parameters(`SendMessageBatch: the parameter ${name} is not supported here`);
          }
        }
        return send(queues, queue, entry, caller);
      });
      wakeWaiters(queues, queue);
      return answer;
    }),
  };
}

function send(queues: Queues, queue: Queue, input: Json, caller: Caller): Json {
  const { kernel, trace } = queues.cloud;
  const now = kernel.clock.now();
  const content = readContent(input);
  const { settings } = queue;
  if (sizeOf(content) > settings.maximumMessageSize) {
    throw sqsErrors.parameters(`Message must be shorter than ${settings.maximumMessageSize} bytes.`);
  }
  const delaySeconds = readDelay(queue, input.DelaySeconds);
  const groupId = readGroup(queue, input.MessageGroupId);
  const deduplicationId = readDeduplicationId(queue, input.MessageDeduplicationId, content.body);
  const key = deduplicationKey(queue, groupId, deduplicationId);
  const earlier = key === undefined ? undefined : queue.deduplication.get(key);
  // A repeat within the interval is acknowledged but not taken again.
  if (earlier !== undefined && earlier.untilMs > now) return acknowledge(earlier.message, content);
  const message: Message = {
    id: kernel.random.uuid(),
    content,
    bodyMd5: md5(content.body),
    senderId: caller.principal,
    sentMs: now,
    groupId,
    deduplicationId,
    sequence: settings.fifo ? queue.nextSequence() : undefined,
    deadFrom: undefined,
    state: delaySeconds > 0 ? 'delayed' : 'ready',
    dueMs: now + delaySeconds * 1000,
    receiveCount: 0,
    firstReceivedMs: undefined,
    reception: 0,
  };
  if (key !== undefined) {
    for (const [old, { untilMs }] of queue.deduplication) {
      if (untilMs > now) break;
      queue.deduplication.delete(old);
    }
    queue.deduplication.delete(key);
    queue.deduplication.set(key, { message, untilMs: now + DEDUPLICATION_MS });
  }
  queue.add(message);
  trace.note('sqs', 'message sent', { queue: queue.name, message: message.id });
  return acknowledge(message, content);
}

/** What a repeat is recognised by: within the queue, or within the message group. */
export function deduplicationKey({ settings }: Queue, groupId?: string, deduplicationId?: string): string | undefined {
  return settings.deduplicationScope === 'messageGroup' ? `${groupId} ${deduplicationId}` : deduplicationId;
}

function acknowledge(message: Message, content: Content): Json {
  const attributesMd5 = md5OfAttributes(content.attributes);
  const systemMd5 =
    content.traceHeader === undefined
      ? undefined
      : md5OfAttributes({ AWSTraceHeader: { DataType: 'String', StringValue: content.traceHeader } });
  return {
    MessageId: message.id,
    MD5OfMessageBody: md5(content.body),
    ...(attributesMd5 !== undefined && { MD5OfMessageAttributes: attributesMd5 }),
    ...(systemMd5 !== undefined && { MD5OfMessageSystemAttributes: systemMd5 }),
    ...(message.sequence !== undefined && { SequenceNumber: message.sequence }),
  };
}

function readDelay(queue: Queue, given: Json): number {
  if (given === undefined || given === null) return queue.settings.delaySeconds;
  if (queue.settings.fifo) {
    // "When you set FifoQueue, you can't set DelaySeconds per message."
    throw sqsErrors.invalid(
      given,
      'DelaySeconds',
      'The request include parameter that is not valid for this queue type.',
    );
  }
  if (!Number.isInteger(given) || given < 0 || given > 900) {
    throw sqsErrors.invalid(given, 'DelaySeconds', 'DelaySeconds must be >= 0 and <= 900.');
  }
  return given;
}

const ID = /^[A-Za-z0-9!-/:-@[-`{-~]{1,128}$/;

function readGroup(queue: Queue, given: Json): string | undefined {
  if (given === undefined || given === null) {
    if (queue.settings.fifo) throw sqsErrors.missing('MessageGroupId');
    return undefined;
  }
  if (typeof given !== 'string' || !ID.test(given)) {
    throw sqsErrors.invalid(
      given,
      'MessageGroupId',
      'MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length.',
    );
  }
  return given;
}

function readDeduplicationId(queue: Queue, given: Json, body: string): string | undefined {
  if (!queue.settings.fifo) {
    if (given === undefined || given === null) return undefined;
    throw sqsErrors.invalid(
      given,
      'MessageDeduplicationId',
      'The request include parameter that is not valid for this queue type.',
    );
  }
  if (given !== undefined && given !== null) {
    if (typeof given === 'string' && ID.test(given)) return given;
    throw sqsErrors.invalid(
      given,
      'MessageDeduplicationId',
      'MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length.',
    );
  }
  if (!queue.settings.contentBasedDeduplication) {
    throw new ServiceError(
      'InvalidParameterValue',
      'The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly',
    );
  }
  // "a SHA-256 hash to generate the MessageDeduplicationId using the body of the message (but not the attributes)".
  return createHash('sha256').update(body).digest('hex');
}

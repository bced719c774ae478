import { type Json, ServiceError } from '../cloud.ts';
import { type Operations, operation } from '../operations.ts';
import { sqsErrors } from './errors.ts';
import { type MessageAttributes, md5OfAttributes } from './message.ts';
import type { Message, Queue } from './queue.ts';
import { findByArn, findQueue, type Queues } from './queues.ts';
import { writeHandle } from './receipt-handle.ts';
import { waitForMessages, wakeWaiters } from './wait.ts';

interface Request {
  readonly count: number;
  readonly visibilityMs: number;
  readonly systemNames: readonly string[];
  readonly attributeNames: readonly string[];
}

// "For most standard queues, there can be a maximum of approximately 120,000 in flight messages."
const MAX_INFLIGHT = 120_000;

export function receiveOperations(queues: Queues): Operations {
  return {
    ReceiveMessage: operation(
      [
        'QueueUrl',
        'AttributeNames',
        'MessageSystemAttributeNames',
        'MessageAttributeNames',
        'MaxNumberOfMessages',
        'VisibilityTimeout',
        'WaitTimeSeconds',
      ],
      (input) => {
        const queue = findQueue(queues, input);
        const request: Request = {
          count: readInteger(input.MaxNumberOfMessages, 'MaxNumberOfMessages', 1, 10, 1),
          visibilityMs:
            readInteger(input.VisibilityTimeout, 'VisibilityTimeout', 0, 43_200, queue.settings.visibilitySeconds) *
            1000,
          systemNames: [...(input.AttributeNames ?? []), ...(input.MessageSystemAttributeNames ?? [])],
          attributeNames: input.MessageAttributeNames ?? [],
        };
        const waitSeconds = readInteger(input.WaitTimeSeconds, 'WaitTimeSeconds', 0, 20, queue.settings.waitSeconds);
        if (queue.inflight >= MAX_INFLIGHT) {
          throw new ServiceError('OverLimit', 'The maximum number of in flight messages is reached.');
        }
        const messages = receive(queues, queue, request);
        if (messages.length > 0 || waitSeconds === 0) return answer(messages);
        return waitForMessages(queues, queue, waitSeconds * 1000, () => receive(queues, queue, request)).then(answer);
      },
    ),
  };
}

const answer = (messages: readonly Json[]): Json => (messages.length === 0 ? {} : { Messages: messages });

function readInteger(value: Json, name: string, least: number, most: number, standard: number): number {
  if (value === undefined || value === null) return standard;
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw sqsErrors.invalid(value, name, `Must be between ${least} and ${most}, if provided.`);
}

function receive(queues: Queues, queue: Queue, request: Request): Json[] {
  const now = queues.cloud.kernel.clock.now();
  queue.advance(now);
  const received: Json[] = [];
  // A message that is given up makes room for another, so this may take several rounds.
  while (received.length < request.count) {
    let any = false;
    for (const message of queue.available(request.count - received.length)) {
      any = true;
      const { redrive } = queue.settings;
      // "When the ReceiveCount for a message exceeds the maxReceiveCount for a queue, Amazon SQS moves the message to the dead-letter-queue."
      if (redrive !== undefined && message.receiveCount >= redrive.maxReceiveCount) {
        if (moveToDeadLetters(queues, queue, message, redrive.targetArn)) continue;
      }
      message.receiveCount++;
      message.reception++;
      message.firstReceivedMs ??= now;
      queue.hold(message, now + request.visibilityMs);
      received.push(show(queue, message, request));
    }
    if (!any || queue.settings.fifo) break;
  }
  return received;
}

/** Moves a message that was received too often. It keeps its id, content, times and count. */
function moveToDeadLetters(queues: Queues, queue: Queue, message: Message, targetArn: string): boolean {
  const target = findByArn(queues, targetArn);
  if (target === undefined) return false;
  queue.remove(message);
  target.add({
    ...message,
    state: 'ready',
    deadFrom: queue.arn,
    reception: 0,
    sequence: target.settings.fifo ? target.nextSequence() : undefined,
  });
  queues.cloud.trace.note('sqs', 'dead letter', { queue: queue.name, to: target.name, message: message.id });
  wakeWaiters(queues, target);
  return true;
}

function show(queue: Queue, message: Message, request: Request): Json {
  const attributes = pickAttributes(message.content.attributes, request.attributeNames);
  const attributesMd5 = md5OfAttributes(attributes);
  const system = pickSystem(message, request.systemNames);
  return {
    MessageId: message.id,
    ReceiptHandle: writeHandle(queue, message),
    MD5OfBody: message.bodyMd5,
    Body: message.content.body,
    ...(Object.keys(system).length > 0 && { Attributes: system }),
    ...(attributesMd5 !== undefined && { MD5OfMessageAttributes: attributesMd5, MessageAttributes: attributes }),
  };
}

function pickAttributes(attributes: MessageAttributes, names: readonly string[]): MessageAttributes {
  if (names.length === 0) return {};
  const wanted = (name: string) =>
    names.some(
      (one) =>
        one === 'All' || one === '.*' || one === name || (one.endsWith('.*') && name.startsWith(one.slice(0, -2))),
    );
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => wanted(name)));
}

function pickSystem(message: Message, names: readonly string[]): Record<string, string> {
  if (names.length === 0) return {};
  const all: Record<string, string | undefined> = {
    SenderId: message.senderId,
    SentTimestamp: String(message.sentMs),
    ApproximateReceiveCount: String(message.receiveCount),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedMs),
    SequenceNumber: message.sequence,
    MessageDeduplicationId: message.deduplicationId,
    MessageGroupId: message.groupId,
    AWSTraceHeader: message.content.traceHeader,
    DeadLetterQueueSourceArn: message.deadFrom,
  };
  const picked: Record<string, string> = {};
  for (const name of names) {
    if (name !== 'All' && !Object.hasOwn(all, name)) {
      throw new ServiceError('InvalidAttributeName', `Unknown Attribute ${name}.`);
    }
  }
  for (const [name, value] of Object.entries(all)) {
    if (value !== undefined && (names.includes('All') || names.includes(name))) picked[name] = value;
  }
  return picked;
}

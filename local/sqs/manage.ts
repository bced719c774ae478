import { type Json, ServiceError } from '../cloud.ts';
import { type Operations, operation } from '../operations.ts';
import { sqsErrors } from './errors.ts';
import { Queue } from './queue.ts';
import { checkAttributes, shownAttributes } from './queue-attributes.ts';
import { findByArn, findQueue, type Queues, queueArn, queueUrl } from './queues.ts';

export function manageOperations(queues: Queues): Operations {
  const now = () => queues.cloud.kernel.clock.now();
  return {
    CreateQueue: operation(['QueueName', 'Attributes', 'tags'], (input) => {
      const queue = createQueue(queues, input, now());
      return { QueueUrl: queueUrl(queues, queue.name) };
    }),

    GetQueueUrl: operation(['QueueName', 'QueueOwnerAWSAccountId'], (input) => {
      const owner = input.QueueOwnerAWSAccountId ?? queues.cloud.account.accountId;
      const queue = owner === queues.cloud.account.accountId ? queues.byName.get(input.QueueName) : undefined;
      if (queue === undefined) throw sqsErrors.noQueue();
      return { QueueUrl: queueUrl(queues, queue.name) };
    }),

    ListQueues: operation(['QueueNamePrefix', 'MaxResults', 'NextToken'], (input) => {
      const names = [...queues.byName.keys()].sort().filter((name) => name.startsWith(input.QueueNamePrefix ?? ''));
      const after = names.filter((name) => input.NextToken === undefined || name > input.NextToken);
      const page = after.slice(0, input.MaxResults ?? 1000);
      return {
        ...(page.length > 0 && { QueueUrls: page.map((name) => queueUrl(queues, name)) }),
        ...(after.length > page.length && { NextToken: page.at(-1) }),
      };
    }),

    DeleteQueue: operation(['QueueUrl'], (input) => {
      const queue = findQueue(queues, input);
      queues.byName.delete(queue.name);
      queue.purge();
      for (const waiter of [...queue.waiters]) waiter.end();
      return {};
    }),

    PurgeQueue: operation(['QueueUrl'], (input) => {
      const queue = findQueue(queues, input);
      // "Only one PurgeQueue operation on a queue is allowed every 60 seconds."
      if (now() - queue.purgedMs < 60_000) {
        throw new ServiceError(
          'PurgeQueueInProgress',
          `Only one PurgeQueue operation on ${queue.name} is allowed every 60 seconds.`,
        );
      }
      queue.purgedMs = now();
      queue.purge();
      return {};
    }),

    GetQueueAttributes: operation(['QueueUrl', 'AttributeNames'], (input) => {
      const queue = findQueue(queues, input);
      const names: string[] = input.AttributeNames ?? [];
      if (names.length === 0) return {};
      queue.advance(now());
      const all: Record<string, string> = {
        QueueArn: queue.arn,
        ApproximateNumberOfMessages: String(queue.count('ready')),
        ApproximateNumberOfMessagesNotVisible: String(queue.count('inflight')),
        ApproximateNumberOfMessagesDelayed: String(queue.count('delayed')),
        CreatedTimestamp: String(Math.floor(queue.createdMs / 1000)),
        LastModifiedTimestamp: String(Math.floor(queue.modifiedMs / 1000)),
        ...shownAttributes(queue.attributes),
      };
      for (const name of names) {
        if (name !== 'All' && !KNOWN.includes(name)) {
          throw new ServiceError('InvalidAttributeName', `Unknown Attribute ${name}.`);
        }
      }
      return {
        Attributes: Object.fromEntries(
          Object.entries(all).filter(([name]) => names.includes('All') || names.includes(name)),
        ),
      };
    }),

    SetQueueAttributes: operation(['QueueUrl', 'Attributes'], (input) => {
      const queue = findQueue(queues, input);
      const changes = checkAttributes(input.Attributes ?? {}, queue.settings.fifo);
      if (changes.has('FifoQueue') && (changes.get('FifoQueue') === 'true') !== queue.settings.fifo) {
        throw new ServiceError('InvalidAttributeName', 'Unknown Attribute FifoQueue.');
      }
      checkRedrive(queues, changes, queue.settings.fifo);
      queue.setAttributes(changes, now());
      return {};
    }),

    ListDeadLetterSourceQueues: operation(['QueueUrl', 'NextToken', 'MaxResults'], (input) => {
      const { arn } = findQueue(queues, input);
      const sources = [...queues.byName.values()].filter((queue) => queue.settings.redrive?.targetArn === arn);
      const from = Number(input.NextToken ?? 0);
      const page = sources.slice(from, from + (input.MaxResults ?? 1000));
      const next = from + page.length;
      return {
        queueUrls: page.map((queue) => queueUrl(queues, queue.name)),
        ...(next < sources.length && { NextToken: String(next) }),
      };
    }),

    TagQueue: operation(['QueueUrl', 'Tags'], (input) => {
      const { tags } = findQueue(queues, input);
      for (const [key, value] of Object.entries(input.Tags ?? {})) tags.set(key, String(value));
      return {};
    }),
    UntagQueue: operation(['QueueUrl', 'TagKeys'], (input) => {
      const { tags } = findQueue(queues, input);
      for (const key of input.TagKeys ?? []) tags.delete(key);
      return {};
    }),
    ListQueueTags: operation(['QueueUrl'], (input) => {
      const { tags } = findQueue(queues, input);
      return tags.size === 0 ? {} : { Tags: Object.fromEntries(tags) };
    }),
  };
}

const KNOWN =
  `QueueArn ApproximateNumberOfMessages ApproximateNumberOfMessagesNotVisible ApproximateNumberOfMessagesDelayed CreatedTimestamp
  LastModifiedTimestamp DelaySeconds MaximumMessageSize MessageRetentionPeriod Policy ReceiveMessageWaitTimeSeconds VisibilityTimeout
  RedrivePolicy RedriveAllowPolicy KmsMasterKeyId KmsDataKeyReusePeriodSeconds SqsManagedSseEnabled FifoQueue
  ContentBasedDeduplication DeduplicationScope FifoThroughputLimit`.split(/\s+/);

function createQueue(queues: Queues, input: Json, nowMs: number): Queue {
  const name = input.QueueName;
  if (typeof name !== 'string') throw sqsErrors.missing('QueueName');
  const given: Record<string, Json> = input.Attributes ?? {};
  const fifo = String(given.FifoQueue) === 'true';
  if (!/^[A-Za-z0-9_-]{1,80}$/.test(name.replace(/\.fifo$/, '')) || name.length > 80) {
    throw new ServiceError(
      'InvalidParameterValue',
      'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length',
    );
  }
  if (fifo !== name.endsWith('.fifo')) {
    throw new ServiceError(
      'InvalidParameterValue',
      fifo
        ? 'The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.'
        : 'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length',
    );
  }
  const attributes = checkAttributes(given, fifo);
  const existing = queues.byName.get(name);
  if (existing !== undefined) {
    // "If you provide the name of an existing queue along with the exact names and values of all the queue's attributes,
    // CreateQueue returns the queue URL for the existing queue."
    const shown = shownAttributes(existing.attributes);
    for (const [attribute, value] of attributes) {
      if ((shown[attribute] ?? '') === value) continue;
      throw new ServiceError(
        'QueueNameExists',
        `A queue already exists with the same name and a different value for attribute ${attribute}`,
      );
    }
    return existing;
  }
  checkRedrive(queues, attributes, fifo);
  const queue = new Queue(name, queueArn(queues, name), attributes, nowMs);
  for (const [key, value] of Object.entries(input.tags ?? {})) queue.tags.set(key, String(value));
  queue.keeper = queues.keeper;
  queues.byName.set(name, queue);
  queues.cloud.trace.note('sqs', 'queue created', { queue: name });
  return queue;
}

/** "The dead-letter queue of a FIFO queue must also be a FIFO queue", and it must exist. */
function checkRedrive(queues: Queues, changes: ReadonlyMap<string, string>, fifo: boolean): void {
  const text = changes.get('RedrivePolicy');
  if (!text) return;
  const { deadLetterTargetArn } = JSON.parse(text);
  const target = findByArn(queues, deadLetterTargetArn);
  if (target === undefined) {
    throw sqsErrors.invalid(text, 'RedrivePolicy', 'Dead letter target does not exist.');
  }
  if (target.settings.fifo !== fifo) {
    throw sqsErrors.invalid(text, 'RedrivePolicy', 'Dead-letter queue must be same type of queue as the source.');
  }
}

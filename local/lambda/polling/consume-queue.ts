import { type Caller, type Cloud, type Json, ROOT } from '../../cloud.ts';
import type { Timer } from '../../kernel/kernel.ts';
import { queueUrlOf } from '../destination.ts';
import type { Backoff } from './attempt-batch.ts';
import type { SourceHooks } from './stream-source.ts';

export interface QueueConsumption {
  readonly queueArn: string;
  readonly caller: Caller;
  readonly batchSize: number;
  readonly windowMs: number;
  /** How many batches are handled at once. */
  readonly concurrency: number;
  readonly backoff: Backoff;
  /** Tells when there is something to read; without it each poll waits for 20 seconds. */
  readonly hook: SourceHooks['sqs'];
  accepts(event: Json): boolean;
  /** Gives the indexes of the messages that stay on the queue; everything else is deleted. */
  deliver(events: readonly Json[]): Promise<readonly number[]>;
  failed(error: unknown): void;
}

/**
 * Reads a queue with long polling ("Lambda polls your queue … with long polling") and deletes what was handled. A message
 * that failed comes back when its visibility timeout is over; how often, and where it goes then, is the queue's own matter.
 */
export function consumeQueue(cloud: Cloud, consumption: QueueConsumption): () => void {
  const { kernel } = cloud;
  const { queueArn, caller } = consumption;
  let stopped = false;
  let running = 0;
  let freed: (() => void) | undefined;
  let timer: Timer | undefined;
  let endIdle: (() => void) | undefined;

  /** Until an idle queue has something to read. */
  const untilMessages = (hook: NonNullable<SourceHooks['sqs']>) =>
    new Promise<void>((resolve) => {
      const unhook = hook.onMessages(queueArn, resolve);
      endIdle = () => {
        unhook();
        resolve();
      };
    });
  const remove = async (url: string, messages: readonly Json[]) => {
    for (let i = 0; i < messages.length; i += 10) {
      const Entries = messages
        .slice(i, i + 10)
        .map((message, index) => ({ Id: String(index), ReceiptHandle: message.ReceiptHandle }));
      // What could not be deleted comes again: at least once, as with the real service.
      await cloud.call(caller, 'sqs', 'DeleteMessageBatch', { QueueUrl: url, Entries });
    }
  };
  /** What a poll brought that was still open when the reading was stopped: nobody would handle it. */
  const giveBack = async (QueueUrl: string, messages: readonly Json[]) => {
    for (const { ReceiptHandle } of messages)
      await cloud.call(ROOT, 'sqs', 'ChangeMessageVisibility', { QueueUrl, ReceiptHandle, VisibilityTimeout: 0 });
  };
  const handle = async (url: string, messages: readonly Json[]) => {
    try {
      const failed = new Set(await consumption.deliver(messages.map((message) => toEvent(cloud, queueArn, message))));
      if (!stopped)
        await remove(
          url,
          messages.filter((_, index) => !failed.has(index)),
        );
    } catch (error) {
      consumption.failed(error);
    } finally {
      running -= 1;
      freed?.();
    }
  };
  /** One batch: the first receive waits for messages, the following ones only while the window is open. */
  const gather = async (url: string): Promise<Json[]> => {
    const batch: Json[] = [];
    let deadline = Number.POSITIVE_INFINITY;
    while (!stopped && batch.length < consumption.batchSize && kernel.clock.now() < deadline) {
      const left = (deadline - kernel.clock.now()) / 1000;
      const { Messages = [] } = await cloud.call(caller, 'sqs', 'ReceiveMessage', {
        QueueUrl: url,
        MaxNumberOfMessages: Math.min(10, consumption.batchSize - batch.length),
        WaitTimeSeconds: Math.max(0, Math.min(20, Math.ceil(left))),
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      });
      if (stopped) return [...batch, ...Messages];
      if (batch.length === 0 && Messages.length === 0 && consumption.hook !== undefined) {
        await untilMessages(consumption.hook);
        continue;
      }
      const wanted = Messages.filter((message: Json) => consumption.accepts(toEvent(cloud, queueArn, message)));
      if (wanted.length < Messages.length) {
        // "If a message doesn't match, Lambda … deletes the message from the queue."
        await remove(
          url,
          Messages.filter((message: Json) => !wanted.includes(message)),
        );
      }
      batch.push(...wanted);
      if (batch.length > 0 && deadline === Number.POSITIVE_INFINITY)
        deadline = kernel.clock.now() + consumption.windowMs;
    }
    return batch;
  };

  const run = async () => {
    let failures = 0;
    while (!stopped) {
      try {
        const url = await queueUrlOf(cloud, queueArn);
        while (!stopped) {
          while (running >= consumption.concurrency && !stopped) {
            await new Promise<void>((resolve) => {
              freed = resolve;
            });
          }
          const batch = await gather(url);
          failures = 0;
          if (stopped) return await giveBack(url, batch);
          if (batch.length === 0) continue;
          running += 1;
          void handle(url, batch);
        }
      } catch (error) {
        if (stopped) return;
        consumption.failed(error);
        const { firstMs, maximumMs } = consumption.backoff;
        await new Promise<void>((resolve) => {
          timer = kernel.scheduler.after(Math.min(firstMs * 2 ** failures, maximumMs), resolve);
        });
        failures = Math.min(failures + 1, 30);
      }
    }
  };
  void run();

  return () => {
    stopped = true;
    timer?.cancel();
    endIdle?.();
    freed?.();
  };
}

/** A message as functions and pipes get it ("Using Lambda with Amazon SQS", example message). */
function toEvent(cloud: Cloud, queueArn: string, message: Json): Json {
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes ?? {},
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, attribute]: [string, Json]) => [
        name,
        {
          ...(attribute.StringValue !== undefined && { stringValue: attribute.StringValue }),
          ...(attribute.BinaryValue !== undefined && { binaryValue: attribute.BinaryValue }),
          stringListValues: [],
          binaryListValues: [],
          dataType: attribute.DataType,
        },
      ]),
    ),
    md5OfBody: message.MD5OfBody,
    ...(message.MD5OfMessageAttributes !== undefined && { md5OfMessageAttributes: message.MD5OfMessageAttributes }),
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: cloud.account.region,
  };
}

/** Fails unless the queue is there. */
export async function requireQueue(cloud: Cloud, queueArn: string): Promise<Json> {
  const QueueUrl = await queueUrlOf(cloud, queueArn);
  const { Attributes } = await cloud.call(ROOT, 'sqs', 'GetQueueAttributes', { QueueUrl, AttributeNames: ['All'] });
  return Attributes;
}

import { type Json, ServiceError } from '../cloud.ts';
import { type Operations, operation } from '../operations.ts';
import { runBatch } from './batch.ts';
import { sqsErrors } from './errors.ts';
import type { Queue } from './queue.ts';
import { findQueue, type Queues } from './queues.ts';
import { readHandle } from './receipt-handle.ts';
import { wakeWaiters } from './wait.ts';

/** What a receiver does with a message that it has: delete it, or change how long it is out of sight. */
export function settleOperations(queues: Queues): Operations {
  return {
    DeleteMessage: operation(['QueueUrl', 'ReceiptHandle'], (input) => {
      const queue = findQueue(queues, input);
      deleteMessage(queues, queue, input.ReceiptHandle);
      wakeWaiters(queues, queue);
      return {};
    }),
    DeleteMessageBatch: operation(['QueueUrl', 'Entries'], (input) => {
      const queue = findQueue(queues, input);
      const answer = runBatch('DeleteMessageBatchRequestEntry', input.Entries, (entry) => {
        deleteMessage(queues, queue, entry.ReceiptHandle);
        return {};
      });
      wakeWaiters(queues, queue);
      return answer;
    }),
    ChangeMessageVisibility: operation(['QueueUrl', 'ReceiptHandle', 'VisibilityTimeout'], (input) => {
      const queue = findQueue(queues, input);
      changeVisibility(queues, queue, input);
      wakeWaiters(queues, queue);
      return {};
    }),
    ChangeMessageVisibilityBatch: operation(['QueueUrl', 'Entries'], (input) => {
      const queue = findQueue(queues, input);
      const answer = runBatch('ChangeMessageVisibilityBatchRequestEntry', input.Entries, (entry) => {
        changeVisibility(queues, queue, entry);
        return {};
      });
      wakeWaiters(queues, queue);
      return answer;
    }),
  };
}

function deleteMessage(queues: Queues, queue: Queue, handle: Json): void {
  queue.advance(queues.cloud.kernel.clock.now());
  const { message, newest } = readHandle(queue, handle);
  if (message === undefined) return;
  if (queue.settings.fifo && (!newest || message.state !== 'inflight')) {
    throw sqsErrors.invalid(handle, 'ReceiptHandle', 'The receipt handle has expired.');
  }
  // "If you use an old receipt handle, the request succeeds, but the message might not be deleted."
  if (newest) queue.remove(message);
}

function changeVisibility(queues: Queues, queue: Queue, input: Json): void {
  const seconds = input.VisibilityTimeout;
  if (seconds === undefined || seconds === null) throw sqsErrors.missing('VisibilityTimeout');
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > 43_200) {
    throw sqsErrors.invalid(seconds, 'VisibilityTimeout', 'VisibilityTimeout must be an integer between 0 and 43200');
  }
  const now = queues.cloud.kernel.clock.now();
  queue.advance(now);
  const { message, newest } = readHandle(queue, input.ReceiptHandle);
  if (message === undefined) {
    throw sqsErrors.invalid(
      input.ReceiptHandle,
      'ReceiptHandle',
      'Message does not exist or is not available for visibility timeout change.',
    );
  }
  if (!newest || message.state !== 'inflight') {
    throw new ServiceError(
      'MessageNotInflight',
      `Value ${input.ReceiptHandle} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.`,
    );
  }
  queue.hold(message, now + seconds * 1000);
  if (seconds === 0) queue.advance(now);
}

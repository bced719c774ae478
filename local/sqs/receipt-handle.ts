import type { Json } from '../cloud.ts';
import { sqsErrors } from './errors.ts';
import type { Message, Queue } from './queue.ts';

/** One reception of one message; each reception has a handle of its own. */
export function writeHandle(queue: Queue, message: Message): string {
  return Buffer.from(`${queue.arn} ${message.id} ${message.reception}`).toString('base64');
}

export interface Reception {
  /** Undefined when the message is gone. */
  readonly message: Message | undefined;
  /** Is it the newest reception of the message? */
  readonly newest: boolean;
}

export function readHandle(queue: Queue, handle: Json): Reception {
  if (typeof handle !== 'string' || handle === '') throw sqsErrors.missing('ReceiptHandle');
  const [arn, id, reception] = Buffer.from(handle, 'base64').toString().split(' ');
  if (arn !== queue.arn || id === undefined || !/^\d+$/.test(reception ?? '')) throw sqsErrors.badHandle(handle);
  const message = queue.byId.get(id);
  return { message, newest: message?.reception === Number(reception) };
}

import type { Cloud, Json } from '../cloud.ts';
import { sqsErrors } from './errors.ts';
import type { Queue, QueueKeeper } from './queue.ts';

/** The account's queues and how a request names one. */
export interface Queues {
  readonly cloud: Cloud;
  readonly byName: Map<string, Queue>;
  /** Scheme, host and port that queue URLs begin with. */
  endpoint: string;
  /** Writes down what becomes of queues and messages, when everything is kept. */
  keeper: (QueueKeeper & { queueChanged(name: string): void }) | undefined;
}

export function queueUrl({ endpoint, cloud }: Queues, name: string): string {
  return `${endpoint}/${cloud.account.accountId}/${name}`;
}

export function queueArn({ cloud }: Queues, name: string): string {
  return `arn:aws:sqs:${cloud.account.region}:${cloud.account.accountId}:${name}`;
}

/** The queue of a request: any URL will do whose path ends with the account and the name. */
export function findQueue(queues: Queues, input: Json): Queue {
  const url = input.QueueUrl;
  if (typeof url !== 'string') throw sqsErrors.missing('QueueUrl');
  const [account, name] = url.split('/').slice(-2);
  const queue = account === queues.cloud.account.accountId ? queues.byName.get(name ?? '') : undefined;
  if (queue === undefined) throw sqsErrors.noQueue();
  return queue;
}

export function findByArn(queues: Queues, arn: string): Queue | undefined {
  for (const queue of queues.byName.values()) if (queue.arn === arn) return queue;
  return undefined;
}

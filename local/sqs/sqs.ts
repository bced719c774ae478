import type { Cloud, Json, Service } from '../cloud.ts';
import type { Journal } from '../journal.ts';
import { handleBy } from '../operations.ts';
import { keepQueues, keptQueues } from './kept-queues.ts';
import { manageOperations } from './manage.ts';
import { findByArn, type Queues } from './queues.ts';
import { receiveOperations } from './receive.ts';
import { sendOperations } from './send.ts';
import { settleOperations } from './settle.ts';
import { tellWhenAvailable } from './wait.ts';

export interface Sqs extends Service {
  readonly name: 'sqs';
  /** Scheme, host and port that queue URLs begin with, such as `http://127.0.0.1:4566`; set it before queues are made. */
  setEndpoint(url: string): void;
  /** Calls back once, as soon as the queue has something to receive; gives the way to stop it. */
  onMessages(queueArn: string, listener: () => void): () => void;
  /** The queue's resource policy, parsed, or undefined when it has none. */
  queuePolicyOf(queueArn: string): Json | undefined;
}

export interface SqsOptions {
  /** Where everything is kept. Default: nowhere. */
  readonly journal?: Journal;
}

/** SQS in memory, registered with the cloud under `sqs`. */
export function createSqs(cloud: Cloud, options: SqsOptions = {}): Sqs {
  const queues: Queues = { cloud, byName: new Map(), endpoint: 'http://127.0.0.1', keeper: undefined };
  if (options.journal !== undefined) queues.keeper = keepQueues(options.journal, queues);
  const sqs: Sqs = {
    name: 'sqs',
    handle: handleBy(
      'SQS',
      {
        ...keptQueues(queues, manageOperations(queues)),
        ...sendOperations(queues),
        ...receiveOperations(queues),
        ...settleOperations(queues),
      },
      'InvalidParameterValue',
    ),
    setEndpoint(url) {
      queues.endpoint = url.replace(/\/+$/, '');
    },
    onMessages(queueArn, listener) {
      const queue = findByArn(queues, queueArn);
      if (queue !== undefined) return tellWhenAvailable(queues, queue, listener);
      listener(); // who asks for messages now is told that there is no such queue
      return () => {};
    },
    queuePolicyOf: (queueArn) => findByArn(queues, queueArn)?.settings.policy,
  };
  cloud.register(sqs);
  return sqs;
}

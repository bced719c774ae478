import type { Json } from '../cloud.ts';
import type { Journal } from '../journal.ts';
import type { Operations } from '../operations.ts';
import { type Message, Queue } from './queue.ts';
import { type Queues, queueArn } from './queues.ts';
import { DEDUPLICATION_MS, deduplicationKey } from './send.ts';

type Entry =
  | {
      readonly kind: 'queue';
      readonly name: string;
      readonly attributes: readonly [string, string][];
      readonly tags: readonly [string, string][];
      readonly createdMs: number;
      readonly modifiedMs: number;
      readonly purgedMs?: number;
      readonly sequence: number;
    }
  | { readonly kind: 'drop' | 'purge'; readonly queue: string; readonly at: number }
  | { readonly kind: 'message'; readonly queue: string; readonly message: Message; readonly sequence: number }
  /** A message that is gone but still stands against repeats. */
  | { readonly kind: 'gone'; readonly queue: string; readonly message: Message }
  | {
      readonly kind: 'held';
      readonly queue: string;
      readonly id: string;
      readonly change: Pick<Message, 'dueMs' | 'receiveCount' | 'reception'> & { readonly firstReceivedMs?: number };
    }
  | { readonly kind: 'removed'; readonly queue: string; readonly id: string };

/**
 * Joins the journal: messages come back with their receive counts, what was in flight stays out of sight until its
 * visibility timeout is over, and repeats are recognised as before.
 */
export function keepQueues(journal: Journal, queues: Queues): NonNullable<Queues['keeper']> {
  let restoring = false;
  const now = () => queues.cloud.kernel.clock.now();
  const written = journal.join<Entry>('sqs', {
    restore(entry) {
      restoring = true;
      restoreEntry(queues, entry);
      restoring = false;
    },
    *snapshot() {
      for (const queue of queues.byName.values()) {
        yield describe(queue);
        const at = now();
        for (const { message, untilMs } of queue.deduplication.values()) {
          if (untilMs > at && message.state === 'gone') yield { kind: 'gone', queue: queue.name, message };
        }
        for (const message of queue.inOrder()) {
          yield { kind: 'message', queue: queue.name, message, sequence: queue.sequence };
        }
      }
    },
  });
  const write = (entry: Entry) => {
    if (!restoring) written(entry);
  };
  return {
    queueChanged(name) {
      const queue = queues.byName.get(name);
      write(queue === undefined ? { kind: 'drop', queue: name, at: now() } : describe(queue));
    },
    added: ({ name, sequence }, message) => write({ kind: 'message', queue: name, message, sequence }),
    held({ name }, { id, dueMs, receiveCount, reception, firstReceivedMs }) {
      const change = { dueMs, receiveCount, reception, ...(firstReceivedMs !== undefined && { firstReceivedMs }) };
      write({ kind: 'held', queue: name, id, change });
    },
    removed: ({ name }, { id }) => write({ kind: 'removed', queue: name, id }),
    purged: ({ name, purgedMs }) => write({ kind: 'purge', queue: name, at: purgedMs }),
  };
}

function describe(queue: Queue): Entry {
  return {
    kind: 'queue',
    name: queue.name,
    attributes: [...queue.attributes],
    tags: [...queue.tags],
    createdMs: queue.createdMs,
    modifiedMs: queue.modifiedMs,
    ...(Number.isFinite(queue.purgedMs) && { purgedMs: queue.purgedMs }),
    sequence: queue.sequence,
  };
}

function restoreEntry(queues: Queues, entry: Entry): void {
  if (entry.kind === 'queue') {
    restoreQueue(queues, entry);
    return;
  }
  const queue = queues.byName.get(entry.queue);
  if (queue === undefined) return;
  switch (entry.kind) {
    case 'drop':
      queues.byName.delete(entry.queue);
      return;
    case 'purge':
      queue.purgedMs = entry.at;
      queue.purge();
      return;
    case 'message': {
      // What JSON leaves out is undefined in a message.
      const message: Message = { ...ABSENT, ...entry.message, content: { ...NO_CONTENT, ...entry.message.content } };
      queue.sequence = entry.sequence;
      queue.add(message);
      standAgainstRepeats(queue, message);
      return;
    }
    case 'gone':
      standAgainstRepeats(queue, { ...ABSENT, ...entry.message, content: { ...NO_CONTENT, ...entry.message.content } });
      return;
    case 'held': {
      const message = queue.byId.get(entry.id);
      if (message === undefined) return;
      Object.assign(message, entry.change);
      queue.hold(message, entry.change.dueMs);
      return;
    }
    case 'removed': {
      const message = queue.byId.get(entry.id);
      if (message !== undefined) queue.remove(message);
    }
  }
}

const ABSENT = {
  groupId: undefined,
  deduplicationId: undefined,
  sequence: undefined,
  deadFrom: undefined,
  firstReceivedMs: undefined,
};
const NO_CONTENT = { traceHeader: undefined };

function restoreQueue(queues: Queues, kept: Extract<Entry, { kind: 'queue' }>): void {
  const { name, createdMs } = kept;
  const attributes = new Map(kept.attributes);
  let queue = queues.byName.get(name);
  if (queue === undefined) {
    queue = new Queue(name, queueArn(queues, name), attributes, createdMs);
    queue.keeper = queues.keeper;
    queues.byName.set(name, queue);
  }
  const gone = [...queue.attributes.keys()].filter((key) => !attributes.has(key));
  queue.setAttributes(new Map([...attributes, ...gone.map((key): [string, string] => [key, ''])]), kept.modifiedMs);
  queue.purgedMs = kept.purgedMs ?? Number.NEGATIVE_INFINITY;
  queue.sequence = kept.sequence;
  queue.tags.clear();
  for (const [key, value] of kept.tags) queue.tags.set(key, value);
}

function standAgainstRepeats(queue: Queue, message: Message): void {
  if (message.deadFrom !== undefined) return; // its sender spoke to another queue
  const key = queue.settings.fifo ? deduplicationKey(queue, message.groupId, message.deduplicationId) : undefined;
  if (key !== undefined) queue.deduplication.set(key, { message, untilMs: message.sentMs + DEDUPLICATION_MS });
}

/** Operations on queues, each followed by writing down what the queue is now. */
export function keptQueues(queues: Queues, operations: Operations): Operations {
  const { keeper } = queues;
  if (keeper === undefined) return operations;
  const wrapped = Object.entries(operations).map(([name, { parameters, run }]): [string, Operations[string]] => {
    if (/^(Get|List)/.test(name)) return [name, { parameters, run }];
    return [
      name,
      {
        parameters,
        run(input: Json, caller) {
          const answer = run(input, caller);
          keeper.queueChanged(input.QueueName ?? String(input.QueueUrl).split('/').pop());
          return answer;
        },
      },
    ];
  });
  return Object.fromEntries(wrapped);
}

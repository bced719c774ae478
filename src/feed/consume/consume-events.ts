import { DaybookError } from '../../errors.ts';
import { eventDecoder } from '../../event/decode-event.ts';
import type { AnyEvent } from '../../event/event-definition.ts';
import type { EventTable } from '../../store/event-table.ts';
import { fromEnvelopeEvent } from '../envelope.ts';
import { answerOf, type BatchAnswer, eachOf, perAggregate, readFeedBatch, runsOf } from '../feed-batch.ts';
import { noReport, type Report } from '../metrics.ts';
import { errorNote, type Observing, observing } from '../observed.ts';
import type { PositionTable } from '../position-table.ts';
import { type AdvancePorts, advance, type Effect } from './advance.ts';
import { type BusNotice, readBusEvent } from './read-bus-event.ts';

export interface ConsumeEventsOptions<E extends AnyEvent, Item> {
  /** The consumer's name: its positions are kept under it, so it never changes. Without `|`. */
  readonly name: string;
  /** The feed's id; what belongs to another feed is refused and counted. */
  readonly feed: string;
  /** What the effect is for. Events of other types are passed over. */
  readonly events: readonly E[];
  readonly positions: PositionTable<Item>;
  /** Hot storage, for the versions that did not come. */
  readonly table: Pick<EventTable, 'query'>;
  /**
   * Answers with what to write: committed with the position in one conditional transaction, so exactly once. If it acts
   * outside DynamoDB and answers with nothing, it is called at least once, in order: use the idempotency key.
   */
  readonly effect: Effect<E, Item>;
  /** How many aggregates are worked on at a time. Default 10. */
  readonly concurrency?: number;
  /** Takes what was seen, for metrics and logs. Default: nobody. */
  readonly report?: Report;
}

/**
 * Makes a Lambda handler that gives every event to `effect` in order per aggregate, wherever it comes from: the feed's
 * Kinesis batches, a rule directly, or a rule through SQS. What a bus repeats, loses or turns round does not show: a position
 * per aggregate drops what is known, and the table gives what is missing.
 *
 * An event that fails stops its aggregate: its later events wait, those of other aggregates go on. Both event source
 * mappings need `ReportBatchItemFailures`.
 *
 * @example
 * export const handler = consumeEvents({
 *   name: 'overdraft-fees',
 *   feed: process.env.FEED_ID!,
 *   events: [MoneyWithdrawn],
 *   positions: dynamoPositionTable({ client, tableName: process.env.POSITIONS_TABLE!, feed: process.env.FEED_ID! }),
 *   table: dynamoEventTable({ client, tableName: process.env.EVENTS_TABLE! }),
 *   effect: (event) => [{ Put: { TableName: 'Fees', Item: { Account: { S: event.aggregateUuid } } } }],
 * });
 */
export function consumeEvents<E extends AnyEvent, Item>(
  options: ConsumeEventsOptions<E, Item>,
): (event: unknown) => Promise<BatchAnswer | undefined> {
  const { name, feed, events, positions, table, effect, concurrency = 10, report = noReport } = options;
  if (name === '' || name.includes('|')) {
    throw new DaybookError('feed.consumerName', { given: name });
  }
  const ports: AdvancePorts<E, Item> = { name, decoder: eventDecoder(events), positions, table, effect };
  return async (event) => {
    const seen = observing();
    try {
      switch (sourceOf(event)) {
        case 'kinesis':
          return await consumeKinesis(event, feed, ports, concurrency, seen);
        case 'sqs':
          return await consumeQueue(event as QueueBatch, feed, ports, concurrency, seen);
        case 'bus':
          await consumeNotices([readBusEvent(event)], feed, ports, seen);
          return undefined;
      }
    } finally {
      report(seen);
    }
  };
}

interface QueueBatch {
  readonly Records: readonly { readonly messageId: string; readonly body: string }[];
}

function sourceOf(event: unknown): 'kinesis' | 'sqs' | 'bus' {
  const { Records: records, detail } = (event ?? {}) as { Records?: unknown; detail?: unknown };
  if (Array.isArray(records)) {
    if (records.every((record) => typeof record?.kinesis === 'object')) return 'kinesis';
    if (records.every((record) => typeof record?.messageId === 'string' && typeof record.body === 'string'))
      return 'sqs';
  } else if (typeof detail === 'object') return 'bus';
  throw new DaybookError('feed.notABatch', {
    expected: 'Kinesis records, SQS messages or a bus event',
    given: typeof event,
  });
}

async function consumeKinesis<E extends AnyEvent, Item>(
  event: unknown,
  feed: string,
  ports: AdvancePorts<E, Item>,
  concurrency: number,
  seen: Observing,
): Promise<BatchAnswer> {
  const records = readFeedBatch(event, feed, seen).filter(({ envelope }) => envelope.to > 0);
  const positions = await ports.positions.read(ports.name, [...runsOf(records).keys()]);
  const failures = await perAggregate(
    records,
    async (run, standsAt) => {
      let position = positions.get(run[0]!.envelope.aggregate) ?? 0;
      for (const record of run) {
        standsAt(record);
        const { aggregate, from, to, events } = record.envelope;
        const stored = events.map((event) => fromEnvelopeEvent(aggregate, event));
        position = await advance({ aggregate, from, to, events: stored }, position, ports);
      }
    },
    concurrency,
  );
  return answerOf(failures, seen);
}

/** Messages of one aggregate by version; when one fails, those after it are given back unseen. */
async function consumeQueue<E extends AnyEvent, Item>(
  { Records: messages }: QueueBatch,
  feed: string,
  ports: AdvancePorts<E, Item>,
  concurrency: number,
  seen: Observing,
): Promise<BatchAnswer> {
  const failed: { itemIdentifier: string }[] = [];
  const byAggregate = new Map<string, { notice: BusNotice; id: string }[]>();
  for (const { messageId: id, body } of messages) {
    try {
      const notice = readBusEvent(parseBody(body));
      byAggregate.set(notice.aggregate, [...(byAggregate.get(notice.aggregate) ?? []), { notice, id }]);
    } catch (error) {
      failed.push({ itemIdentifier: id });
      seen.note(errorNote('messageRefused', error, { messageId: id }));
    }
  }
  await eachOf([...byAggregate.values()], concurrency, async (run) => {
    run.sort((a, b) => a.notice.version - b.notice.version);
    for (const [i, { notice, id }] of run.entries()) {
      try {
        await consumeNotices([notice], feed, ports, seen);
      } catch (error) {
        failed.push(...run.slice(i).map((later) => ({ itemIdentifier: later.id })));
        seen.note(
          errorNote('messageFailed', error, { messageId: id, aggregate: notice.aggregate, version: notice.version }),
        );
        return;
      }
    }
  });
  seen.count('RecordsFailed', failed.length);
  return { batchItemFailures: failed };
}

function parseBody(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new DaybookError('feed.messageUnknown', { problem: 'its body is not JSON' });
  }
}

async function consumeNotices<E extends AnyEvent, Item>(
  notices: readonly BusNotice[],
  feed: string,
  ports: AdvancePorts<E, Item>,
  seen: Observing,
): Promise<void> {
  for (const { feed: found, aggregate, version, event } of notices) {
    if (found !== feed) {
      seen.count('EnvelopesRefused');
      seen.note({ what: 'foreignFeed', aggregate, version, found });
      continue;
    }
    const position = (await ports.positions.read(ports.name, [aggregate])).get(aggregate) ?? 0;
    const arrival = { aggregate, from: version, to: version, ...(event !== undefined && { events: [event] }) };
    await advance(arrival, position, ports);
  }
}

import '../errors.ts';
import { randomUUID } from 'node:crypto';
import { DaybookError } from '../../errors.ts';
import { eventDecoder } from '../../event/decode-event.ts';
import type { AnyEvent } from '../../event/event-definition.ts';
import { type Pauses, realPauses } from '../../store/backoff.ts';
import type { EventTable } from '../../store/event-table.ts';
import { fromEnvelopeEvent } from '../envelope.ts';
import { answerOf, type BatchAnswer, perAggregate, readFeedBatch, runsOf } from '../feed-batch.ts';
import { createReport, noReport, type Report } from '../metrics.ts';
import { observing } from '../observed.ts';
import type { PositionTable, Standing } from '../position-table.ts';
import { type AdvancePorts, advance, type Invocation } from './advance.ts';
import type { Arrival } from './arrival.ts';
import { consumeQueue, type QueueBatch } from './consume-queue.ts';
import type { Act, Effect } from './effect.ts';
import { reasonOf } from './event-failure.ts';
import { createLeasing } from './leasing.ts';
import { type BusNotice, readBusEvent } from './read-bus-event.ts';
import { goOn, redrive } from './redrive.ts';
import { isRedriveRequest, type RedriveAnswer, type RedriveRequest, readRedriveRequest } from './redrive-request.ts';
import { createTimeLimit, type TimeLimit } from './time-limit.ts';

interface ConsumerOptions<E extends AnyEvent, Item> {
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
   * Where an aggregate begins whose table was adopted by a feed. `base` (the default): behind what was there before the feed
   * began. `start`: at version 1; what was there before is read from the table, in order.
   */
  readonly from?: 'base' | 'start';
  /** How often an event may fail before its aggregate is parked. Default 5; at most 3 where a rule invokes the function directly. */
  readonly attempts?: number;
  /** How many aggregates are worked on at a time. Default 10. */
  readonly concurrency?: number;
  /** Takes what was seen, for metrics and logs. Default: in Lambda its log, elsewhere nobody. */
  readonly report?: Report;
  /** Time, chance and waiting; given in tests. */
  readonly clock?: { now(): number };
  readonly pauses?: Pauses;
}

interface WithEffect<E extends AnyEvent, Item> {
  /**
   * Answers with what to write in DynamoDB: committed with the position in one conditional transaction, so exactly once. It may
   * be called more than once, so it does nothing else.
   */
  readonly effect: Effect<E, Item>;
  readonly act?: undefined;
}

interface WithAct<E extends AnyEvent> {
  /**
   * Acts outside DynamoDB: in order, one at a time per aggregate, at least once. A repeat has the same idempotency key, by
   * which the other side has to recognise it.
   */
  readonly act: Act<E>;
  readonly effect?: undefined;
}

/** Exactly one of `effect` and `act`. */
export type ConsumeEventsOptions<E extends AnyEvent, Item> = ConsumerOptions<E, Item> &
  (WithEffect<E, Item> | WithAct<E>);

/** What of Lambda's context is used here. */
export interface TimedContext {
  getRemainingTimeInMillis(): number;
}

/** A Lambda handler: takes what the sources send, and redrives. */
export interface Consumer {
  (event: RedriveRequest, context?: TimedContext): Promise<RedriveAnswer>;
  (event: unknown, context?: TimedContext): Promise<BatchAnswer | undefined>;
}

/** How long an invocation runs at the most, where no context says it: no Lambda function may run longer than 15 minutes. */
const LONGEST_RUN_MS = 15 * 60_000;

/** Nobody says when it ends, so nothing is cut off. */
const NO_LIMIT: TimeLimit = { run: async (work) => await work(), end() {} };

/**
 * "If the function returns an error, Lambda attempts to run it two more times" (asynchronous invocation), and then the event is gone: what a rule
 * brings directly is parked by then, where it is seen.
 */
const DELIVERIES = 3;

/**
 * Makes a Lambda handler that gives every event to `effect` or `act` in order per aggregate, wherever it comes from: the
 * feed's Kinesis batches, a rule directly, or a rule through SQS. What a bus repeats, loses or turns round does not show: a
 * position per aggregate drops what is known, and the table gives what is missing.
 *
 * An event that fails stops its aggregate, and after some attempts parks it: its later events wait, those of other aggregates
 * go on. `npx daybook parked` lists what is parked, `npx daybook redrive` calls this handler to try again. Both event source
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
export function consumeEvents<E extends AnyEvent, Item>(options: ConsumeEventsOptions<E, Item>): Consumer {
  checkOptions(options);
  const { name, feed, positions, effect, act, attempts = 5, concurrency = 10, report = reportOf(name, feed) } = options;
  const now = () => options.clock?.now() ?? Date.now();
  const pauses = options.pauses ?? realPauses;
  const fromBase = options.from !== 'start';
  const ports: AdvancePorts<E, Item> = {
    name,
    decoder: eventDecoder(options.events),
    positions,
    table: options.table,
    effect,
    act,
    function: process.env.AWS_LAMBDA_FUNCTION_NAME ?? '',
    pauses,
    now,
  };

  const begin = (source: Source, context?: TimedContext): Invocation => {
    const startedAt = now();
    const remainingMs = () => context?.getRemainingTimeInMillis() ?? startedAt + LONGEST_RUN_MS - now();
    // Time for what is under way; of a short invocation not all.
    const enough = Math.min(5_000, remainingMs() / 4);
    const leasing = createLeasing({ consumer: name, positions, holder: randomUUID(), pauses, now, remainingMs });
    return {
      leasing,
      limit: context === undefined ? NO_LIMIT : createTimeLimit(remainingMs, enough / 2),
      seen: observing(),
      isLate: () => remainingMs() < enough,
      attempts: source === 'bus' ? Math.min(attempts, DELIVERIES) : attempts,
    };
  };

  const arrivalOf = (notice: BusNotice): Arrival => {
    const { aggregate, version, base, event } = notice;
    const events = event !== undefined && ports.decoder.takes(event) ? [{ parsed: event }] : undefined;
    return { aggregate, from: version, to: version, base: fromBase ? base : 0, ...(events && { events }) };
  };

  const bring = async (
    aggregate: string,
    standings: ReadonlyMap<string, Standing>,
    arrivals: readonly Arrival[],
    invocation: Invocation,
    standsAt?: (index: number) => void,
  ): Promise<void> => {
    const standing = standings.get(aggregate) ?? { position: 0, attempts: 0 };
    const lane = { aggregate, ports, invocation, redrive: false, standing };
    await advance(lane, arrivals, standsAt);
    // A hole in the table may be filled by now, and nobody has to say so: what arrives tries again.
    if (standing.parked?.code === 'feed.gapUnfilled' && lane.standing.parked !== undefined) {
      await goOn({ ...lane, redrive: true });
    }
  };

  const belongs = ({ feed: found, aggregate, version }: BusNotice, { seen }: Invocation): boolean => {
    if (found === feed) return true;
    seen.count('EnvelopesRefused');
    seen.note({ what: 'foreignFeed', aggregate, version, found });
    return false;
  };

  const consumeFeed = async (event: unknown, invocation: Invocation): Promise<BatchAnswer> => {
    const { seen } = invocation;
    const records = readFeedBatch(event, feed, seen).filter(({ envelope }) => envelope.to > 0);
    const standings = await positions.standings(name, [...runsOf(records).keys()]);
    const failures = await perAggregate(
      records,
      async (run, standsAt) => {
        const arrivals = run.map(({ envelope }): Arrival => {
          const { aggregate, from, to, base = 0, events } = envelope;
          const stored = events.map((event) => ({ stored: fromEnvelopeEvent(aggregate, event) }));
          return { aggregate, from, to, base: fromBase ? base : 0, events: stored };
        });
        await bring(run[0]!.envelope.aggregate, standings, arrivals, invocation, (index) => standsAt(run[index]!));
      },
      concurrency,
    );
    return answerOf(failures, seen);
  };

  const consumeNotice = async (notice: BusNotice, invocation: Invocation): Promise<void> => {
    if (!belongs(notice, invocation)) return;
    const { aggregate, version } = notice;
    try {
      const standings = await positions.standings(name, [aggregate]);
      await bring(aggregate, standings, [arrivalOf(notice)], invocation);
    } catch (cause) {
      // Lambda logs what an invocation fails with, and anyone else's message may quote a payload.
      throw new DaybookError('feed.notDone', { consumer: name, aggregate, version, ...reasonOf(cause) }, { cause });
    }
  };

  const handle = async (event: unknown, context?: TimedContext): Promise<BatchAnswer | RedriveAnswer | undefined> => {
    const source = sourceOf(event);
    const invocation = begin(source, context);
    try {
      switch (source) {
        case 'redrive':
          return await redrive(readRedriveRequest(event, name), ports, invocation, concurrency);
        case 'kinesis':
          return await consumeFeed(event, invocation);
        case 'sqs':
          return await consumeQueue(event as QueueBatch, invocation.seen, concurrency, {
            belongs: (notice) => belongs(notice, invocation),
            standings: (aggregates) => positions.standings(name, aggregates),
            advance: (aggregate, standings, notices, standsAt) =>
              bring(aggregate, standings, notices.map(arrivalOf), invocation, standsAt),
          });
        case 'bus':
          await consumeNotice(readBusEvent(event), invocation);
          return undefined;
      }
    } finally {
      invocation.limit.end();
      report(invocation.seen);
    }
  };
  return handle as Consumer; // a request to redrive has its own answer, and only that
}

function checkOptions<E extends AnyEvent, Item>(options: ConsumeEventsOptions<E, Item>): void {
  const { name: consumer, attempts, concurrency, from } = options;
  if (consumer === '' || consumer.includes('|')) throw new DaybookError('feed.consumerName', { given: consumer });
  const { effect, act } = options as { readonly effect?: unknown; readonly act?: unknown };
  if ((typeof effect === 'function') === (typeof act === 'function')) {
    throw new DaybookError('feed.consumerEffect', { consumer, given: effect === undefined ? 'neither' : 'both' });
  }
  const refuse = (option: string, given: unknown, allowed: string) =>
    new DaybookError('feed.consumerOption', { consumer, option, given, allowed });
  for (const [option, given] of Object.entries({ attempts, concurrency })) {
    if (given !== undefined && (!Number.isSafeInteger(given) || given < 1)) throw refuse(option, given, '1, 2, 3 …');
  }
  if (from !== undefined && from !== 'base' && from !== 'start') throw refuse('from', from, 'base and start');
}

/** In Lambda an operator has to see parked aggregates and lag even where nobody thought of it. */
function reportOf(consumer: string, feed: string): Report {
  const { AWS_LAMBDA_FUNCTION_NAME: name, METRIC_NAMESPACE: namespace } = process.env;
  if (name === undefined) return noReport;
  return createReport({ namespace: namespace || 'Daybook', feed, consumer, function: name });
}

type Source = 'redrive' | 'kinesis' | 'sqs' | 'bus';

function sourceOf(event: unknown): Source {
  if (isRedriveRequest(event)) return 'redrive';
  const { Records: records, detail } = (event ?? {}) as { Records?: unknown; detail?: unknown };
  if (Array.isArray(records)) {
    if (records.every((record) => typeof record?.kinesis === 'object')) return 'kinesis';
    if (records.every((record) => typeof record?.messageId === 'string' && typeof record.body === 'string'))
      return 'sqs';
  } else if (typeof detail === 'object') return 'bus';
  throw new DaybookError('feed.notABatch', {
    expected: 'Kinesis records, SQS messages, a bus event or a redrive',
    given: typeof event,
  });
}

import { randomUUID } from 'node:crypto';
import {
  type CancellationReason,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandInput,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  type TransactWriteItemsCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { StoredEvent } from '../event/stored-event.ts';
import { type Backoff, type Pauses, pause, realPauses } from '../store/backoff.ts';
import type { Commit, EventTable, Head, PutOutcome, QueryOptions } from '../store/event-table.ts';
import { type Answer, answerParts } from './answer-parts.ts';
import { aggregatesPage } from './dynamo-aggregates.ts';
import { type EventItem, fromItem, isAtVersion, toItem } from './event-item.ts';
import { newRoom, prepareToRead, readItems } from './read-items.ts';
import { isPassing, isPassingName, retry } from './retry.ts';

export interface DynamoEventTableOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** For throttling, contention and server errors, beyond what the client itself retries; default 8 attempts, 25 ms to 1 s. */
  readonly backoff?: Backoff;
  /** Chance in [0, 1) for the jitter; default Math.random. */
  readonly random?: () => number;
  /** Waits so many milliseconds; default a timer. */
  readonly sleep?: (ms: number) => Promise<void>;
}

const BACKOFF: Backoff = { attempts: 8, baseMs: 25, capMs: 1000 };

const NOT_THERE = 'attribute_not_exists(AggregateUuid)';

/**
 * The events table in DynamoDB, through the low-level client: one event is one PutItem, several are one transaction.
 *
 * @example
 * const table = dynamoEventTable({ client: new DynamoDBClient(), tableName: 'events' });
 */
export function dynamoEventTable(options: DynamoEventTableOptions): EventTable {
  const { client, tableName, backoff = BACKOFF } = options;
  prepareToRead(client);
  const pauses: Pauses = { random: options.random ?? realPauses.random, sleep: options.sleep ?? realPauses.sleep };

  async function putOne(commit: Commit): Promise<PutOutcome> {
    const input = newItem(commit.events[0]!);
    try {
      await retry(() => client.send(new PutItemCommand(input)), backoff, pauses);
      return { outcome: 'written' };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return await beaten(commit, 0, error.Item);
    }
  }

  async function putAll(commit: Commit): Promise<PutOutcome> {
    const checks = commit.predecessors ?? [];
    const input: TransactWriteItemsCommandInput = {
      TransactItems: [
        ...checks.map(({ aggregateUuid, version }) => existing(aggregateUuid, version)),
        ...commit.events.map((event) => ({ Put: newItem(event) })),
      ],
      // One token for all attempts: a repeat of a transaction that went through answers success.
      ClientRequestToken: randomUUID(),
    };
    for (let attempt = 1; ; attempt++) {
      try {
        await client.send(new TransactWriteItemsCommand(input));
        return { outcome: 'written' };
      } catch (error) {
        const reasons = error instanceof TransactionCanceledException ? (error.CancellationReasons ?? []) : [];
        const outcome = await outcomeOf(commit, reasons.slice(0, checks.length), reasons.slice(checks.length));
        if (outcome !== undefined) return outcome;
        const passing = isPassing(error) || reasons.some(({ Code }) => isPassingName(Code));
        if (!passing || attempt >= backoff.attempts) throw error;
        await pause(backoff, attempt, pauses);
      }
    }
  }

  function newItem(event: StoredEvent) {
    return {
      TableName: tableName,
      Item: toItem(event),
      ConditionExpression: NOT_THERE,
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    };
  }

  function existing(aggregateUuid: string, version: number): TransactWriteItem {
    return {
      ConditionCheck: {
        TableName: tableName,
        Key: keyOf(aggregateUuid, version),
        ConditionExpression: 'attribute_exists(AggregateUuid)',
      },
    };
  }

  /** What the reasons of a cancelled transaction mean, in the order of its actions; undefined when none is final. */
  async function outcomeOf(
    commit: Commit,
    checks: readonly CancellationReason[],
    puts: readonly CancellationReason[],
  ): Promise<PutOutcome | undefined> {
    const failed = puts.findIndex(isConditionFailure);
    // An own event that is there says that all are; only then are the predecessors of no interest.
    if (failed >= 0) return await beaten(commit, failed, puts[failed]!.Item);
    const hole = checks.findIndex(isConditionFailure);
    return hole < 0 ? undefined : { outcome: 'hole', ...commit.predecessors![hole]! };
  }

  /** Who holds the version that was wanted. */
  async function beaten(commit: Commit, index: number, item: EventItem | undefined): Promise<PutOutcome> {
    const { aggregateUuid, version } = commit.events[index]!;
    // An endpoint that does not return the item that failed the condition: it is read, events do not go away.
    const found = item === undefined ? await get(aggregateUuid, version) : fromItem(item);
    if (found?.commitId === commit.commitId) return { outcome: 'alreadyWritten' };
    return { outcome: 'conflict', aggregateUuid, version, found };
  }

  async function get(aggregateUuid: string, version: number) {
    const input = { TableName: tableName, Key: keyOf(aggregateUuid, version), ConsistentRead: true };
    const answer = await retry(() => readItems(client, new GetItemCommand(input)), backoff, pauses);
    const { Item } = JSON.parse(answer.toString()) as { readonly Item?: EventItem };
    return Item === undefined ? undefined : fromItem(Item);
  }

  async function* query(aggregateUuid: string, options: QueryOptions) {
    let left = options.limit ?? Number.POSITIVE_INFINITY;
    let start: EventItem | undefined;
    const room = newRoom();
    do {
      const input = queryInput(tableName, aggregateUuid, options, left, start);
      const answer = await retry(() => readItems(client, new QueryCommand(input), room), backoff, pauses);
      for (const { Items = [], LastEvaluatedKey } of answerParts(answer)) {
        start = LastEvaluatedKey;
        const items = Items.every(isAtVersion) ? Items : passStrays(Items, options);
        left -= items.length;
        // "A Query operation can return an empty result set and a LastEvaluatedKey": go on.
        if (items.length > 0) yield items.map((item) => fromItem(item, aggregateUuid));
      }
    } while (start !== undefined && left > 0);
  }

  async function head(aggregateUuid: string): Promise<Head | undefined> {
    const input = {
      TableName: tableName,
      KeyConditionExpression: 'AggregateUuid = :a',
      ExpressionAttributeValues: { ':a': { S: aggregateUuid } },
      ConsistentRead: true,
      ScanIndexForward: false,
      Limit: 1,
      ProjectionExpression: 'Version, AggregateType', // an event has up to 400 KB
    };
    const answer = await retry(() => readItems(client, new QueryCommand(input)), backoff, pauses);
    const { Items = [], LastEvaluatedKey } = JSON.parse(answer.toString()) as Answer;
    const [item] = Items;
    if (item === undefined && LastEvaluatedKey === undefined) return undefined;
    if (item?.AggregateType?.S !== undefined && isAtVersion(item))
      return { version: Number(item.Version?.N), aggregateType: item.AggregateType.S };
    // What lies at no version is passed, and what is no event is named.
    for await (const [event] of query(aggregateUuid, { reverse: true, limit: 1 })) return event;
    return undefined;
  }

  return {
    put: (commit) =>
      commit.events.length === 1 && (commit.predecessors ?? []).length === 0 ? putOne(commit) : putAll(commit),
    get,
    query,
    head,
    aggregates: (page) => aggregatesPage((call) => retry(call, backoff, pauses), client, tableName, page),
  };
}

function keyOf(aggregateUuid: string, version: number): EventItem {
  return { AggregateUuid: { S: aggregateUuid }, Version: { N: String(version) } };
}

function passStrays(items: readonly EventItem[], { onStray }: QueryOptions): readonly EventItem[] {
  return items.filter((item) => {
    const kept = isAtVersion(item);
    if (!kept) onStray?.(String(item.Version?.N));
    return kept;
  });
}

function isConditionFailure({ Code }: CancellationReason): boolean {
  return Code === 'ConditionalCheckFailed';
}

/** Limit is a 32-bit number. */
const MAX_LIMIT = 2 ** 31 - 1;

function queryInput(
  tableName: string,
  aggregateUuid: string,
  { from, to, reverse, consistent }: QueryOptions,
  left: number,
  start: EventItem | undefined,
): QueryCommandInput {
  const range = from === undefined ? (to === undefined ? '' : LAST) : to === undefined ? FIRST : BOTH;
  return {
    TableName: tableName,
    KeyConditionExpression: `AggregateUuid = :a${range}`,
    ExpressionAttributeValues: {
      ':a': { S: aggregateUuid },
      ...(from !== undefined && { ':from': { N: String(from) } }),
      ...(to !== undefined && { ':to': { N: String(to) } }),
    },
    ConsistentRead: consistent !== false,
    ScanIndexForward: reverse !== true,
    // A page never needs more than what is still wanted; without Limit it is 1 MB.
    Limit: left === Number.POSITIVE_INFINITY ? undefined : Math.min(left, MAX_LIMIT),
    ExclusiveStartKey: start,
  };
}

const FIRST = ' AND Version >= :from';
const LAST = ' AND Version <= :to';
const BOTH = ' AND Version BETWEEN :from AND :to';

import '../store/errors.ts';
import { type AttributeValue, type DynamoDBClient, QueryCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { DaybookError } from '../errors.ts';
import type { AggregatePage, EventTable } from '../store/event-table.ts';
import type { Answer } from './answer-parts.ts';
import { BUCKETS, shardOf } from './event-item.ts';
import { readItems } from './read-items.ts';

/** The sparse index that holds each aggregate once, by its first event. */
export const AGGREGATES_INDEX = 'AggregatesByType';

/** Limit is a 32-bit number. */
const MAX_LIMIT = 2 ** 31 - 1;

type Key = Record<string, AttributeValue>;
type Retry = <T>(call: () => Promise<T>) => Promise<T>;

/**
 * One page of aggregates from the sparse index: of one type from its 16 shards one after the other, of all types by a scan
 * of the index; a part is one shard, or one segment of the scan. An index is eventually consistent: an aggregate of this very moment may be missing.
 */
export async function aggregatesPage(
  retry: Retry,
  client: DynamoDBClient,
  tableName: string,
  options: Parameters<EventTable['aggregates']>[0],
): Promise<AggregatePage> {
  const { type, part, limit } = options;
  const place = options.after === undefined ? { bucket: part ?? 0 } : readPlace(options.after);
  const common = {
    TableName: tableName,
    IndexName: AGGREGATES_INDEX,
    Limit: limit && Math.min(limit, MAX_LIMIT),
    ExclusiveStartKey: place.start,
  };
  const command = () =>
    type === undefined
      ? new ScanCommand({ ...common, ...(part !== undefined && { Segment: part, TotalSegments: BUCKETS.length }) })
      : new QueryCommand({
          ...common,
          KeyConditionExpression: 'AggregateShard = :shard',
          ExpressionAttributeValues: { ':shard': { S: shardOf(type, BUCKETS[place.bucket]!) } },
        });
  const answer = await retry(() => readItems(client, command()));
  const { Items = [], LastEvaluatedKey } = JSON.parse(answer.toString()) as Answer;
  // Another version that carries the index's key, written by something else, would list its aggregate twice.
  const aggregateUuids = Items.flatMap(({ AggregateUuid, Version }) =>
    Version?.N === '1' && AggregateUuid?.S !== undefined ? [AggregateUuid.S] : [],
  );
  const isLast = type === undefined || part !== undefined || place.bucket + 1 === BUCKETS.length;
  const next = nextPlace(place.bucket, LastEvaluatedKey, isLast);
  return { aggregateUuids, ...(next !== undefined && { next }) };
}

interface Place {
  readonly bucket: number;
  readonly start?: Key;
}

function nextPlace(bucket: number, start: Key | undefined, isLast: boolean): string | undefined {
  if (start !== undefined) return JSON.stringify({ bucket, start });
  return isLast ? undefined : JSON.stringify({ bucket: bucket + 1 });
}

function readPlace(after: string): Place {
  try {
    const place = JSON.parse(after) as Place;
    if (BUCKETS[place.bucket] !== undefined) return place;
  } catch {
    // Said below.
  }
  throw new DaybookError('option.notAllowed', {
    verb: 'list',
    option: 'after',
    given: after,
    allowed: 'the `next` of a page before',
  });
}

import { type Cloud, type Json, ServiceError } from '../cloud.ts';
import { type Operations, operation } from '../operations.ts';
import { ITERATOR_LIFE_MS, readIterator, startPlace, timestampMs, writeIterator } from './iterator.ts';
import { sequenceNumber } from './sequence-number.ts';
import { describeShard, endPlace, horizonPlace, type Shard } from './shard.ts';
import {
  constraint,
  type Feed,
  type Feeds,
  findFeed,
  findShard,
  invalidArgument,
  retentionMs,
  trimFeed,
} from './stream.ts';

// "GetRecords can return up to 10 MiB" and, by Limit, "up to 10,000 records".
const MAX_BYTES = 10 * 1024 * 1024;
const MAX_RECORDS = 10_000;

export function readOperations(cloud: Cloud, feeds: Feeds): Operations {
  const now = () => cloud.kernel.clock.now();
  return {
    GetShardIterator: operation(
      ['StreamName', 'StreamARN', 'ShardId', 'ShardIteratorType', 'StartingSequenceNumber', 'Timestamp'],
      (input) => {
        return { ShardIterator: iteratorFor(feeds, findFeed(feeds, input), input, now()) };
      },
    ),

    GetRecords: operation(['ShardIterator', 'Limit', 'StreamARN'], (input) => {
      const limit = readLimit(input.Limit);
      const position = readIterator(input.ShardIterator);
      if (now() - position.issuedMs > ITERATOR_LIFE_MS) {
        throw new ServiceError(
          'ExpiredIteratorException',
          `Iterator expired. The iterator was created at time ${new Date(position.issuedMs).toISOString()} while right now ` +
            `it is ${new Date(now()).toISOString()} which is further in the future than the tolerated delay of ` +
            `${ITERATOR_LIFE_MS} milliseconds.`,
        );
      }
      const feed = findFeed(feeds, { StreamName: position.stream });
      // A stream made anew under the same name is another stream.
      if (feed.createdMs !== position.streamMadeMs) throw invalidArgument('Invalid ShardIterator.');
      trimFeed(feed, now());
      return readShard(feed, findShard(feeds, feed, position.shardId), position.place, limit, now());
    }),

    ListShards: operation(
      [
        'StreamName',
        'StreamARN',
        'NextToken',
        'ExclusiveStartShardId',
        'MaxResults',
        'StreamCreationTimestamp',
        'ShardFilter',
      ],
      (input) => listShards(feeds, input, now()),
    ),
  };
}

/** Where a reader begins: by an iterator type, or by the starting position of a subscription, which knows the same ones. */
export function iteratorFor(feeds: Feeds, feed: Feed, input: Json, nowMs: number): string {
  trimFeed(feed, nowMs);
  const shard = findShard(feeds, feed, input.ShardId);
  return iteratorAt(feed, shard, startPlace(feed, shard, input, nowMs), nowMs);
}

function readLimit(limit: Json): number {
  if (limit === undefined || limit === null) return MAX_RECORDS;
  if (limit > MAX_RECORDS) throw constraint(limit, 'limit', 'Member must have value less than or equal to 10000');
  if (!(limit >= 1)) throw constraint(limit, 'limit', 'Member must have value greater than or equal to 1');
  return limit;
}

function iteratorAt(feed: Feed, shard: Shard, place: number, issuedMs: number): string {
  return writeIterator({ stream: feed.name, streamMadeMs: feed.createdMs, shardId: shard.id, place, issuedMs });
}

function readShard(feed: Feed, shard: Shard, from: number, limit: number, nowMs: number): Json {
  const start = Math.max(from, horizonPlace(shard));
  const end = Math.min(endPlace(shard), start + limit);
  const records: Json[] = [];
  let bytes = 0;
  let place = start;
  for (; place < end; place++) {
    const record = shard.records[place - shard.firstPlace]!;
    bytes += record.data.length + record.partitionKey.length;
    if (bytes > MAX_BYTES && records.length > 0) break;
    records.push({
      SequenceNumber: sequenceNumber(shard.prefix, place, record.arrivedMs),
      ApproximateArrivalTimestamp: record.arrivedMs / 1000,
      Data: record.data.toString('base64'),
      PartitionKey: record.partitionKey,
      ...(feed.keyId !== undefined && { EncryptionType: 'KMS' }),
    });
  }
  const atTip = place >= endPlace(shard);
  // "The number of milliseconds the GetRecords response is from the tip of the stream": the age of the next record.
  const next = shard.records[place - shard.firstPlace];
  // "A value of zero indicates that record processing is caught up", and with a next record it is not.
  const behind = atTip || next === undefined ? 0 : Math.max(1, nowMs - next.arrivedMs);
  // "If set to null, the shard has been closed and the requested iterator does not return any more data."
  const done = atTip && shard.closedMs !== undefined;
  return {
    Records: records,
    MillisBehindLatest: behind,
    ...(done ? { ChildShards: childrenOf(feed, shard) } : { NextShardIterator: iteratorAt(feed, shard, place, nowMs) }),
  };
}

function childrenOf(feed: Feed, shard: Shard): Json[] {
  return feed.shards
    .filter((child) => child.parents.includes(shard.id))
    .map((child) => ({
      ShardId: child.id,
      ParentShards: [...child.parents],
      HashKeyRange: { StartingHashKey: String(child.range.start), EndingHashKey: String(child.range.end) },
    }));
}

function listShards(feeds: Feeds, input: Json, nowMs: number): Json {
  if (input.NextToken !== undefined && (input.StreamName !== undefined || input.ExclusiveStartShardId !== undefined)) {
    throw invalidArgument('NextToken and StreamName cannot be provided together.');
  }
  const token = input.NextToken === undefined ? undefined : readToken(input.NextToken);
  const feed = findFeed(feeds, token ?? input);
  trimFeed(feed, nowMs);
  const after = token?.after ?? input.ExclusiveStartShardId;
  const filter = token?.filter ?? input.ShardFilter;
  const most = Math.min(input.MaxResults ?? 1000, 10_000);
  const shards = feed.shards
    .filter((shard) => passes(feed, shard, filter, nowMs))
    .filter((shard) => after === undefined || shard.id > after);
  const page = shards.slice(0, most);
  return {
    Shards: page.map(describeShard),
    ...(shards.length > most && {
      NextToken: Buffer.from(JSON.stringify({ StreamName: feed.name, after: page.at(-1)!.id, filter })).toString(
        'base64',
      ),
    }),
  };
}

function readToken(text: string): Json {
  try {
    return JSON.parse(Buffer.from(text, 'base64').toString());
  } catch {
    throw invalidArgument('Invalid NextToken.');
  }
}

/** The shard filters as the API reference of ShardFilter words them. */
function passes(feed: Feed, shard: Shard, filter: Json, nowMs: number): boolean {
  if (filter === undefined) return true;
  const horizon = Math.max(nowMs - retentionMs(feed), feed.createdMs);
  const at = (ms: number) => shard.createdMs <= ms && (shard.closedMs === undefined || shard.closedMs > ms);
  switch (filter.Type) {
    case 'AFTER_SHARD_ID':
      return shard.id > String(filter.ShardId);
    case 'AT_TRIM_HORIZON':
      return at(horizon);
    case 'FROM_TRIM_HORIZON':
      return true;
    case 'AT_LATEST':
      return shard.closedMs === undefined;
    case 'AT_TIMESTAMP':
      return at(Math.max(timestampMs(filter.Timestamp), horizon));
    case 'FROM_TIMESTAMP':
      return shard.closedMs === undefined || shard.closedMs >= timestampMs(filter.Timestamp);
    default:
      throw constraint(
        filter.Type,
        'shardFilter.type',
        'Member must satisfy enum value set: [AT_TRIM_HORIZON, AT_LATEST, FROM_TIMESTAMP, AFTER_SHARD_ID, AT_TIMESTAMP, FROM_TRIM_HORIZON]',
      );
  }
}

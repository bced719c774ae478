import { type Account, type Json, ServiceError } from '../cloud.ts';
import { evenRanges, type HashRange } from './hash-range.ts';
import { openShard, type Shard, trimShard } from './shard.ts';

export type StreamMode = 'PROVISIONED' | 'ON_DEMAND';

export interface Consumer {
  readonly name: string;
  readonly arn: string;
  readonly createdMs: number;
}

/** A Kinesis data stream. */
export interface Feed {
  readonly name: string;
  readonly arn: string;
  readonly createdMs: number;
  mode: StreamMode;
  retentionHours: number;
  maxRecordKiB: number;
  keyId: string | undefined;
  /** All shards that can still be read, in the order of their numbers; closed ones leave with their last record. */
  shards: Shard[];
  shardsMade: number;
  readonly tags: Map<string, string>;
  readonly consumers: Map<string, Consumer>;
}

/** "By default, your data streams created with on-demand capacity mode have 4 shards" (developer guide, "Choose mode"). */
export const ON_DEMAND_SHARDS = 4;
export const DEFAULT_RETENTION_HOURS = 24;
export const DEFAULT_RECORD_KIB = 1024;

export function makeFeed(account: Account, name: string, mode: StreamMode, shards: number, nowMs: number): Feed {
  const feed: Feed = {
    name,
    arn: `arn:aws:kinesis:${account.region}:${account.accountId}:stream/${name}`,
    createdMs: nowMs,
    mode,
    retentionHours: DEFAULT_RETENTION_HOURS,
    maxRecordKiB: DEFAULT_RECORD_KIB,
    keyId: undefined,
    shards: [],
    shardsMade: 0,
    tags: new Map(),
    consumers: new Map(),
  };
  for (const range of evenRanges(shards)) addShard(feed, range, nowMs, []);
  return feed;
}

export function addShard(feed: Feed, range: HashRange, nowMs: number, parents: readonly string[]): Shard {
  const shard = openShard(feed.shardsMade++, range, nowMs, parents);
  feed.shards.push(shard);
  return shard;
}

export const openShards = (feed: Feed): Shard[] =>
  feed.shards.filter((shard) => shard.closedMs === undefined).sort((a, b) => (a.startHex < b.startHex ? -1 : 1));

export const retentionMs = (feed: Feed): number => feed.retentionHours * 3_600_000;

/** Applies the retention period: old records go, and closed shards whose records have all gone. */
export function trimFeed(feed: Feed, nowMs: number): void {
  const oldest = nowMs - retentionMs(feed);
  for (const shard of feed.shards) trimShard(shard, oldest);
  if (feed.shards.some((shard) => shard.closedMs !== undefined && shard.closedMs < oldest)) {
    feed.shards = feed.shards.filter((shard) => shard.closedMs === undefined || shard.closedMs >= oldest);
  }
}

/** The streams of an account, and how a request names one of them. */
export interface Feeds {
  readonly account: Account;
  readonly byName: Map<string, Feed>;
}

export function findFeed(feeds: Feeds, input: Json): Feed {
  const name = feedName(input);
  const feed = feeds.byName.get(name);
  if (feed === undefined) {
    throw new ServiceError(
      'ResourceNotFoundException',
      `Stream ${name} under account ${feeds.account.accountId} not found.`,
    );
  }
  return feed;
}

/** StreamName or StreamARN, whichever is given. */
export function feedName(input: Json): string {
  const name = input.StreamName ?? /:stream\/([^/]+)/.exec(String(input.StreamARN ?? ''))?.[1];
  if (typeof name !== 'string') {
    throw new ServiceError(
      'InvalidArgumentException',
      input.StreamARN === undefined
        ? 'Either StreamName or StreamARN must be provided'
        : `StreamARN ${input.StreamARN} is not the ARN of a stream`,
    );
  }
  return name;
}

export function findShard(feeds: Feeds, feed: Feed, shardId: Json): Shard {
  const shard = feed.shards.find((one) => one.id === shardId);
  if (shard === undefined) {
    throw new ServiceError(
      'ResourceNotFoundException',
      `Could not find shard ${shardId} in stream ${feed.name} under account ${feeds.account.accountId}.`,
    );
  }
  return shard;
}

export function invalidArgument(message: string): ServiceError {
  return new ServiceError('InvalidArgumentException', message);
}

/** One constraint that a parameter breaks, in the words of AWS's validation. */
export function constraint(value: Json, at: string, rule: string): ServiceError {
  const shown = typeof value === 'string' ? `'${value}'` : value === undefined ? 'null' : `'${JSON.stringify(value)}'`;
  return new ServiceError(
    'ValidationException',
    `1 validation error detected: Value ${shown} at '${at}' failed to satisfy constraint: ${rule}`,
  );
}

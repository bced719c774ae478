import { type Cloud, type Json, ServiceError } from '../cloud.ts';
import { type Operations, operation } from '../operations.ts';
import { evenRanges, type HashRange } from './hash-range.ts';
import type { Listeners } from './listeners.ts';
import type { Shard } from './shard.ts';
import { addShard, type Feed, type Feeds, findFeed, findShard, invalidArgument, openShards } from './stream.ts';

/** Splitting, merging and scaling; each takes effect at once. */
export function reshardOperations(cloud: Cloud, feeds: Feeds, listeners: Listeners): Operations {
  const now = () => cloud.kernel.clock.now();
  // "This API is only supported for the data streams with the provisioned capacity mode."
  const requireProvisioned = (feed: Feed, name: string) => {
    if (feed.mode === 'PROVISIONED') return;
    throw new ServiceError(
      'ValidationException',
      `${name} is only supported for streams in PROVISIONED mode; ${feed.name} is in ON_DEMAND mode.`,
    );
  };
  const requireOpen = (feed: Feed, shard: Shard) => {
    if (shard.closedMs === undefined) return;
    throw invalidArgument(
      `Shard ${shard.id} in stream ${feed.name} under account ${feeds.account.accountId} has already been merged or split, and thus is not eligible for merging or splitting.`,
    );
  };

  return {
    SplitShard: operation(['StreamName', 'StreamARN', 'ShardToSplit', 'NewStartingHashKey'], (input) => {
      const feed = findFeed(feeds, input);
      const shard = findShard(feeds, feed, input.ShardToSplit);
      requireProvisioned(feed, 'SplitShard');
      requireOpen(feed, shard);
      const key = hashKey(input.NewStartingHashKey);
      if (key <= shard.range.start + 1n || key >= shard.range.end) {
        throw invalidArgument(
          `NewStartingHashKey ${key} used in SplitShard() on shard ${shard.id} in stream ${feed.name} under account ` +
            `${feeds.account.accountId} is not both greater than one plus the shard's StartingHashKey ${shard.range.start} ` +
            `and less than the shard's EndingHashKey ${shard.range.end - 1n}.`,
        );
      }
      telling(listeners, feed, () => split(feed, shard, key, now()));
      cloud.trace.note('kinesis', 'shard split', { stream: feed.name, shard: shard.id });
      return {};
    }),

    MergeShards: operation(['StreamName', 'StreamARN', 'ShardToMerge', 'AdjacentShardToMerge'], (input) => {
      const feed = findFeed(feeds, input);
      const first = findShard(feeds, feed, input.ShardToMerge);
      const second = findShard(feeds, feed, input.AdjacentShardToMerge);
      requireProvisioned(feed, 'MergeShards');
      requireOpen(feed, first);
      requireOpen(feed, second);
      if (first.range.end + 1n !== second.range.start && second.range.end + 1n !== first.range.start) {
        throw invalidArgument(
          `Shards ${first.id} and ${second.id} in stream ${feed.name} under account ${feeds.account.accountId} are not an adjacent pair of shards eligible for merging`,
        );
      }
      telling(listeners, feed, () => merge(feed, first, second, now()));
      cloud.trace.note('kinesis', 'shards merged', { stream: feed.name, shard: first.id, with: second.id });
      return {};
    }),

    UpdateShardCount: operation(['StreamName', 'StreamARN', 'TargetShardCount', 'ScalingType'], (input) => {
      const feed = findFeed(feeds, input);
      requireProvisioned(feed, 'UpdateShardCount');
      if (input.ScalingType !== 'UNIFORM_SCALING') throw invalidArgument('ScalingType must be UNIFORM_SCALING');
      const current = openShards(feed).length;
      const target = input.TargetShardCount;
      // "You cannot: scale up to more than double / down below half your current shard count" (UpdateShardCount).
      if (!Number.isInteger(target) || target < 1 || target > current * 2 || target < current / 2) {
        throw invalidArgument(
          `UpdateShardCount cannot scale ${target < current ? 'down below half' : 'up over double'} your current open shard count. ` +
            `Current open shard count: ${current} Target shard count: ${target}`,
        );
      }
      telling(listeners, feed, () => scale(feed, evenRanges(target), now()));
      cloud.trace.note('kinesis', 'stream scaled', { stream: feed.name, from: current, to: target });
      return { StreamName: feed.name, StreamARN: feed.arn, CurrentShardCount: current, TargetShardCount: target };
    }),
  };
}

/** Tells of the shards that a change closes: only a read finds their end. */
export function telling(listeners: Listeners, feed: Feed, change: () => void): void {
  const before = openShards(feed);
  change();
  for (const { id, closedMs } of before) if (closedMs !== undefined) listeners.tell(feed.name, id, 0);
}

function hashKey(text: Json): bigint {
  if (typeof text !== 'string' || !/^(0|[1-9]\d{0,38})$/.test(text)) {
    throw invalidArgument(`NewStartingHashKey ${text} is not a hash key`);
  }
  return BigInt(text);
}

function split(feed: Feed, shard: Shard, key: bigint, nowMs: number): void {
  shard.closedMs = nowMs;
  addShard(feed, { start: shard.range.start, end: key - 1n }, nowMs, [shard.id]);
  addShard(feed, { start: key, end: shard.range.end }, nowMs, [shard.id]);
}

function merge(feed: Feed, first: Shard, second: Shard, nowMs: number): void {
  const [low, high] = first.range.start < second.range.start ? [first, second] : [second, first];
  first.closedMs = nowMs;
  second.closedMs = nowMs;
  addShard(feed, { start: low.range.start, end: high.range.end }, nowMs, [first.id, second.id]);
}

/** "Kinesis Data Streams performs splits or merges on individual shards. This can cause short-lived shards." */
export function scale(feed: Feed, ranges: readonly HashRange[], nowMs: number): void {
  for (const { start } of ranges) {
    const shard = openShards(feed).find((one) => one.range.start < start && start <= one.range.end);
    if (shard !== undefined) split(feed, shard, start, nowMs);
  }
  for (const { start, end } of ranges) {
    for (;;) {
      const [first, second] = openShards(feed).filter((one) => one.range.start >= start && one.range.end <= end);
      if (first === undefined || second === undefined) break;
      merge(feed, first, second, nowMs);
    }
  }
}

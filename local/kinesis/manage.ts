import { type Cloud, type Json, ServiceError } from '../cloud.ts';
import { type Operations, operation } from '../operations.ts';
import { describeShard } from './shard.ts';
import {
  constraint,
  type Feed,
  type Feeds,
  feedName,
  findFeed,
  invalidArgument,
  makeFeed,
  ON_DEMAND_SHARDS,
  openShards,
  type StreamMode,
  trimFeed,
} from './stream.ts';

/** Streams come to life and change at once: there is no CREATING or UPDATING to wait for. */
export function manageOperations(cloud: Cloud, feeds: Feeds): Operations {
  const now = () => cloud.kernel.clock.now();
  const setRetention = (longer: boolean) => (input: Json) => {
    const feed = findFeed(feeds, input);
    const hours = input.RetentionPeriodHours;
    // "The default … is 24 hours", "the maximum value is 8760 hours (365 days)".
    if (!Number.isInteger(hours) || hours < 24 || hours > 8760) {
      throw invalidArgument(`Retention period hours must be between 24 and 8760, was ${hours}`);
    }
    if (longer ? hours < feed.retentionHours : hours > feed.retentionHours) {
      throw invalidArgument(
        `Requested retention period (${hours} hours) for stream ${feed.name} can not be ${longer ? 'shorter' : 'longer'} than ` +
          `existing retention period (${feed.retentionHours} hours). Use ${longer ? 'DecreaseRetentionPeriod' : 'IncreaseRetentionPeriod'} API.`,
      );
    }
    feed.retentionHours = hours;
    trimFeed(feed, now());
    return {};
  };

  return {
    CreateStream: operation(
      ['StreamName', 'ShardCount', 'StreamModeDetails', 'Tags', 'MaxRecordSizeInKiB'],
      (input) => {
        const name = input.StreamName;
        if (typeof name !== 'string' || !/^[a-zA-Z0-9_.-]{1,128}$/.test(name)) {
          throw constraint(name, 'streamName', 'Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+');
        }
        if (feeds.byName.has(name)) {
          throw new ServiceError(
            'ResourceInUseException',
            `Stream ${name} under account ${feeds.account.accountId} already exists.`,
          );
        }
        const mode = readMode(input.StreamModeDetails);
        const feed = makeFeed(feeds.account, name, mode, readShardCount(mode, input.ShardCount), now());
        if (input.MaxRecordSizeInKiB !== undefined) feed.maxRecordKiB = readRecordSize(input.MaxRecordSizeInKiB);
        for (const [key, value] of Object.entries(input.Tags ?? {})) feed.tags.set(key, String(value));
        feeds.byName.set(name, feed);
        cloud.trace.note('kinesis', 'stream created', { stream: name, mode, shards: feed.shards.length });
        return {};
      },
    ),

    DeleteStream: operation(['StreamName', 'StreamARN', 'EnforceConsumerDeletion'], (input) => {
      const feed = findFeed(feeds, input);
      if (feed.consumers.size > 0 && input.EnforceConsumerDeletion !== true) {
        throw new ServiceError(
          'ResourceInUseException',
          `Stream ${feed.name} under account ${feeds.account.accountId} has registered consumers.`,
        );
      }
      feeds.byName.delete(feed.name);
      return {};
    }),

    DescribeStream: operation(['StreamName', 'StreamARN', 'Limit', 'ExclusiveStartShardId'], (input) => {
      const feed = findFeed(feeds, input);
      trimFeed(feed, now());
      const after = input.ExclusiveStartShardId;
      const shards = feed.shards.filter((shard) => after === undefined || shard.id > after);
      const limit = input.Limit ?? 100;
      return {
        StreamDescription: {
          ...describeFeed(feed),
          RetentionPeriodHours: feed.retentionHours,
          Shards: shards.slice(0, limit).map(describeShard),
          HasMoreShards: shards.length > limit,
        },
      };
    }),

    DescribeStreamSummary: operation(['StreamName', 'StreamARN'], (input) => {
      const feed = findFeed(feeds, input);
      return {
        StreamDescriptionSummary: {
          ...describeFeed(feed),
          RetentionPeriodHours: feed.retentionHours,
          OpenShardCount: openShards(feed).length,
          ConsumerCount: feed.consumers.size,
          MaxRecordSizeInKiB: feed.maxRecordKiB,
        },
      };
    }),

    ListStreams: operation(['Limit', 'ExclusiveStartStreamName', 'NextToken'], (input) => {
      const after = input.NextToken ?? input.ExclusiveStartStreamName;
      const names = [...feeds.byName.keys()].sort().filter((name) => after === undefined || name > after);
      const page = names.slice(0, input.Limit ?? 100);
      const more = names.length > page.length;
      return {
        StreamNames: page,
        HasMoreStreams: more,
        ...(more && { NextToken: page.at(-1) }),
        StreamSummaries: page.map((name) => {
          const { StreamName, StreamARN, StreamStatus, StreamModeDetails, StreamCreationTimestamp } = describeFeed(
            feeds.byName.get(name)!,
          );
          return { StreamName, StreamARN, StreamStatus, StreamModeDetails, StreamCreationTimestamp };
        }),
      };
    }),

    IncreaseStreamRetentionPeriod: operation(['StreamName', 'StreamARN', 'RetentionPeriodHours'], setRetention(true)),
    DecreaseStreamRetentionPeriod: operation(['StreamName', 'StreamARN', 'RetentionPeriodHours'], setRetention(false)),

    StartStreamEncryption: operation(['StreamName', 'StreamARN', 'EncryptionType', 'KeyId'], (input) => {
      if (input.EncryptionType !== 'KMS') throw invalidArgument('EncryptionType must be KMS');
      if (typeof input.KeyId !== 'string') throw constraint(undefined, 'keyId', 'Member must not be null');
      // Only said of the stream and its records: nothing here is encrypted.
      findFeed(feeds, input).keyId = input.KeyId;
      return {};
    }),

    StopStreamEncryption: operation(['StreamName', 'StreamARN', 'EncryptionType', 'KeyId'], (input) => {
      findFeed(feeds, input).keyId = undefined;
      return {};
    }),

    UpdateStreamMode: operation(['StreamARN', 'StreamModeDetails'], (input) => {
      findFeed(feeds, input).mode = readMode(input.StreamModeDetails);
      return {};
    }),

    UpdateMaxRecordSize: operation(['StreamARN', 'MaxRecordSizeInKiB'], (input) => {
      findFeed(feeds, input).maxRecordKiB = readRecordSize(input.MaxRecordSizeInKiB);
      return {};
    }),

    AddTagsToStream: operation(['StreamName', 'StreamARN', 'Tags'], (input) => {
      const { tags } = findFeed(feeds, input);
      for (const [key, value] of Object.entries(input.Tags ?? {})) tags.set(key, String(value));
      return {};
    }),

    RemoveTagsFromStream: operation(['StreamName', 'StreamARN', 'TagKeys'], (input) => {
      const { tags } = findFeed(feeds, input);
      for (const key of input.TagKeys ?? []) tags.delete(key);
      return {};
    }),

    ListTagsForStream: operation(['StreamName', 'StreamARN', 'ExclusiveStartTagKey', 'Limit'], (input) => {
      const { tags } = findFeed(feeds, { StreamName: feedName(input) });
      const after = input.ExclusiveStartTagKey;
      const keys = [...tags.keys()].sort().filter((key) => after === undefined || key > after);
      const page = keys.slice(0, input.Limit ?? 50);
      return { Tags: page.map((Key) => ({ Key, Value: tags.get(Key) })), HasMoreTags: keys.length > page.length };
    }),
  };
}

function describeFeed(feed: Feed) {
  return {
    StreamName: feed.name,
    StreamARN: feed.arn,
    StreamStatus: 'ACTIVE',
    StreamModeDetails: { StreamMode: feed.mode },
    StreamCreationTimestamp: Math.floor(feed.createdMs / 1000),
    EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
    EncryptionType: feed.keyId === undefined ? 'NONE' : 'KMS',
    ...(feed.keyId !== undefined && { KeyId: feed.keyId }),
  };
}

function readMode(details: Json): StreamMode {
  const mode = details?.StreamMode ?? 'PROVISIONED';
  if (mode === 'PROVISIONED' || mode === 'ON_DEMAND') return mode;
  throw constraint(
    mode,
    'streamModeDetails.streamMode',
    'Member must satisfy enum value set: [PROVISIONED, ON_DEMAND]',
  );
}

function readShardCount(mode: StreamMode, count: Json): number {
  if (mode === 'ON_DEMAND') {
    if (count === undefined || count === null) return ON_DEMAND_SHARDS;
    throw invalidArgument('ShardCount must not be specified for a stream in ON_DEMAND mode');
  }
  if (!Number.isInteger(count)) throw constraint(undefined, 'shardCount', 'Member must not be null');
  if (count < 1) throw constraint(count, 'shardCount', 'Member must have value greater than or equal to 1');
  return count;
}

function readRecordSize(kib: Json): number {
  if (Number.isInteger(kib) && kib >= 1024 && kib <= 10_240) return kib;
  throw constraint(kib, 'maxRecordSizeInKiB', 'Member must have value between 1024 and 10240');
}

import { type Caller, type Cloud, type Json, ROOT } from '../../cloud.ts';
import type { Shard, SourceHooks, SourceRecord, StreamSource } from './stream-source.ts';

/**
 * A Kinesis stream as a source, or a consumer of it ("The ARN of the data stream or a stream consumer"). Lambda nests the
 * record under `kinesis`; a pipe gets the same members flat ("Amazon Kinesis stream as a source for EventBridge Pipes").
 */
export function kinesisSource(
  cloud: Cloud,
  caller: Caller,
  sourceArn: string,
  shape: 'lambda' | 'pipe',
  hooks: SourceHooks['kinesis'],
): StreamSource {
  const [streamArn, consumer] = sourceArn.split('/consumer/') as [string, string?];
  const streamName = streamArn.split('/').pop()!;
  const call = (operation: string, input: Json) =>
    cloud.call(caller, 'kinesis', operation, { StreamARN: streamArn, ...input });
  const common = {
    eventSource: 'aws:kinesis',
    eventVersion: '1.0',
    eventName: 'aws:kinesis:record',
    invokeIdentityArn: caller.principal,
    awsRegion: cloud.account.region,
    eventSourceARN: sourceArn,
  };
  const toRecord = (shardId: string, raw: Json): SourceRecord => {
    const inner = {
      kinesisSchemaVersion: '1.0',
      partitionKey: raw.PartitionKey,
      sequenceNumber: raw.SequenceNumber,
      data: raw.Data,
      approximateArrivalTimestamp: raw.ApproximateArrivalTimestamp,
    };
    const eventID = `${shardId}:${raw.SequenceNumber}`;
    return {
      sequenceNumber: raw.SequenceNumber,
      orderKey: raw.PartitionKey,
      arrivedAt: Math.round(raw.ApproximateArrivalTimestamp * 1000),
      bytes: raw.Data.length + raw.PartitionKey.length + 500,
      event: shape === 'pipe' ? { ...inner, ...common, eventID } : { kinesis: inner, ...common, eventID },
    };
  };
  // Iterators are opaque to the caller: the shard travels beside them.
  return {
    arn: sourceArn,
    pushed: consumer !== undefined,
    maximumRead: 10_000, // "GetRecords: the maximum number of records … 10,000"
    async shards() {
      const shards: Shard[] = [];
      let page: Json = await call('ListShards', {});
      for (;;) {
        for (const shard of page.Shards) {
          shards.push({
            id: shard.ShardId,
            parents: [shard.ParentShardId, shard.AdjacentParentShardId].filter((id) => typeof id === 'string'),
            closed: shard.SequenceNumberRange?.EndingSequenceNumber !== undefined,
          });
        }
        if (page.NextToken === undefined || page.NextToken === null) return shards;
        page = await cloud.call(caller, 'kinesis', 'ListShards', { NextToken: page.NextToken });
      }
    },
    async iterator(shardId, from) {
      if (consumer !== undefined) {
        const { Subscription } = await cloud.call(caller, 'kinesis', 'SubscribeToShard', {
          ConsumerARN: sourceArn,
          ShardId: shardId,
          StartingPosition: {
            Type: from.type,
            ...(from.type === 'AT_TIMESTAMP' && { Timestamp: from.timestampMs / 1000 }),
            ...(from.type === 'AFTER_SEQUENCE_NUMBER' && { SequenceNumber: from.sequenceNumber }),
          },
        });
        return `${shardId} ${Subscription}`;
      }
      const answer = await call('GetShardIterator', {
        ShardId: shardId,
        ShardIteratorType: from.type,
        ...(from.type === 'AT_TIMESTAMP' && { Timestamp: from.timestampMs / 1000 }),
        ...(from.type === 'AFTER_SEQUENCE_NUMBER' && { StartingSequenceNumber: from.sequenceNumber }),
      });
      return `${shardId} ${answer.ShardIterator}`;
    },
    async read(iterator, limit) {
      const [shardId, inner] = iterator.split(' ') as [string, string];
      // What a subscription pushes comes from the service itself: the right to it was asked for when it was opened.
      const reader = consumer === undefined ? caller : ROOT;
      const answer = await cloud.call(reader, 'kinesis', 'GetRecords', {
        StreamARN: streamArn,
        ShardIterator: inner,
        Limit: limit,
      });
      const next = answer.NextShardIterator;
      return {
        records: answer.Records.map((raw: Json) => toRecord(shardId, raw)),
        next: typeof next === 'string' ? `${shardId} ${next}` : undefined,
        // "A value of zero indicates that record processing is caught up" (GetRecords).
        more: answer.MillisBehindLatest !== 0,
      };
    },
    onRecords: hooks === undefined ? undefined : (listener) => hooks.onRecords(streamName, listener),
  };
}

import type { Caller, Cloud, Json } from '../../cloud.ts';
import type { Shard, SourceHooks, SourceRecord, StreamSource } from './stream-source.ts';

/** A DynamoDB table stream as a source. Lambda and pipes get the same records, with the stream's ARN added. */
export function tableStreamSource(
  cloud: Cloud,
  caller: Caller,
  streamArn: string,
  hooks: SourceHooks['dynamodb'],
): StreamSource {
  /** Its records tell their time in whole seconds. */
  let since = Number.POSITIVE_INFINITY;
  const call = (operation: string, input: Json) => cloud.call(caller, 'dynamodbstreams', operation, input);
  const toRecord = (raw: Json): SourceRecord => ({
    sequenceNumber: raw.dynamodb.SequenceNumber,
    orderKey: JSON.stringify(raw.dynamodb.Keys),
    arrivedAt: raw.dynamodb.ApproximateCreationDateTime * 1000,
    bytes: raw.dynamodb.SizeBytes * 2 + 600,
    event: { ...raw, eventSourceARN: streamArn },
  });
  return {
    arn: streamArn,
    maximumRead: 1000, // "GetRecords: Limit … maximum value of 1000"
    async shards() {
      const shards: Shard[] = [];
      let last: string | undefined;
      do {
        const { StreamDescription: page } = await call('DescribeStream', {
          StreamArn: streamArn,
          ...(last !== undefined && { ExclusiveStartShardId: last }),
        });
        for (const shard of page.Shards) {
          shards.push({
            id: shard.ShardId,
            parents: typeof shard.ParentShardId === 'string' ? [shard.ParentShardId] : [],
            closed: shard.SequenceNumberRange?.EndingSequenceNumber !== undefined,
          });
        }
        last = page.LastEvaluatedShardId;
      } while (last !== undefined && last !== null);
      return shards;
    },
    async iterator(shardId, from) {
      // A table stream has no iterator for a time: the records before it are read and left out.
      if (from.type === 'AT_TIMESTAMP') since = Math.min(since, from.timestampMs - (from.timestampMs % 1000));
      const answer = await call('GetShardIterator', {
        StreamArn: streamArn,
        ShardId: shardId,
        ShardIteratorType: from.type === 'AT_TIMESTAMP' ? 'TRIM_HORIZON' : from.type,
        ...(from.type === 'AFTER_SEQUENCE_NUMBER' && { SequenceNumber: from.sequenceNumber }),
      });
      return answer.ShardIterator;
    },
    async read(iterator, limit) {
      const answer = await call('GetRecords', { ShardIterator: iterator, Limit: limit });
      const next = answer.NextShardIterator;
      const records: SourceRecord[] = answer.Records.map(toRecord);
      return {
        records: records.filter(({ arrivedAt }) => since === Number.POSITIVE_INFINITY || arrivedAt >= since),
        next: typeof next === 'string' ? next : undefined,
        more: records.length > 0,
      };
    },
    onRecords: hooks === undefined ? undefined : (listener) => hooks.onRecords(streamArn, listener),
  };
}

import type { Json } from '../../cloud.ts';

/** A record of a Kinesis stream or a table stream, in the shape that its reader hands on. */
export interface SourceRecord {
  readonly sequenceNumber: string;
  /** Records of one key stay in order however many lanes there are. */
  readonly orderKey: string;
  /** Epoch milliseconds. */
  readonly arrivedAt: number;
  /** About how many bytes it takes in the payload. */
  readonly bytes: number;
  readonly event: Json;
}

export interface Shard {
  readonly id: string;
  readonly parents: readonly string[];
  readonly closed: boolean;
}

/** Where to begin in a shard. */
export type Position =
  | { readonly type: 'TRIM_HORIZON' | 'LATEST' }
  | { readonly type: 'AT_TIMESTAMP'; readonly timestampMs: number }
  | { readonly type: 'AFTER_SEQUENCE_NUMBER'; readonly sequenceNumber: string };

/** StartingPosition and StartingPositionTimestamp, which counts in seconds. */
export function positionOf(type: Json, timestampSeconds: Json): Position {
  return type === 'AT_TIMESTAMP' ? { type, timestampMs: Number(timestampSeconds) * 1000 } : { type };
}

export type ShardListener = (shardId: string) => void;

export interface Page {
  readonly records: readonly SourceRecord[];
  /** Undefined once a closed shard is read to its end. */
  readonly next: string | undefined;
  /** May there be more already? */
  readonly more: boolean;
}

/** What a poller needs of Kinesis and of DynamoDB Streams. */
export interface StreamSource {
  readonly arn: string;
  /** Are records pushed to the reader, whatever the interval at which others poll? */
  readonly pushed?: boolean;
  /** The most records that one read gives. */
  readonly maximumRead: number;
  shards(): Promise<readonly Shard[]>;
  iterator(shardId: string, from: Position): Promise<string>;
  read(iterator: string, limit: number): Promise<Page>;
  /** Tells when there is something to read of a shard; undefined when nothing can tell, and polling alone must find it. */
  readonly onRecords: ((listener: ShardListener) => () => void) | undefined;
}

/** The hooks of the embedded cores, so that pollers need not ask again and again. */
export interface SourceHooks {
  readonly kinesis?: { onRecords(streamName: string, listener: ShardListener): () => void };
  readonly dynamodb?: { onRecords(streamArn: string, listener: ShardListener): () => void };
  /** Calls back once. */
  readonly sqs?: { onMessages(queueArn: string, listener: () => void): () => void };
}

/**
 * "KinesisBatchInfo" and "DDBStreamBatchInfo": where the records are, not what they hold. (Lambda developer guide,
 * "Configuring destinations for failed invocations"; EventBridge Pipes sends the same members.)
 */
export function batchInfo(sourceArn: string, shardId: string, records: readonly SourceRecord[]): Json {
  const kinesis = sourceArn.split(':')[2] === 'kinesis';
  const first = records[0]!;
  const last = records[records.length - 1]!;
  // The examples show milliseconds for Kinesis and whole seconds for DynamoDB.
  const time = (ms: number) => {
    const text = new Date(ms).toISOString();
    return kinesis ? text : text.replace(/\.\d+Z$/, 'Z');
  };
  return {
    [kinesis ? 'KinesisBatchInfo' : 'DDBStreamBatchInfo']: {
      shardId,
      startSequenceNumber: first.sequenceNumber,
      endSequenceNumber: last.sequenceNumber,
      approximateArrivalOfFirstRecord: time(first.arrivedAt),
      approximateArrivalOfLastRecord: time(last.arrivedAt),
      batchSize: records.length,
      streamArn: sourceArn,
    },
  };
}

import { Names } from 'aws-cdk-lib';
import { CfnStreamConsumer, type Stream } from 'aws-cdk-lib/aws-kinesis';
import { CfnEventSourceMapping, type CfnEventSourceMappingProps } from 'aws-cdk-lib/aws-lambda';
import type { NodeFunction } from './node-function.ts';

/** What Lambda needs of a function's role to poll a Kinesis stream for it (Lambda's guide, "Using Lambda with Kinesis"). */
const READ_FEED = [
  'kinesis:DescribeStream',
  'kinesis:DescribeStreamSummary',
  'kinesis:GetRecords',
  'kinesis:GetShardIterator',
  'kinesis:ListShards',
];

/** What is read: the feed's stream, each reader with a consumer of its own or not. */
export interface ReadableFeed {
  readonly stream: Stream;
  readonly fanOut: boolean;
}

/**
 * Lets a function read the feed: from its oldest record, in order, for ever. Finite retries would discard records; a batch
 * that fails is halved, and its answer names the first failure, so that nothing passes it.
 */
export function readFeed(
  reader: NodeFunction,
  feed: ReadableFeed,
  props: Partial<CfnEventSourceMappingProps> = {},
): void {
  const { streamArn } = feed.stream;
  reader.allow(READ_FEED, [streamArn]);
  const mapping = new CfnEventSourceMapping(reader, 'FromFeed', {
    functionName: reader.function.functionName,
    eventSourceArn: feed.fanOut ? consumerOf(reader, streamArn) : streamArn,
    startingPosition: 'TRIM_HORIZON',
    batchSize: 100,
    maximumBatchingWindowInSeconds: 0,
    maximumRetryAttempts: -1,
    maximumRecordAgeInSeconds: -1,
    bisectBatchOnFunctionError: true,
    functionResponseTypes: ['ReportBatchItemFailures'],
    parallelizationFactor: 1,
    ...props,
  });
  mapping.node.addDependency(reader.role);
}

/** Enhanced fan-out: a consumer with throughput of its own, to which the stream pushes. Its name is unique in the stream. */
function consumerOf(reader: NodeFunction, streamArn: string): string {
  const consumerName = Names.uniqueResourceName(reader, { maxLength: 128, separator: '-' });
  const consumer = new CfnStreamConsumer(reader, 'FeedConsumer', { consumerName, streamArn });
  reader.allow(['kinesis:DescribeStreamConsumer', 'kinesis:SubscribeToShard'], [consumer.attrConsumerArn]);
  return consumer.attrConsumerArn;
}

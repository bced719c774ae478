import type { Stream } from 'aws-cdk-lib/aws-kinesis';
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

/**
 * Lets a function read the feed: from its oldest record, in order, for ever. Finite retries would discard records; a batch
 * that fails is halved, and its answer names the first failure, so that nothing passes it.
 */
export function readFeed(reader: NodeFunction, feed: Stream, props: Partial<CfnEventSourceMappingProps> = {}): void {
  reader.allow(READ_FEED, [feed.streamArn]);
  const mapping = new CfnEventSourceMapping(reader, 'FromFeed', {
    functionName: reader.function.functionName,
    eventSourceArn: feed.streamArn,
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

import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import type { Envelope } from '../feed/envelope.ts';
import type { FeedWriter } from '../feed/feed-writer.ts';
import { inCalls } from './in-calls.ts';

export interface KinesisFeedWriterOptions {
  readonly client: KinesisClient;
  /** The feed's id is its name. */
  readonly streamName: string;
}

/**
 * The feed on Kinesis: one record per envelope, partition key = aggregate.
 *
 * @example
 * const writer = kinesisFeedWriter({ client: new KinesisClient(), streamName: process.env.FEED_ID! });
 */
export function kinesisFeedWriter({ client, streamName }: KinesisFeedWriterOptions): FeedWriter {
  return {
    async put(envelopes) {
      const refused: Envelope[] = [];
      // "Each PutRecords request can support up to 500 records … up to a limit of 5 MiB for the entire request".
      for (const call of inCalls(envelopes, { records: 500, bytes: 5_000_000 })) {
        const { Records } = await client.send(
          new PutRecordsCommand({
            StreamName: streamName,
            Records: call.map(({ envelope, data }) => ({ Data: data, PartitionKey: envelope.aggregate })),
          }),
        );
        // "An unsuccessfully processed record includes ErrorCode": one failure does not stop those after it.
        for (const [i, { envelope }] of call.entries()) {
          if (Records?.[i]?.SequenceNumber === undefined) refused.push(envelope);
        }
      }
      return refused;
    },
  };
}

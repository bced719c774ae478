import { type FirehoseClient, PutRecordBatchCommand } from '@aws-sdk/client-firehose';
import type { Envelope } from '../feed/envelope.ts';
import type { FeedWriter } from '../feed/feed-writer.ts';
import { inCalls } from './in-calls.ts';

export interface FirehoseWriterOptions {
  readonly client: FirehoseClient;
  /** A Direct PUT one: a delivery stream that reads Kinesis refuses PutRecord. */
  readonly deliveryStreamName: string;
}

/**
 * Envelopes straight to the archive, for repairs and backfills: the same records and the same transform as by the feed.
 *
 * @example
 * const archive = firehoseWriter({ client: new FirehoseClient(), deliveryStreamName: 'repairs' });
 */
export function firehoseWriter({ client, deliveryStreamName }: FirehoseWriterOptions): FeedWriter {
  return {
    async put(envelopes) {
      const refused: Envelope[] = [];
      // "Each PutRecordBatch request supports up to 500 records … up to a limit of 4 MB for the entire request".
      for (const call of inCalls(envelopes, { records: 500, bytes: 4_000_000 })) {
        const { RequestResponses } = await client.send(
          new PutRecordBatchCommand({
            DeliveryStreamName: deliveryStreamName,
            Records: call.map(({ data }) => ({ Data: data })),
          }),
        );
        for (const [i, { envelope }] of call.entries()) {
          if (RequestResponses?.[i]?.RecordId === undefined) refused.push(envelope);
        }
      }
      return refused;
    },
  };
}

import * as sdk from '@aws-sdk/client-kinesis';
import { clientOf } from '../client.ts';
import { eventually, uniqueName } from '../expect.ts';
import type { Target } from '../suite.ts';

export type Puts = (...texts: readonly string[]) => Promise<void>;

/** Makes a stream of one shard, waits until it can be used, and leaves nothing behind. */
export async function withStream(
  target: Target,
  play: (arn: string, put: Puts, client: sdk.KinesisClient) => Promise<void>,
): Promise<void> {
  const client = clientOf(target, sdk.KinesisClient);
  const StreamName = uniqueName();
  await client.send(new sdk.CreateStreamCommand({ StreamName, ShardCount: 1 }));
  try {
    const arn = await eventually(async () => {
      const read = await client.send(new sdk.DescribeStreamSummaryCommand({ StreamName }));
      const { StreamStatus, StreamARN } = read.StreamDescriptionSummary ?? {};
      return StreamStatus === 'ACTIVE' ? StreamARN : undefined;
    });
    const put: Puts = async (...texts) => {
      const Records = texts.map((text) => ({ Data: Buffer.from(text), PartitionKey: 'k' }));
      await client.send(new sdk.PutRecordsCommand({ StreamName, Records }));
    };
    await play(arn, put, client);
  } finally {
    await client.send(new sdk.DeleteStreamCommand({ StreamName, EnforceConsumerDeletion: true }));
  }
}

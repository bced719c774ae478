import * as sdk from '@aws-sdk/client-firehose';
import { type Shelf, withBucket } from '../bucket.ts';
import { clientOf } from '../client.ts';
import { eventually, uniqueName } from '../expect.ts';
import { roleOf } from '../role.ts';
import type { Target } from '../suite.ts';

export type Destination = Partial<sdk.ExtendedS3DestinationConfiguration>;

/** A delivery stream, and the bucket that it delivers to. */
export interface Made {
  readonly client: sdk.FirehoseClient;
  readonly DeliveryStreamName: string;
  readonly shelf: Shelf;
  put(...texts: readonly string[]): Promise<sdk.PutRecordBatchCommandOutput>;
}

export const to = (target: Target, Bucket: string, more: Destination): sdk.ExtendedS3DestinationConfiguration => ({
  RoleARN: roleOf(target),
  BucketARN: `arn:aws:s3:::${Bucket}`,
  BufferingHints: { IntervalInSeconds: 0, SizeInMBs: 1 },
  ...more,
});

export async function delivering(
  target: Target,
  destination: Destination,
  play: (made: Made) => Promise<void>,
  more: Partial<sdk.CreateDeliveryStreamCommandInput> = {},
): Promise<void> {
  await withBucket(target, async (shelf) => {
    const client = clientOf(target, sdk.FirehoseClient);
    const DeliveryStreamName = uniqueName();
    const ExtendedS3DestinationConfiguration = to(target, shelf.Bucket, destination);
    await client.send(
      new sdk.CreateDeliveryStreamCommand({ DeliveryStreamName, ExtendedS3DestinationConfiguration, ...more }),
    );
    try {
      await eventually(async () => {
        const read = await client.send(new sdk.DescribeDeliveryStreamCommand({ DeliveryStreamName }));
        return read.DeliveryStreamDescription?.DeliveryStreamStatus === 'ACTIVE' ? true : undefined;
      });
      await play({
        client,
        DeliveryStreamName,
        shelf,
        put: (...texts) =>
          client.send(
            new sdk.PutRecordBatchCommand({
              DeliveryStreamName,
              Records: texts.map((text) => ({ Data: Buffer.from(text) })),
            }),
          ),
      });
    } finally {
      await client.send(new sdk.DeleteDeliveryStreamCommand({ DeliveryStreamName }));
    }
  });
}

export const invalid = (name: string | undefined) =>
  /^(InvalidArgumentException|ValidationException)$/.test(name ?? '');

/** A transformation that does what a record asks for: its text is the status, and what follows a colon the partition key. */
export const TRANSFORM = `exports.handler = async ({ records }) => ({
  records: records.flatMap(({ recordId, data }) => {
    const [result, key] = Buffer.from(data, 'base64').toString().trim().split(':');
    if (result === 'Lost') return [];
    const changed = Buffer.from(result + '!' + '\\n').toString('base64');
    return [{ recordId, result, data: changed, metadata: { partitionKeys: key === undefined ? {} : { key } } }];
  }),
});`;

export const through = (arn: string): sdk.ProcessingConfiguration => ({
  Enabled: true,
  Processors: [
    {
      Type: 'Lambda',
      Parameters: [
        { ParameterName: 'LambdaArn', ParameterValue: arn },
        { ParameterName: 'BufferIntervalInSeconds', ParameterValue: '0' },
      ],
    },
  ],
});

import { expect, it } from 'vitest';
import { createCloud, type Json, ROOT } from '../../../local/cloud.ts';
import { virtualKernel } from '../../../local/kernel/virtual-kernel.ts';
import { createKinesis } from '../../../local/kinesis/kinesis.ts';
import { kinesisResources } from '../../../local/kinesis/resources.ts';

const cloud = createCloud(virtualKernel({ seed: 1 }));
createKinesis(cloud);
const context = {
  cloud,
  stackName: 'Bank',
  logicalId: 'Feed',
  generatedName: 'Bank-Feed-1A2B',
  assetPath: () => '',
  caller: ROOT,
};
const create = (type: string, properties: Json) => {
  const provider = kinesisResources.find((one) => one.type === type);
  if (provider === undefined) throw new Error(`no ${type}`);
  return provider.create(properties, context);
};

it('makes a stream under its generated name, and keeps it on the next start', async () => {
  const properties = { RetentionPeriodHours: 48, StreamModeDetails: { StreamMode: 'ON_DEMAND' } };
  const made = await create('AWS::Kinesis::Stream', properties);
  expect(made).toEqual({
    ref: 'Bank-Feed-1A2B',
    attributes: { Arn: 'arn:aws:kinesis:us-east-1:000000000000:stream/Bank-Feed-1A2B' },
  });
  expect(await create('AWS::Kinesis::Stream', properties)).toEqual(made);
  const { StreamDescriptionSummary } = await cloud.call(ROOT, 'kinesis', 'DescribeStreamSummary', {
    StreamName: made.ref,
  });
  expect(StreamDescriptionSummary).toMatchObject({ RetentionPeriodHours: 48, OpenShardCount: 4 });
});

it('makes a consumer whose Ref is its ARN', async () => {
  const { attributes } = await create('AWS::Kinesis::Stream', { Name: 'other', ShardCount: 1 });
  const made = await create('AWS::Kinesis::StreamConsumer', { ConsumerName: 'fan', StreamARN: attributes.Arn });
  expect(made.ref).toMatch(/stream\/other\/consumer\/fan:\d+$/);
  expect(made.attributes.ConsumerARN).toBe(made.ref);
});

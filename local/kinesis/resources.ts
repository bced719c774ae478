import { type Json, ServiceError } from '../cloud.ts';
import type { ResourceContext, ResourceProvider } from '../resource.ts';

const stream: ResourceProvider = {
  type: 'AWS::Kinesis::Stream',
  properties: [
    'Name',
    'RetentionPeriodHours',
    'ShardCount',
    'StreamModeDetails',
    'StreamEncryption',
    'MaxRecordSizeInKiB',
    'Tags',
  ],
  replacedBy: ['Name'],
  without: { DesiredShardLevelMetrics: 'there are no CloudWatch metrics here' },
  async create(properties, context) {
    const name: string = properties.Name ?? context.generatedName;
    const call = (operation: string, input: Json) =>
      context.cloud.call(context.caller, 'kinesis', operation, { StreamName: name, ...input });
    const made = await createUnlessThere(context, {
      StreamName: name,
      ShardCount: properties.ShardCount,
      StreamModeDetails: properties.StreamModeDetails,
      MaxRecordSizeInKiB: properties.MaxRecordSizeInKiB,
      Tags: Object.fromEntries((properties.Tags ?? []).map((tag: Json) => [tag.Key, tag.Value])),
    });
    const { StreamDescriptionSummary: summary } = await call('DescribeStreamSummary', {});
    const hours = Number(properties.RetentionPeriodHours ?? 24);
    if (hours > summary.RetentionPeriodHours) {
      await call('IncreaseStreamRetentionPeriod', { RetentionPeriodHours: hours });
    } else if (hours < summary.RetentionPeriodHours) {
      await call('DecreaseStreamRetentionPeriod', { RetentionPeriodHours: hours });
    }
    if (made && properties.StreamEncryption !== undefined) {
      await call('StartStreamEncryption', properties.StreamEncryption);
    }
    return { ref: name, attributes: { Arn: summary.StreamARN } };
  },
};

/** True when it was made now; a stream that is still there from an earlier start is kept. */
async function createUnlessThere(context: ResourceContext, input: Json): Promise<boolean> {
  try {
    await context.cloud.call(context.caller, 'kinesis', 'CreateStream', input);
    return true;
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'ResourceInUseException') return false;
    throw error;
  }
}

const streamConsumer: ResourceProvider = {
  type: 'AWS::Kinesis::StreamConsumer',
  properties: ['ConsumerName', 'StreamARN'],
  without: { Tags: 'tags of a consumer change nothing here' },
  async create({ ConsumerName, StreamARN }, { cloud, caller }) {
    try {
      await cloud.call(caller, 'kinesis', 'RegisterStreamConsumer', { ConsumerName, StreamARN });
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== 'ResourceInUseException') throw error;
    }
    const input = { ConsumerName, StreamARN };
    const { ConsumerDescription: made } = await cloud.call(caller, 'kinesis', 'DescribeStreamConsumer', input);
    return {
      ref: made.ConsumerARN,
      attributes: {
        ConsumerARN: made.ConsumerARN,
        ConsumerCreationTimestamp: String(made.ConsumerCreationTimestamp),
        ConsumerName: made.ConsumerName,
        ConsumerStatus: made.ConsumerStatus,
        StreamARN,
      },
    };
  },
};

/** The CloudFormation types of Kinesis. */
export const kinesisResources: readonly ResourceProvider[] = [stream, streamConsumer];

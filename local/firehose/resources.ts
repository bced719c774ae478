import type { Json } from '../cloud.ts';
import type { Created, ResourceContext, ResourceProvider } from '../resource.ts';

const deliveryStream: ResourceProvider = {
  type: 'AWS::KinesisFirehose::DeliveryStream',
  properties: [
    'DeliveryStreamName',
    'DeliveryStreamType',
    'ExtendedS3DestinationConfiguration',
    'KinesisStreamSourceConfiguration',
  ],
  without: {
    DeliveryStreamEncryptionConfigurationInput: 'nothing is encrypted at rest here',
    Tags: 'tags have no effect here',
  },
  async create(properties: Json, { cloud, caller, generatedName }: ResourceContext): Promise<Created> {
    const { DeliveryStreamEncryptionConfigurationInput: _, Tags: __, ...rest } = properties;
    const DeliveryStreamName = properties.DeliveryStreamName ?? generatedName.slice(0, 64);
    const { DeliveryStreamARN } = await cloud.call(caller, 'firehose', 'CreateDeliveryStream', {
      ...rest,
      DeliveryStreamName,
    });
    return { ref: DeliveryStreamName, attributes: { Arn: DeliveryStreamARN } };
  },
};

/** The resource types of Firehose that a template may have here. */
export const firehoseResources: readonly ResourceProvider[] = [deliveryStream];

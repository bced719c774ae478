import { type Json, ServiceError } from '../cloud.ts';
import type { ResourceProvider } from '../resource.ts';

/** Properties that are the queue's attributes under the same name. */
const ATTRIBUTES = [
  'DelaySeconds',
  'MaximumMessageSize',
  'MessageRetentionPeriod',
  'ReceiveMessageWaitTimeSeconds',
  'VisibilityTimeout',
  'RedrivePolicy',
  'RedriveAllowPolicy',
  'KmsMasterKeyId',
  'KmsDataKeyReusePeriodSeconds',
  'SqsManagedSseEnabled',
  'FifoQueue',
  'ContentBasedDeduplication',
  'DeduplicationScope',
  'FifoThroughputLimit',
];

const queue: ResourceProvider = {
  type: 'AWS::SQS::Queue',
  properties: ['QueueName', 'Tags', ...ATTRIBUTES],
  replacedBy: ['QueueName', 'FifoQueue'],
  async create(properties, { cloud, caller, generatedName }) {
    const fifo = String(properties.FifoQueue) === 'true';
    const QueueName: string =
      properties.QueueName ?? (fifo ? `${generatedName.slice(-75)}.fifo` : generatedName.slice(-80));
    const Attributes: Record<string, string> = {};
    for (const name of ATTRIBUTES) {
      const value = properties[name];
      // CloudFormation sends `FifoQueue: false` for a standard queue to nobody: the service refuses it.
      if (value === undefined || (!fifo && name === 'FifoQueue')) continue;
      Attributes[name] = typeof value === 'object' ? JSON.stringify(value) : String(value);
    }
    const tags = Object.fromEntries((properties.Tags ?? []).map((tag: Json) => [tag.Key, tag.Value]));
    const call = (operation: string, input: Json) => cloud.call(caller, 'sqs', operation, input);
    let url: string;
    try {
      url = (await call('CreateQueue', { QueueName, Attributes, tags })).QueueUrl;
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== 'QueueNameExists') throw error;
      // Still there from an earlier start: the template's settings win.
      url = (await call('GetQueueUrl', { QueueName })).QueueUrl;
      const { FifoQueue: _, ...changes } = Attributes;
      await call('SetQueueAttributes', { QueueUrl: url, Attributes: changes });
    }
    const { region, accountId } = cloud.account;
    return {
      ref: url,
      attributes: { Arn: `arn:aws:sqs:${region}:${accountId}:${QueueName}`, QueueName, QueueUrl: url },
    };
  },
};

const queuePolicy: ResourceProvider = {
  type: 'AWS::SQS::QueuePolicy',
  properties: ['PolicyDocument', 'Queues'],
  async create({ PolicyDocument, Queues }, { cloud, caller, generatedName }) {
    const Policy = typeof PolicyDocument === 'string' ? PolicyDocument : JSON.stringify(PolicyDocument);
    for (const QueueUrl of Queues) {
      await cloud.call(caller, 'sqs', 'SetQueueAttributes', { QueueUrl, Attributes: { Policy } });
    }
    return { ref: generatedName, attributes: { Id: generatedName } };
  },
};

/** The CloudFormation types of SQS. */
export const sqsResources: readonly ResourceProvider[] = [queue, queuePolicy];

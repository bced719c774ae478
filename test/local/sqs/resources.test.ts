import { expect, it } from 'vitest';
import { createCloud, type Json, ROOT } from '../../../local/cloud.ts';
import { virtualKernel } from '../../../local/kernel/virtual-kernel.ts';
import { sqsResources } from '../../../local/sqs/resources.ts';
import { createSqs } from '../../../local/sqs/sqs.ts';

const cloud = createCloud(virtualKernel({ seed: 1 }));
const sqs = createSqs(cloud);
const create = (type: string, properties: Json, generatedName = 'Bank-Letters-1A2B') => {
  const provider = sqsResources.find((one) => one.type === type);
  if (provider === undefined) throw new Error(`no ${type}`);
  const context = { cloud, stackName: 'Bank', logicalId: 'Letters', generatedName, assetPath: () => '', caller: ROOT };
  return provider.create(properties, context);
};

it('makes queues, again on the next start with what the template says now', async () => {
  const dead = await create('AWS::SQS::Queue', { MessageRetentionPeriod: 1209600 });
  expect(dead).toEqual({
    ref: 'http://127.0.0.1/000000000000/Bank-Letters-1A2B',
    attributes: {
      Arn: 'arn:aws:sqs:us-east-1:000000000000:Bank-Letters-1A2B',
      QueueName: 'Bank-Letters-1A2B',
      QueueUrl: 'http://127.0.0.1/000000000000/Bank-Letters-1A2B',
    },
  });
  const RedrivePolicy = { deadLetterTargetArn: dead.attributes.Arn, maxReceiveCount: 3 };
  const work = await create('AWS::SQS::Queue', { FifoQueue: false, RedrivePolicy }, 'Bank-Work');
  await create('AWS::SQS::Queue', { VisibilityTimeout: 90, RedrivePolicy }, 'Bank-Work');
  const { Attributes } = await cloud.call(ROOT, 'sqs', 'GetQueueAttributes', {
    QueueUrl: work.ref,
    AttributeNames: ['All'],
  });
  expect(Attributes).toMatchObject({ VisibilityTimeout: '90', RedrivePolicy: JSON.stringify(RedrivePolicy) });
  const fifo = await create('AWS::SQS::Queue', { FifoQueue: true }, 'Bank-Fifo');
  expect(fifo.attributes.QueueName).toBe('Bank-Fifo.fifo');
});

it('keeps the policy where the evaluator of policies finds it', async () => {
  const { ref, attributes } = await create('AWS::SQS::Queue', {}, 'Bank-Guarded');
  const PolicyDocument = { Version: '2012-10-17', Statement: [{ Effect: 'Deny', Principal: '*', Action: 'sqs:*' }] };
  expect(sqs.queuePolicyOf(attributes.Arn ?? '')).toBeUndefined();
  await create('AWS::SQS::QueuePolicy', { PolicyDocument, Queues: [ref] });
  expect(sqs.queuePolicyOf(attributes.Arn ?? '')).toEqual(PolicyDocument);
});

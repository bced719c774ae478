import { createCloud, type Json, ROOT } from '../../../local/cloud.ts';
import { virtualKernel } from '../../../local/kernel/virtual-kernel.ts';
import { createKinesis } from '../../../local/kinesis/kinesis.ts';
import { createLambda, type LambdaOptions } from '../../../local/lambda/lambda.ts';
import { createSqs } from '../../../local/sqs/sqs.ts';

/** Kinesis, SQS and Lambda in seeded virtual time. */
export function virtualCloud(options: LambdaOptions = {}, seed = 1) {
  const kernel = virtualKernel({ seed });
  const cloud = createCloud(kernel);
  const kinesis = createKinesis(cloud);
  const sqs = createSqs(cloud);
  const lambda = createLambda(cloud, { sources: { kinesis, sqs }, ...options });
  const root = (service: Parameters<typeof cloud.call>[1]) => (operation: string, input: Json) =>
    cloud.call(ROOT, service, operation, input);
  return {
    kernel,
    cloud,
    kinesis,
    lambda,
    feeds: root('kinesis'),
    functions: root('lambda'),
    queues: root('sqs'),
    startedAt: kernel.clock.now(),
    /** Runs until so many milliseconds after now. */
    run: (ms: number) => kernel.run(kernel.clock.now() + ms),
    /** Makes a queue; gives its URL. */
    async queue(QueueName: string, Attributes: Record<string, string> = {}): Promise<string> {
      return (await cloud.call(ROOT, 'sqs', 'CreateQueue', { QueueName, Attributes })).QueueUrl;
    },
    /** Takes every message that is there. */
    async drain(QueueUrl: string): Promise<Json[]> {
      const all: Json[] = [];
      for (;;) {
        const { Messages = [] } = await cloud.call(ROOT, 'sqs', 'ReceiveMessage', {
          QueueUrl,
          MaxNumberOfMessages: 10,
          MessageAttributeNames: ['All'],
        });
        if (Messages.length === 0) return all;
        all.push(...Messages);
      }
    },
    put: (StreamName: string, key: string, value: Json) =>
      cloud.call(ROOT, 'kinesis', 'PutRecord', {
        StreamName,
        PartitionKey: key,
        Data: Buffer.from(JSON.stringify(value)).toString('base64'),
      }),
  };
}

/** What a Kinesis event brought, parsed. */
export function valuesOf(event: Json): Json[] {
  return event.Records.map((record: Json) => JSON.parse(Buffer.from(record.kinesis.data, 'base64').toString('utf8')));
}

export const streamArn = (name: string) => `arn:aws:kinesis:us-east-1:000000000000:stream/${name}`;
export const queueArn = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${name}`;

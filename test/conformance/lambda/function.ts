import * as sdk from '@aws-sdk/client-lambda';
import * as queues from '@aws-sdk/client-sqs';
import { zip } from '../../local/lambda/zip.ts';
import { clientOf } from '../client.ts';
import { eventually, uniqueName } from '../expect.ts';
import { roleOf } from '../role.ts';
import type { Target } from '../suite.ts';

/** A function that was made for one case. */
export interface Made {
  readonly client: sdk.LambdaClient;
  readonly FunctionName: string;
  readonly arn: string;
  /** What it answers, parsed, beside the answer itself. */
  invoke(event: unknown, more?: Partial<sdk.InvokeCommandInput>): Promise<sdk.InvokeCommandOutput & { body: unknown }>;
}

/** The archive of a function whose `index.js` is this. */
export const archive = (text: string) => zip({ 'index.js': text });

/** Makes a function, waits until it can be used, and leaves nothing behind. */
export async function withFunction<T>(
  target: Target,
  code: string,
  more: Partial<sdk.CreateFunctionCommandInput>,
  play: (made: Made) => Promise<T>,
): Promise<T> {
  const client = clientOf(target, sdk.LambdaClient);
  const FunctionName = uniqueName();
  const made = await client.send(new sdk.CreateFunctionCommand({ ...input(target, FunctionName, code), ...more }));
  try {
    await sdk.waitUntilFunctionActiveV2({ client, maxWaitTime: 120, minDelay: 1, maxDelay: 2 }, { FunctionName });
    return await play({
      client,
      FunctionName,
      arn: made.FunctionArn!,
      async invoke(event, given = {}) {
        const Payload = Buffer.from(JSON.stringify(event));
        const answer = await client.send(new sdk.InvokeCommand({ FunctionName, Payload, ...given }));
        const text = Buffer.from(answer.Payload ?? []).toString();
        return { ...answer, body: text === '' ? undefined : JSON.parse(text) };
      },
    });
  } finally {
    await client.send(new sdk.DeleteFunctionCommand({ FunctionName }));
  }
}

export const input = (target: Target, FunctionName: string, code: string): sdk.CreateFunctionCommandInput => ({
  FunctionName,
  Role: roleOf(target),
  Runtime: 'nodejs22.x',
  Handler: 'index.handler',
  Code: { ZipFile: archive(code) },
});

/** A queue that a case reads what happened from. */
export interface Inbox {
  readonly client: queues.SQSClient;
  readonly QueueUrl: string;
  readonly arn: string;
  send(...bodies: readonly string[]): Promise<void>;
  /** The next messages, taken off the queue, until there are so many. */
  take(count: number): Promise<readonly queues.Message[]>;
}

export async function withQueue<T>(
  target: Target,
  play: (inbox: Inbox) => Promise<T>,
  Attributes: Record<string, string> = {},
): Promise<T> {
  const client = clientOf(target, queues.SQSClient);
  const QueueName = `${uniqueName()}${Attributes.FifoQueue === 'true' ? '.fifo' : ''}`;
  const { QueueUrl } = await client.send(new queues.CreateQueueCommand({ QueueName, Attributes }));
  const read = new queues.GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] });
  const arn = (await client.send(read)).Attributes!.QueueArn!;
  const taken: queues.Message[] = [];
  try {
    return await play({
      client,
      QueueUrl: QueueUrl!,
      arn,
      async send(...bodies) {
        const Entries = bodies.map((MessageBody, i) => ({ Id: String(i), MessageBody }));
        await client.send(new queues.SendMessageBatchCommand({ QueueUrl, Entries }));
      },
      async take(count) {
        await eventually(async () => {
          const { Messages = [] } = await client.send(
            new queues.ReceiveMessageCommand({
              QueueUrl,
              MaxNumberOfMessages: 10,
              WaitTimeSeconds: 1,
              MessageAttributeNames: ['All'],
            }),
          );
          for (const { ReceiptHandle } of Messages)
            await client.send(new queues.DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
          taken.push(...Messages);
          return taken.length >= count ? true : undefined;
        });
        return taken.splice(0, count);
      },
    });
  } finally {
    await client.send(new queues.DeleteQueueCommand({ QueueUrl }));
  }
}

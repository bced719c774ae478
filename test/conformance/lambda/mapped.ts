import * as sdk from '@aws-sdk/client-lambda';
import type { Target } from '../suite.ts';
import { type Inbox, type Made, withFunction, withQueue } from './function.ts';

/** Tells a queue what it got, each batch a message, and answers or throws as `rest` says of `bodies`. */
export const telling = (bodyOf: string, rest: string) => `
const { SQSClient, SendMessageCommand } = require('@aws-sdk/client-sqs');
const client = new SQSClient({});
exports.handler = async ({ Records }) => {
  const bodies = Records.map((record) => ${bodyOf});
  await client.send(new SendMessageCommand({ QueueUrl: process.env.TOLD, MessageBody: JSON.stringify(bodies) }));
  ${rest}
};`;

export const told = async (inbox: Inbox, count: number): Promise<string[][]> =>
  (await inbox.take(count)).map(({ Body }) => JSON.parse(Body!));

/** Maps a source to a function that tells `inbox`, until the case is over. */
export async function mapped(
  target: Target,
  code: string,
  mapping: Omit<sdk.CreateEventSourceMappingCommandInput, 'FunctionName'>,
  play: (inbox: Inbox, made: Made) => Promise<void>,
): Promise<void> {
  await withQueue(target, (inbox) =>
    withFunction(target, code, { Environment: { Variables: { TOLD: inbox.QueueUrl } } }, async (made) => {
      const { client, FunctionName } = made;
      const { UUID } = await client.send(new sdk.CreateEventSourceMappingCommand({ FunctionName, ...mapping }));
      try {
        await play(inbox, made);
      } finally {
        await client.send(new sdk.DeleteEventSourceMappingCommand({ UUID }));
      }
    }),
  );
}

export const KINESIS = "Buffer.from(record.kinesis.data, 'base64').toString()";

import { Readable } from 'node:stream';
import { type DynamoDBClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import type { EventItem } from './event-item.ts';

export interface QueryPage {
  readonly items: readonly EventItem[];
  readonly next: EventItem | undefined;
}

/** What a DynamoDB answer holds that a query for events needs. */
interface Answer {
  readonly Items?: readonly EventItem[];
  readonly LastEvaluatedKey?: EventItem;
}

/** The part of the SDK's HTTP answer that is used here. */
interface HttpAnswer {
  readonly statusCode: number;
  body: unknown;
}

const NOTHING = Buffer.from('{}');

/**
 * A Query whose answer is parsed once. The SDK's own deserialiser walks every attribute of every item and takes 85 % of the
 * CPU of a load (measured); texts and numbers, all that events are made of, need none of it. Signing, retries and errors
 * stay the SDK's.
 */
export async function sendQuery(client: DynamoDBClient, input: QueryCommandInput): Promise<QueryPage> {
  const command = new QueryCommand(input);
  let answer: Answer | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const http = result.response as HttpAnswer;
      if (http.statusCode !== 200) return result;
      answer = JSON.parse(await textOf(http.body, client)) as Answer;
      http.body = NOTHING;
      return result;
    },
    // Nearer to the wire than the deserialiser, which then finds an empty answer.
    { step: 'deserialize', priority: 'low', name: 'daybookParseOnce' },
  );
  await client.send(command);
  return { items: answer?.Items ?? [], next: answer?.LastEvaluatedKey };
}

/** Decoded as it comes: the bytes of a page, gathered first, would lie beside its text. */
async function textOf(body: unknown, client: DynamoDBClient): Promise<string> {
  if (body instanceof Readable) {
    body.setEncoding('utf8');
    let text = '';
    for await (const part of body) text += part;
    return text;
  }
  const bytes = body instanceof Uint8Array ? body : await client.config.streamCollector(body);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

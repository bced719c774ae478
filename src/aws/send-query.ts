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
      const bytes = http.body instanceof Uint8Array ? http.body : await client.config.streamCollector(http.body);
      answer = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as Answer;
      http.body = NOTHING;
      return result;
    },
    // Nearer to the wire than the deserialiser, which then finds an empty answer.
    { step: 'deserialize', priority: 'low', name: 'daybookParseOnce' },
  );
  await client.send(command);
  return { items: answer?.Items ?? [], next: answer?.LastEvaluatedKey };
}

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SDK_CONFIG } from '../local/sdk-handler.ts';

/** The body of an answer. The request's is only decoded where it is asked for: the SDK hands over bytes. */
export type AnswerTo = (operation: string, body: () => string) => Buffer;

const decoder = new TextDecoder();

/**
 * A client of DynamoDB whose requests are answered at once, in this process: everything that the SDK does is done, signing
 * too, but for the socket. What is left is the CPU of the client's side.
 */
export function stubClient(answerTo: AnswerTo): DynamoDBClient {
  return new DynamoDBClient(stubbed(answerTo));
}

/** The configuration of such a client, for any service that speaks a JSON protocol. */
export function stubbed(answerTo: AnswerTo) {
  const requestHandler = {
    async handle({ headers, body }: { readonly headers: Record<string, string>; readonly body: Uint8Array }) {
      const target = headers['x-amz-target'] ?? headers['X-Amz-Target'] ?? '';
      const operation = target.split('.')[1]!;
      return {
        response: {
          statusCode: 200,
          headers: { 'content-type': 'application/x-amz-json-1.0' },
          body: answerTo(operation, () => decoder.decode(body)),
        },
      };
    },
    destroy() {},
    metadata: { handlerProtocol: 'http/1.1' },
  };
  return { ...SDK_CONFIG, requestHandler };
}

interface KeyRange {
  readonly ExclusiveStartKey?: Readonly<Record<string, { readonly N?: string }>>;
}

/** Answers queries with these items, so many to a page; `sortKey` is the name of the one that numbers them from 1. */
export function pagesOf(
  items: readonly Readonly<Record<string, unknown>>[],
  sortKey: string,
  pageSize: number,
): AnswerTo {
  const pages: Buffer[] = [];
  for (let start = 0; start < items.length; start += pageSize) {
    const page = items.slice(start, start + pageSize);
    const last =
      start + page.length < items.length ? { LastEvaluatedKey: { [sortKey]: { N: `${start + page.length}` } } } : {};
    pages.push(Buffer.from(JSON.stringify({ Count: page.length, ScannedCount: page.length, Items: page, ...last })));
  }
  return (operation, body) => {
    if (operation !== 'Query') throw new Error(`no answer to ${operation} was made`);
    const after = Number((JSON.parse(body()) as KeyRange).ExclusiveStartKey?.[sortKey]?.N ?? 0);
    return pages[after / pageSize]!;
  };
}

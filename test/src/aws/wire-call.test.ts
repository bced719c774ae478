import { Readable } from 'node:stream';
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { newRoom, wireCall } from '../../../src/aws/wire-call.ts';

interface Sent {
  readonly headers: Record<string, string>;
  readonly hostname: string;
  readonly path: string;
  readonly method: string;
  readonly body: Uint8Array;
}

const TABLE = 'arn:aws:dynamodb:eu-west-1:123456789012:table/events';
const Item = { AggregateUuid: { S: 'ä"\\\u2028' }, Version: { N: '1' } };
const Key = { AggregateUuid: { S: 'a' }, Version: { N: '1' } };

/** A client of the SDK as users make it: its endpoint comes of its rules. */
function clientOf(answers: { readonly statusCode: number; readonly body: unknown }[]) {
  const sent: Sent[] = [];
  const client = new DynamoDBClient({
    region: 'eu-west-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b', accountId: '210987654321' },
    requestHandler: {
      async handle(request: Sent) {
        sent.push(request);
        return { response: { headers: {}, ...(answers.shift() ?? { statusCode: 200, body: Buffer.from('{}') }) } };
      },
    } as never,
  });
  return { client, sent };
}

const json = (statusCode: number, body: object) => ({ statusCode, body: Buffer.from(JSON.stringify(body)) });
const put = { TableName: TABLE, Item, ConditionExpression: 'attribute_not_exists(AggregateUuid)' };

describe('a call with the wire’s own JSON', () => {
  it.each([
    ['PutItem', put, new PutItemCommand(put)],
    ['GetItem', { TableName: TABLE, Key }, new GetItemCommand({ TableName: TABLE, Key })],
    ['Query', { TableName: TABLE, Limit: 3 }, new QueryCommand({ TableName: TABLE, Limit: 3 })],
    ['Scan', { TableName: TABLE }, new ScanCommand({ TableName: TABLE })],
    [
      'TransactWriteItems',
      { TransactItems: [{ Put: put }], ClientRequestToken: 't' },
      new TransactWriteItemsCommand({ TransactItems: [{ Put: put }], ClientRequestToken: 't' }),
    ],
  ] as const)(
    'sends %s as the SDK’s own command does: to the same endpoint, signed, with the same body',
    async (operation, input, command) => {
      const { client, sent } = clientOf([]);
      await wireCall(client, operation, TABLE, input);
      await client.send(command as PutItemCommand);
      const [ours, theirs] = sent as [Sent, Sent];
      expect(JSON.parse(Buffer.from(ours.body).toString())).toEqual(JSON.parse(Buffer.from(theirs.body).toString()));
      expect(ours).toMatchObject({ hostname: theirs.hostname, path: theirs.path, method: theirs.method });
      expect(Object.keys(ours.headers).sort()).toEqual(Object.keys(theirs.headers).sort());
      for (const name of ['x-amz-target', 'content-type', 'host'])
        expect(ours.headers[name]).toBe(theirs.headers[name]);
      expect(ours.headers['content-length']).toBe(String(ours.body.byteLength));
      expect(ours.headers.authorization).toContain('SignedHeaders=');
    },
  );

  it('fails with the SDK’s exceptions, with what they carry', async () => {
    const { client } = clientOf([
      json(400, { __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException', message: 'no', Item }),
      json(400, {
        __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
        CancellationReasons: [{ Code: 'ConditionalCheckFailed', Item }],
      }),
    ]);
    const refused = await wireCall(client, 'PutItem', TABLE, put).catch((error) => error);
    expect(refused).toBeInstanceOf(ConditionalCheckFailedException);
    expect(refused.Item).toEqual(Item);
    const cancelled = await wireCall(client, 'TransactWriteItems', TABLE, {}).catch((error) => error);
    expect(cancelled).toBeInstanceOf(TransactionCanceledException);
    expect(cancelled.CancellationReasons).toEqual([{ Code: 'ConditionalCheckFailed', Item }]);
  });

  it('is made again by the SDK after a passing failure', async () => {
    const { client, sent } = clientOf([json(500, { __type: 'InternalServerError' }), json(200, { Item })]);
    const answer = await wireCall(client, 'GetItem', TABLE, { TableName: TABLE, Key });
    expect(JSON.parse(answer.toString())).toEqual({ Item });
    expect(sent).toHaveLength(2);
  });

  it('gathers a stream in memory that the next answer takes again', async () => {
    const streamed = (...parts: string[]) => ({
      statusCode: 200,
      body: Readable.from(parts.map((part) => Buffer.from(part))),
    });
    const { client } = clientOf([streamed('{"Count', '":1', '23}'), streamed('{"Count":4}'), streamed('{}')]);
    const room = newRoom();
    const first = await wireCall(client, 'Query', TABLE, {}, room);
    expect(first.toString()).toBe('{"Count":123}');
    const taken = room.bytes;
    expect((await wireCall(client, 'Query', TABLE, {}, room)).toString()).toBe('{"Count":4}');
    expect(room.bytes).toBe(taken);
    expect((await wireCall(client, 'Query', TABLE, {})).toString()).toBe('{}');
  });
});

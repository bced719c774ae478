import { Readable } from 'node:stream';
import {
  DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  ResourceNotFoundException,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { newRoom, readItems } from '../../../src/aws/read-items.ts';

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

describe('a reading command whose answer is taken as bytes', () => {
  it.each([
    ['GetItem', () => new GetItemCommand({ TableName: TABLE, Key })],
    ['Query', () => new QueryCommand({ TableName: TABLE, Limit: 3 })],
    ['Scan', () => new ScanCommand({ TableName: TABLE })],
  ])('is %s as the SDK sends it, and answers with what came', async (_, command) => {
    const answers = () => [json(200, { Item, Items: [Item] }), json(200, { Item, Items: [Item] })];
    const { client, sent } = clientOf(answers());
    const bytes = await readItems(client, command() as QueryCommand);
    const theirs = await client.send(command() as QueryCommand);
    expect(JSON.parse(bytes.toString())).toMatchObject({ Items: [Item] });
    expect(theirs.Items ?? [Item]).toEqual([Item]);
    expect(sent[0]).toMatchObject({ hostname: sent[1]!.hostname, path: sent[1]!.path, body: sent[1]!.body });
  });

  it('fails with the SDK’s exceptions', async () => {
    const { client } = clientOf([
      json(400, { __type: 'com.amazonaws.dynamodb#ResourceNotFoundException', message: 'no' }),
    ]);
    const refused = await readItems(client, new QueryCommand({ TableName: TABLE })).catch((error) => error);
    expect(refused).toBeInstanceOf(ResourceNotFoundException);
  });

  it('takes the answer of a client that answers by itself', async () => {
    const { client } = clientOf([]);
    const sent: unknown[] = [];
    client.send = async (command: unknown) => {
      sent.push(command);
      return { Items: [Item] };
    };
    const answer = await readItems(client, new QueryCommand({ TableName: TABLE }));
    expect(JSON.parse(answer.toString())).toEqual({ Items: [Item] });
    expect(sent).toEqual([expect.any(QueryCommand)]);
  });

  it('is made again by the SDK after a passing failure', async () => {
    const { client, sent } = clientOf([json(500, { __type: 'InternalServerError' }), json(200, { Item })]);
    const answer = await readItems(client, new GetItemCommand({ TableName: TABLE, Key }));
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
    const first = await readItems(client, new QueryCommand({ TableName: TABLE }), room);
    expect(first.toString()).toBe('{"Count":123}');
    const taken = room.bytes;
    expect((await readItems(client, new QueryCommand({ TableName: TABLE }), room)).toString()).toBe('{"Count":4}');
    expect(room.bytes).toBe(taken);
    expect((await readItems(client, new QueryCommand({ TableName: TABLE }))).toString()).toBe('{}');
  });
});

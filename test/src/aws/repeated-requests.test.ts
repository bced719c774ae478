import { Readable } from 'node:stream';
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { expect, test, vi } from 'vitest';
import { leanClient } from '../../../src/aws/lean-client.ts';
import { prepareToRead, putItem, readItems } from '../../../src/aws/read-items.ts';

interface Sent {
  readonly headers: Record<string, string>;
  readonly hostname: string;
  readonly body: Uint8Array;
}

const Key = { AggregateUuid: { S: 'ä"\\\u2028' }, Version: { N: '1' } };
const get = (TableName = 'events') => new GetItemCommand({ TableName, Key, ConsistentRead: true });
const put = () =>
  new PutItemCommand({ TableName: 'events', Item: Key, ConditionExpression: 'attribute_not_exists(Version)' });

type Answer = { readonly statusCode: number; readonly body: unknown } | Error;
const json = (statusCode: number, body: object): Answer => ({ statusCode, body: Buffer.from(JSON.stringify(body)) });

interface Given {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  accountId?: string;
}

/** `learned`: as the SDK has sent the first of each kind, the next ones are sent. */
async function clientOf(
  answers: Answer[] = [],
  learned: readonly (() => GetItemCommand | PutItemCommand)[] = [get, put],
) {
  const sent: Sent[] = [];
  const given: Given = { accessKeyId: 'a', secretAccessKey: 'b', accountId: '210987654321' };
  const client = new DynamoDBClient({
    ...{ region: 'eu-west-1', credentials: async () => given, maxAttempts: 3 },
    requestHandler: {
      async handle(request: Sent) {
        sent.push(request);
        const answer = answers.shift() ?? json(200, {});
        if (answer instanceof Error) throw answer;
        return { response: { headers: {}, ...answer } };
      },
    } as never,
  });
  prepareToRead(client);
  const later = answers.splice(0);
  leanClient(client);
  for (const command of learned) await readItems(client, command() as GetItemCommand);
  answers.push(...later);
  const first = sent.splice(0);
  return { client, sent, given, first };
}

const SIGNED = ['authorization', 'x-amz-date', 'x-amz-content-sha256'];

test('a request that is repeated is signed as the SDK signs it, and has its headers and its body', async () => {
  const { client, sent, first } = await clientOf();
  const ofSdk = new DynamoDBClient({ region: 'eu-west-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });
  const signer = (await ofSdk.config.signer({ name: 'sigv4', signingName: 'dynamodb' } as never)) as unknown as {
    sign(request: object, options: object): Promise<Sent>;
  };
  await readItems(client, get());
  await putItem(client, put());
  expect(sent).toHaveLength(2);
  for (const [i, request] of sent.entries()) {
    const { 'x-amz-date': at = '' } = request.headers;
    const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !SIGNED.includes(name)));
    const signingDate = new Date(at.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z'));
    const options = { signingDate, signingRegion: 'eu-west-1', signingService: 'dynamodb' };
    expect((await signer.sign({ ...request, headers }, options)).headers.authorization).toBe(
      request.headers.authorization,
    );
    expect(Object.keys(request.headers).sort()).toEqual(Object.keys(first[i]!.headers).sort());
    expect(request.hostname).toBe(first[i]!.hostname);
    const [theirs, ours] = [first[i]!, request].map(({ body }) => JSON.parse(new TextDecoder().decode(body)));
    expect(ours).toEqual(theirs);
  }
  expect(sent[0]!.headers['amz-sdk-invocation-id']).not.toBe(first[0]!.headers['amz-sdk-invocation-id']);
});

test('what is refused is told by the SDK’s exception, and asked once', async () => {
  const refusal = json(400, { __type: 'com.amazonaws.dynamodb#ConditionalCheckFailedException', message: 'no' });
  const { client, sent } = await clientOf([refusal]);
  const refused = await putItem(client, put()).catch((error) => error);
  expect(refused).toBeInstanceOf(ConditionalCheckFailedException);
  expect(refused.$metadata).toMatchObject({ httpStatusCode: 400, attempts: 1 });
  expect(sent).toHaveLength(1);
});

test.each([
  ['a server’s error', () => json(500, { __type: 'InternalServerError' })],
  ['throttling', () => json(400, { __type: 'ProvisionedThroughputExceededException' })],
  ['a connection that breaks', () => Object.assign(new Error('reset'), { code: 'ECONNRESET' })],
])('after %s the SDK tries again, as many times as ever', async (_, fails) => {
  const mended = await clientOf([fails(), fails(), json(200, { Item: Key })]);
  expect(JSON.parse((await readItems(mended.client, get())).toString())).toEqual({ Item: Key });
  expect(mended.sent).toHaveLength(3);
  const broken = await clientOf([fails(), fails(), fails(), fails()]);
  expect((await readItems(broken.client, get()).catch((error) => error)).$metadata?.attempts).toBe(3);
  expect(broken.sent).toHaveLength(3);
});

test('new credentials sign what comes after them; what the SDK has to decide anew it decides', async () => {
  const { client, sent, given } = await clientOf();
  const sendOne = async (changed: Partial<Given>) => {
    Object.assign(given, changed);
    // As a provider does, whose credentials have run out.
    Object.defineProperty(client.config, 'credentials', { value: async () => ({ ...given }), configurable: true });
    await readItems(client, get());
    return sent.splice(0);
  };
  const [rotated] = await sendOne({ accessKeyId: 'c', secretAccessKey: 'd' });
  expect(rotated!.headers.authorization).toContain('Credential=c/');
  // Of a token the first request had none in its signature; another account has another endpoint.
  for (const changed of [{ sessionToken: 't' }, { accountId: '1' }]) expect(await sendOne(changed)).toHaveLength(1);
});

test('each table has its own endpoint, also the one of another account', async () => {
  const { client, sent } = await clientOf();
  const other = 'arn:aws:dynamodb:eu-west-1:123456789012:table/events';
  for (const table of [other, other, 'events']) await readItems(client, get(table));
  expect(sent.map(({ hostname }) => hostname)).toEqual([
    '123456789012.ddb.eu-west-1.amazonaws.com',
    '123456789012.ddb.eu-west-1.amazonaws.com',
    '210987654321.ddb.eu-west-1.amazonaws.com',
  ]);
});

test('an answer that comes as a stream is read to its end', async () => {
  const streams = ['{"Item":', '{}'].map((text) => Readable.from([Buffer.from(text), Buffer.from('{}}')]));
  const { client } = await clientOf(streams.map((body) => ({ statusCode: 200, body })));
  expect((await readItems(client, get())).toString()).toBe('{"Item":{}}');
  await putItem(client, put());
  expect(streams.every((stream) => stream.readableEnded)).toBe(true);
});

test('what tells of the invocation that was first is not repeated', async () => {
  vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'replay-catch-up');
  vi.stubEnv('_X_AMZN_TRACE_ID', 'Root=1-first');
  const { client, sent, first } = await clientOf();
  expect(first[0]!.headers['X-Amzn-Trace-Id']).toBe('Root=1-first');
  await readItems(client, get());
  expect(JSON.stringify(sent[0]!.headers)).not.toContain('first');
  vi.unstubAllEnvs();
});

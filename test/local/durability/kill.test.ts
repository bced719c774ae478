import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateTableCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { PutRecordCommand as DeliverCommand, FirehoseClient } from '@aws-sdk/client-firehose';
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { seededRandom } from '../../../local/kernel/kernel.ts';
import { synthesizeDurableApp } from './durable-app.ts';
import { killAll, killEarly, type Served, serve } from './served.ts';

vi.stubEnv('CDK_VALIDATION', 'false');

const folder = mkdtempSync(join(tmpdir(), 'daybook-kill-'));
const assembly = join(folder, 'cdk.out');
const data = join(folder, 'data');

beforeAll(() => synthesizeDurableApp(assembly));
afterAll(() => {
  killAll();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

function clientsOf({ config }: Served) {
  return {
    tables: new DynamoDBClient(config),
    feeds: new KinesisClient(config),
    queues: new SQSClient(config),
    events: new EventBridgeClient(config),
    machines: new SFNClient(config),
    functions: new LambdaClient(config),
    delivery: new FirehoseClient(config),
    files: new S3Client({ ...config, forcePathStyle: true }),
  };
}

const KINDS = [
  'put',
  'transaction',
  'record',
  'message',
  'event',
  'execution',
  'async',
  'delivered',
  'object',
  'deleted',
  'consumed',
  'made',
] as const;
type Kind = (typeof KINDS)[number];

/** What was acknowledged, by kind, and which transactions were tried. */
const acknowledged = new Map<Kind, Set<string>>();
const tried = new Set<string>();
const acked = (kind: Kind, ids: readonly string[]) => {
  const known = acknowledged.get(kind) ?? new Set();
  acknowledged.set(kind, known);
  for (const id of ids) known.add(id);
};

/** Works until the runtime is gone: each kind by a worker of its own, one call after the other. */
function load(served: Served, round: number): Promise<unknown> {
  const at = (name: string) => served.byPath[`Durable/${name}`]!;
  const clients = clientsOf(served);
  const item = (id: string) => ({ id: { S: id }, text: { S: 'x'.repeat(200) } });
  const work: Record<Kind, (id: string) => Promise<readonly string[]>> = {
    async put(id) {
      await clients.tables.send(new PutItemCommand({ TableName: at('Things'), Item: item(id) }));
      return [id];
    },
    async transaction(id) {
      tried.add(id);
      const TransactItems = [at('Things'), at('Others')].map((TableName) => ({ Put: { TableName, Item: item(id) } }));
      await clients.tables.send(new TransactWriteItemsCommand({ TransactItems }));
      return [id];
    },
    async record(id) {
      const ids = [0, 1, 2].map((i) => `${id}-${i}`);
      const Records = ids.map((one) => ({ Data: Buffer.from(one), PartitionKey: one }));
      await clients.feeds.send(new PutRecordsCommand({ StreamName: at('Feed'), Records }));
      return ids;
    },
    async message(id) {
      await clients.queues.send(new SendMessageCommand({ QueueUrl: at('Orders'), MessageBody: id }));
      return [id];
    },
    async event(id) {
      const entry = { EventBusName: at('Bus'), Source: 'test', DetailType: 'Happened', Detail: JSON.stringify({ id }) };
      await clients.events.send(new PutEventsCommand({ Entries: [entry] }));
      return [id];
    },
    async execution(id) {
      const input = JSON.stringify({ id });
      await clients.machines.send(new StartExecutionCommand({ stateMachineArn: at('Machine'), name: id, input }));
      return [id];
    },
    async async(id) {
      const Payload = JSON.stringify({ id });
      await clients.functions.send(
        new InvokeCommand({ FunctionName: at('Recorder'), InvocationType: 'Event', Payload }),
      );
      return [id];
    },
    async delivered(id) {
      const Record = { Data: Buffer.from(`${id}\n`) };
      await clients.delivery.send(new DeliverCommand({ DeliveryStreamName: at('Delivery'), Record }));
      return [id];
    },
    async deleted(id) {
      await clients.tables.send(new PutItemCommand({ TableName: at('Others'), Item: item(id) }));
      await clients.tables.send(new DeleteItemCommand({ TableName: at('Others'), Key: { id: { S: id } } }));
      return [id];
    },
    async consumed(id) {
      const { QueueUrl } = await clients.queues.send(new CreateQueueCommand({ QueueName: 'by-hand' }));
      await clients.queues.send(new SendMessageCommand({ QueueUrl, MessageBody: id }));
      const { Messages = [] } = await clients.queues.send(new ReceiveMessageCommand({ QueueUrl }));
      const bodies: string[] = [];
      for (const { Body, ReceiptHandle } of Messages) {
        await clients.queues.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
        bodies.push(Body!);
      }
      return bodies;
    },
    async made(id) {
      await clients.tables.send(
        new CreateTableCommand({
          TableName: id,
          BillingMode: 'PAY_PER_REQUEST',
          KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
          AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        }),
      );
      return [id];
    },
    async object(id) {
      await clients.files.send(new PutObjectCommand({ Bucket: at('Files'), Key: `objects/${id}`, Body: id }));
      return [id];
    },
  };
  return Promise.all(
    Object.entries(work).map(async ([kind, call]) => {
      for (let i = 0; ; i++) {
        try {
          acked(kind as Kind, await call(`${kind}-${round}-${i}`));
        } catch {
          return; // it was killed
        }
        await new Promise((resolve) => setTimeout(resolve, kind === 'put' ? 0 : kind === 'made' ? 100 : 10));
      }
    }),
  );
}

async function scan(client: DynamoDBClient, TableName: string): Promise<Set<string>> {
  const ids = new Set<string>();
  let ExclusiveStartKey: Record<string, { S: string }> | undefined;
  do {
    const page = await client.send(
      new ScanCommand({ TableName, ConsistentRead: true, ...(ExclusiveStartKey && { ExclusiveStartKey }) }),
    );
    for (const { id } of page.Items ?? []) ids.add(id!.S!);
    ExclusiveStartKey = page.LastEvaluatedKey as typeof ExclusiveStartKey;
  } while (ExclusiveStartKey !== undefined);
  return ids;
}

async function receiveAll(client: SQSClient, QueueUrl: string): Promise<string[]> {
  const bodies: string[] = [];
  for (;;) {
    const { Messages } = await client.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, VisibilityTimeout: 600 }),
    );
    if (Messages === undefined) return bodies;
    for (const { Body } of Messages) bodies.push(Body!);
  }
}

async function readFeed(client: KinesisClient, StreamName: string): Promise<string[]> {
  const found: string[] = [];
  const { Shards } = await client.send(new ListShardsCommand({ StreamName }));
  for (const { ShardId } of Shards!) {
    let { ShardIterator } = await client.send(
      new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
    );
    for (;;) {
      const { Records, NextShardIterator } = await client.send(new GetRecordsCommand({ ShardIterator }));
      if (Records!.length === 0) break;
      for (const { Data } of Records!) found.push(Buffer.from(Data!).toString());
      ShardIterator = NextShardIterator;
    }
  }
  return found;
}

async function deliveredLines(client: S3Client, Bucket: string): Promise<Set<string>> {
  const lines = new Set<string>();
  let ContinuationToken: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket, Prefix: 'delivered/', ...(ContinuationToken && { ContinuationToken }) }),
    );
    for (const { Key } of page.Contents ?? []) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      for (const line of (await Body!.transformToString()).split('\n')) lines.add(line);
    }
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  return lines;
}

const SEED = Number(process.env.KILL_SEED ?? 1);
const ROUNDS = Number(process.env.KILL_ROUNDS ?? 4);

it(`after kill -9 at ${ROUNDS} instants of seed ${SEED} everything acknowledged is there and arrives`, {
  timeout: 60_000 + ROUNDS * 20_000,
}, async () => {
  const random = seededRandom(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    if (round > 0) await killEarly(assembly, data, 200 + random.next() * 1300); // amid a start
    const served = await serve(assembly, data);
    const working = load(served, round);
    // On a slow machine too there is something of each kind that must be there afterwards.
    if (round === 0) await vi.waitFor(() => expect([...acknowledged.keys()].sort()).toEqual([...KINDS].sort()), 45_000);
    await new Promise((resolve) => setTimeout(resolve, 200 + random.next() * 2500));
    await served.kill();
    await working;
  }
  const all = (kind: Kind) => [...acknowledged.get(kind)!];

  const served = await serve(assembly, data);
  const at = (name: string) => served.byPath[`Durable/${name}`]!;
  const clients = clientsOf(served);
  const missing = (kind: Kind, found: ReadonlySet<string>, prefix = '') =>
    all(kind).filter((id) => !found.has(prefix + id));

  const things = await scan(clients.tables, at('Things'));
  const others = await scan(clients.tables, at('Others'));
  expect(missing('put', things)).toEqual([]);
  expect(missing('transaction', things)).toEqual([]);
  expect(
    [...tried].filter((id) => things.has(id) !== others.has(id)),
    'half a transaction',
  ).toEqual([]);
  const records = await readFeed(clients.feeds, at('Feed'));
  expect(missing('record', new Set(records))).toEqual([]);
  expect(records.length, 'records twice').toBe(new Set(records).size);
  const messages = await receiveAll(clients.queues, at('Orders'));
  expect(missing('message', new Set(messages))).toEqual([]);
  expect(messages.length, 'messages twice').toBe(new Set(messages).size);
  expect(
    all('deleted').filter((id) => others.has(id)),
    'deleted and there again',
  ).toEqual([]);
  const { QueueUrl } = await clients.queues.send(new CreateQueueCommand({ QueueName: 'by-hand' }));
  const byHand = new Set(await receiveAll(clients.queues, QueueUrl!));
  expect(
    all('consumed').filter((id) => byHand.has(id)),
    'consumed and there again',
  ).toEqual([]);
  for (const TableName of all('made')) {
    const { Table } = await clients.tables.send(new DescribeTableCommand({ TableName }));
    expect(Table?.TableName).toBe(TableName);
  }
  for (const id of all('object')) {
    const { Body } = await clients.files.send(new GetObjectCommand({ Bucket: at('Files'), Key: `objects/${id}` }));
    expect(await Body!.transformToString()).toBe(id);
  }

  // What was under way goes on by itself.
  const settled = { timeout: 60_000, interval: 500 };
  await vi.waitFor(async () => {
    const seen = await scan(clients.tables, at('Seen'));
    expect(missing('record', seen, 'kinesis ')).toEqual([]);
    expect(
      [...things].filter((id) => !seen.has(`stream ${id}`)),
      'of the table stream',
    ).toEqual([]);
    expect(missing('async', seen, 'async ')).toEqual([]);
    expect(missing('execution', seen, 'execution ')).toEqual([]);
  }, settled);
  const heard = new Set<string>();
  await vi.waitFor(async () => {
    for (const body of await receiveAll(clients.queues, at('Heard'))) heard.add(JSON.parse(body).detail.id);
    expect(missing('event', heard)).toEqual([]);
  }, settled);
  await vi.waitFor(
    async () => expect(missing('delivered', await deliveredLines(clients.files, at('Files')))).toEqual([]),
    settled,
  );
  for (const id of all('execution')) {
    const executionArn = `${at('Machine').replace(':stateMachine:', ':execution:')}:${id}`;
    await vi.waitFor(async () => {
      const { status, output, error, cause } = await clients.machines.send(
        new DescribeExecutionCommand({ executionArn }),
      );
      expect({ status, output, error, cause }).toEqual({ status: 'SUCCEEDED', output: JSON.stringify([id, 'waited']) });
    }, settled);
    const { events } = await clients.machines.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }));
    expect(events!.map((event) => event.id)).toEqual(events!.map((_, i) => i + 1));
    const entered = events!.flatMap((event) => event.stateEnteredEventDetails?.name ?? []);
    expect([...entered].sort(), 'each state is entered once').toEqual(['Both', 'First', 'Second', 'Write']);
  }
  await served.kill();
});

import { setTimeout as sleep } from 'node:timers/promises';
import { AthenaClient, GetQueryExecutionCommand, StartQueryExecutionCommand } from '@aws-sdk/client-athena';
import { EventBridgeClient, TestEventPatternCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketTaggingCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  CreateStateMachineCommand,
  DeleteStateMachineCommand,
  DescribeExecutionCommand,
  SFNClient,
  StartExecutionCommand,
  ValidateStateMachineDefinitionCommand,
} from '@aws-sdk/client-sfn';
import type { Json } from '../../../local/cloud.ts';
import { type Check, failureOf, type Smoke, same } from './check.ts';

const pass = (expression: string): string =>
  JSON.stringify({
    QueryLanguage: 'JSONata',
    StartAt: 'S',
    States: { S: { Type: 'Pass', Output: `{% ${expression} %}`, End: true } },
  });

async function validates(smoke: Smoke, expression: string): Promise<string | undefined> {
  const client = new SFNClient(smoke.config);
  return (await client.send(new ValidateStateMachineDefinitionCommand({ definition: pass(expression) }))).result;
}

/** How an execution of one Pass state ends. */
async function evaluates(smoke: Smoke, name: string, expression: string): Promise<string | undefined> {
  const client = new SFNClient(smoke.config);
  const machine = {
    name: `daybook-smoke-${smoke.id}-${name}`,
    roleArn: smoke.role!,
    definition: pass(expression),
    tags: Object.entries(smoke.tags).map(([key, value]) => ({ key, value })),
  };
  const { stateMachineArn } = await client.send(new CreateStateMachineCommand(machine));
  smoke.made(`the state machine ${machine.name}`, () =>
    client.send(new DeleteStateMachineCommand({ stateMachineArn })),
  );
  const { executionArn } = await client.send(new StartExecutionCommand({ stateMachineArn }));
  for (;;) {
    const { status } = await client.send(new DescribeExecutionCommand({ executionArn }));
    if (status !== 'RUNNING') return status;
    await sleep(200);
  }
}

async function matches(smoke: Smoke, field: Json, detail: Json): Promise<boolean | undefined> {
  const client = new EventBridgeClient(smoke.config);
  const event = {
    id: '1',
    account: '123456789012',
    source: 'smoke',
    time: '2026-01-01T00:00:00Z',
    region: 'us-east-1',
    resources: [],
    'detail-type': 'smoke',
    detail,
  };
  const EventPattern = JSON.stringify({ detail: field });
  return (await client.send(new TestEventPatternCommand({ EventPattern, Event: JSON.stringify(event) }))).Result;
}

async function makeBucket(smoke: Smoke, client: S3Client, name: string): Promise<string> {
  const Bucket = `daybook-smoke-${smoke.id}-${name}`;
  const region = String(await client.config.region());
  const elsewhere =
    region === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint: region as 'eu-west-1' } };
  await client.send(new CreateBucketCommand({ Bucket, ...elsewhere }));
  smoke.made(`the bucket ${Bucket}`, async () => {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
    const Objects = Contents.map(({ Key }) => ({ Key: Key! }));
    if (Objects.length > 0) await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    await client.send(new DeleteBucketCommand({ Bucket }));
  });
  const TagSet = Object.entries(smoke.tags).map(([Key, Value]) => ({ Key, Value }));
  await client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
  return Bucket;
}

export const others: readonly Check[] = [
  {
    row: '`$eval`, and a function that neither JSONata nor Step Functions has',
    makes: 'nothing',
    dollars: 0,
    async run(smoke) {
      same(
        [await validates(smoke, '$eval("1")'), await validates(smoke, '$frobnicate(1)'), await validates(smoke, '1')],
        ['FAIL', 'FAIL', 'OK'],
      );
    },
  },
  {
    row: '`$range` gives 360,145 numbers at most',
    makes: 'two state machines, one execution each',
    dollars: 0.0002,
    needsRole: true,
    async run(smoke) {
      same(
        [
          await evaluates(smoke, 'range', '$count($range(1, 360145, 1))'),
          await evaluates(smoke, 'beyond', '$count($range(1, 360146, 1))'),
        ],
        ['SUCCEEDED', 'FAILED'],
      );
    },
  },
  {
    row: 'Event patterns are those of event-ruler 2.1.0',
    makes: 'nothing',
    dollars: 0,
    async run(smoke) {
      same(
        [
          await matches(smoke, { a: [{ wildcard: 'a*b' }] }, { a: 'axxb' }),
          await matches(smoke, { a: [{ 'anything-but': { suffix: ['x', 'y'] } }] }, { a: 'ax' }),
          await matches(smoke, { a: [{ 'equals-ignore-case': 'É' }] }, { a: 'é' }),
          await matches(smoke, { a: [{ numeric: ['>', 0, '<=', 5] }] }, { a: 5 }),
          await matches(smoke, { a: [{ cidr: '10.0.0.0/24' }] }, { a: '10.0.0.9' }),
          await matches(smoke, { a: { b: [1], c: [2] } }, { a: [{ b: 1 }, { c: 2 }] }),
          await matches(smoke, { $or: [{ a: [1] }, { b: [{ exists: false }] }] }, { a: 2 }),
        ],
        [true, false, true, true, true, false, true],
      );
    },
  },
  {
    row: '`anything-but` with an empty list is refused',
    makes: 'nothing',
    dollars: 0,
    async run(smoke) {
      const refused = await failureOf(matches(smoke, { a: [{ 'anything-but': { prefix: [] } }] }, { a: 'x' }));
      same(refused.name, 'InvalidEventPatternException');
    },
  },
  {
    row: '`CreateBucket` of one',
    makes: 'an empty bucket in us-east-1',
    dollars: 0.00001,
    async run(smoke) {
      const client = new S3Client({ ...smoke.config, region: 'us-east-1' });
      const Bucket = await makeBucket(smoke, client, 'twice');
      await client.send(new CreateBucketCommand({ Bucket }));
    },
  },
  {
    row: 'Answers say `x-amz-server-side-encryption: AES256`',
    makes: 'a bucket with an object of five bytes',
    dollars: 0.00002,
    async run(smoke) {
      const client = new S3Client(smoke.config);
      const Bucket = await makeBucket(smoke, client, 'plain');
      await client.send(new PutObjectCommand({ Bucket, Key: 'hello', Body: 'hello' }));
      const { ServerSideEncryption } = await client.send(new HeadObjectCommand({ Bucket, Key: 'hello' }));
      same(ServerSideEncryption, 'AES256');
    },
  },
  {
    row: 'Execution parameters are literals as SQL writes them',
    makes: 'a bucket for results, two queries that scan nothing',
    dollars: 0.00003,
    async run(smoke) {
      const client = new AthenaClient(smoke.config);
      const Bucket = await makeBucket(smoke, new S3Client(smoke.config), 'results');
      const ends = async (parameter: string): Promise<string | undefined> => {
        const { QueryExecutionId } = await client.send(
          new StartQueryExecutionCommand({
            QueryString: 'SELECT ? AS x',
            ExecutionParameters: [parameter],
            ResultConfiguration: { OutputLocation: `s3://${Bucket}/` },
          }),
        );
        for (;;) {
          const { QueryExecution } = await client.send(new GetQueryExecutionCommand({ QueryExecutionId }));
          const state = QueryExecution?.Status?.State;
          if (state !== 'QUEUED' && state !== 'RUNNING') return state;
          await sleep(200);
        }
      };
      const bare = await ends('text').catch(({ name }) => name);
      same([await ends("'text'"), bare === 'SUCCEEDED'], ['SUCCEEDED', false]);
    },
  },
];

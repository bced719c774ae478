import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as athena from '@aws-sdk/client-athena';
import * as tables from '@aws-sdk/client-dynamodb';
import * as events from '@aws-sdk/client-eventbridge';
import * as firehose from '@aws-sdk/client-firehose';
import * as kinesis from '@aws-sdk/client-kinesis';
import * as lambda from '@aws-sdk/client-lambda';
import * as pipes from '@aws-sdk/client-pipes';
import * as s3 from '@aws-sdk/client-s3';
import * as states from '@aws-sdk/client-sfn';
import * as sqs from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../../local/cloud.ts';
import { nodeProgram } from '../../node-program.ts';
import { createBucket } from '../bucket.ts';
import { clientOf } from '../client.ts';
import { startEmbedded } from '../embedded.ts';
import { eventually } from '../expect.ts';
import { to } from '../firehose/delivery.ts';
import { callGlue, withDatabase } from '../glue/call.ts';
import { input } from '../lambda/function.ts';
import { roleOf } from '../role.ts';
import type { Target } from '../suite.ts';
import { SUITES } from '../suites.ts';
import { type Asked, casesOf, costsOf, nameOf, readRows } from './rows.ts';
import { planOf, runSmoke } from './run-smoke.ts';
import { assumptions } from './suite.ts';

let target: Target & { stop(): Promise<void> };

beforeAll(async () => {
  target = await startEmbedded();
});

afterAll(() => target.stop());

const ROWS = readRows();
const CASES = casesOf(ROWS, SUITES);
const quiet = { id: 'test', say: () => {} };

describe('docs/assumptions.md', () => {
  it('names for each row the cases that ask about it, or says why an account is not asked', () => {
    expect(ROWS.length).toBeGreaterThan(90);
    const neither = ROWS.filter(({ asked, notAsked }) => (asked.length === 0) === (notAsked === undefined));
    expect(neither.map(({ behaviour }) => behaviour)).toEqual([]);
  });

  it('names cases and test files that exist, and each case that was made for it', () => {
    const there = new Set(SUITES.flatMap((suite) => suite.cases.map((one) => nameOf(suite, one))));
    expect(ROWS.flatMap(({ asked }) => asked).filter((name) => !there.has(name))).toEqual([]);
    expect(ROWS.flatMap(({ files }) => files).filter((path) => !existsSync(path))).toEqual([]);
    const asked = new Set(CASES.map(({ name }) => name));
    expect(assumptions.cases.map((one) => nameOf(assumptions, one)).filter((name) => !asked.has(name))).toEqual([]);
  });

  it('is read as it is written', () => {
    const table =
      '| a | assumed | checked |\n|---|---|---|\n| x | y | asked: `s: one`, `s: two`; `test/a.ts`, `test/b.ts` |';
    expect(readRows(table)).toEqual([
      { behaviour: 'x', asked: ['s: one', 's: two'], notAsked: undefined, files: ['test/a.ts', 'test/b.ts'] },
    ]);
    const [bad] = readRows('| a | b | c |\n| x | y | not asked: no |');
    expect(bad).toMatchObject({ asked: [], notAsked: undefined });
    expect(() => casesOf(readRows(table), SUITES)).toThrow('s: one');
  });
});

/** A case of its own, as a row would name it. */
const played = (name: string, run: (target: Target) => Promise<void>): Asked => ({
  name,
  suite: { service: 'test', costs: { makes: 'much', dollars: 0.5 }, cases: [] },
  one: { name, says: '', run },
  rows: ['a row'],
});

/** Makes one of everything that the ledger knows, and forgets it. */
async function makeAll(on: Target): Promise<void> {
  const tags = on.tags;
  expect(tags).toEqual({ 'daybook:smoke': 'test' });
  await clientOf(on, tables.DynamoDBClient).send(
    new tables.CreateTableCommand({
      TableName: 'smoke-all',
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'k', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'k', AttributeType: 'S' }],
    }),
  );
  const queues = clientOf(on, sqs.SQSClient);
  const { QueueUrl } = await queues.send(new sqs.CreateQueueCommand({ QueueName: 'smoke-all' }));
  const attributes = new sqs.GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] });
  const { QueueArn } = (await queues.send(attributes)).Attributes!;
  await clientOf(on, kinesis.KinesisClient).send(
    new kinesis.CreateStreamCommand({ StreamName: 'smoke-all', ShardCount: 1 }),
  );
  const files = clientOf(on, s3.S3Client);
  await createBucket(files, 'smoke-all');
  await files.send(new s3.PutObjectCommand({ Bucket: 'smoke-all', Key: 'a/b', Body: 'x' }));
  await files.send(new s3.CreateMultipartUploadCommand({ Bucket: 'smoke-all', Key: 'c' }));
  const functions = clientOf(on, lambda.LambdaClient);
  await functions.send(new lambda.CreateFunctionCommand(input(on, 'smoke-all', 'exports.handler = async () => 1;')));
  await functions.send(
    new lambda.CreateEventSourceMappingCommand({ FunctionName: 'smoke-all', EventSourceArn: QueueArn }),
  );
  await clientOf(on, firehose.FirehoseClient).send(
    new firehose.CreateDeliveryStreamCommand({
      DeliveryStreamName: 'smoke-all',
      ExtendedS3DestinationConfiguration: to(on, 'smoke-all', {}),
    }),
  );
  await clientOf(on, pipes.PipesClient).send(
    new pipes.CreatePipeCommand({ Name: 'smoke-all', RoleArn: roleOf(on), Source: QueueArn, Target: QueueArn }),
  );
  const definition = JSON.stringify({ StartAt: 'S', QueryLanguage: 'JSONata', States: { S: { Type: 'Succeed' } } });
  await clientOf(on, states.SFNClient).send(
    new states.CreateStateMachineCommand({ name: 'smoke-all', roleArn: roleOf(on), definition }),
  );
  const bus = clientOf(on, events.EventBridgeClient);
  await bus.send(new events.CreateEventBusCommand({ Name: 'smoke-all' }));
  const rule = { Name: 'smoke-all', EventBusName: 'smoke-all', EventPattern: '{"source":["s"]}' };
  await bus.send(new events.PutRuleCommand(rule));
  await bus.send(
    new events.PutTargetsCommand({
      Rule: 'smoke-all',
      EventBusName: 'smoke-all',
      Targets: [{ Id: 'q', Arn: QueueArn }],
    }),
  );
  const queries = clientOf(on, athena.AthenaClient);
  await queries.send(
    new athena.CreateWorkGroupCommand({
      Name: 'smoke-all',
      Configuration: { ResultConfiguration: { OutputLocation: 's3://smoke-all/results/' } },
    }),
  );
  const QueryString = 'CREATE DATABASE smoke_by_query';
  await queries.send(new athena.StartQueryExecutionCommand({ QueryString, WorkGroup: 'smoke-all' }));
}

/** The names of what is there. */
async function everything(): Promise<string[]> {
  const { config } = target;
  const answers = await Promise.all([
    new tables.DynamoDBClient(config).send(new tables.ListTablesCommand({})),
    new sqs.SQSClient(config).send(new sqs.ListQueuesCommand({})),
    clientOf(target, kinesis.KinesisClient).send(new kinesis.ListStreamsCommand({})),
    new s3.S3Client(config).send(new s3.ListBucketsCommand({})),
    new lambda.LambdaClient(config).send(new lambda.ListFunctionsCommand({})),
    new lambda.LambdaClient(config).send(new lambda.ListEventSourceMappingsCommand({})),
    clientOf(target, firehose.FirehoseClient).send(new firehose.ListDeliveryStreamsCommand({})),
    new pipes.PipesClient(config).send(new pipes.ListPipesCommand({})),
    new states.SFNClient(config).send(new states.ListStateMachinesCommand({})),
    new events.EventBridgeClient(config).send(new events.ListEventBusesCommand({})),
    new athena.AthenaClient(config).send(new athena.ListWorkGroupsCommand({})),
    callGlue(target, 'GetDatabases', {}),
  ]);
  const text = JSON.stringify(answers.map(({ $metadata: _, ...answer }) => answer));
  return [...new Set(text.match(/smoke[-_](all|by_query|glue)|conformance-\d[\w-]+/g) ?? [])];
}

describe('the smoke test', () => {
  it('tags whatever bears tags', async () => {
    const tagged: string[] = [];
    const case_ = played('tagged', async (on) => {
      const spy =
        (next: Json, { commandName }: Json) =>
        (call: Json) => {
          if (/"daybook:smoke".*"test"/.test(JSON.stringify(call.input))) tagged.push(commandName);
          return next(call);
        };
      const watch: Target['watch'] = (client) => {
        on.watch?.(client);
        client.middlewareStack.add(spy, { step: 'serialize' });
      };
      await makeAll({ ...on, watch });
    });
    const { outcomes, left } = await runSmoke(target, [case_], quiet);
    expect(outcomes).toEqual([{ name: 'tagged', kind: 'holds', text: '' }]);
    expect(left).toEqual([]);
    expect(await everything()).toEqual([]);
    expect(tagged.map((name) => name.replace(/Command$/, ''))).toEqual([
      'CreateTable',
      'CreateQueue',
      'CreateStream',
      'PutBucketTagging',
      'CreateFunction',
      'CreateEventSourceMapping',
      'CreateDeliveryStream',
      'CreatePipe',
      'CreateStateMachine',
      'CreateEventBus',
      'PutRule',
      'CreateWorkGroup',
    ]);
  });

  it('removes everything when it is stopped amid a case, and makes nothing more', async () => {
    const stop = new AbortController();
    let late: unknown;
    const hangs = played('hangs', async (on) => {
      await withDatabase(on, 'smoke_glue', async () => {
        await makeAll(on);
        await eventually(async () => ((await everything()).includes('smoke_by_query') ? true : undefined));
        expect((await everything()).sort()).toEqual(['smoke-all', 'smoke_by_query', 'smoke_glue']);
        stop.abort();
        await new Promise((resolve) => setTimeout(resolve, 1000));
        const late_ = clientOf(on, sqs.SQSClient).send(new sqs.CreateQueueCommand({ QueueName: 'smoke-late' }));
        late = await late_.catch(({ message }) => message);
        await new Promise(() => {});
      });
    });
    const said: string[] = [];
    const options = { id: 'test', say: (line: string) => said.push(line), stop: stop.signal };
    const { outcomes, left } = await runSmoke(target, [hangs, hangs], options);
    expect(outcomes).toEqual([]);
    expect(left).toEqual([]);
    expect(said.filter((line) => line.startsWith('removed '))).toHaveLength(14);
    await eventually(async () => late);
    expect(late).toContain('CreateQueue came after the end');
    expect(await everything()).toEqual([]);
  });

  it('makes nothing that it could not take away', async () => {
    const archive = played('unknown', async (on) => {
      const create = { ArchiveName: 'a', EventSourceArn: 'arn:aws:events:us-east-1:000000000000:event-bus/default' };
      await clientOf(on, events.EventBridgeClient).send(new events.CreateArchiveCommand(create));
    });
    const { outcomes } = await runSmoke(target, [archive], quiet);
    expect(outcomes[0]).toMatchObject({ kind: 'differs', text: expect.stringContaining('CreateArchive') });
  });

  it('goes on after a case that differs, leaves out what needs a role, and says what could not be removed', async () => {
    const differs = played('differs', () => Promise.reject(new Error('saw 1, assumed 2')));
    const needs = played('needs', async () => void roleOf({ name: 'AWS', config: {} }));
    const stuck = played('stuck', async (on) => {
      on.note?.('thing', 'one', () => Promise.reject(new Error('no')));
    });
    const role = process.env.CONFORMANCE_ROLE_ARN;
    delete process.env.CONFORMANCE_ROLE_ARN;
    const said: string[] = [];
    const { outcomes, left } = await runSmoke(target, [differs, needs, stuck], {
      id: 'x',
      say: (line) => said.push(line),
    });
    if (role !== undefined) process.env.CONFORMANCE_ROLE_ARN = role;
    expect(outcomes.map(({ kind }) => kind)).toEqual(['differs', 'left out', 'holds']);
    expect(left).toEqual(['the thing one']);
    expect(said.at(-1)).toBe('could not remove the thing one: no. Remove it by hand.');
  });

  const env = { ...process.env, AWS_ACCESS_KEY_ID: 'nobody', AWS_SECRET_ACCESS_KEY: 'nothing', NODE_OPTIONS: '' };
  const run = (program: string, args: readonly string[]) =>
    new Promise<{ status: number; stdout: string; stderr: string }>((resolve) => {
      execFile(program, args, { env, timeout: 90_000 }, (error, stdout, stderr) =>
        resolve({ status: Number(error?.code ?? 0), stdout, stderr }),
      );
    });
  const script = async (...args: string[]) =>
    run(process.execPath, [...(await nodeProgram('scripts/smoke-aws.ts')), ...args]);

  it('plans without a call, says what it costs, and does nothing without being told which account it may be', async () => {
    const plan = await run('npm', ['run', '--silent', 'smoke:aws', '--', '--plan']);
    expect(plan.status).toBe(0);
    expect(plan.stdout.trimEnd()).toBe(planOf(CASES).join('\n'));
    const total = CASES.reduce((sum, asked) => sum + costsOf(asked).dollars, 0);
    expect(total).toBeLessThan(1);
    expect(plan.stdout).toContain(`up to $${total.toFixed(2)} in all`);
    const { endpoint } = target.config;
    const [yes, account, other] = await Promise.all([
      script('--yes'),
      script('--account', '000000000000'),
      script('--endpoint', endpoint, '--account', '111111111111', '--yes'),
    ]);
    for (const refused of [yes, account]) {
      expect(refused.status).toBe(2);
      expect(refused.stderr).toContain('Nothing was done.');
    }
    expect(other.status).toBe(2);
    expect(other.stderr).toContain('The credentials are those of the account 000000000000');
  }, 180_000);

  it('asks what it is told to, and Ctrl-C leaves nothing behind', async () => {
    const given = ['--endpoint', target.config.endpoint, '--account', '000000000000', '--yes'];
    const one = await script(...given, '--only', 'half a unit');
    expect(one.status).toBe(0);
    expect(one.stdout).toContain('1 hold, 0 differ, 0 left out');
    const program = await nodeProgram('scripts/smoke-aws.ts');
    const child = spawn(process.execPath, [...program, ...given, '--only', 'five batches'], { env });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    await eventually(async () => ((await everything()).length >= 2 ? true : undefined), 40_000);
    child.kill('SIGINT');
    const status = await new Promise((resolve) => child.on('exit', resolve));
    expect(status, text).toBe(130);
    expect(text).toMatch(/removed the queue/);
    expect(await everything()).toEqual([]);
  }, 180_000);
});

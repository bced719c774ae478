import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStackResourcesCommand } from '@aws-sdk/client-cloudformation';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { App, CfnOutput, CfnResource, NestedStack, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type LocalRuntime, startLocal } from '../../../local/index.ts';

vi.stubEnv('CDK_VALIDATION', 'false');

const folder = mkdtempSync(join(tmpdir(), 'daybook-host-'));
let runtime: LocalRuntime;
const logged: string[] = [];

/** Takes what it is told to do, as the role that it has. */
const HANDLER = `
const { DynamoDBClient, PutItemCommand, DeleteItemCommand } = require('@aws-sdk/client-dynamodb');
const { S3Client, GetObjectCommand } = require('@aws-sdk/client-s3');
exports.handler = async (event) => {
  const tables = new DynamoDBClient({});
  const TableName = process.env.TABLE;
  for (const record of event.Records ?? []) {
    await tables.send(new PutItemCommand({ TableName, Item: { id: { S: record.body }, from: { S: 'queue' } } }));
  }
  try {
    if (event.delete) await tables.send(new DeleteItemCommand({ TableName, Key: { id: { S: event.delete } } }));
    if (event.get) await new S3Client({ forcePathStyle: true }).send(new GetObjectCommand({ Bucket: process.env.BUCKET, Key: event.get }));
    return { done: true };
  } catch (error) {
    console.log('it failed with', error.name);
    return { name: error.name, message: error.message };
  }
};`;

beforeAll(async () => {
  const outdir = join(folder, 'cdk.out');
  const code = join(folder, 'code');
  const app = new App({ outdir, analyticsReporting: false, context: { 'aws:cdk:enable-path-metadata': true } });
  const shared = new Stack(app, 'Shared');
  const bucket = new Bucket(shared, 'Files', { removalPolicy: RemovalPolicy.DESTROY });
  const stack = new Stack(app, 'Small', { description: 'A table, a queue and a function' });
  const table = new Table(stack, 'Things', { partitionKey: { name: 'id', type: AttributeType.STRING } });
  table.addToResourcePolicy(
    new PolicyStatement({
      effect: Effect.DENY,
      principals: [new AnyPrincipal()],
      actions: ['dynamodb:UpdateItem'],
      resources: ['*'],
    }),
  );
  const queue = new Queue(stack, 'Orders');
  const worker = new LambdaFunction(stack, 'Worker', {
    runtime: Runtime.NODEJS_22_X,
    handler: 'index.handler',
    code: Code.fromInline(HANDLER),
    environment: { TABLE: table.tableName, BUCKET: bucket.bucketName },
  });
  table.grant(worker, 'dynamodb:PutItem'); // and not DeleteItem
  bucket.grantRead(worker, 'open/*');
  worker.addEventSource(new SqsEventSource(queue));
  new Queue(new NestedStack(stack, 'Inner'), 'Nested');
  new CfnOutput(stack, 'TableName', { value: table.tableName });
  writeFileSync(join(folder, 'note.txt'), code);
  app.synth();
  runtime = await startLocal({ assembly: outdir, log: (line) => logged.push(line) });
}, 60_000);

afterAll(async () => {
  await runtime?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const config = () => ({
  endpoint: runtime.endpoint,
  region: runtime.account.region,
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  maxAttempts: 1,
});
const physical = (path: string) => {
  const [stack] = path.split('/');
  const found = runtime.stacks[stack!]?.byPath[path];
  if (found === undefined) throw new Error(`nothing at ${path}: ${Object.keys(runtime.stacks[stack!]?.byPath ?? {})}`);
  return found;
};
const invoke = async (event: unknown) => {
  const client = new LambdaClient(config());
  const FunctionName = physical('Small/Worker');
  const { Payload, FunctionError } = await client.send(
    new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }),
  );
  const answer = JSON.parse(Buffer.from(Payload!).toString());
  if (FunctionError !== undefined) throw new Error(JSON.stringify(answer));
  return answer;
};
const getThing = (id: string) =>
  new DynamoDBClient(config()).send(
    new GetItemCommand({ TableName: physical('Small/Things'), Key: { id: { S: id } }, ConsistentRead: true }),
  );

describe('a hosted app', () => {
  it('gives outputs, and physical names by logical id and by construct path', () => {
    const { outputs, resources, byPath } = runtime.stacks.Small!;
    expect(outputs.TableName).toMatch(/^Small-Things\w+-[A-Z0-9]{12}$/);
    expect(byPath['Small/Things']).toBe(outputs.TableName);
    expect(Object.values(resources)).toContain(outputs.TableName);
    expect(physical('Shared/Files')).toMatch(/^shared-files\w+-[a-z0-9]{12}$/);
  });

  it('answers the SDK: table and bucket', async () => {
    await new DynamoDBClient(config()).send(
      new PutItemCommand({ TableName: physical('Small/Things'), Item: { id: { S: 'a' }, n: { N: '1' } } }),
    );
    expect((await getThing('a')).Item).toEqual({ id: { S: 'a' }, n: { N: '1' } });
    const s3 = new S3Client(config());
    await s3.send(new PutObjectCommand({ Bucket: physical('Shared/Files'), Key: 'open/a', Body: 'text' }));
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: physical('Shared/Files'), Key: 'open/a' }));
    expect(await Body?.transformToString()).toBe('text');
  });

  it('runs the function for a message in the queue, with the role that the template gives it', async () => {
    const { Functions } = await new LambdaClient(config()).send(new ListFunctionsCommand({}));
    expect(Functions?.map(({ FunctionName }) => FunctionName)).toEqual([physical('Small/Worker')]);
    const sqs = new SQSClient(config());
    const QueueUrl = physical('Small/Orders');
    expect(QueueUrl.startsWith(runtime.endpoint)).toBe(true);
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'order-1' }));
    await vi.waitFor(async () => expect((await getThing('order-1')).Item?.from).toEqual({ S: 'queue' }), 10_000);
    await runtime.idle();
    expect((await sqs.send(new ReceiveMessageCommand({ QueueUrl }))).Messages ?? []).toEqual([]);
  });

  it('a grant that is missing fails as on AWS', async () => {
    expect(await invoke({ delete: 'a' })).toEqual({
      name: 'AccessDeniedException',
      message: expect.stringMatching(
        /^User: arn:aws:sts::000000000000:assumed-role\/Small-Worker.* is not authorized to perform: dynamodb:DeleteItem on resource: arn:aws:dynamodb:.* because no identity-based policy allows the dynamodb:DeleteItem action$/,
      ),
    });
    expect(await invoke({ get: 'open/a' })).toEqual({ done: true });
    expect(await invoke({ get: 'closed/a' })).toMatchObject({ name: 'AccessDenied' });
    expect(logged.join('\n')).toContain('it failed with AccessDenied');
  });

  it('a resource policy that denies all denies the person at the laptop too', async () => {
    const { UpdateItemCommand } = await import('@aws-sdk/client-dynamodb');
    const update = new UpdateItemCommand({ TableName: physical('Small/Things'), Key: { id: { S: 'a' } } });
    await expect(new DynamoDBClient(config()).send(update)).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('with an explicit deny in a resource-based policy'),
    });
  });

  it('is described by CloudFormation, nested stack included', async () => {
    const client = new CloudFormationClient(config());
    const { StackResources } = await client.send(new DescribeStackResourcesCommand({ StackName: 'Small' }));
    const nested = StackResources?.find(({ ResourceType }) => ResourceType === 'AWS::CloudFormation::Stack');
    const inner = await client.send(new DescribeStackResourcesCommand({ StackName: nested?.PhysicalResourceId }));
    expect(inner.StackResources).toMatchObject([{ ResourceType: 'AWS::SQS::Queue' }]);
  });
});

describe('what the runtime does not have', () => {
  it('is refused by name, all of it, before anything is made', async () => {
    const outdir = mkdtempSync(join(folder, 'refused-'));
    const app = new App({ outdir, analyticsReporting: false });
    const stack = new Stack(app, 'Odd');
    new CfnResource(stack, 'Server', { type: 'AWS::EC2::Instance', properties: { InstanceType: 't2.micro' } });
    new CfnResource(stack, 'Queue', { type: 'AWS::SQS::Queue', properties: { Colour: 'red' } });
    new CfnResource(stack, 'Role', {
      type: 'AWS::IAM::Role',
      properties: {
        AssumeRolePolicyDocument: {},
        Policies: [
          {
            PolicyDocument: {
              Statement: [
                {
                  Effect: 'Allow',
                  Action: 'sqs:*',
                  Resource: '*',
                  Condition: { IpAddress: { 'aws:SourceIp': '::1' } },
                },
              ],
            },
          },
        ],
      },
    });
    app.synth();
    const failure = await startLocal({ assembly: outdir }).catch((error) => error);
    expect(failure.code).toBe('local.unsupported');
    expect(failure.details.problems).toEqual([
      'Odd/Server (AWS::EC2::Instance): resource type',
      'Odd/Queue (AWS::SQS::Queue): property Colour',
      'Odd/Role (AWS::IAM::Role): condition operator IpAddress',
      'Odd/Role (AWS::IAM::Role): condition key aws:SourceIp',
    ]);
  });
});

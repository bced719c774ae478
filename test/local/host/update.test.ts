import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  LambdaClient,
  PutFunctionConcurrencyCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { CreatePipeCommand, DeletePipeCommand, DescribePipeCommand, PipesClient } from '@aws-sdk/client-pipes';
import { App, Stack } from 'aws-cdk-lib';
import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Stream } from 'aws-cdk-lib/aws-kinesis';
import { Code, Function as LambdaFunction, Runtime, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { KinesisEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { CfnPipe } from 'aws-cdk-lib/aws-pipes';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Json, ROOT, type ServiceName } from '../../../local/cloud.ts';
import { lockData } from '../../../local/host/data-lock.ts';
import { type LocalRuntime, startLocal } from '../../../local/index.ts';

vi.stubEnv('CDK_VALIDATION', 'false');

let folder: string;
let runtime: LocalRuntime | undefined;
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-update-'));
});
afterEach(async () => {
  await runtime?.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Version {
  readonly keyName?: string;
  readonly tableName?: string;
  readonly withRule?: boolean;
  readonly rest?: string;
  readonly feed?: string;
}

/** Starts the app as it is in this version, on the same data, after ending what ran before. */
async function start({
  keyName = 'id',
  tableName,
  withRule = true,
  rest = 'old',
  feed: feedId = 'Feed',
}: Version = {}): Promise<LocalRuntime> {
  await runtime?.stop();
  const outdir = mkdtempSync(join(folder, 'cdk.out-'));
  const app = new App({ outdir, analyticsReporting: false, context: { 'aws:cdk:enable-path-metadata': true } });
  const stack = new Stack(app, 'Small');
  const partitionKey = { name: keyName, type: AttributeType.STRING };
  new Table(stack, 'Things', { partitionKey, ...(tableName !== undefined && { tableName }) });
  const feed = new Stream(stack, feedId, { shardCount: 1 });
  const queue = new Queue(stack, 'Orders');
  const bus = new EventBus(stack, 'Bus');
  if (withRule)
    new Rule(stack, 'Rule', { eventBus: bus, eventPattern: { source: ['x'] }, targets: [new SqsQueue(queue)] });
  const worker = new LambdaFunction(stack, 'Worker', {
    runtime: Runtime.NODEJS_22_X,
    handler: 'index.handler',
    code: Code.fromInline(`exports.handler = async () => '${rest}';`),
  });
  worker.addEventSource(new KinesisEventSource(feed, { startingPosition: StartingPosition.LATEST }));
  const pipeRole = new Role(stack, 'PipeRole', { assumedBy: new ServicePrincipal('pipes.amazonaws.com') });
  queue.grantConsumeMessages(pipeRole);
  feed.grantWrite(pipeRole);
  new CfnPipe(stack, 'Pipe', {
    name: 'small-pipe',
    roleArn: pipeRole.roleArn,
    source: queue.queueArn,
    target: feed.streamArn,
    targetParameters: { kinesisStreamParameters: { partitionKey: '$.messageId' } },
  });
  const role = new Role(stack, 'MachineRole', { assumedBy: new ServicePrincipal('states.amazonaws.com') });
  new CfnStateMachine(stack, 'Machine', {
    roleArn: role.roleArn,
    definition: { QueryLanguage: 'JSONata', StartAt: 'A', States: { A: { Type: 'Pass', Output: rest, End: true } } },
  });
  app.synth();
  said = [];
  runtime = await startLocal({ assembly: outdir, data: join(folder, 'data'), log: (line) => said.push(line) });
  return runtime;
}

const call = (service: ServiceName, operation: string, input: Json = {}): Promise<Json> =>
  runtime!.cloud.call(ROOT, service, operation, input);
/** For calls that come from outside, as a person's do. */
const byHand = () => ({
  endpoint: runtime!.endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});
const namesOf = ({ stacks }: LocalRuntime) => {
  const { resources, details } = stacks.Small!;
  // A queue's URL holds the port.
  return Object.entries(resources).map(([id, name]) => [
    id,
    name.replace(/^http:\/\/[^/]+/, ''),
    details.find(({ logicalId }) => logicalId === id)!.type,
  ]);
};

describe('a start on kept data', { timeout: 60_000 }, () => {
  it('with the same template has the same resources, and what is in them', async () => {
    const before = namesOf(await start());
    const TableName = runtime!.stacks.Small!.byPath['Small/Things']!;
    await call('dynamodb', 'PutItem', { TableName, Item: { id: { S: 'a' } } });
    const { Stacks } = await call('cloudformation', 'DescribeStacks', {});
    expect(namesOf(await start())).toEqual(before);
    expect((await call('dynamodb', 'Scan', { TableName })).Items).toEqual([{ id: { S: 'a' } }]);
    expect((await call('cloudformation', 'DescribeStacks', {})).Stacks[0].CreationTime).toEqual(Stacks[0].CreationTime);
    expect(said.filter((line) => line.startsWith('template: '))).toEqual([]);
  });

  it('brings what has changed to what the template says, and ends what it has no more', async () => {
    const stateMachineArn = (await start()).stacks.Small!.byPath['Small/Machine']!;
    const EventBusName = runtime!.stacks.Small!.byPath['Small/Bus']!;
    expect((await call('events', 'ListRules', { EventBusName })).Rules).toHaveLength(1);
    await start({ withRule: false, rest: 'new' });
    expect((await call('events', 'ListRules', { EventBusName })).Rules).toEqual([]);
    expect(said).toContainEqual(
      expect.stringMatching(
        /^template: .*Small-Rule.* \(AWS::Events::Rule\) is no more in the template: it was removed$/,
      ),
    );
    expect((await call('states', 'DescribeStateMachine', { stateMachineArn })).definition).toContain('new');
    const FunctionName = runtime!.stacks.Small!.byPath['Small/Worker']!;
    expect((await call('lambda', 'Invoke', { FunctionName })).Payload.toString()).toBe('"new"');
  });

  it('replaces a table whose key changes, as CloudFormation does, and leaves the old one as it is', async () => {
    const old = (await start()).stacks.Small!.byPath['Small/Things']!;
    await call('dynamodb', 'PutItem', { TableName: old, Item: { id: { S: 'a' } } });
    const fresh = (await start({ keyName: 'other' })).stacks.Small!.byPath['Small/Things']!;
    expect(fresh).not.toBe(old);
    expect(said).toContain(`template: ${old} (AWS::DynamoDB::Table) is no more in the template: it is left as it is`);
    expect((await call('dynamodb', 'Scan', { TableName: old })).Count).toBe(1);
    expect((await start({ keyName: 'other' })).stacks.Small!.byPath['Small/Things']).toBe(fresh);
  });

  it('refuses to replace a table with a name of its own, in the words of CloudFormation', async () => {
    await start({ tableName: 'things' });
    await expect(start({ tableName: 'things', keyName: 'other' })).rejects.toThrow(
      /cannot update a stack when a custom-named resource requires replacing \(KeySchema changed\)\. Rename things/,
    );
  });

  it('has what was made by hand beside the template', async () => {
    await start();
    const FunctionName = runtime!.stacks.Small!.byPath['Small/Worker']!;
    const client = new LambdaClient(byHand());
    await client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 3 }));
    await call('events', 'PutRule', { Name: 'mine', EventPattern: '{"source":["y"]}' });
    await start();
    expect((await call('lambda', 'GetFunctionConcurrency', { FunctionName })).ReservedConcurrentExecutions).toBe(3);
    expect((await call('events', 'DescribeRule', { Name: 'mine' })).EventPattern).toBe('{"source":["y"]}');
  });

  it('has no more what was made by hand of something that the template has changed since', async () => {
    const FunctionName = (await start()).stacks.Small!.byPath['Small/Worker']!;
    const settings = () => call('lambda', 'GetFunctionConfiguration', { FunctionName });
    const client = new LambdaClient(byHand());
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName, Timeout: 77 }));
    await client.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 5 }));
    await start();
    expect((await settings()).Timeout).toBe(77);
    await start({ rest: 'new' });
    expect(await settings()).toMatchObject({ Timeout: 3 });
    expect(said).toContainEqual(
      expect.stringMatching(/^template: Small-Worker.* changed in the template: what was made of it by hand/),
    );
    // What a template does not have is nothing that it changes.
    expect(await call('lambda', 'GetFunctionConcurrency', { FunctionName })).toEqual({
      ReservedConcurrentExecutions: 5,
    });
    await start({ rest: 'new' });
    expect(await settings()).toMatchObject({ Timeout: 3 });
    expect(said.filter((line) => line.includes('by hand'))).toEqual([]);
  });

  it('gives a pipe that was made again by hand the target that its template has now', async () => {
    const { byPath } = (await start()).stacks.Small!;
    const Name = byPath['Small/Pipe']!;
    const client = new PipesClient(byHand());
    const { RoleArn, Source, Target, TargetParameters } = await client.send(new DescribePipeCommand({ Name }));
    await client.send(new DeletePipeCommand({ Name }));
    await client.send(new CreatePipeCommand({ Name, RoleArn, Source, Target, TargetParameters }));
    await start();
    expect((await call('pipes', 'DescribePipe', { Name })).Target).toBe(Target);
    await start({ feed: 'Feed2' });
    const now = await call('pipes', 'DescribePipe', { Name });
    expect(now.Target).not.toBe(Target);
    expect(now.Target).toContain('Feed2');
    await start({ feed: 'Feed2' });
    expect((await call('pipes', 'DescribePipe', { Name })).Target).toBe(now.Target);
  });

  it('is for one runtime at a time', async () => {
    await start();
    await expect(lockData(join(folder, 'data'))).rejects.toMatchObject({ code: 'local.dataInUse' });
    await runtime!.stop();
    (await lockData(join(folder, 'data')))();
  });
});

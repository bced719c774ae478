import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateTableCommand, DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { CreateFunctionCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { App, Stack } from 'aws-cdk-lib';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type LocalRuntime, startLocal } from '../../../local/index.ts';
import { zip } from '../lambda/zip.ts';

const ROLE = 'arn:aws:iam::000000000000:role/nobody-made';
/** A function that writes with what it was given to call with. */
const HANDLER = `
const { DynamoDBClient, PutItemCommand } = require('@aws-sdk/client-dynamodb');
exports.handler = async ({ id }) => {
  await new DynamoDBClient({}).send(new PutItemCommand({ TableName: 'Things', Item: { id: { S: id } } }));
  return { wrote: id };
};`;
const folder = mkdtempSync(join(tmpdir(), 'daybook-by-hand-'));
const logged: string[] = [];
let runtime: LocalRuntime;
const config = () => ({
  endpoint: runtime.endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  maxAttempts: 1,
});

beforeAll(async () => {
  const app = new App({ outdir: join(folder, 'cdk.out') });
  new Stack(app, 'Empty');
  app.synth();
  runtime = await startLocal({ assembly: join(folder, 'cdk.out'), log: (line) => logged.push(line) });
}, 60_000);
afterAll(async () => {
  await runtime?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('a state machine and a function made through the SDK work under a role that no template has', async () => {
  const dynamodb = new DynamoDBClient(config());
  await dynamodb.send(
    new CreateTableCommand({
      TableName: 'Things',
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    }),
  );
  const lambda = new LambdaClient(config());
  const { FunctionArn } = await lambda.send(
    new CreateFunctionCommand({
      FunctionName: 'writer',
      Runtime: 'nodejs22.x',
      Handler: 'index.handler',
      Role: ROLE,
      Timeout: 30,
      Code: { ZipFile: zip({ 'index.js': HANDLER }) },
    }),
  );
  const { FunctionError } = await lambda.send(
    new InvokeCommand({ FunctionName: 'writer', Payload: '{"id":"direct"}' }),
  );
  expect(FunctionError).toBeUndefined();

  const states = new SFNClient(config());
  const definition = {
    QueryLanguage: 'JSONata',
    StartAt: 'Call',
    States: {
      Call: { Type: 'Task', Resource: FunctionArn, Arguments: { id: 'called' }, Next: 'Read' },
      Read: {
        Type: 'Task',
        Resource: 'arn:aws:states:::dynamodb:getItem',
        Arguments: { TableName: 'Things', Key: { id: { S: '{% $states.input.wrote %}' } } },
        Output: '{% $states.result.Item.id.S %}',
        End: true,
      },
    },
  };
  const { stateMachineArn } = await states.send(
    new CreateStateMachineCommand({ name: 'by-hand', roleArn: ROLE, definition: JSON.stringify(definition) }),
  );
  const { executionArn } = await states.send(new StartExecutionCommand({ stateMachineArn, input: '{}' }));
  await vi.waitFor(async () => {
    const execution = await states.send(new DescribeExecutionCommand({ executionArn }));
    expect(execution).toMatchObject({ status: 'SUCCEEDED', output: '"called"' });
  }, 20_000);
  const { Item } = await dynamodb.send(new GetItemCommand({ TableName: 'Things', Key: { id: { S: 'direct' } } }));
  expect(Item).toEqual({ id: { S: 'direct' } });
  expect(logged.filter((line) => line.includes(ROLE))).toEqual([
    `iam: no template has the role ${ROLE}: it may do everything`,
  ]);
}, 60_000);

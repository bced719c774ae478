import { gzipSync } from 'node:zlib';
import {
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
  ValidateStateMachineDefinitionCommand,
} from '@aws-sdk/client-sfn';
import type { Json } from '../../../local/cloud.ts';
import { withBucket } from '../bucket.ts';
import { clientOf } from '../client.ts';
import { same } from '../expect.ts';
import { withQueue } from '../lambda/function.ts';
import { untilEnded, withMachine } from '../states/machine.ts';
import type { Case, Target } from '../suite.ts';

const machine = (States: Json): Json => ({ QueryLanguage: 'JSONata', StartAt: Object.keys(States)[0], States });
const pass = (expression: string): Json => machine({ S: { Type: 'Pass', Output: `{% ${expression} %}`, End: true } });
const NOTHING = { makes: 'nothing', dollars: 0 };
const MACHINE = { makes: 'two state machines at most, some executions', dollars: 0.0005 };

async function validates(target: Target, expression: string): Promise<string | undefined> {
  const definition = JSON.stringify(pass(expression));
  const client = clientOf(target, SFNClient);
  return (await client.send(new ValidateStateMachineDefinitionCommand({ definition }))).result;
}

/** How an execution ends. */
async function runs(target: Target, definition: Json) {
  const client = clientOf(target, SFNClient);
  return await withMachine(target, definition, async (stateMachineArn) => {
    const { executionArn } = await client.send(new StartExecutionCommand({ stateMachineArn }));
    const { status, error, output } = await untilEnded(client, executionArn);
    const { events = [] } = await client.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 100 }));
    return { status, error, output: output === undefined ? undefined : JSON.parse(output), events };
  });
}

export const states: readonly Case[] = [
  {
    name: '$eval and unknown functions are refused with the definition',
    says: "assumed: documented is that $eval can't be used",
    costs: NOTHING,
    async run(target) {
      same(
        [
          await validates(target, '$eval("1")'),
          await validates(target, '$frobnicate(1)'),
          await validates(target, '1'),
        ],
        ['FAIL', 'FAIL', 'OK'],
      );
    },
  },
  {
    name: 'unknown members of $states and unknown variables are taken, and read as nothing',
    says: 'assumed: of $states.result and $states.errorOutput alone it is documented that they are "caught at creation"',
    costs: MACHINE,
    async run(target) {
      same([await validates(target, '$states.nothing'), await validates(target, '$nothing')], ['OK', 'OK']);
      const ends = [];
      for (const expression of ['$states.nothing', '$nothing', '$exists($nothing)']) {
        const { status, error, output } = await runs(target, pass(expression));
        ends.push([status, error ?? output]);
      }
      same(ends, [
        ['FAILED', 'States.QueryEvaluationError'],
        ['FAILED', 'States.QueryEvaluationError'],
        ['SUCCEEDED', false],
      ]);
    },
  },
  {
    name: 'a missed heartbeat is States.Timeout, and is caught by both of its names',
    says: 'error names: "States.HeartbeatTimeout: A Task state failed to send a heartbeat for a period longer than the HeartbeatSeconds value. HeartbeatTimeout is available inside the Catch and Retry fields."; which name is reported is assumed',
    costs: { makes: 'a state machine, a queue', dollars: 0.0005 },
    run: (target) =>
      withQueue(target, async ({ QueueUrl }) => {
        const task = (names: readonly string[]) => ({
          Type: 'Task',
          Resource: 'arn:aws:states:::sqs:sendMessage.waitForTaskToken',
          Arguments: { QueueUrl, MessageBody: { token: '{% $states.context.Task.Token %}' } },
          HeartbeatSeconds: 1,
          ...(names.length === 0
            ? { End: true }
            : { Catch: [{ ErrorEquals: names, Output: '{% $states.errorOutput.Error %}', Next: 'Z' }], End: true }),
        });
        const Z = { Type: 'Pass', End: true };
        same((await runs(target, machine({ T: task([]) }))).error, 'States.Timeout');
        const caught = [];
        for (const name of ['States.HeartbeatTimeout', 'States.Timeout'])
          caught.push((await runs(target, machine({ T: task([name]), Z }))).output);
        same(caught, ['States.Timeout', 'States.Timeout']);
      }),
  },
  {
    name: '$range gives 360,145 numbers at most, and expressions nest 100 levels',
    says: 'assumed after measurements on the service',
    costs: MACHINE,
    async run(target) {
      const nested = (levels: number) => `${'('.repeat(levels)}1${')'.repeat(levels)}`;
      const ends = [];
      for (const expression of [
        '$count($range(1, 360145, 1))',
        '$count($range(1, 360146, 1))',
        nested(90),
        nested(2000),
      ])
        ends.push(
          await runs(target, pass(expression)).then(
            ({ status }) => status,
            ({ name }) => name,
          ),
        );
      same(
        [ends[0], ends[1] === 'SUCCEEDED', ends[2], ends[3] === 'SUCCEEDED'],
        ['SUCCEEDED', false, 'SUCCEEDED', false],
      );
    },
  },
  {
    name: 'keys of an inventory are handed on as its list has them',
    says: 'assumed; S3 Inventory: "The key name of the object … is URL-encoded"',
    costs: { makes: 'a bucket, a state machine with one child execution', dollars: 0.0005 },
    run: (target) =>
      withBucket(target, async ({ Bucket, put }) => {
        const line = (key: string) => `"${Bucket}","${key}","3"\n`;
        await put('data/list.csv.gz', gzipSync(line('a%20b%2Bc.txt') + line('plain.txt')));
        const manifest = {
          sourceBucket: Bucket,
          destinationBucket: `arn:aws:s3:::${Bucket}`,
          version: '2016-11-30',
          creationTimestamp: '1514944800000',
          fileFormat: 'CSV',
          fileSchema: 'Bucket, Key, Size',
          files: [{ key: 'data/list.csv.gz', size: 100, MD5checksum: 'd41d8cd98f00b204e9800998ecf8427e' }],
        };
        await put('manifest.json', JSON.stringify(manifest));
        const { status, output, error } = await runs(
          target,
          machine({
            M: {
              Type: 'Map',
              ItemReader: {
                Resource: 'arn:aws:states:::s3:getObject',
                ReaderConfig: { InputType: 'MANIFEST' },
                Arguments: { Bucket, Key: 'manifest.json' },
              },
              ItemProcessor: {
                ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'EXPRESS' },
                StartAt: 'P',
                States: { P: { Type: 'Pass', Output: '{% $states.input.Key %}', End: true } },
              },
              End: true,
            },
          }),
        );
        same([status, error, output], ['SUCCEEDED', undefined, ['a%20b%2Bc.txt', 'plain.txt']]);
      }),
  },
];

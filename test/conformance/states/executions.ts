import * as sfn from '@aws-sdk/client-sfn';
import type { Json } from '../../../local/cloud.ts';
import { clientOf } from '../client.ts';
import { errorOf, same } from '../expect.ts';
import type { Case } from '../suite.ts';
import { untilEnded, withMachine } from './machine.ts';

const wait = (Seconds: number): Json => ({
  QueryLanguage: 'JSONata',
  StartAt: 'W',
  States: { W: { Type: 'Wait', Seconds, End: true } },
});
const flaky: Json = {
  QueryLanguage: 'JSONata',
  StartAt: 'A',
  States: {
    A: { Type: 'Pass', Assign: { x: 1 }, Next: 'C' },
    C: {
      Type: 'Choice',
      Choices: [{ Condition: '{% $states.context.Execution.RedriveCount > 0 %}', Next: 'D' }],
      Default: 'P',
    },
    P: {
      Type: 'Parallel',
      Branches: [
        {
          StartAt: 'B',
          States: {
            B: {
              Type: 'Choice',
              Choices: [{ Condition: '{% $states.context.Execution.RedriveCount > 0 %}', Next: 'G' }],
              Default: 'F',
            },
            F: { Type: 'Fail', Error: 'Boom' },
            G: { Type: 'Pass', Output: '{% $x %}', End: true },
          },
        },
      ],
      Next: 'D',
    },
    D: { Type: 'Pass', End: true },
  },
};

async function typesOf(client: sfn.SFNClient, executionArn: string | undefined): Promise<unknown[]> {
  const { events } = await client.send(new sfn.GetExecutionHistoryCommand({ executionArn }));
  return (events ?? []).map(({ type }) => type);
}

interface Play {
  readonly name: string;
  readonly says: string;
  readonly definition: Json;
  run(client: sfn.SFNClient, stateMachineArn: string): Promise<void>;
}

const PLAYS: readonly Play[] = [
  {
    name: 'the same name and input while it runs is the same execution',
    says: 'StartExecution: "If StartExecution is called with the same name and input as a running execution, the call succeeds and return the same response as the original request. If the execution is closed or if the input is different, it returns a 400 ExecutionAlreadyExists error."',
    definition: wait(30),
    async run(client, stateMachineArn) {
      const start = (input: string) =>
        client.send(new sfn.StartExecutionCommand({ stateMachineArn, name: 'once', input }));
      const first = await start('{"a":1}');
      same((await start('{"a":1}')).executionArn, first.executionArn);
      same(await errorOf(start('{"a":2}')), 'ExecutionAlreadyExists');
      await client.send(new sfn.StopExecutionCommand({ executionArn: first.executionArn }));
      same(await errorOf(start('{"a":1}')), 'ExecutionAlreadyExists');
    },
  },
  {
    name: 'an execution is stopped with an error and a cause',
    says: 'StopExecution: "error: The error code of the failure. cause: A more detailed explanation of the cause of the failure."',
    definition: wait(30),
    async run(client, stateMachineArn) {
      const { executionArn } = await client.send(new sfn.StartExecutionCommand({ stateMachineArn }));
      await client.send(new sfn.StopExecutionCommand({ executionArn, error: 'E', cause: 'C' }));
      const { status, error, cause, redriveStatus } = await untilEnded(client, executionArn);
      same([status, error, cause, redriveStatus], ['ABORTED', 'E', 'C', 'REDRIVABLE']);
      same((await typesOf(client, executionArn)).at(-1), 'ExecutionAborted');
    },
  },
  {
    name: 'the history has an event for each thing that happened',
    says: 'HistoryEvent: "type: ExecutionStarted, WaitStateEntered, WaitStateExited, ExecutionSucceeded …"',
    definition: wait(0),
    async run(client, stateMachineArn) {
      const { executionArn } = await client.send(new sfn.StartExecutionCommand({ stateMachineArn, input: '{"a":1}' }));
      await untilEnded(client, executionArn);
      const { events = [] } = await client.send(new sfn.GetExecutionHistoryCommand({ executionArn }));
      same(
        events.map(({ id, previousEventId, type }) => [id, previousEventId, type]),
        [
          [1, 0, 'ExecutionStarted'],
          [2, 0, 'WaitStateEntered'],
          [3, 2, 'WaitStateExited'],
          [4, 3, 'ExecutionSucceeded'],
        ],
      );
      same(events[1]?.stateEnteredEventDetails?.input, '{"a":1}');
      same(events[3]?.executionSucceededEventDetails?.output, '{"a":1}');
    },
  },
  {
    name: 'a redrive goes on from the state that failed',
    says: 'RedriveExecution: "restarts unsuccessful executions of Standard workflows … from the unsuccessful step and uses the same input"',
    definition: flaky,
    async run(client, stateMachineArn) {
      const { executionArn } = await client.send(new sfn.StartExecutionCommand({ stateMachineArn }));
      same((await untilEnded(client, executionArn)).error, 'Boom');
      await client.send(new sfn.RedriveExecutionCommand({ executionArn }));
      const { status, redriveCount } = await untilEnded(client, executionArn);
      const types = await typesOf(client, executionArn);
      same([types.includes('ExecutionFailed'), types.includes('ExecutionRedriven'), redriveCount], [true, true, 1]);
      // A Fail state fails again when it is redriven: it is the state that the execution failed in.
      same(status, 'FAILED');
    },
  },
  {
    name: 'an execution that succeeded is not redriven',
    says: 'RedriveExecution: ExecutionNotRedrivable',
    definition: wait(0),
    async run(client, stateMachineArn) {
      const { executionArn } = await client.send(new sfn.StartExecutionCommand({ stateMachineArn }));
      await untilEnded(client, executionArn);
      same(await errorOf(client.send(new sfn.RedriveExecutionCommand({ executionArn }))), 'ExecutionNotRedrivable');
    },
  },
  {
    name: 'executions are listed by status',
    says: 'ListExecutions: "Lists all executions of a state machine … statusFilter"',
    definition: wait(30),
    async run(client, stateMachineArn) {
      const { executionArn } = await client.send(new sfn.StartExecutionCommand({ stateMachineArn, name: 'a' }));
      const list = async (statusFilter: 'RUNNING' | 'ABORTED') =>
        (await client.send(new sfn.ListExecutionsCommand({ stateMachineArn, statusFilter }))).executions?.length;
      same([await list('RUNNING'), await list('ABORTED')], [1, 0]);
      await client.send(new sfn.StopExecutionCommand({ executionArn }));
      same([await list('RUNNING'), await list('ABORTED')], [0, 1]);
    },
  },
  {
    name: 'what is asked for wrongly is refused by name',
    says: 'StartExecution: "InvalidArn, InvalidExecutionInput, InvalidName, StateMachineDoesNotExist"; DescribeExecution: ExecutionDoesNotExist',
    definition: wait(0),
    async run(client, stateMachineArn) {
      const start = (more: Json) => errorOf(client.send(new sfn.StartExecutionCommand({ stateMachineArn, ...more })));
      const executionArn = `${stateMachineArn.replace(':stateMachine:', ':execution:')}:none`;
      same(
        [
          await start({ input: '{' }),
          await start({ name: 'a b' }),
          await start({ stateMachineArn: 'nonsense' }),
          await start({ stateMachineArn: `${stateMachineArn}x` }),
          await errorOf(client.send(new sfn.DescribeExecutionCommand({ executionArn }))),
        ],
        ['InvalidExecutionInput', 'InvalidName', 'InvalidArn', 'StateMachineDoesNotExist', 'ExecutionDoesNotExist'],
      );
    },
  },
];

export const executions: readonly Case[] = PLAYS.map(({ name, says, definition, run }) => ({
  name,
  says,
  async run(target) {
    const client = clientOf(target, sfn.SFNClient);
    await withMachine(target, definition, (arn) => run(client, arn));
  },
}));

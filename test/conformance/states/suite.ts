import { isDeepStrictEqual } from 'node:util';
import { SFNClient, StartExecutionCommand, ValidateStateMachineDefinitionCommand } from '@aws-sdk/client-sfn';
import type { Json } from '../../../local/cloud.ts';
import { clientOf } from '../client.ts';
import { errorOf } from '../expect.ts';
import type { Case, Suite, Target } from '../suite.ts';
import { executions } from './executions.ts';
import { untilEnded, withMachine } from './machine.ts';
import { MACHINES, type Machine, REFUSED } from './machines.ts';

async function judgeMachine(target: Target, machine: Machine): Promise<void> {
  const client = clientOf(target, SFNClient);
  const { status = 'SUCCEEDED', error, cause, like, input = {} } = machine;
  const got = await withMachine(target, machine.definition, async (stateMachineArn) => {
    const started = new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(input) });
    return await untilEnded(client, (await client.send(started)).executionArn);
  });
  const output = got.output === undefined ? undefined : JSON.parse(got.output);
  const right =
    got.status === status &&
    got.error === error &&
    (cause === undefined || cause.test(got.cause ?? '')) &&
    (like === undefined ? isDeepStrictEqual(output, machine.output) : like(output));
  if (right) return;
  const wanted = JSON.stringify({ status, output: machine.output, error, cause: cause?.source });
  throw new Error(`wanted ${wanted}\ngot    ${JSON.stringify({ ...got, output, $metadata: undefined })}`);
}

async function judgeRefusal(target: Target, definition: Json, says: RegExp): Promise<void> {
  const client = clientOf(target, SFNClient);
  const text = JSON.stringify(definition);
  const { result, diagnostics } = await client.send(new ValidateStateMachineDefinitionCommand({ definition: text }));
  const told = JSON.stringify(diagnostics);
  if (result !== 'FAIL' || !says.test(told)) throw new Error(`ValidateStateMachineDefinition: ${result} ${told}`);
  const name = await errorOf(withMachine(target, definition, async () => {}));
  if (name !== 'InvalidDefinition') throw new Error(`CreateStateMachine: ${name ?? 'it was taken'}`);
}

export const states: Suite = {
  service: 'states',
  costs: { makes: 'a state machine, some executions of up to 300 transitions', dollars: 0.01 },
  cases: [
    ...MACHINES.map(
      (machine): Case => ({ name: machine.name, says: machine.says, run: (target) => judgeMachine(target, machine) }),
    ),
    ...REFUSED.map(
      ({ name, definition, says }): Case => ({
        name: `refused: ${name}`,
        says: 'InvalidDefinition: "The provided Amazon States Language definition is not valid."',
        run: (target) => judgeRefusal(target, definition, says),
      }),
    ),
    ...executions,
  ],
};

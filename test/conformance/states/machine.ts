import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateStateMachineCommand,
  DeleteStateMachineCommand,
  DescribeExecutionCommand,
  SFNClient,
} from '@aws-sdk/client-sfn';
import type { Json } from '../../../local/cloud.ts';
import { clientOf } from '../client.ts';
import { uniqueName } from '../expect.ts';
import { roleOf } from '../role.ts';
import type { Target } from '../suite.ts';

/** Makes a machine, and leaves nothing behind. */
export async function withMachine<T>(
  target: Target,
  definition: Json,
  use: (stateMachineArn: string) => Promise<T>,
): Promise<T> {
  const client = clientOf(target, SFNClient);
  const name = uniqueName();
  const { stateMachineArn } = await client.send(
    new CreateStateMachineCommand({ name, roleArn: roleOf(target), definition: JSON.stringify(definition) }),
  );
  try {
    return await use(stateMachineArn!);
  } finally {
    await client.send(new DeleteStateMachineCommand({ stateMachineArn }));
  }
}

export async function untilEnded(client: SFNClient, executionArn: string | undefined) {
  for (;;) {
    const execution = await client.send(new DescribeExecutionCommand({ executionArn }));
    if (execution.status !== 'RUNNING') return execution;
    await sleep(50);
  }
}

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { dynamoBuilds } from '../aws/dynamo-builds.ts';
import { dynamoProjectionTable } from '../aws/dynamo-projection-table.ts';
import type { ProjectionTable } from '../projection/projection-table.ts';
import type { Builds } from '../replay/builds.ts';
import { findTarget, needName, type TargetFlags } from './target.ts';

export interface OpenReplays {
  readonly states: SFNClient;
  readonly machine: string;
  readonly builds: Builds;
  readonly table: ProjectionTable;
  /** An execution's ARN by its name. */
  executionOf(name: string): string;
  close(): void;
}

/** The replays that the flags, the environment or a running `daybook dev` mean. */
export async function openReplays(flags: TargetFlags): Promise<OpenReplays> {
  const target = await findTarget(flags);
  const machine = needName(target, 'ReplayStateMachineArn', 'replay');
  const tableName = needName(target, 'ProjectionsTableName', 'replay');
  const client = new DynamoDBClient(target.client);
  const states = new SFNClient(target.client);
  return {
    states,
    machine,
    builds: dynamoBuilds({ client, tableName }),
    table: dynamoProjectionTable({ client, tableName }),
    executionOf: (name) => `${machine.replace(':stateMachine:', ':execution:')}:${name}`,
    close() {
      client.destroy();
      states.destroy();
    },
  };
}

/** How an execution stands. */
export async function describe({ states, executionOf }: OpenReplays, name: string) {
  const answer = await states.send(new DescribeExecutionCommand({ executionArn: executionOf(name) }));
  const input = JSON.parse(answer.input ?? '{}') as { projection?: string };
  return { ...answer, projection: input.projection ?? '' };
}

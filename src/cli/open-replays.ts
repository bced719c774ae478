import './errors.ts';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DescribeExecutionCommand, ExecutionDoesNotExist, SFNClient } from '@aws-sdk/client-sfn';
import { dynamoBuilds } from '../aws/dynamo-builds.ts';
import { dynamoProjectionTable } from '../aws/dynamo-projection-table.ts';
import { DaybookError } from '../errors.ts';
import { isProjectionName } from '../event/names.ts';
import type { ProjectionTable } from '../projection/projection-table.ts';
import type { BuildRecord, Builds } from '../replay/builds.ts';
import '../replay/errors.ts';
import { isFinal, isRefusal, reasonOf } from '../replay/failure.ts';
import { endedWell, isStopped } from '../replay/stopped.ts';
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
  const call = states.send(new DescribeExecutionCommand({ executionArn: executionOf(name) }));
  const answer = await call.catch((cause: unknown) => {
    throw cause instanceof ExecutionDoesNotExist ? new DaybookError('cli.noReplay', { name }, { cause }) : cause;
  });
  const { projection } = Object(JSON.parse(answer.input ?? '{}')) as { projection?: unknown };
  return { ...answer, projection: isProjectionName(projection) ? projection : '' };
}

/** What is kept of a replay; undefined when its request was refused, or does not say of which projection it is. */
export async function recordOf(
  { builds }: OpenReplays,
  name: string,
  projection: string,
): Promise<BuildRecord | undefined> {
  return projection === '' ? undefined : await builds.get(projection, name);
}

/** What an execution that did not succeed came to, and what can be done. */
export async function endOf(replays: OpenReplays, name: string, execution: Awaited<ReturnType<typeof describe>>) {
  const { status = 'ended', projection } = execution;
  const record = await recordOf(replays, name, projection);
  const { error, cause } = reasonOf(execution, record?.sliceError);
  return new DaybookError('cli.replayEnded', {
    name,
    status,
    error,
    cause,
    next: nextOf(name, status, record, { error, cause }),
  });
}

/** A request that was refused has no record: asked again it is refused again. */
export function nextOf(
  name: string,
  status: string,
  record: Pick<BuildRecord, 'status'> | undefined,
  { error, cause }: { readonly error: string; readonly cause: string },
): string {
  if (status === 'ABORTED' || isStopped(record)) return 'It cannot go on: start it again under another name.';
  if (endedWell(record)) return 'The build of this name stays as it is: start it under another name.';
  const [resume, stop] = [`npx daybook replay resume ${name}`, `npx daybook replay stop ${name}`];
  if (isFinal({ error, cause })) return `Resumed it would fail again: ${stop}, and start it under another name.`;
  if (record !== undefined && cause.startsWith('replay.notVerified'))
    return `What it has folded stays as it is, and ${resume} only verifies it once more. Once that is mended: ${stop}, and start it under another name.`;
  if (record !== undefined) return `Once that is mended: ${resume}; to give it up: ${stop}`;
  return isRefusal({ error })
    ? 'Nothing was begun: mend the request, and start it under another name.'
    : `Once that is mended: ${resume}`;
}

import { DescribeExecutionCommand, ExecutionDoesNotExist, type SFNClient } from '@aws-sdk/client-sfn';
import type { ExecutionEnded } from '../replay/end.ts';

/** Does this execution run? One that nobody knows any more does not. */
export async function isRunning(client: SFNClient, executionArn: string): Promise<boolean> {
  const status = await statusOfExecution(client, executionArn);
  return status === 'RUNNING' || status === 'PENDING_REDRIVE';
}

/** An execution's status as Step Functions names it; undefined when nobody knows it any more. */
export async function statusOfExecution(client: SFNClient, executionArn: string): Promise<string | undefined> {
  return (await describeExecution(client, executionArn))?.status;
}

/** How this execution ended, or that it runs; undefined when nobody knows it any more: Step Functions forgets one after 90 days. */
export async function endOfExecution(
  client: SFNClient,
  executionArn: string,
): Promise<ExecutionEnded | 'running' | undefined> {
  const execution = await describeExecution(client, executionArn);
  if (execution === undefined) return undefined;
  const { status, name = '', input, output, error, cause } = execution;
  switch (status) {
    case 'SUCCEEDED':
    case 'FAILED':
    case 'TIMED_OUT':
    case 'ABORTED':
      return { executionArn, name, status, input, output, error, cause };
    default:
      return 'running';
  }
}

async function describeExecution(client: SFNClient, executionArn: string) {
  try {
    return await client.send(new DescribeExecutionCommand({ executionArn }));
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) return undefined;
    throw error;
  }
}

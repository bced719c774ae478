import { DescribeExecutionCommand, ExecutionDoesNotExist, type SFNClient } from '@aws-sdk/client-sfn';
import type { ExecutionEnded } from '../replay/end.ts';

/** Does this execution run? One that nobody knows any more does not. */
export async function isRunning(client: SFNClient, executionArn: string): Promise<boolean> {
  const execution = await describeExecution(client, executionArn);
  return execution?.status === 'RUNNING' || execution?.status === 'PENDING_REDRIVE';
}

/** How this execution ended; undefined while it runs, and when nobody knows it any more: Step Functions forgets one after 90 days. */
export async function endOfExecution(client: SFNClient, executionArn: string): Promise<ExecutionEnded | undefined> {
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
      return undefined;
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

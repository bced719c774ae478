import type { Json } from '../../cloud.ts';
import { StateFailure } from '../failure.ts';
import { camelCase } from './aws-sdk.ts';
import { asText, type Pattern, type TaskCall, type TaskTarget, withSdkMetadata } from './integration.ts';
import { SDK_SERVICES } from './sdk-services.ts';
import { type ErrorNaming, serviceFailure } from './service-failure.ts';

const NAMING: ErrorNaming = {
  prefix: 'StepFunctions',
  fallback: 'AWSStepFunctionsException',
  modelled: SDK_SERVICES.sfn!.errors,
  service: 'AWSStepFunctions',
  sdk: 1,
};

/** `arn:aws:states:::states:startExecution`, `.sync` (output as text) and `.sync:2` (output as JSON). */
export function startExecutionTarget(pattern: Pattern): TaskTarget {
  const suffix = { request: '', token: '.waitForTaskToken', sync: '.sync', 'sync:2': '.sync:2' }[pattern];
  return {
    kind: 'integration',
    resourceType: 'states',
    resource: `startExecution${suffix}`,
    pattern,
    known: ['StateMachineArn', 'Input', 'Name', 'TraceHeader'],
    required: ['StateMachineArn'],
    async call(task) {
      const { Input, ...others } = task.arguments;
      const input = camelCase({ ...others, ...(Input === undefined ? {} : { Input: asText(Input) }) });
      const { executionArn, startDate } = await states(task, 'StartExecution', input);
      // The optimized integration speaks through the SDK for Java 1: a date is in milliseconds.
      return withSdkMetadata(task.cloud, { ExecutionArn: executionArn, StartDate: Math.round(startDate * 1000) });
    },
    async complete(task, { ExecutionArn }) {
      await task.executionEnded(ExecutionArn);
      return ended(await states(task, 'DescribeExecution', { executionArn: ExecutionArn }), pattern);
    },
    // "if you stop an execution, Step Functions makes a best-effort attempt to cancel the .sync task".
    async cancel(task, { ExecutionArn }) {
      await states(task, 'StopExecution', { executionArn: ExecutionArn });
    },
  };
}

async function states({ cloud, principal }: TaskCall, operation: string, input: Json): Promise<Json> {
  try {
    return await cloud.call({ principal }, 'states', operation, input);
  } catch (error) {
    throw serviceFailure(error, NAMING, cloud);
  }
}

function ended(execution: Json, pattern: Pattern): Json {
  const data = (text: string | undefined) => (text !== undefined && pattern === 'sync:2' ? JSON.parse(text) : text);
  const described: Record<string, Json> = {
    ExecutionArn: execution.executionArn,
    Input: data(execution.input),
    InputDetails: { Included: true },
    Name: execution.name,
    Output: data(execution.output),
    OutputDetails: execution.output === undefined ? undefined : { Included: true },
    StartDate: Math.round(execution.startDate * 1000),
    StateMachineArn: execution.stateMachineArn,
    Status: execution.status,
    StopDate: Math.round(execution.stopDate * 1000),
    Error: execution.error,
    Cause: execution.cause,
  };
  for (const name of Object.keys(described)) if (described[name] === undefined) delete described[name];
  if (execution.status === 'SUCCEEDED') return described;
  throw new StateFailure('States.TaskFailed', JSON.stringify(described), { origin: 'task' });
}

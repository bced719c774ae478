import type { Json } from '../../cloud.ts';
import { StateFailure } from '../failure.ts';
import { asText, type Pattern, type TaskCall, type TaskTarget, withSdkMetadata } from './integration.ts';
import { SDK_SERVICES } from './sdk-services.ts';
import { type ErrorNaming, serviceFailure } from './service-failure.ts';

const NAMING: ErrorNaming = {
  prefix: 'Lambda',
  fallback: 'AWSLambdaException',
  modelled: SDK_SERVICES.lambda!.errors,
  service: 'AWSLambda',
  sdk: 1,
};

/** A function's own ARN as the Resource: the arguments are its event, its answer is the result. */
export function functionTarget(arn: string): TaskTarget {
  return {
    kind: 'function',
    resourceType: arn,
    resource: arn,
    pattern: 'request',
    known: undefined,
    required: [],
    async call(task) {
      const answer = await invoke(task, { FunctionName: arn, Payload: JSON.stringify(task.arguments) });
      return payloadOf(answer);
    },
  };
}

/** `arn:aws:states:::lambda:invoke`: "the Payload field of the response is parsed from escaped JSON to JSON". */
export function invokeTarget(pattern: Pattern): TaskTarget {
  return {
    kind: 'integration',
    resourceType: 'lambda',
    resource: pattern === 'token' ? 'invoke.waitForTaskToken' : 'invoke',
    pattern,
    known: ['FunctionName', 'Payload', 'ClientContext', 'InvocationType', 'LogType', 'Qualifier'],
    required: ['FunctionName'],
    async call(task) {
      const { Payload, ...others } = task.arguments;
      const answer = await invoke(task, { ...others, Payload: Payload === undefined ? '{}' : JSON.stringify(Payload) });
      return withSdkMetadata(task.cloud, {
        ExecutedVersion: answer.ExecutedVersion ?? '$LATEST',
        Payload: payloadOf(answer),
        StatusCode: answer.StatusCode,
      });
    },
  };
}

async function invoke({ cloud, principal }: TaskCall, input: Json): Promise<Json> {
  let answer: Json;
  try {
    answer = await cloud.call({ principal }, 'lambda', 'Invoke', input);
  } catch (error) {
    throw serviceFailure(error, NAMING, cloud);
  }
  if (answer.FunctionError !== undefined) throw functionFailure(textOf(answer.Payload));
  return answer;
}

/** A function's error is named by its `errorType`; "Unhandled errors in Lambda … Lambda.Unknown". */
function functionFailure(payload: string): StateFailure {
  let error = 'Lambda.Unknown';
  try {
    const { errorType } = JSON.parse(payload) ?? {};
    if (typeof errorType === 'string' && errorType !== '') error = errorType;
  } catch {
    // Not the error object of a runtime: the payload is the whole cause.
  }
  return new StateFailure(error, payload, { origin: 'task' });
}

function payloadOf({ Payload }: Json): Json {
  const text = textOf(Payload);
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function textOf(payload: Json): string {
  if (payload === undefined) return '';
  return payload instanceof Uint8Array ? Buffer.from(payload).toString('utf8') : asText(payload);
}

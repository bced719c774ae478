import '../feed/errors.ts';
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { DaybookError } from '../errors.ts';
import type { RedriveAnswer, RedriveRequest } from '../feed/consume/redrive-request.ts';

/** Asks a consumer's function to redrive, and waits for its answer. */
export async function redriveByLambda(
  client: LambdaClient,
  functionName: string,
  request: RedriveRequest,
): Promise<RedriveAnswer> {
  const failed = (problem: string) => new DaybookError('feed.redriveFailed', { function: functionName, problem });
  const invoke = new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(JSON.stringify(request)) });
  const { Payload, FunctionError } = await client.send(invoke).catch((error: Error) => {
    // The one that parked may have been deployed anew under another name.
    if (error.name !== 'ResourceNotFoundException') throw error;
    throw failed('there is none of this name; name the one that has the consumer now with --function');
  });
  const text = Payload === undefined ? '' : Buffer.from(Payload).toString('utf8');
  if (FunctionError !== undefined) {
    // A message of ours begins with its code; anybody else's may quote a payload.
    const { errorType = 'Error', errorMessage = '' } = JSON.parse(text) as {
      errorType?: string;
      errorMessage?: string;
    };
    throw failed(errorType === 'DaybookError' ? errorMessage : errorType);
  }
  const answer = parse(text);
  if (answer?.daybook !== 'redriven' || !Array.isArray(answer.outcomes)) {
    throw failed('its answer is none of consumeEvents; name the right one with --function');
  }
  return answer;
}

function parse(text: string): RedriveAnswer | undefined {
  try {
    return JSON.parse(text) as RedriveAnswer;
  } catch {
    return undefined;
  }
}

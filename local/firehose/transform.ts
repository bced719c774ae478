import { type Cloud, type Json, ServiceError } from '../cloud.ts';
import type { TransformSettings } from './settings.ts';

/** A record as Firehose took it in. */
export interface Received {
  readonly recordId: string;
  readonly data: Buffer;
  readonly arrivalMs: number;
  readonly kinesis?: Json;
  /** To be called once it has been delivered, wherever to. */
  done(): void;
}

/** A record after the transformation. */
export interface Transformed {
  readonly received: Received;
  readonly data: Buffer;
  readonly partitionKeys: Readonly<Record<string, string>>;
}

/** Why a record went to the error prefix. */
export interface Failure {
  readonly received: Received;
  readonly attempts: number;
  readonly code: string;
  readonly message: string;
}

export interface TransformOutcome {
  readonly ok: readonly Transformed[];
  readonly failed: readonly Failure[];
  readonly dropped: readonly Received[];
}

/** "The Lambda synchronous invocation mode has a payload size limit of 6 MB for both the request and the response." */
const MOST_BYTES = 6 * 1024 * 1024;

// Codes and texts: https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-logs.html
const MESSAGES = {
  'Lambda.MissingRecordId':
    'One or more record ids were not returned. Ensure that the Lambda function returns all received record ids.',
  'Lambda.DuplicatedRecordId':
    'Multiple records were returned with the same record ID. Ensure that the Lambda function returns unique record IDs for each record.',
  'Lambda.JsonProcessingException':
    'There was an error parsing returned records from the Lambda function. Ensure that the returned records follow the status model required by Amazon Data Firehose.',
  'Lambda.FunctionError': 'The Lambda function was successfully invoked but it returned an error result.',
  'Lambda.FunctionTimedOut': 'The Lambda function timed out. Increase the Timeout setting in the Lambda function.',
  'Lambda.InvokeAccessDenied': 'Access was denied. Ensure that the access policy allows access to the Lambda function.',
  'Lambda.ProcessingFailedStatus': 'ProcessingFailed status set for record',
  'Lambda.ResponseSizeLimit': 'The response of the Lambda function exceeds the limit of 6 MB.',
} as const;
type Code = keyof typeof MESSAGES;

export interface TransformContext {
  readonly cloud: Cloud;
  readonly settings: TransformSettings;
  readonly deliveryStreamArn: string;
  readonly sourceArn: string | undefined;
}

/** Sends a batch through the Lambda function, again when that fails, and sorts what comes back. */
export async function transformBatch(batch: readonly Received[], context: TransformContext): Promise<TransformOutcome> {
  const { cloud, settings } = context;
  const payload = Buffer.from(
    JSON.stringify({
      invocationId: cloud.kernel.random.uuid(),
      deliveryStreamArn: context.deliveryStreamArn,
      ...(context.sourceArn !== undefined && { sourceKinesisStreamArn: context.sourceArn }),
      region: cloud.account.region,
      records: batch.map((received) => ({
        recordId: received.recordId,
        approximateArrivalTimestamp: received.arrivalMs,
        data: received.data.toString('base64'),
        ...(received.kinesis !== undefined && { kinesisRecordMetadata: received.kinesis }),
      })),
    }),
  );
  // "If your Lambda function invocation fails because of a network timeout or because you've reached the invocation
  // limit, Firehose retries the invocation three times by default. If it does not succeed, Firehose skips that batch."
  for (let attempts = 1; ; attempts++) {
    const answer = await invoke(payload, context);
    if ('records' in answer) return sortAnswer(batch, answer.records, attempts);
    if (attempts > settings.retries || !answer.again) {
      const { code, message } = answer;
      return { ok: [], dropped: [], failed: batch.map((received) => ({ received, attempts, code, message })) };
    }
    await cloud.kernel.scheduler.sleep(Math.min(100 * 2 ** attempts, 5_000));
  }
}

type Answer =
  | { readonly records: Json[] }
  | { readonly code: string; readonly message: string; readonly again: boolean };

async function invoke(payload: Buffer, { cloud, settings }: TransformContext): Promise<Answer> {
  let answer: Json;
  try {
    answer = await cloud.call({ principal: settings.roleArn }, 'lambda', 'Invoke', {
      FunctionName: settings.lambdaArn,
      InvocationType: 'RequestResponse',
      Payload: payload,
    });
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    if (/AccessDenied/.test(error.code)) return failure('Lambda.InvokeAccessDenied');
    return { code: `Lambda.${error.code}`, message: error.message, again: true };
  }
  const body = Buffer.isBuffer(answer.Payload) ? answer.Payload : Buffer.from(answer.Payload ?? '');
  if (answer.FunctionError !== undefined) {
    const timedOut = /timed out/i.test(body.toString('utf8'));
    return failure(timedOut ? 'Lambda.FunctionTimedOut' : 'Lambda.FunctionError', true);
  }
  if (body.length > MOST_BYTES) return failure('Lambda.ResponseSizeLimit', true);
  try {
    const { records } = JSON.parse(body.toString('utf8'));
    if (Array.isArray(records)) return { records };
  } catch {
    // said below
  }
  return failure('Lambda.JsonProcessingException');
}

const failure = (code: Code, again = false) => ({ code, message: MESSAGES[code], again });

/** "All records must be returned … a transformed record must contain the same record ID"; anything else is a failure. */
function sortAnswer(batch: readonly Received[], records: readonly Json[], attempts: number): TransformOutcome {
  const ok: Transformed[] = [];
  const failed: Failure[] = [];
  const dropped: Received[] = [];
  const byId = new Map<string, Json>();
  const repeated = new Set<string>();
  for (const record of records) {
    if (byId.has(record?.recordId)) repeated.add(record.recordId);
    byId.set(record?.recordId, record);
  }
  for (const received of batch) {
    const fail = (code: Code) => failed.push({ received, attempts, code, message: MESSAGES[code] });
    const record = byId.get(received.recordId);
    if (record === undefined) fail('Lambda.MissingRecordId');
    else if (repeated.has(received.recordId)) fail('Lambda.DuplicatedRecordId');
    else if (record.result === 'Dropped') dropped.push(received);
    else if (record.result === 'ProcessingFailed') fail('Lambda.ProcessingFailedStatus');
    else if (record.result !== 'Ok' || typeof record.data !== 'string') fail('Lambda.JsonProcessingException');
    else {
      ok.push({
        received,
        data: Buffer.from(record.data, 'base64'),
        partitionKeys: record.metadata?.partitionKeys ?? {},
      });
    }
  }
  return { ok, failed, dropped };
}

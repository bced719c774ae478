import { type Caller, type Cloud, type Json, ServiceError, type ServiceName } from '../cloud.ts';
import type { Answer, Request } from './http-message.ts';

/** What stands before the dot of `X-Amz-Target`, by service. */
const TARGETS: Readonly<Record<string, ServiceName>> = {
  DynamoDB_20120810: 'dynamodb',
  DynamoDBStreams_20120810: 'dynamodbstreams',
  Kinesis_20131202: 'kinesis',
  Firehose_20150804: 'firehose',
  AWSEvents: 'events',
  AmazonSQS: 'sqs',
  AmazonAthena: 'athena',
  AWSGlue: 'glue',
  AWSStepFunctions: 'states',
};

/** Codes that older clients of SQS know, where they differ (its `awsQueryError` names; SQS API reference, JSON protocol). */
const SQS_QUERY_CODES: Readonly<Record<string, string>> = {
  QueueDoesNotExist: 'AWS.SimpleQueueService.NonExistentQueue',
  QueueNameExists: 'QueueAlreadyExists',
  QueueDeletedRecently: 'AWS.SimpleQueueService.QueueDeletedRecently',
  BatchEntryIdsNotDistinct: 'AWS.SimpleQueueService.BatchEntryIdsNotDistinct',
  BatchRequestTooLong: 'AWS.SimpleQueueService.BatchRequestTooLong',
  EmptyBatchRequest: 'AWS.SimpleQueueService.EmptyBatchRequest',
  InvalidBatchEntryId: 'AWS.SimpleQueueService.InvalidBatchEntryId',
  MessageNotInflight: 'AWS.SimpleQueueService.MessageNotInflight',
  PurgeQueueInProgress: 'AWS.SimpleQueueService.PurgeQueueInProgress',
  TooManyEntriesInBatchRequest: 'AWS.SimpleQueueService.TooManyEntriesInBatchRequest',
  UnsupportedOperation: 'AWS.SimpleQueueService.UnsupportedOperation',
  AccessDeniedException: 'AccessDenied',
};

/** The JSON 1.0 and 1.1 protocols: `X-Amz-Target: <service>.<operation>`, everything else in the body. */
export async function answerJson(cloud: Cloud, caller: Caller, target: string, request: Request): Promise<Answer> {
  const contentType = String(request.headers['content-type'] ?? 'application/x-amz-json-1.0').split(';')[0]!;
  const dot = target.lastIndexOf('.');
  const service = TARGETS[target.slice(0, dot)];
  let status = 200;
  let result: Json;
  const headers: Record<string, string> = { 'content-type': contentType };
  try {
    if (service === undefined) throw new ServiceError('UnknownOperationException', `${target} is not hosted here`);
    if (target.endsWith('.SubscribeToShard')) {
      throw new ServiceError(
        'UnknownOperationException',
        'SubscribeToShard answers with an event stream, which is not spoken here: map a function to the consumer',
      );
    }
    if (!contentType.startsWith('application/x-amz-json')) {
      throw new ServiceError(
        'SerializationException',
        `The embedded runtime speaks JSON to ${service}, not ${contentType}`,
      );
    }
    result = (await cloud.call(caller, service, target.slice(dot + 1), parseBody(request.body))) ?? {};
  } catch (error) {
    const failure = asServiceError(error, request);
    status = failure.status;
    result = { ...failure.fields, __type: `${PREFIXES[service ?? ''] ?? ''}${failure.code}`, message: failure.message };
    if (service === 'sqs') {
      headers['x-amzn-query-error'] =
        `${SQS_QUERY_CODES[failure.code] ?? failure.code};${status >= 500 ? 'Receiver' : 'Sender'}`;
    }
  }
  const body = Buffer.from(JSON.stringify(result));
  if (service === 'dynamodb' || service === 'dynamodbstreams') headers['x-amz-crc32'] = String(crc32(body));
  return { status, headers, body };
}

const PREFIXES: Readonly<Record<string, string>> = {
  dynamodb: 'com.amazonaws.dynamodb.v20120810#',
  dynamodbstreams: 'com.amazonaws.dynamodb.v20120810#',
  sqs: 'com.amazonaws.sqs#',
};

export function parseBody(body: Buffer): Json {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new ServiceError('SerializationException', 'The body is not valid JSON');
  }
}

/** An error that is not the service's own is a defect of the runtime: it is told apart, and logged. */
export function asServiceError(error: unknown, request: Request): ServiceError {
  if (error instanceof ServiceError) return error;
  request.defect(error);
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new ServiceError('InternalFailure', `The embedded runtime failed: ${message}`, { status: 500 });
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** CRC-32 (ISO 3309), which clients of DynamoDB compare; `zlib.crc32` is not in every Node 20. */
export function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (let i = 0; i < bytes.length; i++) crc = CRC_TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

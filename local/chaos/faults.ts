import type { ServiceName } from '../cloud.ts';

/** What a person may switch on. */
export const FAULTS = ['throttle', 'slow', 'fail', 'drop', 'repeat', 'reorder'] as const;
export type Fault = (typeof FAULTS)[number];

interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly status?: number;
}

export interface ServiceFaults {
  /** The operations that are struck: those of every day, never those that make or describe something. */
  readonly operations: RegExp;
  /** Of these the caller does not know whether a failure came before or after the effect. */
  readonly writes: RegExp;
  readonly throttle: Refusal;
  readonly fail: Refusal;
  /** How likely each fault is when it is not said. Only what the real service can show is here. */
  readonly rates: Readonly<Partial<Record<Fault, number>>>;
}

const RATES = { throttle: 0.02, slow: 0.05, fail: 0.01 };
const INTERNAL = 'An internal error occurred.';

/** The services that can be struck, with the exceptions of their API references ("Common Errors" where they name none). */
export const SERVICE_FAULTS: Readonly<Partial<Record<ServiceName, ServiceFaults>>> = {
  dynamodb: {
    operations: /Item|^Query$|^Scan$/,
    writes: /^(Put|Update|Delete|TransactWrite)Item/,
    throttle: {
      code: 'ProvisionedThroughputExceededException',
      message:
        'The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.',
    },
    // "When you receive a status code 500 on a write operation, the operation may have succeeded or failed."
    fail: { code: 'InternalServerError', message: 'Internal server error', status: 500 },
    rates: RATES,
  },
  dynamodbstreams: {
    operations: /^GetRecords$/,
    writes: /^$/,
    throttle: { code: 'LimitExceededException', message: 'Too many operations for a given subscriber.' },
    fail: { code: 'InternalServerError', message: 'Internal server error', status: 500 },
    rates: RATES,
  },
  kinesis: {
    operations: /^(PutRecords?|GetRecords)$/,
    writes: /^$/,
    throttle: { code: 'ProvisionedThroughputExceededException', message: 'Rate exceeded for shard.' },
    fail: { code: 'InternalFailure', message: 'Internal Service Failure', status: 500 },
    // "PutRecords doesn't guarantee the ordering of records"; "Producer retries" and "Consumer retries" repeat records.
    rates: { ...RATES, repeat: 0.02, reorder: 0.1 },
  },
  sqs: {
    operations: /^(SendMessage|ReceiveMessage|DeleteMessage|ChangeMessageVisibility)/,
    writes: /^SendMessage/,
    throttle: { code: 'RequestThrottled', message: 'The request was denied due to request throttling.' },
    fail: { code: 'InternalFailure', message: INTERNAL, status: 500 },
    // Standard queues: "At-least-once delivery", "Best-effort ordering"; short polling "might not return all".
    rates: { ...RATES, drop: 0.05, repeat: 0.02, reorder: 0.1 },
  },
  events: {
    operations: /^PutEvents$/,
    writes: /^PutEvents$/,
    throttle: { code: 'ThrottlingException', message: 'Rate exceeded' },
    fail: { code: 'InternalException', message: INTERNAL, status: 500 },
    // "EventBridge … at least once event delivery to targets", and in no order.
    rates: { ...RATES, drop: 0.05, repeat: 0.05, reorder: 0.2 },
  },
  lambda: {
    operations: /^Invoke$/,
    writes: /^Invoke$/,
    throttle: { code: 'TooManyRequestsException', message: 'Rate Exceeded.', status: 429 },
    fail: { code: 'ServiceException', message: 'The service encountered an internal error.', status: 500 },
    // Event source mappings "process each event at least once"; so do asynchronous invocations.
    rates: { ...RATES, drop: 0.02, repeat: 0.05 },
  },
  states: {
    operations: /^(StartExecution|StopExecution|SendTask)/,
    writes: /^(StartExecution|SendTask)/,
    throttle: { code: 'ThrottlingException', message: 'Rate exceeded' },
    fail: { code: 'InternalFailure', message: INTERNAL, status: 500 },
    rates: RATES,
  },
  s3: {
    operations: /Object|UploadPart|MultipartUpload$/,
    writes: /^(Put|Copy|Delete)Object|^UploadPart/,
    throttle: { code: 'SlowDown', message: 'Please reduce your request rate.', status: 503 },
    fail: { code: 'InternalError', message: 'We encountered an internal error. Please try again.', status: 500 },
    rates: RATES,
  },
  firehose: {
    operations: /^PutRecord/,
    writes: /^PutRecord/,
    throttle: { code: 'ServiceUnavailableException', message: 'Slow down.', status: 503 },
    fail: { code: 'InternalFailure', message: INTERNAL, status: 500 },
    rates: RATES,
  },
  athena: {
    operations: /^(StartQueryExecution|GetQueryExecution|GetQueryResults)$/,
    writes: /^$/,
    throttle: { code: 'TooManyRequestsException', message: 'Rate exceeded' },
    fail: { code: 'InternalServerException', message: INTERNAL, status: 500 },
    rates: RATES,
  },
};

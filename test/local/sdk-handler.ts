import { type Caller, type Cloud, ROOT, ServiceError, type ServiceName } from '../../local/cloud.ts';

/** The prefix of `x-amz-target` that each JSON-protocol service uses. */
const TARGETS: Readonly<Record<string, ServiceName>> = {
  DynamoDB_20120810: 'dynamodb',
  DynamoDBStreams_20120810: 'dynamodbstreams',
  Kinesis_20131202: 'kinesis',
  AmazonSQS: 'sqs',
  AWSEvents: 'events',
  AWSStepFunctions: 'states',
  Firehose_20150804: 'firehose',
  AWSGlue: 'glue',
  AmazonAthena: 'athena',
};

interface Request {
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

function text(body: unknown): string {
  if (body === undefined || body === null) return '{}';
  if (typeof body === 'string') return body;
  if (body instanceof Uint8Array) return new TextDecoder().decode(body);
  throw new TypeError('the SDK sent a body that is neither text nor bytes');
}

/**
 * A `requestHandler` for the clients of the AWS SDK that speak a JSON protocol: requests go to the cloud in this
 * process, without HTTP, and come back exactly as the wire would carry them.
 *
 * @example
 * const client = new DynamoDBClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
 */
export function sdkHandler(cloud: Cloud, caller: Caller = ROOT) {
  const respond = (statusCode: number, body: unknown) => ({
    response: {
      statusCode,
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': cloud.kernel.random.uuid() },
      body: Buffer.from(JSON.stringify(body), 'utf8'),
    },
  });
  return {
    async handle(request: Request) {
      const target = request.headers['x-amz-target'] ?? request.headers['X-Amz-Target'] ?? '';
      const [prefix = '', operation = ''] = target.split('.');
      const service = TARGETS[prefix];
      if (service === undefined) throw new Error(`x-amz-target '${target}' belongs to no JSON-protocol service`);
      try {
        const output = await cloud.call(caller, service, operation, JSON.parse(text(request.body)));
        return respond(200, output);
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        return respond(error.status, { __type: error.code, message: error.message, ...error.fields });
      }
    },
    destroy() {},
    metadata: { handlerProtocol: 'http/1.1' },
  };
}

/** What a client needs besides its handler: nothing is retried, nothing is looked up. */
export const SDK_CONFIG = {
  region: 'us-east-1',
  endpoint: 'http://127.0.0.1:1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  maxAttempts: 1,
} as const;

import type { Json, ServiceName } from '../../cloud.ts';
import { StateFailure } from '../failure.ts';
import { asText, type Pattern, type TaskCall, type TaskTarget, withSdkMetadata } from './integration.ts';
import { SDK_SERVICES } from './sdk-services.ts';
import { type ErrorNaming, serviceFailure } from './service-failure.ts';

interface Optimized {
  readonly service: ServiceName;
  readonly operation: string;
  readonly naming: ErrorNaming;
  readonly required: readonly string[];
  readonly optional: readonly string[];
  readonly patterns: readonly Pattern[];
  readonly prepare?: (args: Json, task: TaskCall) => Json;
  readonly finish?: (answer: Json) => Json;
  readonly complete?: (task: TaskCall, submitted: Json) => Promise<Json>;
  readonly cancel?: (task: TaskCall, submitted: Json) => Promise<void>;
}

function naming(prefix: string, fallback: string, sdk: string, service: string): ErrorNaming {
  return { prefix, fallback, modelled: SDK_SERVICES[sdk]!.errors, service, sdk: 1 };
}

const DYNAMODB = naming('DynamoDB', 'AmazonDynamoDBException', 'dynamodb', 'AmazonDynamoDBv2');
const EVENTS = naming('EventBridge', 'AmazonEventBridgeException', 'eventbridge', 'AmazonEventBridge');
const SQS = naming('SQS', 'AmazonSQSException', 'sqs', 'AmazonSQS');
const ATHENA = naming('Athena', 'AmazonAthenaException', 'athena', 'AmazonAthena');

const EXPRESSIONS = ['ExpressionAttributeNames', 'ExpressionAttributeValues'];
const CONDITIONS = ['ConditionExpression', 'ConditionalOperator', 'Expected', ...EXPRESSIONS];
const RETURNS = ['ReturnConsumedCapacity', 'ReturnItemCollectionMetrics', 'ReturnValues'];

function item(operation: string, required: readonly string[], optional: readonly string[]): Optimized {
  return { service: 'dynamodb', operation, naming: DYNAMODB, required, optional, patterns: ['request'] };
}

function query(operation: string, required: readonly string[], optional: readonly string[]): Optimized {
  return { service: 'athena', operation, naming: ATHENA, required, optional, patterns: ['request'] };
}

/** The optimized integrations, by `<service>:<operation>`, with the parameters that their pages list. */
const OPTIMIZED: Readonly<Record<string, Optimized>> = {
  'dynamodb:getItem': item(
    'GetItem',
    ['TableName', 'Key'],
    ['AttributesToGet', 'ConsistentRead', 'ExpressionAttributeNames', 'ProjectionExpression', 'ReturnConsumedCapacity'],
  ),
  'dynamodb:putItem': item('PutItem', ['TableName', 'Item'], [...CONDITIONS, ...RETURNS]),
  'dynamodb:updateItem': item(
    'UpdateItem',
    ['TableName', 'Key'],
    ['AttributeUpdates', 'UpdateExpression', ...CONDITIONS, ...RETURNS],
  ),
  'dynamodb:deleteItem': item('DeleteItem', ['TableName', 'Key'], [...CONDITIONS, ...RETURNS]),
  'events:putEvents': {
    service: 'events',
    operation: 'PutEvents',
    naming: EVENTS,
    required: ['Entries'],
    optional: ['EndpointId'],
    patterns: ['request', 'token'],
    prepare: prepareEvents,
    finish: refuseFailedEntries,
  },
  'sqs:sendMessage': {
    service: 'sqs',
    operation: 'SendMessage',
    naming: SQS,
    required: ['QueueUrl', 'MessageBody'],
    optional: ['DelaySeconds', 'MessageAttributes', 'MessageDeduplicationId', 'MessageGroupId'],
    patterns: ['request', 'token'],
    prepare: (args) => ({ ...args, MessageBody: asText(args.MessageBody) }),
  },
  'athena:startQueryExecution': {
    ...query(
      'StartQueryExecution',
      ['QueryString'],
      [
        'ClientRequestToken',
        'ExecutionParameters',
        'QueryExecutionContext',
        'ResultConfiguration',
        'ResultReuseConfiguration',
        'WorkGroup',
      ],
    ),
    patterns: ['request', 'sync'],
    complete: completeQuery,
    cancel: async ({ cloud, principal }, { QueryExecutionId }) => {
      await cloud.call({ principal }, 'athena', 'StopQueryExecution', { QueryExecutionId });
    },
  },
  'athena:stopQueryExecution': query('StopQueryExecution', ['QueryExecutionId'], []),
  'athena:getQueryExecution': query('GetQueryExecution', ['QueryExecutionId'], []),
  'athena:getQueryResults': query('GetQueryResults', ['QueryExecutionId'], ['MaxResults', 'NextToken']),
};

export function optimizedTarget(name: string, pattern: Pattern): TaskTarget | string {
  const found = OPTIMIZED[name];
  if (found === undefined) return `The integration '${name}' is not supported by this runtime`;
  const suffix = { request: '', token: '.waitForTaskToken', sync: '.sync', 'sync:2': '.sync:2' }[pattern];
  if (!found.patterns.includes(pattern)) return `The integration '${name}' does not support '${suffix}'`;
  const [resourceType, operation] = name.split(':') as [string, string];
  return {
    kind: 'integration',
    resourceType,
    resource: `${operation}${suffix}`,
    pattern,
    known: [...found.required, ...found.optional],
    required: found.required,
    async call(task) {
      const input = found.prepare?.(task.arguments, task) ?? task.arguments;
      let answer: Json;
      try {
        answer = await task.cloud.call({ principal: task.principal }, found.service, found.operation, input);
      } catch (error) {
        throw serviceFailure(error, found.naming, task.cloud);
      }
      return withSdkMetadata(task.cloud, found.finish?.(answer) ?? answer);
    },
    ...(found.complete === undefined ? {} : { complete: found.complete }),
    ...(found.cancel === undefined ? {} : { cancel: found.cancel }),
  };
}

/**
 * "Step Functions will automatically add the execution ARN and the state machine ARN to the Resources field of each
 * PutEventsRequestEntry." A Detail may be JSON.
 */
function prepareEvents(args: Json, task: TaskCall): Json {
  if (!Array.isArray(args.Entries)) return args;
  const entries = args.Entries.map((entry: Json) => ({
    ...entry,
    ...(entry.Detail === undefined ? {} : { Detail: asText(entry.Detail) }),
    Resources: [...(entry.Resources ?? []), task.executionArn, task.stateMachineArn],
  }));
  return { ...args, Entries: entries };
}

/** "If FailedEntryCount is greater than zero … the task fails with the error EventBridge.FailedEntry." */
function refuseFailedEntries(answer: Json): Json {
  if (answer.FailedEntryCount > 0) {
    throw new StateFailure('EventBridge.FailedEntry', JSON.stringify(answer), { origin: 'task' });
  }
  return answer;
}

async function completeQuery(task: TaskCall, { QueryExecutionId }: Json): Promise<Json> {
  const { cloud, principal } = task;
  for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 2, 1000)) {
    let answer: Json;
    try {
      answer = await cloud.call({ principal }, 'athena', 'GetQueryExecution', { QueryExecutionId });
    } catch (error) {
      throw serviceFailure(error, ATHENA, cloud);
    }
    const state = answer.QueryExecution.Status.State;
    if (state === 'SUCCEEDED') return answer;
    if (state === 'FAILED' || state === 'CANCELLED') {
      throw new StateFailure('States.TaskFailed', JSON.stringify(answer), { origin: 'task' });
    }
    await cloud.kernel.scheduler.sleep(pauseMs);
    if (task.isOver()) return undefined;
  }
}

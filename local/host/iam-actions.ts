import type { Account, Json, ServiceName } from '../cloud.ts';
import { readIterator } from '../kinesis/iterator.ts';

/** One permission that a call needs. A call may need several, all of them. */
export interface Requirement {
  readonly action: string;
  /** Undefined where the request does not say which resource it is about (a query's id, a task's token): any of the service's will do. */
  readonly resource: string | undefined;
  readonly context?: Readonly<Record<string, string>>;
}

type Rule = (operation: string, input: Json, arn: (service: string, resource: string) => string) => Requirement[];

/**
 * What IAM asks for before a service does an operation, after the "Actions, resources, and condition keys" pages of the
 * Service Authorization Reference.
 */
export function requirementsOf(service: ServiceName, operation: string, input: Json, account: Account): Requirement[] {
  const arn = (owner: string, resource: string) =>
    `arn:aws:${owner}:${account.region}:${account.accountId}:${resource}`;
  try {
    return RULES[service](operation, input ?? {}, arn);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // An input of a wrong form names no resource: whoever may do the operation at all is told by the service what is wrong.
    return one(`${service === 'dynamodbstreams' ? 'dynamodb' : service}:${operation}`, undefined);
  }
}

const one = (
  action: string,
  resource: string | undefined,
  context?: Readonly<Record<string, string>>,
): Requirement[] => [context === undefined ? { action, resource } : { action, resource, context }];

/** A name becomes an ARN, an ARN stays one. */
const arnOf = (nameOrArn: string, make: (name: string) => string) =>
  nameOrArn.startsWith('arn:') ? nameOrArn : make(nameOrArn);

const dynamodb: Rule = (operation, input, arn) => {
  const table = (name: string) => arnOf(name, (plain) => arn('dynamodb', `table/${plain}`));
  switch (operation) {
    case 'BatchGetItem':
    case 'BatchWriteItem':
      return Object.keys(input.RequestItems ?? {}).flatMap((name) => one(`dynamodb:${operation}`, table(name)));
    case 'TransactGetItems':
      return (input.TransactItems ?? []).flatMap((item: Json) =>
        one('dynamodb:GetItem', table(item.Get?.TableName ?? '*')),
      );
    case 'TransactWriteItems':
      return (input.TransactItems ?? []).flatMap((item: Json) =>
        Object.entries<Json>(item).flatMap(([kind, action]) =>
          one(TRANSACTED[kind] ?? `dynamodb:${kind}`, table(action.TableName)),
        ),
      );
    case 'Query':
    case 'Scan': {
      const index = input.IndexName === undefined ? '' : `/index/${input.IndexName}`;
      return one(`dynamodb:${operation}`, `${table(String(input.TableName))}${index}`);
    }
    default: {
      const name = input.TableName ?? input.TableArn ?? input.ResourceArn;
      return one(`dynamodb:${operation}`, name === undefined ? '*' : table(String(name)));
    }
  }
};

const TRANSACTED: Readonly<Record<string, string>> = {
  Put: 'dynamodb:PutItem',
  Update: 'dynamodb:UpdateItem',
  Delete: 'dynamodb:DeleteItem',
  ConditionCheck: 'dynamodb:ConditionCheckItem',
};

const dynamodbstreams: Rule = (operation, input, arn) => {
  if (operation === 'ListStreams') {
    return one(
      'dynamodb:ListStreams',
      input.TableName === undefined ? '*' : arn('dynamodb', `table/${input.TableName}/stream/*`),
    );
  }
  // An iterator begins with the stream's ARN (see the example in the API reference of GetShardIterator).
  const stream = input.StreamArn ?? String(input.ShardIterator ?? '').match(/^arn:[^|]+/)?.[0];
  return one(`dynamodb:${operation}`, stream);
};

const kinesis: Rule = (operation, input, arn) => {
  if (operation === 'ListStreams') return one('kinesis:ListStreams', '*');
  if (input.ConsumerARN !== undefined) return one(`kinesis:${operation}`, input.ConsumerARN);
  if (input.StreamARN !== undefined) return one(`kinesis:${operation}`, input.StreamARN);
  const stream =
    input.StreamName ?? (input.ShardIterator === undefined ? undefined : streamOfIterator(input.ShardIterator));
  return one(`kinesis:${operation}`, stream === undefined ? undefined : arn('kinesis', `stream/${stream}`));
};

/** An iterator that can't be read is refused by the service, in its own words. */
function streamOfIterator(iterator: Json): string | undefined {
  try {
    return readIterator(iterator).stream;
  } catch {
    return undefined;
  }
}

const sqs: Rule = (operation, input, arn) => {
  if (operation === 'ListQueues') return one('sqs:ListQueues', '*');
  const name = input.QueueUrl === undefined ? input.QueueName : String(input.QueueUrl).split('/').pop();
  // "Amazon SQS batch actions … use the permission of the single action" (SQS developer guide, API permissions).
  const action = operation.replace(/^(SendMessage|DeleteMessage|ChangeMessageVisibility)Batch$/, '$1');
  return one(`sqs:${action}`, input.SourceArn ?? (name === undefined ? undefined : arn('sqs', String(name))));
};

const events: Rule = (operation, input, arn) => {
  const bus = (name = 'default') => arnOf(name, (plain) => arn('events', `event-bus/${plain}`));
  if (operation === 'PutEvents') {
    return (input.Entries ?? []).flatMap((entry: Json) =>
      one('events:PutEvents', bus(entry?.EventBusName), {
        'events:source': String(entry?.Source),
        'events:detail-type': String(entry?.DetailType),
      }),
    );
  }
  if (/EventBus/.test(operation)) return one(`events:${operation}`, input.Name === undefined ? '*' : bus(input.Name));
  const rule = input.Rule ?? input.Name;
  if (rule === undefined) return one(`events:${operation}`, '*');
  const busName = String(input.EventBusName ?? 'default')
    .split('/')
    .pop();
  return one(`events:${operation}`, arn('events', busName === 'default' ? `rule/${rule}` : `rule/${busName}/${rule}`));
};

const lambda: Rule = (operation, input, arn) => {
  const action =
    operation === 'Invoke' || operation === 'InvokeAsync' ? 'lambda:InvokeFunction' : `lambda:${operation}`;
  if (/EventSourceMapping/.test(operation)) {
    return one(action, input.UUID === undefined ? '*' : arn('lambda', `event-source-mapping:${input.UUID}`));
  }
  if (input.FunctionName === undefined) return one(action, '*');
  const name = String(input.FunctionName)
    .replace(/^(arn:[^:]+:lambda:[^:]+:|)\d+:function:/, '')
    .replace(/^function:/, '');
  const qualifier = input.Qualifier === undefined || name.includes(':') ? '' : `:${input.Qualifier}`;
  return one(action, `${arn('lambda', `function:${name}`)}${qualifier}`);
};

const states: Rule = (operation, input, arn) => {
  const action = `states:${operation}`;
  if (/^List(StateMachines|Activities)$/.test(operation)) return one(action, '*');
  if (operation === 'CreateStateMachine') return one(action, arn('states', `stateMachine:${input.name}`));
  return one(
    action,
    input.stateMachineArn ?? input.executionArn ?? input.mapRunArn ?? input.activityArn ?? input.resourceArn,
  );
};

const S3_ACTIONS: Readonly<Record<string, string>> = {
  HeadObject: 's3:GetObject',
  ListObjects: 's3:ListBucket',
  ListObjectsV2: 's3:ListBucket',
  HeadBucket: 's3:ListBucket',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  CompleteMultipartUpload: 's3:PutObject',
  ListParts: 's3:ListMultipartUploadParts',
  ListMultipartUploads: 's3:ListBucketMultipartUploads',
};

const s3: Rule = (operation, input) => {
  const bucket = `arn:aws:s3:::${input.Bucket}`;
  const object = (key: Json) => `${bucket}/${key}`;
  if (operation === 'ListBuckets') return one('s3:ListAllMyBuckets', '*');
  if (operation === 'DeleteObjects') {
    return (input.Delete?.Objects ?? []).flatMap((entry: Json) => one('s3:DeleteObject', object(entry.Key)));
  }
  const action = S3_ACTIONS[operation] ?? `s3:${operation}`;
  if (operation === 'CopyObject' || operation === 'UploadPartCopy') {
    const source = decodeURIComponent(
      String(input.CopySource)
        .replace(/^\//, '')
        .replace(/\?versionId=.*$/, ''),
    );
    return [...one('s3:GetObject', `arn:aws:s3:::${source}`), ...one('s3:PutObject', object(input.Key))];
  }
  if (action === 's3:ListBucket' && operation !== 'HeadBucket') {
    return one(action, bucket, {
      's3:prefix': String(input.Prefix ?? ''),
      ...(input.Delimiter !== undefined && { 's3:delimiter': String(input.Delimiter) }),
    });
  }
  const needed = one(action, input.Key === undefined ? bucket : object(input.Key));
  // "To successfully set the tag-set with your PutObject request, you must have the s3:PutObjectTagging."
  const alsoTags = action === 's3:PutObject' && input.Tagging !== undefined;
  return alsoTags ? [...needed, ...one('s3:PutObjectTagging', object(input.Key))] : needed;
};

const firehose: Rule = (operation, input, arn) =>
  one(
    `firehose:${operation}`,
    input.DeliveryStreamName === undefined ? '*' : arn('firehose', `deliverystream/${input.DeliveryStreamName}`),
  );

/** "You need permissions on the table, its database and the catalog" (Glue developer guide, Specifying Glue resource ARNs). */
const glue: Rule = (operation, input, arn) => {
  const action = `glue:${operation}`;
  const found = one(action, arn('glue', 'catalog'));
  const ofDatabase = /Database$/.test(operation);
  const database = ofDatabase ? (input.Name ?? input.DatabaseInput?.Name) : input.DatabaseName;
  if (database !== undefined) found.push(...one(action, arn('glue', `database/${database}`)));
  const table = input.TableName ?? input.TableInput?.Name ?? (ofDatabase ? undefined : input.Name);
  if (database !== undefined && !ofDatabase)
    found.push(...one(action, arn('glue', `table/${database}/${table ?? '*'}`)));
  return found;
};

const athena: Rule = (operation, input, arn) => {
  if (/^List(WorkGroups|DataCatalogs)$/.test(operation)) return one(`athena:${operation}`, '*');
  // "datacatalog*" is the resource of these (Actions, resources, and condition keys for Amazon Athena).
  if (/^(Get|List)(Database|TableMetadata)s?$/.test(operation)) {
    return one(`athena:${operation}`, arn('athena', `datacatalog/${input.CatalogName}`));
  }
  const byId =
    /QueryExecution|QueryResults|NamedQuery|QueryRuntime/.test(operation) && !/^(Start|List|Create)/.test(operation);
  return one(`athena:${operation}`, byId ? undefined : arn('athena', `workgroup/${input.WorkGroup ?? 'primary'}`));
};

const RULES: Readonly<Record<ServiceName, Rule>> = {
  dynamodb,
  dynamodbstreams,
  kinesis,
  sqs,
  events,
  lambda,
  states,
  s3,
  firehose,
  glue,
  athena,
  pipes: (operation, input, arn) =>
    one(`pipes:${operation}`, input.Name === undefined ? '*' : arn('pipes', `pipe/${input.Name}`)),
  cloudformation: (operation, input, arn) =>
    one(
      `cloudformation:${operation}`,
      input.StackName === undefined ? '*' : arn('cloudformation', `stack/${input.StackName}/*`),
    ),
  sts: () => [], // "No permissions are required to perform this operation" (GetCallerIdentity)
};

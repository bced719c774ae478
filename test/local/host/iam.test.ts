// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are CloudFormation's and IAM's
import { beforeEach, describe, expect, it } from 'vitest';
import {
  type Caller,
  createCloud,
  type Json,
  LOCAL_ACCOUNT,
  ROOT,
  ServiceError,
  type ServiceName,
} from '../../../local/cloud.ts';
import { createIam, type Iam } from '../../../local/host/iam.ts';
import { unsupportedInPolicy } from '../../../local/host/iam-policy.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';

const TABLE = 'arn:aws:dynamodb:us-east-1:000000000000:table/Events';
const QUEUE = 'arn:aws:sqs:us-east-1:000000000000:fees';

let iam: Iam;
let policies: Map<string, Json>;
let writer: Caller;

async function role(name: string, statements: Json[], rest: Json = {}): Promise<Caller> {
  const { attributes } = await create('AWS::IAM::Role', {
    RoleName: name,
    AssumeRolePolicyDocument: {
      Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } }],
    },
    Policies: [{ PolicyName: 'inline', PolicyDocument: { Statement: statements } }],
    ...rest,
  });
  return { principal: attributes.Arn! };
}

async function create(type: string, properties: Json) {
  const provider = iam.resources.find((candidate) => candidate.type === type)!;
  return await provider.create(properties, {
    cloud: createCloud(realKernel()),
    stackName: 'Bank',
    logicalId: 'X',
    generatedName: 'Bank-X',
    assetPath: () => '',
    caller: ROOT,
  });
}

/** `undefined` when the call is allowed, otherwise the error. */
function attempt(caller: Caller, service: ServiceName, operation: string, input: Json): ServiceError | undefined {
  try {
    iam.authorize(caller, service, operation, input);
    return undefined;
  } catch (error) {
    if (error instanceof ServiceError) return error;
    throw error;
  }
}

beforeEach(async () => {
  policies = new Map();
  iam = createIam(LOCAL_ACCOUNT, (arn) => policies.get(arn));
  writer = await role('writer', [{ Effect: 'Allow', Action: ['dynamodb:PutItem', 'dynamodb:Get*'], Resource: TABLE }]);
});

describe('identity policies', () => {
  it('allow what they name, with wildcards, and say no in the words of AWS to the rest', () => {
    expect(attempt(writer, 'dynamodb', 'PutItem', { TableName: 'Events' })).toBeUndefined();
    expect(attempt(writer, 'dynamodb', 'GetItem', { TableName: TABLE })).toBeUndefined();
    const denied = attempt(writer, 'dynamodb', 'DeleteItem', { TableName: 'Events' });
    expect(denied).toMatchObject({ code: 'AccessDeniedException', status: 400 });
    expect(denied?.message).toBe(
      `User: arn:aws:sts::000000000000:assumed-role/writer/local is not authorized to perform: dynamodb:DeleteItem on resource: ${TABLE} because no identity-based policy allows the dynamodb:DeleteItem action`,
    );
    expect(attempt(writer, 'dynamodb', 'PutItem', { TableName: 'Other' })).toBeDefined();
  });

  it('an input of a wrong form is for the service to refuse, and only for whoever may call it', async () => {
    const nobody = await role('Nobody', []);
    for (const TransactItems of [[{ Put: { Item: {} } }], 'no list', [null]]) {
      expect(attempt(ROOT, 'dynamodb', 'TransactWriteItems', { TransactItems })).toBeUndefined();
      expect(attempt(nobody, 'dynamodb', 'TransactWriteItems', { TransactItems })?.code).toBe('AccessDeniedException');
    }
  });

  it('an explicit Deny wins', async () => {
    const caller = await role('careful', [
      { Effect: 'Allow', Action: '*', Resource: '*' },
      { Effect: 'Deny', NotAction: 'dynamodb:*', Resource: '*' },
      { Effect: 'Deny', Action: 'dynamodb:*', NotResource: [TABLE, `${TABLE}/*`] },
    ]);
    expect(attempt(caller, 'dynamodb', 'Scan', { TableName: 'Events' })).toBeUndefined();
    expect(attempt(caller, 'dynamodb', 'Scan', { TableName: 'Other' })?.message).toContain(
      'with an explicit deny in an identity-based policy',
    );
    expect(attempt(caller, 'sqs', 'SendMessage', { QueueUrl: 'http://x/0/fees' })).toBeDefined();
  });

  it('come from attached and managed policies too, within the boundary', async () => {
    await role('reader', [], {
      ManagedPolicyArns: ['arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole'],
    });
    const reader = { principal: 'arn:aws:iam::000000000000:role/reader' };
    expect(attempt(reader, 'sqs', 'ReceiveMessage', { QueueUrl: 'http://x/0/fees' })).toBeUndefined();
    expect(attempt(reader, 'sqs', 'SendMessage', { QueueUrl: 'http://x/0/fees' })).toBeDefined();
    const document = { Statement: { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: QUEUE } };
    await create('AWS::IAM::Policy', { PolicyName: 'p', Roles: ['reader'], PolicyDocument: document });
    expect(attempt(reader, 'sqs', 'SendMessageBatch', { QueueUrl: 'http://x/0/fees' })).toBeUndefined();

    const boundary = await create('AWS::IAM::ManagedPolicy', { ManagedPolicyName: 'b', PolicyDocument: document });
    const bounded = await role('bounded', [{ Effect: 'Allow', Action: 'sqs:*', Resource: '*' }], {
      PermissionsBoundary: boundary.ref,
    });
    expect(attempt(bounded, 'sqs', 'SendMessage', { QueueUrl: 'http://x/0/fees' })).toBeUndefined();
    expect(attempt(bounded, 'sqs', 'PurgeQueue', { QueueUrl: 'http://x/0/fees' })?.message).toContain(
      'no permissions boundary allows',
    );
  });

  it('a role that no template has may do all that no resource denies, and is told of once', async () => {
    const said: string[] = [];
    iam = createIam(
      LOCAL_ACCOUNT,
      (arn) => policies.get(arn),
      (line) => said.push(line),
    );
    const stranger = { principal: 'arn:aws:iam::000000000000:role/by-hand' };
    const Statement = [{ Effect: 'Deny', Principal: '*', Action: 'sqs:SendMessage', Resource: QUEUE }];
    policies.set(QUEUE, { Statement });
    expect(attempt(stranger, 'dynamodb', 'PutItem', { TableName: 'Events', Item: {} })).toBeUndefined();
    expect(attempt(stranger, 'dynamodb', 'GetItem', { TableName: 'Events', Key: {} })).toBeUndefined();
    const send = { QueueUrl: 'http://127.0.0.1/000000000000/fees', MessageBody: 'x' };
    expect(attempt(stranger, 'sqs', 'SendMessage', send)?.code).toBe('AccessDeniedException');
    expect(said).toEqual([`iam: no template has the role ${stranger.principal}: it may do everything`]);
    const known = await role('by-hand', []);
    expect(attempt(known, 'dynamodb', 'PutItem', { TableName: 'Events', Item: {} })?.code).toBe(
      'AccessDeniedException',
    );
  });

  it('an unknown managed policy or role is refused by name', async () => {
    await expect(role('x', [], { ManagedPolicyArns: ['arn:aws:iam::aws:policy/PowerUserAccess'] })).rejects.toThrow(
      /PowerUserAccess/,
    );
    await expect(
      create('AWS::IAM::Policy', { PolicyName: 'p', Roles: ['nobody'], PolicyDocument: {} }),
    ).rejects.toThrow(/no role nobody/);
  });

  it('conditions decide', async () => {
    const caller = await role('conditional', [
      {
        Effect: 'Allow',
        Action: 's3:ListBucket',
        Resource: '*',
        Condition: { StringLike: { 's3:prefix': ['events/*'] } },
      },
      {
        Effect: 'Allow',
        Action: 'events:PutEvents',
        Resource: '*',
        Condition: { StringEquals: { 'events:source': 'bank' } },
      },
      { Effect: 'Allow', Action: 'sqs:*', Resource: '*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
      {
        Effect: 'Allow',
        Action: 'kinesis:*',
        Resource: '*',
        Condition: { StringNotEqualsIfExists: { 'aws:SourceAccount': '1' } },
      },
    ]);
    expect(attempt(caller, 's3', 'ListObjectsV2', { Bucket: 'b', Prefix: 'events/day=1/' })).toBeUndefined();
    expect(attempt(caller, 's3', 'ListObjectsV2', { Bucket: 'b', Prefix: 'errors/' })?.code).toBe('AccessDenied');
    const entries = (...sources: string[]) => ({ Entries: sources.map((Source) => ({ Source })) });
    expect(attempt(caller, 'events', 'PutEvents', entries('bank', 'bank'))).toBeUndefined();
    expect(attempt(caller, 'events', 'PutEvents', entries('bank', 'other'))).toBeDefined();
    expect(attempt(caller, 'sqs', 'SendMessage', { QueueUrl: 'http://x/0/fees' })).toBeDefined();
    expect(attempt(caller, 'kinesis', 'PutRecord', { StreamName: 's' })).toBeUndefined();
  });
});

describe('what a call needs', () => {
  const arn = (service: string, resource: string) => `arn:aws:${service}:us-east-1:000000000000:${resource}`;
  it.each<[ServiceName, string, Json, [string, string][]]>([
    ['dynamodb', 'Query', { TableName: 'Events', IndexName: 'ByType' }, [['dynamodb:Query', `${TABLE}/index/ByType`]]],
    ['dynamodb', 'BatchWriteItem', { RequestItems: { Events: [] } }, [['dynamodb:BatchWriteItem', TABLE]]],
    [
      'dynamodb',
      'TransactWriteItems',
      { TransactItems: [{ Put: { TableName: 'Events' } }, { ConditionCheck: { TableName: 'Events' } }] },
      [
        ['dynamodb:PutItem', TABLE],
        ['dynamodb:ConditionCheckItem', TABLE],
      ],
    ],
    [
      'dynamodbstreams',
      'GetRecords',
      { ShardIterator: `${TABLE}/stream/1|abc` },
      [['dynamodb:GetRecords', `${TABLE}/stream/1`]],
    ],
    [
      'kinesis',
      'SubscribeToShard',
      { ConsumerARN: arn('kinesis', 'stream/feed/consumer/fan:1') },
      [['kinesis:SubscribeToShard', arn('kinesis', 'stream/feed/consumer/fan:1')]],
    ],
    ['kinesis', 'PutRecords', { StreamName: 'feed' }, [['kinesis:PutRecords', arn('kinesis', 'stream/feed')]]],
    [
      'lambda',
      'Invoke',
      { FunctionName: 'f', Qualifier: 'live' },
      [['lambda:InvokeFunction', arn('lambda', 'function:f:live')]],
    ],
    [
      'lambda',
      'Invoke',
      { FunctionName: arn('lambda', 'function:f') },
      [['lambda:InvokeFunction', arn('lambda', 'function:f')]],
    ],
    [
      'states',
      'StartExecution',
      { stateMachineArn: arn('states', 'stateMachine:m') },
      [['states:StartExecution', arn('states', 'stateMachine:m')]],
    ],
    ['s3', 'HeadObject', { Bucket: 'b', Key: 'a/b' }, [['s3:GetObject', 'arn:aws:s3:::b/a/b']]],
    [
      's3',
      'CopyObject',
      { Bucket: 'b', Key: 'k', CopySource: '/from/a%20b' },
      [
        ['s3:GetObject', 'arn:aws:s3:::from/a b'],
        ['s3:PutObject', 'arn:aws:s3:::b/k'],
      ],
    ],
    [
      'glue',
      'GetTable',
      { DatabaseName: 'd', Name: 't' },
      [
        ['glue:GetTable', arn('glue', 'catalog')],
        ['glue:GetTable', arn('glue', 'database/d')],
        ['glue:GetTable', arn('glue', 'table/d/t')],
      ],
    ],
    [
      'athena',
      'StartQueryExecution',
      { WorkGroup: 'w' },
      [['athena:StartQueryExecution', arn('athena', 'workgroup/w')]],
    ],
    [
      'firehose',
      'PutRecordBatch',
      { DeliveryStreamName: 'd' },
      [['firehose:PutRecordBatch', arn('firehose', 'deliverystream/d')]],
    ],
    [
      'events',
      'PutEvents',
      { Entries: [{ EventBusName: 'bank' }] },
      [['events:PutEvents', arn('events', 'event-bus/bank')]],
    ],
  ])('%s %s %j', async (service, operation, input, needed) => {
    const statements = needed.map(([Action, Resource]) => ({ Effect: 'Allow', Action, Resource }));
    const allowed = await role('exact', statements);
    expect(attempt(allowed, service, operation, input)).toBeUndefined();
    for (const missing of statements) {
      const caller = await role(
        'less',
        statements.filter((statement) => statement !== missing),
      );
      const { Action, Resource } = missing;
      expect(attempt(caller, service, operation, input)?.message).toContain(`${Action} on resource: ${Resource} `);
    }
  });
});

describe('resource policies', () => {
  const putTablePolicy = (Statement: Json) => policies.set(TABLE, JSON.stringify({ Statement }));

  it('deny everybody, root and indexes included', async () => {
    putTablePolicy({ Effect: 'Deny', Principal: '*', Action: ['dynamodb:DeleteItem', 'dynamodb:Scan'], Resource: '*' });
    const admin = await role('admin', [{ Effect: 'Allow', Action: '*', Resource: '*' }]);
    for (const caller of [admin, ROOT]) {
      expect(attempt(caller, 'dynamodb', 'DeleteItem', { TableName: 'Events' })?.message).toContain(
        'with an explicit deny in a resource-based policy',
      );
      expect(attempt(caller, 'dynamodb', 'Scan', { TableName: 'Events', IndexName: 'i' })).toBeDefined();
      expect(attempt(caller, 'dynamodb', 'PutItem', { TableName: 'Events' })).toBeUndefined();
      expect(attempt(caller, 'dynamodb', 'DeleteItem', { TableName: 'Other' })).toBeUndefined();
    }
  });

  it('a role named in one needs no policy of its own; an account named in one still leaves it to them', () => {
    putTablePolicy([
      { Effect: 'Allow', Principal: { AWS: writer.principal }, Action: 'dynamodb:Scan', Resource: '*' },
      {
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::000000000000:root' },
        Action: 'dynamodb:Query',
        Resource: '*',
      },
    ]);
    expect(attempt(writer, 'dynamodb', 'Scan', { TableName: 'Events' })).toBeUndefined();
    expect(attempt(writer, 'dynamodb', 'Query', { TableName: 'Events' })).toBeDefined();
  });

  it('are all that a service has, for the source that they name', () => {
    const rule = 'arn:aws:events:us-east-1:000000000000:rule/bank/fees';
    const service = { principal: 'service:events.amazonaws.com', sourceArn: rule };
    const send = { QueueUrl: 'http://localhost/000000000000/fees' };
    expect(attempt(service, 'sqs', 'SendMessage', send)?.message).toContain('no resource-based policy allows');
    policies.set(QUEUE, {
      Statement: {
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: QUEUE,
        Condition: { ArnEquals: { 'aws:SourceArn': rule } },
      },
    });
    expect(attempt(service, 'sqs', 'SendMessage', send)).toBeUndefined();
    expect(attempt({ ...service, sourceArn: `${rule}2` }, 'sqs', 'SendMessage', send)).toBeDefined();
    expect(
      attempt({ principal: 'service:sns.amazonaws.com', sourceArn: rule }, 'sqs', 'SendMessage', send),
    ).toBeDefined();
  });

  it('are looked up at each call: what is set later counts', () => {
    expect(attempt(ROOT, 'dynamodb', 'PutItem', { TableName: 'Events' })).toBeUndefined();
    putTablePolicy({ Effect: 'Deny', Principal: '*', Action: 'dynamodb:PutItem', Resource: '*' });
    expect(attempt(ROOT, 'dynamodb', 'PutItem', { TableName: 'Events' })).toBeDefined();
    policies.clear();
    expect(attempt(ROOT, 'dynamodb', 'PutItem', { TableName: 'Events' })).toBeUndefined();
  });

  it('with what the evaluator cannot judge are refused, not passed over', () => {
    putTablePolicy({
      Effect: 'Deny',
      Principal: '*',
      Action: 'dynamodb:*',
      Resource: '*',
      Condition: { IpAddress: {} },
    });
    expect(() => attempt(ROOT, 'dynamodb', 'PutItem', { TableName: 'Events' })).toThrow(/condition operator IpAddress/);
  });
});

describe('roles', () => {
  it('are assumed only by whom they trust', () => {
    expect(() => iam.assertAssumable(writer.principal, 'lambda.amazonaws.com')).not.toThrow();
    expect(() => iam.assertAssumable(writer.principal, 'pipes.amazonaws.com')).toThrow(
      'cannot be assumed by pipes.amazonaws.com',
    );
    expect(() => iam.assertAssumable('arn:aws:iam::1:role/x', 'lambda.amazonaws.com')).toThrow(
      'not part of the assembly',
    );
  });
});

describe('what the evaluator cannot judge', () => {
  it('is named', () => {
    const problems = unsupportedInPolicy({
      Statement: [
        {
          Effect: 'Allow',
          Action: 'dynamodb:PutItem',
          Resource: '*',
          Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } },
        },
        {
          Effect: 'Allow',
          Action: 'dynamodb:*',
          Resource: '*',
          Condition: { StringEquals: { 'dynamodb:LeadingKeys': 'x' } },
        },
        { Effect: 'Deny', NotPrincipal: { AWS: 'x' }, Action: 's3:*', Resource: '*' },
        { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/${aws:username}/*' },
      ],
    });
    expect(problems).toEqual([
      'condition operator IpAddress',
      'condition key aws:SourceIp',
      'condition key dynamodb:LeadingKeys',
      'policy element NotPrincipal',
      'policy variable in arn:aws:s3:::b/${aws:username}/*',
    ]);
  });

  it('does not matter for services that are not hosted', () => {
    const Condition = { StringEquals: { 'cloudwatch:namespace': 'Daybook' } };
    expect(
      unsupportedInPolicy({
        Statement: [{ Effect: 'Allow', Action: 'cloudwatch:PutMetricData', Resource: '*', Condition }],
      }),
    ).toEqual([]);
  });
});

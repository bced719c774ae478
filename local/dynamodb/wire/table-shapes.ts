import { INDEX_NAME, TABLE_NAME } from './item-shapes.ts';
import { boolean, list, type Member, number, oneOf, optional, required, string, structure } from './shape.ts';

type Members = Readonly<Record<string, Member>>;

const ARN = required(string(1, 1283));
const NAME = required(TABLE_NAME);
const ATTRIBUTE_DEFINITIONS = list(
  structure({ AttributeName: required(string(1, 255)), AttributeType: required(oneOf('S', 'N', 'B')) }),
);
const KEY_SCHEMA = list(
  structure({ AttributeName: required(string(1, 255)), KeyType: required(oneOf('HASH', 'RANGE')) }),
  1,
  2,
);
const PROJECTION = structure({
  ProjectionType: optional(oneOf('ALL', 'KEYS_ONLY', 'INCLUDE')),
  NonKeyAttributes: optional(list(string(1, 255), 1, 20)),
});
const THROUGHPUT = structure({ ReadCapacityUnits: required(number(1)), WriteCapacityUnits: required(number(1)) });
const ON_DEMAND = structure({ MaxReadRequestUnits: optional(number()), MaxWriteRequestUnits: optional(number()) });
const GLOBAL_INDEX = structure({
  IndexName: required(INDEX_NAME),
  KeySchema: required(KEY_SCHEMA),
  Projection: required(PROJECTION),
  ProvisionedThroughput: optional(THROUGHPUT),
  OnDemandThroughput: optional(ON_DEMAND),
});
const LOCAL_INDEX = structure({
  IndexName: required(INDEX_NAME),
  KeySchema: required(KEY_SCHEMA),
  Projection: required(PROJECTION),
});
const STREAM = structure({
  StreamEnabled: required(boolean),
  StreamViewType: optional(oneOf('NEW_IMAGE', 'OLD_IMAGE', 'NEW_AND_OLD_IMAGES', 'KEYS_ONLY')),
});
const ENCRYPTION = structure({
  Enabled: optional(boolean),
  SSEType: optional(oneOf('AES256', 'KMS')),
  KMSMasterKeyId: optional(string()),
});
const TAGS = list(structure({ Key: required(string(1, 128)), Value: required(string(0, 256)) }));
const BILLING = oneOf('PROVISIONED', 'PAY_PER_REQUEST');
const TABLE_CLASS = oneOf('STANDARD', 'STANDARD_INFREQUENT_ACCESS');
const REVISION = optional(string(1, 255));

/** The inputs of the operations on tables and of the streams' service. */
export const TABLE_INPUTS = {
  CreateTable: {
    AttributeDefinitions: required(ATTRIBUTE_DEFINITIONS),
    TableName: NAME,
    KeySchema: required(KEY_SCHEMA),
    LocalSecondaryIndexes: optional(list(LOCAL_INDEX)),
    GlobalSecondaryIndexes: optional(list(GLOBAL_INDEX)),
    BillingMode: optional(BILLING),
    ProvisionedThroughput: optional(THROUGHPUT),
    StreamSpecification: optional(STREAM),
    SSESpecification: optional(ENCRYPTION),
    Tags: optional(TAGS),
    TableClass: optional(TABLE_CLASS),
    DeletionProtectionEnabled: optional(boolean),
    ResourcePolicy: optional(string()),
    OnDemandThroughput: optional(ON_DEMAND),
  },
  UpdateTable: {
    TableName: NAME,
    AttributeDefinitions: optional(ATTRIBUTE_DEFINITIONS),
    BillingMode: optional(BILLING),
    ProvisionedThroughput: optional(THROUGHPUT),
    GlobalSecondaryIndexUpdates: optional(
      list(
        structure({
          Create: optional(GLOBAL_INDEX),
          Delete: optional(structure({ IndexName: required(INDEX_NAME) })),
          Update: optional(
            structure({
              IndexName: required(INDEX_NAME),
              ProvisionedThroughput: optional(THROUGHPUT),
              OnDemandThroughput: optional(ON_DEMAND),
            }),
          ),
        }),
      ),
    ),
    StreamSpecification: optional(STREAM),
    SSESpecification: optional(ENCRYPTION),
    TableClass: optional(TABLE_CLASS),
    DeletionProtectionEnabled: optional(boolean),
    OnDemandThroughput: optional(ON_DEMAND),
  },
  DescribeTable: { TableName: NAME },
  DeleteTable: { TableName: NAME },
  ListTables: {
    ExclusiveStartTableName: optional(string(3, 255, '[a-zA-Z0-9_.-]+')),
    Limit: optional(number(1, 100)),
  },
  UpdateTimeToLive: {
    TableName: NAME,
    TimeToLiveSpecification: required(
      structure({ Enabled: required(boolean), AttributeName: required(string(1, 255)) }),
    ),
  },
  DescribeTimeToLive: { TableName: NAME },
  UpdateContinuousBackups: {
    TableName: NAME,
    PointInTimeRecoverySpecification: required(
      structure({ PointInTimeRecoveryEnabled: required(boolean), RecoveryPeriodInDays: optional(number(1, 35)) }),
    ),
  },
  DescribeContinuousBackups: { TableName: NAME },
  TagResource: { ResourceArn: ARN, Tags: required(TAGS) },
  UntagResource: { ResourceArn: ARN, TagKeys: required(list(string(1, 128))) },
  ListTagsOfResource: { ResourceArn: ARN, NextToken: optional(string()) },
  DescribeEndpoints: {},
  DescribeLimits: {},
  PutResourcePolicy: {
    ResourceArn: ARN,
    Policy: required(string()),
    ExpectedRevisionId: REVISION,
    ConfirmRemoveSelfResourceAccess: optional(boolean),
  },
  GetResourcePolicy: { ResourceArn: ARN },
  DeleteResourcePolicy: { ResourceArn: ARN, ExpectedRevisionId: REVISION },
} as const satisfies Record<string, Members>;

export const STREAM_INPUTS = {
  ListStreams: {
    TableName: optional(string(3, 255, '[a-zA-Z0-9_.-]+')),
    Limit: optional(number(1)),
    ExclusiveStartStreamArn: optional(string(37, 1024)),
  },
  DescribeStream: {
    StreamArn: required(string(37, 1024)),
    Limit: optional(number(1)),
    ExclusiveStartShardId: optional(string(28, 65)),
    ShardFilter: optional(structure({ Type: optional(oneOf('CHILD_SHARDS')), ShardId: optional(string(28, 65)) })),
  },
  GetShardIterator: {
    StreamArn: required(string(37, 1024)),
    ShardId: required(string(28, 65)),
    ShardIteratorType: required(oneOf('TRIM_HORIZON', 'LATEST', 'AT_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER')),
    SequenceNumber: optional(string(21, 40)),
  },
  GetRecords: { ShardIterator: required(string(1, 2048)), Limit: optional(number(1)) },
} as const satisfies Record<string, Members>;

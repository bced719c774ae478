import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '../../../../local/cloud.ts';
import { failure, key, type Setup, STREAMED, setup, tableInput } from '../setup.ts';

let s: Setup;

beforeEach(() => {
  s = setup();
});

const GSI = {
  IndexName: 'byG',
  KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }],
  Projection: { ProjectionType: 'ALL' },
};
const G = { AttributeName: 'g', AttributeType: 'S' };
const describeTable = (TableName: string) => s.call('DescribeTable', { TableName }).Table;

describe('CreateTable', () => {
  it('answers CREATING and is ready at once', () => {
    const { TableDescription } = s.call('CreateTable', tableInput('tbl', STREAMED));
    expect(TableDescription.TableStatus).toBe('CREATING');
    expect(describeTable('tbl')).toMatchObject({
      TableName: 'tbl',
      TableStatus: 'ACTIVE',
      TableArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/tbl',
      CreationDateTime: Date.UTC(2026, 0, 1) / 1000,
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
      LatestStreamLabel: '2026-01-01T00:00:00.000',
      LatestStreamArn: 'arn:aws:dynamodb:us-east-1:000000000000:table/tbl/stream/2026-01-01T00:00:00.000',
      ItemCount: 0,
      DeletionProtectionEnabled: false,
    });
    expect(s.db.streamArnOf('tbl')).toBe(describeTable('tbl').LatestStreamArn);
    expect(failure(() => s.call('CreateTable', tableInput('tbl'))).code).toBe('ResourceInUseException');
  });

  const R = { AttributeName: 'r', AttributeType: 'N' };
  const P = { AttributeName: 'p', AttributeType: 'S' };
  it.each<[string, Json, string]>([
    [
      'throughput with on demand',
      { ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 } },
      'One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST',
    ],
    [
      'no throughput',
      { BillingMode: 'PROVISIONED' },
      'One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED',
    ],
    [
      'an unused attribute',
      { AttributeDefinitions: [P, R, G] },
      'One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions',
    ],
    [
      'an undefined attribute',
      { AttributeDefinitions: [P] },
      'One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [p, r], AttributeDefinitions: [p]',
    ],
    [
      'no hash key',
      { KeySchema: [{ AttributeName: 'p', KeyType: 'RANGE' }], AttributeDefinitions: [P] },
      'Invalid KeySchema: The first KeySchemaElement is not a HASH key type',
    ],
    [
      'a view without a stream',
      { StreamSpecification: { StreamEnabled: false, StreamViewType: 'NEW_IMAGE' } },
      'Invalid StreamViewType: Stream StreamEnabled was false but a StreamViewType was present.',
    ],
    [
      'a stream without a view',
      { StreamSpecification: { StreamEnabled: true } },
      'Invalid StreamViewType: Stream ViewType must not be null or empty when enabling streams.',
    ],
    [
      'an empty list of indexes',
      { GlobalSecondaryIndexes: [] },
      'One or more parameter values were invalid: List of GlobalSecondaryIndexes is empty',
    ],
    [
      'an index key without a definition',
      { GlobalSecondaryIndexes: [GSI] },
      'One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [g], AttributeDefinitions: [p, r]',
    ],
    [
      'two indexes of one name',
      { AttributeDefinitions: [P, R, G], GlobalSecondaryIndexes: [GSI, GSI] },
      'One or more parameter values were invalid: Duplicate index name: byG',
    ],
    [
      'a local index on another hash key',
      {
        AttributeDefinitions: [P, R, G],
        LocalSecondaryIndexes: [
          {
            ...GSI,
            KeySchema: [
              { AttributeName: 'g', KeyType: 'HASH' },
              { AttributeName: 'r', KeyType: 'RANGE' },
            ],
          },
        ],
      },
      'One or more parameter values were invalid: Index KeySchema does not have the same leading hash key as table KeySchema for index: byG. index hash key: g, table hash key: p',
    ],
    [
      'names to project with ALL',
      {
        AttributeDefinitions: [P, R, G],
        GlobalSecondaryIndexes: [{ ...GSI, Projection: { ProjectionType: 'ALL', NonKeyAttributes: ['x'] } }],
      },
      'One or more parameter values were invalid: ProjectionType is ALL, but NonKeyAttributes is specified',
    ],
    [
      'a property that is not hosted',
      { GlobalTableSourceArn: 'x' },
      "The parameter 'globalTableSourceArn' is not supported",
    ],
  ])('refuses %s', (_, more, message) => {
    expect(failure(() => s.call('CreateTable', tableInput('tbl', more)))).toMatchObject({
      code: 'ValidationException',
      message,
    });
  });

  it('refuses a name that is no name', () => {
    expect(failure(() => s.call('CreateTable', tableInput('tb'))).message).toBe(
      'TableName must be at least 3 characters long and at most 255 characters long',
    );
    expect(failure(() => s.call('CreateTable', tableInput('a b'))).code).toBe('ValidationException');
  });
});

describe('DeleteTable', () => {
  it('forgets the items, unless the table is protected', () => {
    s.call('CreateTable', tableInput('tbl', { DeletionProtectionEnabled: true }));
    s.call('PutItem', { TableName: 'tbl', Item: key('a', 1) });
    expect(failure(() => s.call('DeleteTable', { TableName: 'tbl' })).message).toBe(
      'Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.',
    );
    s.call('UpdateTable', { TableName: 'tbl', DeletionProtectionEnabled: false });
    expect(s.call('DeleteTable', { TableName: 'tbl' }).TableDescription.TableStatus).toBe('DELETING');
    expect(failure(() => describeTable('tbl'))).toMatchObject({
      code: 'ResourceNotFoundException',
      message: 'Requested resource not found: Table: tbl not found',
    });
    s.call('CreateTable', tableInput('tbl'));
    expect(s.call('Scan', { TableName: 'tbl' }).Count).toBe(0);
  });
});

describe('ListTables', () => {
  it('pages by name', () => {
    for (const name of ['ccc', 'aaa', 'bbb']) s.call('CreateTable', tableInput(name));
    expect(s.call('ListTables', {})).toEqual({ TableNames: ['aaa', 'bbb', 'ccc'] });
    expect(s.call('ListTables', { Limit: 2 })).toEqual({ TableNames: ['aaa', 'bbb'], LastEvaluatedTableName: 'bbb' });
    expect(s.call('ListTables', { ExclusiveStartTableName: 'bbb' })).toEqual({ TableNames: ['ccc'] });
  });
});

describe('UpdateTable', () => {
  it('adds an index, fills it, keeps it up to date and drops it', () => {
    s.call('CreateTable', tableInput('tbl'));
    s.call('PutItem', { TableName: 'tbl', Item: { ...key('a', 1), g: { S: 'x' } } });
    s.call('PutItem', { TableName: 'tbl', Item: { ...key('a', 2), g: { N: '1' } } });
    const update = (change: Json) =>
      s.call('UpdateTable', { TableName: 'tbl', AttributeDefinitions: [G], GlobalSecondaryIndexUpdates: [change] });
    update({ Create: GSI });
    const count = () =>
      s.call('Query', {
        TableName: 'tbl',
        IndexName: 'byG',
        KeyConditionExpression: 'g = :g',
        ExpressionAttributeValues: { ':g': { S: 'x' } },
      }).Count;
    expect(count()).toBe(1);
    s.call('PutItem', { TableName: 'tbl', Item: { ...key('a', 3), g: { S: 'x' } } });
    expect(count()).toBe(2);
    expect(describeTable('tbl')).toMatchObject({
      AttributeDefinitions: [{ AttributeName: 'p' }, { AttributeName: 'r' }, G],
      GlobalSecondaryIndexes: [{ IndexName: 'byG', IndexStatus: 'ACTIVE', ItemCount: 2 }],
    });
    expect(
      failure(() => s.call('PutItem', { TableName: 'tbl', Item: { ...key('a', 4), g: { N: '1' } } })).message,
    ).toBe(
      'One or more parameter values were invalid: Type mismatch for Index Key g Expected: S Actual: N IndexName: byG',
    );
    expect(failure(() => s.call('PutItem', { TableName: 'tbl', Item: { ...key('a', 4), g: { S: '' } } })).message).toBe(
      'One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: byG, IndexKey: g',
    );
    const set = (value: Json) =>
      failure(() =>
        s.call('UpdateItem', {
          TableName: 'tbl',
          Key: key('a', 1),
          UpdateExpression: 'SET g = :g',
          ExpressionAttributeValues: { ':g': value },
        }),
      ).message;
    expect(set({ N: '1' })).toBe(
      'The update expression attempted to update the secondary index key to unsupported type',
    );
    expect(set({ S: '' })).toContain('attempted to update a secondary index key to a value that is not supported');
    update({ Delete: { IndexName: 'byG' } });
    expect(failure(count).message).toBe('The table does not have the specified index: byG');
    expect(describeTable('tbl').AttributeDefinitions).toHaveLength(2);
    expect(failure(() => update({ Delete: { IndexName: 'byG' } })).code).toBe('ResourceNotFoundException');
  });

  it('turns a stream off and a new one on', async () => {
    s.call('CreateTable', tableInput('tbl', STREAMED));
    const first = s.db.streamArnOf('tbl')!;
    const change = (StreamSpecification: Json) => s.call('UpdateTable', { TableName: 'tbl', StreamSpecification });
    expect(failure(() => change({ StreamEnabled: true, StreamViewType: 'KEYS_ONLY' })).message).toBe(
      'Table already has an enabled stream: TableName: tbl',
    );
    change({ StreamEnabled: false });
    expect(s.db.streamArnOf('tbl')).toBeUndefined();
    expect(describeTable('tbl').LatestStreamArn).toBe(first);
    expect(failure(() => change({ StreamEnabled: false })).message).toBe('Table has no stream to disable');
    change({ StreamEnabled: true, StreamViewType: 'KEYS_ONLY' });
    expect(s.db.streamArnOf('tbl')).not.toBe(first);
  });

  it('wants something to change', () => {
    s.call('CreateTable', tableInput('tbl'));
    expect(failure(() => s.call('UpdateTable', { TableName: 'tbl' })).message).toContain('At least one of');
  });
});

describe('settings', () => {
  beforeEach(() => s.call('CreateTable', tableInput('tbl')));
  const arn = 'arn:aws:dynamodb:us-east-1:000000000000:table/tbl';

  it('keep tags', () => {
    s.call('TagResource', {
      ResourceArn: arn,
      Tags: [
        { Key: 'a', Value: '1' },
        { Key: 'b', Value: '2' },
      ],
    });
    s.call('TagResource', { ResourceArn: arn, Tags: [{ Key: 'a', Value: '3' }] });
    s.call('UntagResource', { ResourceArn: arn, TagKeys: ['b'] });
    expect(s.call('ListTagsOfResource', { ResourceArn: arn })).toEqual({ Tags: [{ Key: 'a', Value: '3' }] });
    expect(failure(() => s.call('ListTagsOfResource', { ResourceArn: `${arn}x` })).code).toBe(
      'ResourceNotFoundException',
    );
  });

  it('keep a resource policy for whoever evaluates it', () => {
    expect(failure(() => s.call('GetResourcePolicy', { ResourceArn: arn })).code).toBe('PolicyNotFoundException');
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [] });
    const { RevisionId } = s.call('PutResourcePolicy', { ResourceArn: arn, Policy });
    expect(s.call('GetResourcePolicy', { ResourceArn: arn })).toEqual({ Policy, RevisionId });
    expect([
      s.db.resourcePolicyOf('tbl'),
      s.db.resourcePolicyOf(`${arn}/index/x`),
      s.db.resourcePolicyOf('nope'),
    ]).toEqual([Policy, Policy, undefined]);
    s.call('DeleteResourcePolicy', { ResourceArn: arn });
    expect(s.db.resourcePolicyOf('tbl')).toBeUndefined();
    expect(failure(() => s.call('PutResourcePolicy', { ResourceArn: arn, Policy: 'no' })).code).toBe(
      'ValidationException',
    );
  });

  it('know continuous backups', () => {
    const status = () =>
      s.call('DescribeContinuousBackups', { TableName: 'tbl' }).ContinuousBackupsDescription
        .PointInTimeRecoveryDescription.PointInTimeRecoveryStatus;
    expect(status()).toBe('DISABLED');
    s.call('UpdateContinuousBackups', {
      TableName: 'tbl',
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
    expect(status()).toBe('ENABLED');
    expect(failure(() => s.call('DescribeContinuousBackups', { TableName: 'nope' })).code).toBe(
      'TableNotFoundException',
    );
  });

  it('refuse what is not hosted, by name', () => {
    for (const operation of [
      'ExecuteStatement',
      'ExecuteTransaction',
      'BatchExecuteStatement',
      'CreateBackup',
      'CreateGlobalTable',
    ]) {
      const error = failure(() => s.call(operation, {}));
      expect(error.code).toBe('UnknownOperationException');
      expect(error.message).toContain(operation);
    }
  });
});

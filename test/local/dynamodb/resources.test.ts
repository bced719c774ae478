import { describe, expect, it } from 'vitest';
import { type Json, ROOT } from '../../../local/cloud.ts';
import { dynamoDbResources } from '../../../local/dynamodb/resources.ts';
import type { ResourceContext } from '../../../local/resource.ts';
import { failure, key, type Setup, setup } from './setup.ts';

const [provider] = dynamoDbResources;

const context = (s: Setup): ResourceContext => ({
  cloud: s.cloud,
  stackName: 'stack',
  logicalId: 'Events',
  generatedName: 'stack-Events-ABC',
  assetPath: () => '',
  caller: ROOT,
});

const PROPERTIES = {
  KeySchema: [
    { AttributeName: 'p', KeyType: 'HASH' },
    { AttributeName: 'r', KeyType: 'RANGE' },
  ],
  AttributeDefinitions: [
    { AttributeName: 'p', AttributeType: 'S' },
    { AttributeName: 'r', AttributeType: 'N' },
    { AttributeName: 'g', AttributeType: 'S' },
  ],
  BillingMode: 'PAY_PER_REQUEST',
  StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
  PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 7 },
  DeletionProtectionEnabled: true,
  SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
  GlobalSecondaryIndexes: [
    {
      IndexName: 'byG',
      KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }],
      Projection: { ProjectionType: 'KEYS_ONLY' },
      ContributorInsightsSpecification: { Enabled: true },
      OnDemandThroughput: { MaxReadRequestUnits: '10', MaxWriteRequestUnits: 20 },
    },
  ],
  TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
  ResourcePolicy: {
    PolicyDocument: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Deny', Principal: '*', Action: 'dynamodb:DeleteItem', Resource: '*' }],
    },
  },
  TableClass: 'STANDARD',
  Tags: [{ Key: 'a', Value: 'b' }],
};

const create = (s: Setup, properties: Json) => provider!.create(properties, context(s));

describe('AWS::DynamoDB::Table', () => {
  it('becomes a table with everything that the template says', async () => {
    const s = setup();
    const { ref, attributes } = await create(s, PROPERTIES);
    expect(ref).toBe('stack-Events-ABC');
    expect(attributes).toEqual({
      Arn: 'arn:aws:dynamodb:us-east-1:000000000000:table/stack-Events-ABC',
      StreamArn: s.db.streamArnOf(ref),
    });
    expect(s.call('DescribeTable', { TableName: ref }).Table).toMatchObject({
      DeletionProtectionEnabled: true,
      SSEDescription: { Status: 'ENABLED', SSEType: 'KMS' },
      TableClassSummary: { TableClass: 'STANDARD' },
      GlobalSecondaryIndexes: [
        { IndexName: 'byG', OnDemandThroughput: { MaxReadRequestUnits: 10, MaxWriteRequestUnits: 20 } },
      ],
    });
    expect(s.call('DescribeTimeToLive', { TableName: ref }).TimeToLiveDescription.AttributeName).toBe('ttl');
    expect(
      s.call('DescribeContinuousBackups', { TableName: ref }).ContinuousBackupsDescription
        .PointInTimeRecoveryDescription,
    ).toMatchObject({
      PointInTimeRecoveryStatus: 'ENABLED',
      RecoveryPeriodInDays: 7,
    });
    expect(JSON.parse(s.db.resourcePolicyOf(ref)!)).toEqual(PROPERTIES.ResourcePolicy.PolicyDocument);
    expect(s.call('ListTagsOfResource', { ResourceArn: attributes.Arn }).Tags).toEqual(PROPERTIES.Tags);
  });

  it('of the least properties is a provisioned table without a stream', async () => {
    const s = setup();
    const { ref, attributes } = await create(s, {
      TableName: 'mine',
      KeySchema: [{ AttributeName: 'p', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'p', AttributeType: 'S' }],
      ProvisionedThroughput: { ReadCapacityUnits: '5', WriteCapacityUnits: 5 },
    });
    expect([ref, Object.keys(attributes)]).toEqual(['mine', ['Arn']]);
    expect(s.call('DescribeTable', { TableName: 'mine' }).Table.ProvisionedThroughput.ReadCapacityUnits).toBe(5);
  });

  it('keeps its items when it is there already, and takes on what changed', async () => {
    const s = setup();
    const { ref, attributes } = await create(s, PROPERTIES);
    s.call('PutItem', { TableName: ref, Item: { ...key('a', 1), g: { S: 'x' } } });
    const { GlobalSecondaryIndexes: _, ResourcePolicy: __, TimeToLiveSpecification: ___, ...rest } = PROPERTIES;
    const index = { ...PROPERTIES.GlobalSecondaryIndexes[0], IndexName: 'again' };
    const second = await create(s, { ...rest, GlobalSecondaryIndexes: [index], DeletionProtectionEnabled: false });
    expect(second.attributes).toEqual(attributes);
    expect(s.call('Scan', { TableName: ref, IndexName: 'again' }).Count).toBe(1);
    expect(failure(() => s.call('Scan', { TableName: ref, IndexName: 'byG' })).message).toContain('byG');
    expect(s.db.resourcePolicyOf(ref)).toBeUndefined();
    expect(s.call('DescribeTimeToLive', { TableName: ref }).TimeToLiveDescription.TimeToLiveStatus).toBe('DISABLED');
    await expect(
      create(s, { ...rest, GlobalSecondaryIndexes: [index], KeySchema: PROPERTIES.KeySchema.slice(0, 1) }),
    ).rejects.toThrow('another key schema');
  });

  it('refuses by name what is nested and not known', async () => {
    const StreamSpecification = { StreamViewType: 'NEW_IMAGE', ResourcePolicy: {} };
    await expect(create(setup(), { ...PROPERTIES, StreamSpecification })).rejects.toThrow(
      "'streamSpecification.resourcePolicy' is not supported",
    );
  });
});

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bank, type Resource } from './bank-template.ts';
import { pathOf } from './grants.ts';

/**
 * The resources that hold what cannot be made again, with the properties whose change makes CloudFormation replace them
 * ("Update requires: Replacement" in its resource reference; names that are given are among them).
 */
const STATEFUL: Record<string, readonly string[]> = {
  'AWS::DynamoDB::Table': ['TableName', 'KeySchema', 'LocalSecondaryIndexes', 'ImportSourceSpecification'],
  'AWS::Kinesis::Stream': ['Name'],
  'AWS::S3::Bucket': ['BucketName', 'BucketNamespace', 'ObjectLockEnabled'],
  'AWS::SQS::Queue': ['QueueName', 'FifoQueue'],
  'AWS::Events::EventBus': ['Name'],
  'AWS::Glue::Database': ['CatalogId', 'DatabaseInput.Name'],
  'AWS::KinesisFirehose::DeliveryStream': [
    'DeliveryStreamName',
    'DeliveryStreamType',
    'KinesisStreamSourceConfiguration',
  ],
};

/** As the last release deployed them. To accept a replacement on purpose, delete the file and say in CHANGELOG what it loses. */
const file = fileURLToPath(new URL('stateful.snap.json', import.meta.url));

function identities() {
  const found: Record<string, unknown> = {};
  for (const [logicalId, resource] of Object.entries(bank().resources)) {
    const properties = STATEFUL[resource.Type];
    if (properties === undefined) continue;
    found[pathOf(logicalId)] = { logicalId, type: resource.Type, ...pick(resource, properties) };
  }
  return found;
}

function pick(resource: Resource, paths: readonly string[]): Record<string, unknown> {
  const values = paths.map((path) => [
    path,
    path
      .split('.')
      .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], resource.Properties),
  ]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

describe('stateful resources', () => {
  it('are the ones that were deployed: no change replaces one', () => {
    if (!existsSync(file) && process.env.CI === undefined)
      writeFileSync(file, `${JSON.stringify(identities(), null, 2)}\n`);
    const deployed = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    expect(identities()).toMatchObject(deployed);
  });

  it('stay when the stack goes: tables, feed, bucket', () => {
    const kept = Object.entries(bank().resources).filter(([, { Type }]) =>
      ['AWS::DynamoDB::Table', 'AWS::Kinesis::Stream', 'AWS::S3::Bucket'].includes(Type),
    );
    expect(kept.length).toBeGreaterThanOrEqual(8);
    for (const [logicalId, { DeletionPolicy, UpdateReplacePolicy }] of kept) {
      expect([logicalId, DeletionPolicy, UpdateReplacePolicy]).toEqual([logicalId, 'Retain', 'Retain']);
    }
  });

  it('are protected: tables against deletion, with point-in-time recovery; everything encrypted', () => {
    for (const { Type, Properties } of Object.values(bank().resources)) {
      if (Type === 'AWS::DynamoDB::Table') {
        expect(Properties).toMatchObject({
          DeletionProtectionEnabled: true,
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          SSESpecification: { SSEEnabled: true },
        });
      }
      if (Type === 'AWS::Kinesis::Stream') expect(Properties.StreamEncryption).toMatchObject({ EncryptionType: 'KMS' });
      if (Type === 'AWS::SQS::Queue') expect(Properties.SqsManagedSseEnabled).toBe(true);
      if (Type === 'AWS::S3::Bucket') expect(Properties.BucketEncryption).toBeDefined();
    }
  });
});

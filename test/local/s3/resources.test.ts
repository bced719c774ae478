import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Cloud, createCloud, type Json, ROOT } from '../../../local/cloud.ts';
import { virtualKernel } from '../../../local/kernel/virtual-kernel.ts';
import type { ResourceContext } from '../../../local/resource.ts';
import { s3Resources } from '../../../local/s3/resources.ts';
import { createS3, type S3 } from '../../../local/s3/s3.ts';

let dir: string;
let cloud: Cloud;
let s3: S3;
const make = (type: string, properties: Json) => {
  const context: ResourceContext = {
    cloud,
    stackName: 'Bank',
    logicalId: 'Bucket',
    generatedName: 'Bank-ArchiveBucket28050336-ABCDEF',
    assetPath: () => '',
    caller: ROOT,
  };
  return s3Resources.find((provider) => provider.type === type)!.create(properties, context);
};
const get = async (operation: string, Bucket: string) => await cloud.call(ROOT, 's3', operation, { Bucket });

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'daybook-s3-'));
  cloud = createCloud(virtualKernel({ seed: 1 }));
  s3 = createS3(cloud, { dir });
});
afterEach(() => {
  s3.close();
  rmSync(dir, { recursive: true });
});

it('makes a bucket with a name that S3 allows, again after a restart, and keeps what it holds', async () => {
  const properties = {
    BucketEncryption: {
      ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
    },
    PublicAccessBlockConfiguration: { BlockPublicAcls: true },
    OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
    LifecycleConfiguration: { Rules: [{ Status: 'Enabled', ExpirationInDays: 30, Prefix: 'queries/' }] },
    Tags: [{ Key: 'a', Value: 'b' }],
  };
  const made = await make('AWS::S3::Bucket', properties);
  const name = 'bank-archivebucket28050336-abcdef';
  expect(made).toMatchObject({
    ref: name,
    attributes: { Arn: `arn:aws:s3:::${name}`, DomainName: `${name}.s3.amazonaws.com` },
  });
  await cloud.call(ROOT, 's3', 'PutObject', { Bucket: name, Key: 'kept', Body: 'x' });
  s3.close();
  s3 = createS3(cloud, { dir });
  expect((await make('AWS::S3::Bucket', properties)).ref).toBe(name);
  expect((await cloud.call(ROOT, 's3', 'GetObject', { Bucket: name, Key: 'kept' })).Body.toString()).toBe('x');
  expect((await get('GetPublicAccessBlock', name)).PublicAccessBlockConfiguration).toEqual({ BlockPublicAcls: true });
  expect((await get('GetBucketEncryption', name)).ServerSideEncryptionConfiguration.Rules[0]).toMatchObject({
    ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
  });
  expect((await get('GetBucketTagging', name)).TagSet).toEqual([{ Key: 'a', Value: 'b' }]);
});

it('hands the policy to who evaluates it', async () => {
  const { ref } = await make('AWS::S3::Bucket', { BucketName: 'cold' });
  expect(s3.bucketPolicyOf(ref)).toBeUndefined();
  const PolicyDocument = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: '*' }],
  };
  await make('AWS::S3::BucketPolicy', { Bucket: ref, PolicyDocument });
  expect(s3.bucketPolicyOf(ref)).toEqual(PolicyDocument);
});

it('says of each property that it does not honour why', () => {
  const [bucket] = s3Resources;
  for (const property of [
    'VersioningConfiguration',
    'ObjectLockEnabled',
    'LoggingConfiguration',
    'LifecycleConfiguration',
  ]) {
    expect(bucket!.without?.[property]).toBeTruthy();
  }
  for (const refused of [
    'NotificationConfiguration',
    'ReplicationConfiguration',
    'WebsiteConfiguration',
    'CorsConfiguration',
  ]) {
    expect([...bucket!.properties, ...Object.keys(bucket!.without ?? {})]).not.toContain(refused);
  }
});

import type { Json } from '../cloud.ts';
import type { Created, ResourceContext, ResourceProvider } from '../resource.ts';

const bucket: ResourceProvider = {
  type: 'AWS::S3::Bucket',
  properties: ['BucketName', 'BucketEncryption', 'PublicAccessBlockConfiguration', 'OwnershipControls', 'Tags'],
  without: {
    LifecycleConfiguration: 'kept and shown, but nothing expires or moves to another storage class here',
    VersioningConfiguration: 'an overwritten or deleted object is gone here',
    ObjectLockEnabled: 'objects can be deleted here',
    ObjectLockConfiguration: 'objects can be deleted here',
    LoggingConfiguration: 'no access logs are written here',
    MetricsConfigurations: 'there is no CloudWatch here',
    InventoryConfigurations: 'no inventories are made here',
    IntelligentTieringConfigurations: 'there is one storage class here',
  },
  async create(properties: Json, context: ResourceContext): Promise<Created> {
    const { cloud, caller } = context;
    const name: string = properties.BucketName ?? context.generatedName.toLowerCase().slice(0, 63).replace(/-+$/, '');
    const call = (operation: string, input: Json) =>
      cloud.call(caller, 's3', operation, { Bucket: name, ExpectedBucketOwner: cloud.account.accountId, ...input });
    await cloud.call(caller, 's3', 'CreateBucket', { Bucket: name });
    for (const [property, operation, input] of [
      ['BucketEncryption', 'PutBucketEncryption', encryptionOf],
      ['PublicAccessBlockConfiguration', 'PutPublicAccessBlock', same('PublicAccessBlockConfiguration')],
      ['OwnershipControls', 'PutBucketOwnershipControls', same('OwnershipControls')],
      ['LifecycleConfiguration', 'PutBucketLifecycleConfiguration', same('LifecycleConfiguration')],
      ['Tags', 'PutBucketTagging', (tags: Json) => ({ Tagging: { TagSet: tags } })],
    ] as const) {
      if (properties[property] !== undefined) await call(operation, input(properties[property]));
    }
    const { region } = cloud.account;
    return {
      ref: name,
      attributes: {
        Arn: `arn:aws:s3:::${name}`,
        DomainName: `${name}.s3.amazonaws.com`,
        RegionalDomainName: `${name}.s3.${region}.amazonaws.com`,
        DualStackDomainName: `${name}.s3.dualstack.${region}.amazonaws.com`,
        WebsiteURL: `http://${name}.s3-website-${region}.amazonaws.com`,
      },
    };
  },
};

const bucketPolicy: ResourceProvider = {
  type: 'AWS::S3::BucketPolicy',
  properties: ['Bucket', 'PolicyDocument'],
  async create(properties: Json, { cloud, caller }: ResourceContext): Promise<Created> {
    const Policy = JSON.stringify(properties.PolicyDocument);
    await cloud.call(caller, 's3', 'PutBucketPolicy', { Bucket: properties.Bucket, Policy });
    return { ref: properties.Bucket, attributes: {} };
  },
};

const same = (member: string) => (value: Json) => ({ [member]: value });

/** CloudFormation's names differ from the API's here. */
const encryptionOf = (property: Json) => ({
  ServerSideEncryptionConfiguration: {
    Rules: property.ServerSideEncryptionConfiguration.map((rule: Json) => ({
      ApplyServerSideEncryptionByDefault: rule.ServerSideEncryptionByDefault,
      BucketKeyEnabled: rule.BucketKeyEnabled ?? false,
    })),
  },
});

/** The resource types of S3 that a template may have here. */
export const s3Resources: readonly ResourceProvider[] = [bucket, bucketPolicy];

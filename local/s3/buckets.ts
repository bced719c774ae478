import { type Account, type Json, ServiceError } from '../cloud.ts';
import { invalidArgument, noSuchBucket, notFound, notImplemented } from './errors.ts';
import type { Bucket, ObjectStore } from './object-store.ts';

/** Operations on buckets and their settings. */
export interface BucketOperations {
  bucketOf(input: Json): Bucket;
  readonly operations: Readonly<Record<string, (input: Json) => Json>>;
}

/** Settings kept as they were given: the API's name, the member that carries it, and the error when there is none. */
const SETTINGS: readonly (readonly [name: string, member: string, missing: [string, string] | Json])[] = [
  ['BucketPolicy', 'Policy', ['NoSuchBucketPolicy', 'The bucket policy does not exist']],
  ['BucketTagging', 'Tagging', ['NoSuchTagSet', 'The TagSet does not exist']],
  [
    'PublicAccessBlock',
    'PublicAccessBlockConfiguration',
    ['NoSuchPublicAccessBlockConfiguration', 'The public access block configuration was not found'],
  ],
  [
    'BucketOwnershipControls',
    'OwnershipControls',
    ['OwnershipControlsNotFoundError', 'The bucket ownership controls were not found'],
  ],
  [
    'BucketLifecycleConfiguration',
    'LifecycleConfiguration',
    ['NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist'],
  ],
  [
    'BucketEncryption',
    'ServerSideEncryptionConfiguration',
    { Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' }, BucketKeyEnabled: false }] },
  ],
];

export function bucketOperations(store: ObjectStore, account: Account, now: () => number): BucketOperations {
  const bucketOf = (input: Json): Bucket => {
    const bucket = store.buckets.get(input.Bucket);
    if (bucket === undefined) throw noSuchBucket(String(input.Bucket));
    if (input.ExpectedBucketOwner !== undefined && input.ExpectedBucketOwner !== account.accountId) {
      throw new ServiceError('AccessDenied', 'Access Denied', { status: 403 });
    }
    return bucket;
  };
  const operations: Record<string, (input: Json) => Json> = {
    CreateBucket(input) {
      checkBucketName(input.Bucket);
      const location = input.CreateBucketConfiguration?.LocationConstraint;
      if (location !== undefined && location !== '' && location !== account.region) {
        throw new ServiceError(
          'IllegalLocationConstraintException',
          `The ${location} location constraint is incompatible for the region specific endpoint this request was sent to.`,
        );
      }
      if (input.ObjectLockEnabledForBucket === true) throw notImplemented('ObjectLockEnabledForBucket');
      if (store.buckets.has(input.Bucket)) {
        // "In us-east-1, if you re-create an existing bucket that you already own, S3 returns 200 OK".
        if (account.region === 'us-east-1') return { Location: `/${input.Bucket}` };
        throw new ServiceError(
          'BucketAlreadyOwnedByYou',
          'Your previous request to create the named bucket succeeded and you already own it.',
          { status: 409 },
        );
      }
      store.createBucket(input.Bucket, now());
      return { Location: `/${input.Bucket}` };
    },
    HeadBucket(input) {
      if (!store.buckets.has(input.Bucket)) throw notFound();
      bucketOf(input);
      return { BucketRegion: account.region };
    },
    ListBuckets(input) {
      const prefix: string = input.Prefix ?? '';
      const names = [...store.buckets.keys()].filter((name) => name.startsWith(prefix)).sort();
      const after = input.ContinuationToken as string | undefined;
      const rest = after === undefined ? names : names.filter((name) => name > after);
      const page = rest.slice(0, Number(input.MaxBuckets ?? 10000));
      return {
        Buckets: page.map((name) => ({
          Name: name,
          CreationDate: new Date(store.buckets.get(name)!.createdMs).toISOString(),
          BucketRegion: account.region,
        })),
        Owner: { ID: 'daybook', DisplayName: 'daybook' },
        ...(page.length < rest.length && { ContinuationToken: page.at(-1) }),
        ...(input.Prefix !== undefined && { Prefix: prefix }),
      };
    },
    DeleteBucket(input) {
      const bucket = bucketOf(input);
      if (bucket.keys.length > 0) {
        throw new ServiceError('BucketNotEmpty', 'The bucket you tried to delete is not empty', {
          status: 409,
          fields: { BucketName: bucket.name },
        });
      }
      store.deleteBucket(bucket.name);
      return {};
    },
    GetBucketLocation(input) {
      bucketOf(input);
      // "Buckets in Region us-east-1 have a LocationConstraint of null."
      return account.region === 'us-east-1' ? {} : { LocationConstraint: account.region };
    },
    GetBucketVersioning(input) {
      bucketOf(input);
      return {};
    },
    PutBucketVersioning(input) {
      bucketOf(input);
      if (input.VersioningConfiguration?.Status !== 'Suspended') throw notImplemented('bucket versioning');
      return {};
    },
    GetBucketPolicyStatus(input) {
      bucketOf(input);
      return { PolicyStatus: { IsPublic: false } };
    },
  };
  for (const [name, member, missing] of SETTINGS) {
    operations[`Put${name}`] = (input) => {
      const bucket = bucketOf(input);
      if (input[member] === undefined) throw invalidArgument(`${member} is required`, member);
      if (member === 'Policy') checkPolicy(input.Policy);
      bucket.settings.set(member, input[member]);
      store.save();
      return {};
    };
    operations[`Get${name}`] = (input) => {
      const value = bucketOf(input).settings.get(member);
      if (value !== undefined) return member === 'Tagging' ? value : { [member]: value };
      if (!Array.isArray(missing)) return { [member]: missing };
      throw new ServiceError(missing[0]!, missing[1]!, { status: 404, fields: { BucketName: input.Bucket } });
    };
    operations[name === 'BucketLifecycleConfiguration' ? 'DeleteBucketLifecycle' : `Delete${name}`] = (input) => {
      bucketOf(input).settings.delete(member);
      store.save();
      return {};
    };
  }
  return { bucketOf, operations };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
function checkBucketName(name: unknown): void {
  const valid =
    typeof name === 'string' &&
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !name.includes('..') &&
    !/^\d+\.\d+\.\d+\.\d+$/.test(name) &&
    !name.startsWith('xn--') &&
    !name.endsWith('-s3alias');
  if (!valid) {
    throw new ServiceError('InvalidBucketName', 'The specified bucket is not valid.', { fields: { BucketName: name } });
  }
}

function checkPolicy(policy: unknown): void {
  try {
    const parsed = JSON.parse(String(policy));
    if (Array.isArray(parsed?.Statement) || typeof parsed?.Statement === 'object') return;
  } catch {
    // said below
  }
  throw new ServiceError('MalformedPolicy', "Policies must be valid JSON and the first byte must be '{'");
}

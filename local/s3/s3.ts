import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Cloud, type Json, type Service, ServiceError } from '../cloud.ts';
import { bucketOperations } from './buckets.ts';
import { notImplemented } from './errors.ts';
import { positionOf } from './key-order.ts';
import { listObjects, listObjectsV2 } from './listing.ts';
import { openUploads } from './multipart.ts';
import { CHECKSUM_MEMBERS, WRITE_MEMBERS } from './object-input.ts';
import { type ObjectMeta, openObjectStore } from './object-store.ts';
import {
  copyObject,
  deleteObject,
  deleteObjects,
  getObject,
  headObject,
  type ObjectContext,
  putObject,
} from './objects.ts';
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './tagging.ts';

/** The embedded S3: the service, and what other parts of the runtime may know of its files. */
export interface S3 extends Service {
  /** Absolute; everything that S3 keeps lies in it. */
  readonly dir: string;
  /** The plain file that holds an object, for DuckDB; `undefined` when there is no such object. */
  localPath(bucket: string, key: string): string | undefined;
  /** The objects below a prefix in key order, with the files that hold them: what an engine needs to plan a scan. */
  filesBelow(
    bucket: string,
    prefix: string,
  ): { readonly key: string; readonly size: number; readonly etag: string; readonly path: string }[];
  /** The bucket's policy as a document, for the evaluation of calls. */
  bucketPolicyOf(bucket: string): Json | undefined;
  /** A folder of one's own on the same file system, for temporary files. */
  scratchDir(name: string): string;
  close(): void;
}

const READ_CONDITIONS = ['IfMatch', 'IfNoneMatch', 'IfModifiedSince', 'IfUnmodifiedSince'];
const READ_MEMBERS = [
  'Bucket',
  'Key',
  'Range',
  'PartNumber',
  ...READ_CONDITIONS,
  'ChecksumMode',
  'ExpectedBucketOwner',
  'RequestPayer',
];
const LIST_MEMBERS = [
  'Bucket',
  'Prefix',
  'Delimiter',
  'EncodingType',
  'MaxKeys',
  'ExpectedBucketOwner',
  'RequestPayer',
  'OptionalObjectAttributes',
];
const RESPONSE_MEMBERS = [
  'CacheControl',
  'ContentDisposition',
  'ContentEncoding',
  'ContentLanguage',
  'ContentType',
  'Expires',
].map((name) => `Response${name}`);
const COPY_MEMBERS = ['CopySource', ...READ_CONDITIONS.map((name) => `CopySource${name}`)];
const TAGGING_MEMBERS = ['Bucket', 'Key', 'VersionId', 'ExpectedBucketOwner', 'RequestPayer'];
const UPLOAD_MEMBERS = ['Bucket', 'Key', 'UploadId', 'ExpectedBucketOwner', 'RequestPayer'];

/** Members that an operation honours; another one is refused by name. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  PutObject: [...WRITE_MEMBERS, ...CHECKSUM_MEMBERS, 'Body', 'ContentLength', 'IfMatch', 'IfNoneMatch'],
  GetObject: [...READ_MEMBERS, ...RESPONSE_MEMBERS],
  HeadObject: [...READ_MEMBERS, ...RESPONSE_MEMBERS],
  DeleteObject: ['Bucket', 'Key', 'VersionId', 'IfMatch', 'ExpectedBucketOwner', 'RequestPayer'],
  DeleteObjects: ['Bucket', 'Delete', ...CHECKSUM_MEMBERS, 'ExpectedBucketOwner', 'RequestPayer'],
  CopyObject: [
    ...WRITE_MEMBERS,
    ...COPY_MEMBERS,
    'MetadataDirective',
    'TaggingDirective',
    'ChecksumAlgorithm',
    'IfMatch',
    'IfNoneMatch',
    'ExpectedSourceBucketOwner',
  ],
  GetObjectTagging: TAGGING_MEMBERS,
  PutObjectTagging: [...TAGGING_MEMBERS, ...CHECKSUM_MEMBERS, 'Tagging'],
  DeleteObjectTagging: TAGGING_MEMBERS,
  ListObjects: [...LIST_MEMBERS, 'Marker'],
  ListObjectsV2: [...LIST_MEMBERS, 'ContinuationToken', 'StartAfter', 'FetchOwner'],
  CreateMultipartUpload: [...WRITE_MEMBERS, 'ChecksumAlgorithm', 'ChecksumType'],
  UploadPart: [...UPLOAD_MEMBERS, ...CHECKSUM_MEMBERS, 'PartNumber', 'Body', 'ContentLength'],
  UploadPartCopy: [...UPLOAD_MEMBERS, ...COPY_MEMBERS, 'CopySourceRange', 'PartNumber', 'ExpectedSourceBucketOwner'],
  CompleteMultipartUpload: [
    ...UPLOAD_MEMBERS,
    ...CHECKSUM_MEMBERS,
    'ChecksumType',
    'MultipartUpload',
    'MpuObjectSize',
    'IfMatch',
    'IfNoneMatch',
  ],
  AbortMultipartUpload: UPLOAD_MEMBERS,
  ListParts: [...UPLOAD_MEMBERS, 'MaxParts', 'PartNumberMarker'],
  ListMultipartUploads: [...LIST_MEMBERS, 'KeyMarker', 'UploadIdMarker', 'MaxUploads'],
  CreateBucket: ['Bucket', 'CreateBucketConfiguration', 'ObjectLockEnabledForBucket', 'ObjectOwnership'],
  ListBuckets: ['Prefix', 'ContinuationToken', 'MaxBuckets', 'BucketRegion'],
};

/**
 * Makes the embedded S3 and registers it with the cloud. Objects are plain files below `dir`, so that DuckDB, or a person,
 * can read them.
 */
export function createS3(cloud: Cloud, options: { readonly dir: string }): S3 {
  const dir = resolve(options.dir);
  mkdirSync(dir, { recursive: true });
  const freshName = () => cloud.kernel.random.hex(32);
  const store = openObjectStore(dir, freshName);
  const now = () => cloud.kernel.clock.now();
  const { bucketOf, operations: ofBuckets } = bucketOperations(store, cloud.account, now);
  const context: ObjectContext = { bucketOf, now };
  const uploads = openUploads(join(store.stateDir, 'uploads'), context, freshName);
  const operations: Record<string, (input: Json) => Json> = {
    ...ofBuckets,
    PutObject: (input) => putObject(input, context),
    GetObject: (input) => getObject(input, context),
    HeadObject: (input) => headObject(input, context),
    DeleteObject: (input) => deleteObject(input, context),
    DeleteObjects: (input) => deleteObjects(input, context),
    CopyObject: (input) => copyObject(input, context),
    GetObjectTagging: (input) => getObjectTagging(input, context),
    PutObjectTagging: (input) => putObjectTagging(input, context),
    DeleteObjectTagging: (input) => deleteObjectTagging(input, context),
    ListObjects: (input) => listObjects(input, context),
    ListObjectsV2: (input) => listObjectsV2(input, context),
    CreateMultipartUpload: uploads.create,
    UploadPart: uploads.uploadPart,
    UploadPartCopy: uploads.uploadPartCopy,
    CompleteMultipartUpload: uploads.complete,
    AbortMultipartUpload: uploads.abort,
    ListParts: uploads.listParts,
    ListMultipartUploads: uploads.listUploads,
  };

  const s3: S3 = {
    name: 's3',
    dir,
    handle(operation, input) {
      const run = operations[operation];
      if (run === undefined) {
        throw new ServiceError('UnknownOperationException', `S3 operation ${operation} is not hosted here`);
      }
      const known = MEMBERS[operation];
      for (const member of Object.keys(input)) {
        if (known !== undefined && input[member] !== undefined && !known.includes(member)) {
          throw notImplemented(`${operation}: ${member}`);
        }
      }
      const output = run(input);
      if (operation === 'PutObject' || operation === 'CompleteMultipartUpload') {
        cloud.trace.note('s3', operation, { bucket: input.Bucket, key: input.Key });
      }
      return output;
    },
    localPath: (bucket, key) => store.buckets.get(bucket)?.localPath(key),
    filesBelow(name, prefix) {
      const bucket = store.buckets.get(name);
      if (bucket === undefined) return [];
      return keysBelow(bucket.keys, prefix).map((key) => {
        const { size, etag } = bucket.get(key) as ObjectMeta;
        return { key, size, etag, path: bucket.localPath(key)! };
      });
    },
    bucketPolicyOf(name) {
      const policy = store.buckets.get(name)?.settings.get('Policy');
      return policy === undefined ? undefined : JSON.parse(String(policy));
    },
    scratchDir(name) {
      const scratch = join(store.stateDir, name);
      mkdirSync(scratch, { recursive: true });
      return scratch;
    },
    close: () => store.close(),
  };
  cloud.register(s3);
  return s3;
}

function keysBelow(keys: readonly string[], prefix: string): string[] {
  const found: string[] = [];
  for (let i = positionOf(keys, prefix); i < keys.length && keys[i]!.startsWith(prefix); i++) found.push(keys[i]!);
  return found;
}

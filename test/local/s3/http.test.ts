import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetBucketPolicyCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCloud } from '../../../local/cloud.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { createS3, type S3 } from '../../../local/s3/s3.ts';
import { serveS3 } from './serve.ts';

const Bucket = 'through-the-sdk';
let dir: string;
let s3: S3;
let server: Awaited<ReturnType<typeof serveS3>>;
let client: S3Client;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'daybook-s3-'));
  const cloud = createCloud(realKernel());
  s3 = createS3(cloud, { dir });
  server = await serveS3(cloud);
  client = new S3Client({
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  await client.send(new CreateBucketCommand({ Bucket }));
});
afterAll(async () => {
  client.destroy();
  await server.close();
  s3.close();
  rmSync(dir, { recursive: true });
});

it('stores what the SDK sends with its checksum and gives it back verified', async () => {
  const Key = 'späces and+signs/ü?&.txt';
  const stored = await client.send(
    new PutObjectCommand({ Bucket, Key, Body: 'hello', Metadata: { colour: 'red' }, ContentType: 'text/plain' }),
  );
  expect(stored.ChecksumCRC32).toBe('NhCmhg==');
  const got = await client.send(new GetObjectCommand({ Bucket, Key }));
  expect(await got.Body!.transformToString()).toBe('hello');
  expect([got.Metadata, got.ContentType, got.ETag]).toEqual([
    { colour: 'red' },
    'text/plain',
    '"5d41402abc4b2a76b9719d911017c592"',
  ]);
  const listed = await client.send(new ListObjectsV2Command({ Bucket, Prefix: 'sp' }));
  expect(listed.Contents!.map((one) => one.Key)).toEqual([Key]);
});

it('decodes a streamed body with a trailing checksum', async () => {
  const { Readable } = await import('node:stream');
  const Body = Readable.from([Buffer.from('part one, '), Buffer.alloc(70_000, 'x')]);
  await client.send(
    new PutObjectCommand({ Bucket, Key: 'streamed', Body, ContentLength: 70_010, ChecksumAlgorithm: 'SHA256' }),
  );
  const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'streamed', ChecksumMode: 'ENABLED' }));
  expect([head.ContentLength, head.ContentEncoding, head.ChecksumSHA256?.length]).toEqual([70_010, undefined, 44]);
});

it('uploads in parts', async () => {
  const Key = 'in-parts';
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const { ETag, ChecksumCRC32 } = await client.send(
    new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'only' }),
  );
  await client.send(
    new CompleteMultipartUploadCommand({
      Bucket,
      Key,
      UploadId,
      MultipartUpload: { Parts: [{ ETag, PartNumber: 1, ...(ChecksumCRC32 && { ChecksumCRC32 }) }] },
    }),
  );
  const got = await client.send(new GetObjectCommand({ Bucket, Key }));
  expect(await got.Body!.transformToString()).toBe('only');
  expect(got.ETag).toMatch(/-1"$/);
});

it('answers errors as the SDK knows them', async () => {
  await expect(client.send(new GetObjectCommand({ Bucket, Key: 'none' }))).rejects.toMatchObject({ name: 'NoSuchKey' });
  await expect(client.send(new HeadObjectCommand({ Bucket, Key: 'none' }))).rejects.toMatchObject({ name: 'NotFound' });
  await expect(client.send(new GetObjectCommand({ Bucket: 'no-such-bucket', Key: 'x' }))).rejects.toMatchObject({
    name: 'NoSuchBucket',
  });
  await client.send(new PutObjectCommand({ Bucket, Key: 'once', Body: '' }));
  await expect(
    client.send(new PutObjectCommand({ Bucket, Key: 'once', Body: '', IfNoneMatch: '*' })),
  ).rejects.toMatchObject({
    name: 'PreconditionFailed',
    $metadata: { httpStatusCode: 412 },
  });
  await expect(client.send(new GetObjectAclCommand({ Bucket, Key: 'once' }))).rejects.toMatchObject({
    name: 'NotImplemented',
  });
});

it('keeps the policy, lists buckets and deletes many', async () => {
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [] });
  await client.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  expect((await client.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe(Policy);
  expect(s3.bucketPolicyOf(Bucket)).toEqual({ Version: '2012-10-17', Statement: [] });
  expect((await client.send(new ListBucketsCommand({}))).Buckets!.map((one) => one.Name)).toEqual([Bucket]);
  await client.send(new PutObjectCommand({ Bucket, Key: 'x<&>y', Body: '' }));
  const gone = await client.send(
    new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'x<&>y' }, { Key: 'none' }] } }),
  );
  expect(gone.Deleted!.map((one) => one.Key)).toEqual(['x<&>y', 'none']);
});

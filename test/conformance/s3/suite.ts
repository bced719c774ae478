import * as sdk from '@aws-sdk/client-s3';
import { createBucket } from '../bucket.ts';
import { clientOf } from '../client.ts';
import { errorOf, same, uniqueName } from '../expect.ts';
import type { Case, Suite } from '../suite.ts';

type Play = (client: sdk.S3Client, Bucket: string) => Promise<void>;

/** Makes a bucket, and leaves nothing behind. */
const on = (name: string, says: string, play: Play): Case => ({
  name,
  says,
  async run(target) {
    const client = clientOf(target, sdk.S3Client);
    const Bucket = uniqueName();
    await createBucket(client, Bucket);
    try {
      await play(client, Bucket);
    } finally {
      const { Contents = [] } = await client.send(new sdk.ListObjectsV2Command({ Bucket }));
      for (const { Key } of Contents) await client.send(new sdk.DeleteObjectCommand({ Bucket, Key }));
      await client.send(new sdk.DeleteBucketCommand({ Bucket }));
    }
  },
});

const put = (client: sdk.S3Client, Bucket: string, Key: string, Body: string | Uint8Array, more = {}) =>
  client.send(new sdk.PutObjectCommand({ Bucket, Key, Body, ...more }));
const get = async (client: sdk.S3Client, Bucket: string, Key: string, more = {}) => {
  const { Body, ...rest } = await client.send(new sdk.GetObjectCommand({ Bucket, Key, ...more }));
  return { text: (await Body?.transformToString()) ?? '', ...rest };
};

const cases: readonly Case[] = [
  on('an object comes back as it was put', 'PutObject, GetObject, HeadObject', async (client, bucket) => {
    const Key = 'a b/ü+&%.txt';
    const { ETag } = await put(client, bucket, Key, 'hello', { ContentType: 'text/plain', Metadata: { k: 'v' } });
    same(ETag, '"5d41402abc4b2a76b9719d911017c592"');
    const got = await get(client, bucket, Key);
    same([got.text, got.ContentType, got.Metadata, got.ETag], ['hello', 'text/plain', { k: 'v' }, ETag]);
    const head = await client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key }));
    same([head.ContentLength, head.ETag], [5, ETag]);
  }),
  on(
    'tags of an object, set with it or afterwards',
    'PutObject: "The tag-set must be encoded as URL Query parameters"; object tagging: "You can associate up to 10 tags with an object … unique tag keys"; InvalidTag',
    async (client, Bucket) => {
      await put(client, Bucket, 'k', '1', { Tagging: 'colour=dark+red' });
      const tags = async () =>
        (await client.send(new sdk.GetObjectTaggingCommand({ Bucket, Key: 'k' }))).TagSet?.map(
          ({ Key, Value }) => `${Key}=${Value}`,
        );
      const set = (TagSet: sdk.Tag[]) =>
        client.send(new sdk.PutObjectTaggingCommand({ Bucket, Key: 'k', Tagging: { TagSet } }));
      same([await tags(), (await get(client, Bucket, 'k')).TagCount], [['colour=dark red'], 1]);
      await set([{ Key: 'a', Value: '1' }]);
      same(await tags(), ['a=1']);
      same(await errorOf(set([1, 2].map(() => ({ Key: 'a', Value: '1' })))), 'InvalidTag');
      same(await errorOf(set(Array.from({ length: 11 }, (_, i) => ({ Key: `k${i}`, Value: '' })))), 'BadRequest');
      await client.send(new sdk.DeleteObjectTaggingCommand({ Bucket, Key: 'k' }));
      same([await tags(), (await get(client, Bucket, 'k')).text], [[], '1']);
    },
  ),
  on(
    'conditional writes',
    'PutObject: "If-None-Match: Uploads the object only if the object key name does not already exist in the bucket … 412 Precondition Failed"; "If-Match: Uploads the object only if the ETag … matches"; If-None-Match "Expects the \'*\' (asterisk) character"; that another value is NotImplemented is assumed',
    async (client, bucket) => {
      const { ETag } = await put(client, bucket, 'k', '1', { IfNoneMatch: '*' });
      same(await errorOf(put(client, bucket, 'k', '2', { IfNoneMatch: '*' })), 'PreconditionFailed');
      same(await errorOf(put(client, bucket, 'k', '2', { IfMatch: '"0"' })), 'PreconditionFailed');
      await put(client, bucket, 'k', '3', { IfMatch: ETag });
      same(await errorOf(put(client, bucket, 'none', '1', { IfMatch: ETag })), 'NoSuchKey');
      same(await errorOf(put(client, bucket, 'k', '4', { IfNoneMatch: '"0"' })), 'NotImplemented');
      same((await get(client, bucket, 'k')).text, '3');
    },
  ),
  on(
    'conditional reads',
    'GetObject: "If-Match … 412", "If-None-Match … 304", "If-Modified-Since … 304"',
    async (client, bucket) => {
      const { ETag } = await put(client, bucket, 'k', '1');
      const { text, LastModified } = await get(client, bucket, 'k', { IfMatch: ETag });
      same(text, '1');
      same(await errorOf(get(client, bucket, 'k', { IfMatch: '"0"' })), 'PreconditionFailed');
      const unchanged = async (more: object) => {
        try {
          await get(client, bucket, 'k', more);
          return 200;
        } catch (error) {
          return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
        }
      };
      same(
        [
          await unchanged({ IfNoneMatch: ETag }),
          await unchanged({ IfModifiedSince: LastModified }),
          await unchanged({ IfModifiedSince: new Date(LastModified!.getTime() - 1000) }),
        ],
        [304, 304, 200],
      );
    },
  ),
  on(
    'ranges',
    'GetObject: "Range: Downloads the specified byte range of an object"; 416 InvalidRange',
    async (client, bucket) => {
      await put(client, bucket, 'k', '0123456789');
      const range = async (Range: string) => {
        const { text, ContentRange } = await get(client, bucket, 'k', { Range });
        return [text, ContentRange];
      };
      same(await range('bytes=2-4'), ['234', 'bytes 2-4/10']);
      same(await range('bytes=7-'), ['789', 'bytes 7-9/10']);
      same(await range('bytes=-3'), ['789', 'bytes 7-9/10']);
      same(await range('bytes=8-99'), ['89', 'bytes 8-9/10']);
      same(await errorOf(range('bytes=10-')), 'InvalidRange');
    },
  ),
  on(
    'checksums are kept, given back and checked',
    'Checking object integrity: "CRC64NVME, CRC32, CRC32C, SHA-1, SHA-256"; "If the checksum values don\'t match, the object isn\'t stored": BadDigest',
    async (client, bucket) => {
      const algorithms = ['CRC32', 'CRC32C', 'SHA1', 'SHA256', 'CRC64NVME'] as const;
      for (const ChecksumAlgorithm of algorithms) {
        // The SDK's own CRC64NVME and CRC32C need packages that are not everywhere: what it can't compute is passed over.
        if (ChecksumAlgorithm === 'CRC64NVME') continue;
        const sent = await put(client, bucket, ChecksumAlgorithm, 'hello', { ChecksumAlgorithm });
        const name = `Checksum${ChecksumAlgorithm}` as const;
        const head = await client.send(
          new sdk.HeadObjectCommand({ Bucket: bucket, Key: ChecksumAlgorithm, ChecksumMode: 'ENABLED' }),
        );
        if (sent[name] === undefined || sent[name] !== head[name])
          throw new Error(`${name}: ${sent[name]}, ${head[name]}`);
      }
      same(await errorOf(put(client, bucket, 'bad', 'hello', { ChecksumSHA256: `${'A'.repeat(43)}=` })), 'BadDigest');
      same(await errorOf(put(client, bucket, 'bad', 'hello', { ChecksumCRC32: 'AA==' })), 'InvalidRequest');
      same(await errorOf(get(client, bucket, 'bad')), 'NoSuchKey');
    },
  ),
  on(
    'multipart uploads',
    'CompleteMultipartUpload: "assembling previously uploaded parts"; parts of at least 5 MiB but the last: EntityTooSmall; InvalidPart; NoSuchUpload',
    async (client, Bucket) => {
      const begin = async (Key: string) =>
        (await client.send(new sdk.CreateMultipartUploadCommand({ Bucket, Key }))).UploadId!;
      const part = (Key: string, UploadId: string, PartNumber: number, Body: Uint8Array) =>
        client.send(new sdk.UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
      const complete = (Key: string, UploadId: string, Parts: sdk.CompletedPart[]) =>
        client.send(new sdk.CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
      const large = new Uint8Array(5 * 1024 * 1024).fill(1);
      const id = await begin('big');
      const one = await part('big', id, 1, large);
      const two = await part('big', id, 2, new Uint8Array([2, 3]));
      same(await errorOf(complete('big', id, [{ PartNumber: 1, ETag: '"0"' }])), 'InvalidPart');
      const parts = [one, two].map(({ ETag }, i) => ({ PartNumber: i + 1, ETag }));
      const { ETag } = await complete('big', id, parts);
      if (!/-2"$/.test(ETag ?? '')) throw new Error(`the ETag ${ETag} does not tell its parts`);
      const head = await client.send(new sdk.HeadObjectCommand({ Bucket, Key: 'big' }));
      same(head.ContentLength, large.length + 2);
      same(await errorOf(complete('big', 'nonsense', parts)), 'NoSuchUpload');
      const small = await begin('small');
      const tiny = await Promise.all([1, 2].map((n) => part('small', small, n, new Uint8Array([n]))));
      const both = tiny.map(({ ETag: tag }, i) => ({ PartNumber: i + 1, ETag: tag }));
      same(await errorOf(complete('small', small, both)), 'EntityTooSmall');
      await client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key: 'small', UploadId: small }));
      same(await errorOf(part('small', small, 1, new Uint8Array([1]))), 'NoSuchUpload');
    },
  ),
  on(
    'lists by prefix, delimiter and page, in the order of UTF-8',
    'ListObjectsV2: "prefix, delimiter, max-keys, start-after, continuation-token … returned in UTF-8 binary order"',
    async (client, Bucket) => {
      for (const key of ['b', 'a/2', 'a/1', 'é', 'Z']) await put(client, Bucket, key, 'x');
      const list = (more: object) => client.send(new sdk.ListObjectsV2Command({ Bucket, ...more }));
      const keys = async (more: object) => (await list(more)).Contents?.map(({ Key }) => Key) ?? [];
      same(await keys({}), ['Z', 'a/1', 'a/2', 'b', 'é']);
      same(await keys({ Prefix: 'a/' }), ['a/1', 'a/2']);
      same(await keys({ StartAfter: 'a/2' }), ['b', 'é']);
      const folded = await list({ Delimiter: '/' });
      same(
        [folded.CommonPrefixes?.map(({ Prefix }) => Prefix), folded.Contents?.map(({ Key }) => Key), folded.KeyCount],
        [['a/'], ['Z', 'b', 'é'], 4],
      );
      const first = await list({ MaxKeys: 2 });
      same([first.IsTruncated, first.KeyCount], [true, 2]);
      same(await keys({ MaxKeys: 9, ContinuationToken: first.NextContinuationToken }), ['a/2', 'b', 'é']);
    },
  ),
  on(
    'copies',
    'CopyObject: "Creates a copy of an object that is already stored in Amazon S3"',
    async (client, Bucket) => {
      await put(client, Bucket, 'from', 'x', { Metadata: { k: 'v' } });
      await client.send(new sdk.CopyObjectCommand({ Bucket, Key: 'to', CopySource: `${Bucket}/from` }));
      const { text, Metadata } = await get(client, Bucket, 'to');
      same([text, Metadata], ['x', { k: 'v' }]);
      const none = new sdk.CopyObjectCommand({ Bucket, Key: 'to', CopySource: `${Bucket}/none` });
      same(await errorOf(client.send(none)), 'NoSuchKey');
    },
  ),
  on(
    'what is not there is said by name',
    'NoSuchKey, NoSuchBucket, NotFound, BucketNotEmpty',
    async (client, Bucket) => {
      await put(client, Bucket, 'k', 'x');
      same(
        [
          await errorOf(get(client, Bucket, 'none')),
          await errorOf(client.send(new sdk.HeadObjectCommand({ Bucket, Key: 'none' }))),
          await errorOf(get(client, `${Bucket}x`, 'k')),
          await errorOf(client.send(new sdk.DeleteBucketCommand({ Bucket }))),
          await errorOf(client.send(new sdk.DeleteObjectCommand({ Bucket, Key: 'none' }))),
        ],
        ['NoSuchKey', 'NotFound', 'NoSuchBucket', 'BucketNotEmpty', undefined],
      );
    },
  ),
];

export const s3: Suite = {
  service: 's3',
  costs: { makes: 'a bucket with some objects, 12 MB at most', dollars: 0.001 },
  cases,
};

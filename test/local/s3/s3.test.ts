import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Cloud, createCloud, type Json, ROOT } from '../../../local/cloud.ts';
import { virtualKernel } from '../../../local/kernel/virtual-kernel.ts';
import { compareKeys } from '../../../local/s3/key-order.ts';
import { keyToPath, pathToKey } from '../../../local/s3/key-path.ts';
import { createS3, type S3 } from '../../../local/s3/s3.ts';

let dir: string;
let cloud: Cloud;
let s3: S3;
const call = (operation: string, input: Json): Promise<Json> =>
  cloud.call(ROOT, 's3', operation, { Bucket: 'box', ...input });
const put = (Key: string, Body = Key, more: Json = {}) => call('PutObject', { Key, Body: Buffer.from(Body), ...more });
const text = async (Key: string, more: Json = {}) => (await call('GetObject', { Key, ...more })).Body.toString();
const open = (seed = 1) => {
  cloud = createCloud(virtualKernel({ seed }));
  s3 = createS3(cloud, { dir });
};

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'daybook-s3-'));
  open();
  await call('CreateBucket', {});
});
afterEach(() => {
  s3.close();
  rmSync(dir, { recursive: true });
});

describe('keys', () => {
  const keys = [
    'a',
    'a/b',
    'a/',
    '/',
    '//',
    '/a',
    '.',
    '..',
    '../../etc/passwd',
    'a/../b',
    './a',
    'a.b',
    'a.b/c',
    'A',
    '%',
    '%2E',
    'é ü/ß',
    'x'.repeat(1024),
    `${'y'.repeat(300)}/z.parquet`,
    'nul\u0000',
    '😀',
    'CON',
    '.hidden',
    'a.',
    'day=2026-01-01/bucket=a/f.parquet',
  ];

  it('live side by side whatever they look like, each with its own bytes', async () => {
    for (const key of keys) await put(key, `of ${key}`);
    for (const key of keys) expect(await text(key)).toBe(`of ${key}`);
    for (const key of keys) expect(s3.localPath('box', key)!.startsWith(`${join(dir, 'box')}/`)).toBe(true);
  });

  it('that differ by case only do not share a file, since a file system may not tell them apart', async () => {
    await put('dir/Name.txt');
    await put('dir/name.txt');
    const [upper, lower] = ['dir/Name.txt', 'dir/name.txt'].map((key) => s3.localPath('box', key)!);
    expect(upper!.toLowerCase()).not.toBe(lower!.toLowerCase());
    expect([await text('dir/Name.txt'), await text('dir/name.txt')]).toEqual(['dir/Name.txt', 'dir/name.txt']);
  });

  it('stay readable as paths when they are plain', () => {
    expect(keyToPath('events/day=2026-01-01/bucket=a/x-1.parquet')).toBe('events/day=2026-01-01/bucket=a/x-1.parquet');
  });

  it('never leave the folder, and come back from their path unless it is a hash', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }), (key) => {
        const path = keyToPath(key);
        expect(path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')).toBe(true);
        if (!/\p{Cs}/u.test(key) && path.split('/').every((part) => part.length < 200))
          expect(pathToKey(path)).toBe(key);
      }),
    );
  });
});

describe('conditional requests', () => {
  it('create only once with If-None-Match: *', async () => {
    await put('a', 'first', { IfNoneMatch: '*' });
    await expect(put('a', 'second', { IfNoneMatch: '*' })).rejects.toMatchObject({
      code: 'PreconditionFailed',
      status: 412,
    });
    expect(await text('a')).toBe('first');
  });

  it('replace only what was seen with If-Match', async () => {
    const { ETag } = await put('a', 'first');
    await put('a', 'second', { IfMatch: ETag });
    await expect(put('a', 'third', { IfMatch: ETag })).rejects.toMatchObject({ code: 'PreconditionFailed' });
    await expect(put('none', 'x', { IfMatch: ETag })).rejects.toMatchObject({ code: 'NoSuchKey', status: 404 });
    expect(await text('a')).toBe('second');
  });

  it('answer reads with 304 or 412', async () => {
    const { ETag } = await put('a');
    await expect(call('GetObject', { Key: 'a', IfNoneMatch: ETag })).rejects.toMatchObject({ status: 304 });
    await expect(call('HeadObject', { Key: 'a', IfMatch: '"other"' })).rejects.toMatchObject({ status: 412 });
    expect(await text('a', { IfMatch: ETag, IfUnmodifiedSince: 'Thu, 01 Jan 1970 00:00:00 GMT' })).toBe('a');
  });
});

describe('ranges', () => {
  it.each([
    ['bytes=0-0', '0', 'bytes 0-0/10'],
    ['bytes=3-', '3456789', 'bytes 3-9/10'],
    ['bytes=-2', '89', 'bytes 8-9/10'],
    ['bytes=8-99', '89', 'bytes 8-9/10'],
    ['bytes=-99', '0123456789', 'bytes 0-9/10'],
  ])('%s', async (Range, expected, ContentRange) => {
    await put('digits', '0123456789');
    const answer = await call('GetObject', { Key: 'digits', Range });
    expect([answer.Body.toString(), answer.ContentRange, answer.ContentLength]).toEqual([
      expected,
      ContentRange,
      expected.length,
    ]);
  });

  it('beyond the end are refused, malformed ones ignored', async () => {
    await put('digits', '0123456789');
    await expect(call('GetObject', { Key: 'digits', Range: 'bytes=10-' })).rejects.toMatchObject({
      code: 'InvalidRange',
      status: 416,
    });
    expect(await text('digits', { Range: 'bytes=5-3' })).toBe('0123456789');
    expect(await text('digits', { Range: 'lines=1-2' })).toBe('0123456789');
  });
});

describe('checksums', () => {
  // The check values of the catalogue of CRC algorithms, for the text 123456789.
  it.each([
    ['CRC32', 'cbf43926'],
    ['CRC32C', 'e3069283'],
    ['CRC64NVME', 'ae8b14860a799888'],
  ])('%s of the check text', async (algorithm, hex) => {
    const checksum = Buffer.from(hex, 'hex').toString('base64');
    const answer = await put('c', '123456789', { [`Checksum${algorithm}`]: checksum });
    expect(answer[`Checksum${algorithm}`]).toBe(checksum);
    await expect(put('c', '123456780', { [`Checksum${algorithm}`]: checksum })).rejects.toMatchObject({
      code: 'BadDigest',
    });
    expect(await text('c')).toBe('123456789');
  });

  it('refuses a wrong Content-MD5', async () => {
    await expect(put('c', 'x', { ContentMD5: Buffer.alloc(16).toString('base64') })).rejects.toMatchObject({
      code: 'BadDigest',
    });
    await expect(put('c', 'x', { ContentMD5: 'short' })).rejects.toMatchObject({ code: 'InvalidDigest' });
  });
});

describe('listing', () => {
  it('pages through everything, in the order of UTF-8, with prefix and delimiter', async () => {
    const keys = ['a/1', 'a/2', 'a/b/1', 'a0', 'b', 'z\uffff', 'z😀'];
    for (const key of [...keys].reverse()) await put(key);
    expect((await call('ListObjectsV2', {})).Contents.map((one: Json) => one.Key)).toEqual(keys);
    const seen: string[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page: Json = await call('ListObjectsV2', {
        MaxKeys: 2,
        ...(ContinuationToken && { ContinuationToken }),
        Delimiter: '/',
      });
      expect(page.KeyCount).toBeLessThanOrEqual(2);
      for (const one of page.Contents ?? []) seen.push(one.Key);
      for (const one of page.CommonPrefixes ?? []) seen.push(one.Prefix);
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    expect(seen.sort(compareKeys)).toEqual(['a/', 'a0', 'b', 'z\uffff', 'z😀']);
    const below = await call('ListObjectsV2', { Prefix: 'a/', Delimiter: '/', StartAfter: 'a/1' });
    expect([below.Contents.map((one: Json) => one.Key), below.CommonPrefixes]).toEqual([['a/2'], [{ Prefix: 'a/b/' }]]);
  });

  it('of the older kind pages by marker', async () => {
    for (const key of ['a', 'b/1', 'b/2', 'c']) await put(key);
    const first = await call('ListObjects', { MaxKeys: 2, Delimiter: '/' });
    expect([first.IsTruncated, first.NextMarker]).toEqual([true, 'b/']);
    const second = await call('ListObjects', { Marker: first.NextMarker, Delimiter: '/' });
    expect(second.Contents.map((one: Json) => one.Key)).toEqual(['c']);
  });
});

describe('uploads in parts', () => {
  const MiB5 = Buffer.alloc(5 * 1024 * 1024, 1);
  const start = async (more: Json = {}) => (await call('CreateMultipartUpload', { Key: 'big', ...more })).UploadId;
  const part = (UploadId: string, PartNumber: number, Body: Buffer) =>
    call('UploadPart', { Key: 'big', UploadId, PartNumber, Body });
  const complete = (UploadId: string, Parts: Json[]) =>
    call('CompleteMultipartUpload', { Key: 'big', UploadId, MultipartUpload: { Parts } });

  it('become one object with the ETag of the parts, readable by part', async () => {
    const UploadId = await start({ ChecksumAlgorithm: 'CRC32' });
    const second = await part(UploadId, 2, Buffer.from('end'));
    const first = await part(UploadId, 1, MiB5);
    expect((await call('ListParts', { Key: 'big', UploadId })).Parts.map((one: Json) => one.PartNumber)).toEqual([
      1, 2,
    ]);
    expect((await call('ListMultipartUploads', {})).Uploads).toHaveLength(1);
    s3.close();
    open(2);
    const done = await complete(UploadId, [
      { PartNumber: 1, ETag: first.ETag },
      { PartNumber: 2, ETag: second.ETag },
    ]);
    expect(done.ETag).toMatch(/^"[0-9a-f]{32}-2"$/);
    expect(done.ChecksumCRC32).toMatch(/-2$/);
    expect(await text('big', { PartNumber: 2 })).toBe('end');
    expect((await call('HeadObject', { Key: 'big' })).ContentLength).toBe(MiB5.length + 3);
    await expect(call('ListParts', { Key: 'big', UploadId })).rejects.toMatchObject({ code: 'NoSuchUpload' });
  });

  it('are refused when a part is small, unknown or out of order', async () => {
    const UploadId = await start();
    const a = await part(UploadId, 1, Buffer.from('small'));
    const b = await part(UploadId, 2, Buffer.from('end'));
    const parts = [
      { PartNumber: 1, ETag: a.ETag },
      { PartNumber: 2, ETag: b.ETag },
    ];
    await expect(complete(UploadId, parts)).rejects.toMatchObject({ code: 'EntityTooSmall' });
    await expect(complete(UploadId, [...parts].reverse())).rejects.toMatchObject({ code: 'InvalidPartOrder' });
    await expect(complete(UploadId, [{ PartNumber: 3, ETag: a.ETag }])).rejects.toMatchObject({ code: 'InvalidPart' });
    await call('AbortMultipartUpload', { Key: 'big', UploadId });
    await expect(complete(UploadId, parts)).rejects.toMatchObject({ code: 'NoSuchUpload' });
  });
});

describe('what was acknowledged', () => {
  it('is there after the process starts again, and what was deleted is not', async () => {
    await put('keep', 'kept', { Metadata: { Colour: 'red' }, ContentType: 'text/plain' });
    await put('gone');
    await put('again', 'old');
    await call('DeleteObject', { Key: 'gone' });
    await call('DeleteObject', { Key: 'again' });
    await put('again', 'new');
    s3.close();
    open(2);
    const kept = await call('GetObject', { Key: 'keep' });
    expect([kept.Body.toString(), kept.Metadata, kept.ContentType]).toEqual(['kept', { colour: 'red' }, 'text/plain']);
    expect(await text('again')).toBe('new');
    await expect(text('gone')).rejects.toMatchObject({ code: 'NoSuchKey' });
  });

  it('survives a torn last line, and a file that somebody changed by hand counts', async () => {
    await put('a.txt', 'one');
    await put('b.txt', 'two');
    s3.close();
    writeFileSync(join(dir, '.s3', 'box.jsonl'), `${readFileSync(join(dir, '.s3', 'box.jsonl'), 'utf8')}{"put":{"ke`);
    writeFileSync(join(dir, 'box', 'a.txt'), 'longer');
    rmSync(join(dir, 'box', 'b.txt'));
    writeFileSync(join(dir, 'box', 'c.txt'), 'by hand');
    open(2);
    expect((await call('ListObjectsV2', {})).Contents.map((one: Json) => [one.Key, one.Size])).toEqual([
      ['a.txt', 6],
      ['c.txt', 7],
    ]);
  });
});

it('copies, and refuses to copy onto itself without a change', async () => {
  await put('a b', 'x', { Metadata: { k: 'v' } });
  await call('CopyObject', { Key: 'c', CopySource: 'box/a%20b' });
  expect((await call('HeadObject', { Key: 'c' })).Metadata).toEqual({ k: 'v' });
  await expect(call('CopyObject', { Key: 'c', CopySource: 'box/c' })).rejects.toMatchObject({ code: 'InvalidRequest' });
  await call('CopyObject', { Key: 'c', CopySource: 'box/c', MetadataDirective: 'REPLACE', Metadata: { k: 'w' } });
  expect((await call('HeadObject', { Key: 'c' })).Metadata).toEqual({ k: 'w' });
});

it('keeps tags with an object, until they are replaced or the object is', async () => {
  const tags = async (Key: string) => (await call('GetObjectTagging', { Key })).TagSet;
  await put('a', 'x', { Tagging: 'k=v+w&%C3%BC=' });
  const set = [
    { Key: 'k', Value: 'v w' },
    { Key: 'ü', Value: '' },
  ];
  expect(await tags('a')).toEqual(set);
  expect((await call('HeadObject', { Key: 'a' })).TagCount).toBe(2);
  await call('CopyObject', { Key: 'b', CopySource: 'box/a' });
  await call('CopyObject', { Key: 'c', CopySource: 'box/a', TaggingDirective: 'REPLACE', Tagging: 'n=1' });
  expect([await tags('b'), await tags('c')]).toEqual([set, [{ Key: 'n', Value: '1' }]]);
  await call('PutObjectTagging', { Key: 'a', Tagging: { TagSet: [{ Key: 'only', Value: '1' }] } });
  expect(await tags('a')).toEqual([{ Key: 'only', Value: '1' }]);
  expect((await call('GetObject', { Key: 'a' })).Body.toString()).toBe('x');
  await put('a', 'y');
  expect(await tags('a')).toEqual([]);
  await call('DeleteObjectTagging', { Key: 'b' });
  expect(await tags('b')).toEqual([]);
  expect(await call('HeadObject', { Key: 'b' })).not.toHaveProperty('TagCount');
});

it.each([
  ['eleven', Array.from({ length: 11 }, (_, i) => ({ Key: `k${i}`, Value: '' })), 'BadRequest'],
  ['a long key', [{ Key: 'k'.repeat(129), Value: '' }], 'InvalidTag'],
  ['a long value', [{ Key: 'k', Value: 'v'.repeat(257) }], 'InvalidTag'],
  ['a key twice', [1, 2].map(() => ({ Key: 'k', Value: '' })), 'InvalidTag'],
  ['a key of AWS', [{ Key: 'aws:k', Value: '' }], 'InvalidTag'],
  ['a character that is not allowed', [{ Key: 'k', Value: '<' }], 'InvalidTag'],
])('refuses tags: %s', async (_, TagSet, code) => {
  await put('a', 'x');
  await expect(call('PutObjectTagging', { Key: 'a', Tagging: { TagSet } })).rejects.toMatchObject({ code });
  await expect(call('PutObjectTagging', { Key: 'none', Tagging: { TagSet: [] } })).rejects.toMatchObject({
    code: 'NoSuchKey',
  });
});

it('refuses by name what it does not have', async () => {
  await expect(put('a', 'x', { WebsiteRedirectLocation: '/b' })).rejects.toMatchObject({
    code: 'NotImplemented',
    message: expect.stringContaining('WebsiteRedirectLocation'),
  });
  await expect(call('SelectObjectContent', {})).rejects.toMatchObject({ code: 'UnknownOperationException' });
  await expect(call('DeleteBucket', { Bucket: 'none' })).rejects.toMatchObject({ code: 'NoSuchBucket', status: 404 });
  await expect(call('CreateBucket', { Bucket: 'Not_Valid' })).rejects.toMatchObject({ code: 'InvalidBucketName' });
  await put('a');
  await expect(call('DeleteBucket', {})).rejects.toMatchObject({ code: 'BucketNotEmpty' });
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCloud } from '../../../local/cloud.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { createS3, type S3 } from '../../../local/s3/s3.ts';
import { s3ArchiveFiles } from '../../../src/aws/s3-archive-files.ts';
import { serveS3 } from '../../local/s3/serve.ts';
import { SDK_CONFIG } from '../../local/sdk-handler.ts';

describe('a part of a file in S3', () => {
  const bucket = 'archive';
  let folder: string;
  let s3: S3;
  let server: Awaited<ReturnType<typeof serveS3>>;
  let client: S3Client;
  let files: ReturnType<typeof s3ArchiveFiles>;
  const put = (Key: string, Body: string) => client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-parts-'));
    const cloud = createCloud(realKernel());
    s3 = createS3(cloud, { dir: join(folder, 's3') });
    server = await serveS3(cloud);
    client = new S3Client({ ...SDK_CONFIG, endpoint: server.endpoint, forcePathStyle: true });
    files = s3ArchiveFiles({ client, bucket });
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  });
  afterAll(async () => {
    client.destroy();
    await server.close();
    s3.close();
    rmSync(folder, { recursive: true });
  });

  it('is copied to its place, with what was there before beside it', async () => {
    await put('a', '0123456789');
    const path = join(folder, 'copy');
    writeFileSync(path, '');
    const { bytes, etag } = await files.copyPart('a', path, { last: 2 });
    expect(bytes).toBe(10);
    expect(readFileSync(path, 'latin1')).toBe(`${'\0'.repeat(8)}89`);
    expect(await files.copyPart('a', path, { from: 1, to: 4 }, etag)).toEqual({ bytes, etag });
    expect(readFileSync(path, 'latin1')).toBe('\x00123\0\0\0\x0089');
    await files.copyPart('a', path, { from: 0, to: 10 }, etag);
    expect(readFileSync(path, 'latin1')).toBe('0123456789');
  });

  it('is all of a file that is not longer', async () => {
    await put('short', 'abc');
    const path = join(folder, 'short');
    writeFileSync(path, '');
    expect(await files.copyPart('short', path, { last: 100 })).toMatchObject({ bytes: 3 });
    expect(readFileSync(path, 'latin1')).toBe('abc');
  });

  it('is nothing of an empty file', async () => {
    await put('empty', '');
    expect(await files.copyPart('empty', join(folder, 'none'), { last: 100 })).toMatchObject({ bytes: 0 });
  });

  it('is refused when the file is another one by now, or gone', async () => {
    await put('b', 'before');
    const path = join(folder, 'b');
    writeFileSync(path, '');
    const { etag } = await files.copyPart('b', path, { last: 3 });
    await put('b', 'behind');
    const rest = files.copyPart('b', path, { from: 0, to: 3 }, etag);
    await expect(rest).rejects.toMatchObject({ name: 'PreconditionFailed' });
    expect(readFileSync(path, 'latin1')).toBe('\0\0\0ore');
    await expect(files.copyPart('c', path, { last: 3 })).rejects.toMatchObject({ name: 'NoSuchKey' });
  });
});

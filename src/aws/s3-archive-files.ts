import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { ArchiveFiles } from '../replay/archive-files.ts';

/** The archive's files in S3. */
export function s3ArchiveFiles({ client, bucket: Bucket }: { client: S3Client; bucket: string }): ArchiveFiles {
  const get = async (Key: string) => (await client.send(new GetObjectCommand({ Bucket, Key }))).Body!;
  return {
    async *list(Prefix) {
      let ContinuationToken: string | undefined;
      do {
        const page = await client.send(
          new ListObjectsV2Command({ Bucket, Prefix, ...(ContinuationToken !== undefined && { ContinuationToken }) }),
        );
        yield (page.Contents ?? []).map(({ Key, Size }) => ({ key: Key!, bytes: Size ?? 0 }));
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
    },
    async readText(key) {
      return await (await get(key)).transformToString();
    },
    async writeText(key, text) {
      await client.send(new PutObjectCommand({ Bucket, Key: key, Body: text }));
    },
    async writeBytes(key, bytes) {
      await client.send(new PutObjectCommand({ Bucket, Key: key, Body: bytes }));
    },
    async download(key, path) {
      // Piece by piece: a file may be larger than the function's memory.
      const file = createWriteStream(path);
      await pipeline((await get(key)) as Readable, file);
      return file.bytesWritten;
    },
  };
}

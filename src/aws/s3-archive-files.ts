import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
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
    async copyPart(Key, path, part, IfMatch) {
      const Range = 'last' in part ? `bytes=-${part.last}` : `bytes=${part.from}-${part.to - 1}`;
      let found: GetObjectCommandOutput;
      try {
        found = await client.send(new GetObjectCommand({ Bucket, Key, Range, IfMatch }));
      } catch (error) {
        // An empty file has no end.
        if ((error as Error).name === 'InvalidRange') return { bytes: 0, etag: '' };
        throw error;
      }
      // "bytes 200-1000/67589"
      const [start = 0, , bytes = 0] = found.ContentRange?.match(/\d+/g)?.map(Number) ?? [];
      await pipeline(found.Body as Readable, createWriteStream(path, { flags: 'r+', start }));
      return { bytes, etag: found.ETag! };
    },
  };
}

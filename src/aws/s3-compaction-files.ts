import { createReadStream, createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { CompactionFiles } from '../archive/compaction-files.ts';

/** "The request can contain a list of up to 1,000 keys that you want to delete" (S3 API, DeleteObjects). */
const DELETED_AT_ONCE = 1000;

/** The archive's bucket for a compaction: files go through streams, whatever their size. */
export function s3CompactionFiles({ client, bucket: Bucket }: { client: S3Client; bucket: string }): CompactionFiles {
  return {
    async *list(Prefix) {
      let ContinuationToken: string | undefined;
      do {
        const page = await client.send(
          new ListObjectsV2Command({ Bucket, Prefix, ...(ContinuationToken !== undefined && { ContinuationToken }) }),
        );
        yield (page.Contents ?? []).map(({ Key, Size, ETag }) => ({ key: Key!, bytes: Size ?? 0, etag: ETag ?? '' }));
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
    },
    async readText(Key) {
      return await (await client.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString();
    },
    async writeText(Key, Body) {
      await client.send(new PutObjectCommand({ Bucket, Key, Body }));
    },
    async download(Key, path) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
        await pipeline(Body as Readable, createWriteStream(path));
        return true;
      } catch (error) {
        if (error instanceof NoSuchKey) return false;
        throw error;
      }
    },
    async upload(path, Key, ContentLength) {
      // One PUT takes 5 GB; compacted files are an eighth of that at most, but for one aggregate's that is larger.
      await client.send(new PutObjectCommand({ Bucket, Key, Body: createReadStream(path), ContentLength }));
    },
    async delete(keys) {
      for (let from = 0; from < keys.length; from += DELETED_AT_ONCE) {
        const Objects = keys.slice(from, from + DELETED_AT_ONCE).map((Key) => ({ Key }));
        const { Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
        const [first] = Errors ?? [];
        if (first !== undefined) throw new Error(`${first.Key} was not deleted: ${first.Code} ${first.Message}`);
      }
    },
  };
}

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { DeleteObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { WorkFiles } from '../archive/work-files.ts';
import { s3ArchiveFiles } from './s3-archive-files.ts';

/** The archive's files in S3, for what also writes large ones and takes some away. */
export function s3WorkFiles(options: { readonly client: S3Client; readonly bucket: string }): WorkFiles {
  const { client, bucket: Bucket } = options;
  return {
    ...s3ArchiveFiles(options),
    async upload(Key, path) {
      const { size: ContentLength } = await stat(path);
      await client.send(new PutObjectCommand({ Bucket, Key, Body: createReadStream(path), ContentLength }));
    },
    async delete(Key) {
      await client.send(new DeleteObjectCommand({ Bucket, Key }));
    },
  };
}

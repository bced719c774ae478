import * as sdk from '@aws-sdk/client-s3';
import { eventually, uniqueName } from './expect.ts';
import type { Target } from './suite.ts';

/** A bucket that a case's service writes to. */
export interface Shelf {
  readonly client: sdk.S3Client;
  readonly Bucket: string;
  put(Key: string, Body: string | Uint8Array): Promise<void>;
  text(Key: string): Promise<string>;
  /** The keys below a prefix. */
  keys(prefix?: string): Promise<readonly string[]>;
  /** The text of everything below a prefix, once `enough` of it is there. */
  written(prefix: string, enough: (text: string) => boolean): Promise<string>;
}

/** Makes a bucket, and leaves nothing behind. */
export async function withBucket<T>(target: Target, play: (shelf: Shelf) => Promise<T>): Promise<T> {
  const client = new sdk.S3Client(target.config);
  const Bucket = uniqueName();
  await client.send(new sdk.CreateBucketCommand({ Bucket }));
  const keys = async (Prefix = '') =>
    ((await client.send(new sdk.ListObjectsV2Command({ Bucket, Prefix }))).Contents ?? []).map(({ Key }) => Key!);
  const text = async (Key: string) => {
    const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key }));
    return (await Body?.transformToString()) ?? '';
  };
  try {
    return await play({
      client,
      Bucket,
      keys,
      text,
      async put(Key, Body) {
        await client.send(new sdk.PutObjectCommand({ Bucket, Key, Body }));
      },
      written: (prefix, enough) =>
        eventually(async () => {
          const all = (await Promise.all((await keys(prefix)).map(text))).join('');
          return enough(all) ? all : undefined;
        }),
    });
  } finally {
    for (const Key of await keys()) await client.send(new sdk.DeleteObjectCommand({ Bucket, Key }));
    await client.send(new sdk.DeleteBucketCommand({ Bucket }));
  }
}

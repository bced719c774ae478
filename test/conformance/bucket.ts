import * as sdk from '@aws-sdk/client-s3';
import { clientOf } from './client.ts';
import { eventually, uniqueName } from './expect.ts';
import type { Target } from './suite.ts';

/** A bucket that a case's service writes to. */
export interface Shelf {
  readonly client: sdk.S3Client;
  readonly Bucket: string;
  put(Key: string, Body: string | Uint8Array): Promise<void>;
  text(Key: string): Promise<string>;
  bytes(Key: string): Promise<Uint8Array>;
  /** The keys below a prefix. */
  keys(prefix?: string): Promise<readonly string[]>;
  /** The text of everything below a prefix, once `enough` of it is there. */
  written(prefix: string, enough: (text: string) => boolean): Promise<string>;
}

export async function createBucket(client: sdk.S3Client, Bucket: string): Promise<void> {
  const region = String(await client.config.region());
  const elsewhere =
    region === 'us-east-1' ? {} : { CreateBucketConfiguration: { LocationConstraint: region as 'eu-west-1' } };
  await client.send(new sdk.CreateBucketCommand({ Bucket, ...elsewhere }));
}

/** Makes a bucket, and leaves nothing behind. */
export async function withBucket<T>(target: Target, play: (shelf: Shelf) => Promise<T>): Promise<T> {
  const client = clientOf(target, sdk.S3Client);
  const Bucket = uniqueName();
  await createBucket(client, Bucket);
  const keys = async (Prefix = '') =>
    ((await client.send(new sdk.ListObjectsV2Command({ Bucket, Prefix }))).Contents ?? []).map(({ Key }) => Key!);
  const bytes = async (Key: string) => {
    const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket, Key }));
    return (await Body?.transformToByteArray()) ?? new Uint8Array();
  };
  const text = async (Key: string) => Buffer.from(await bytes(Key)).toString();
  try {
    return await play({
      client,
      Bucket,
      keys,
      text,
      bytes,
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

import * as sdk from '@aws-sdk/client-s3';
import { createBucket, withBucket } from '../bucket.ts';
import { clientOf } from '../client.ts';
import { same, uniqueName } from '../expect.ts';
import type { Case } from '../suite.ts';

const costs = { makes: 'a bucket with an object of five bytes at most', dollars: 0.00002 };

export const s3: readonly Case[] = [
  {
    name: "one's own bucket may be created again in us-east-1",
    says: 'CreateBucket: "in the us-east-1 Region … you can re-create a bucket that you already own"',
    costs,
    async run(target) {
      const client = clientOf(target, sdk.S3Client, { region: 'us-east-1' });
      const Bucket = uniqueName();
      await createBucket(client, Bucket);
      try {
        await createBucket(client, Bucket);
      } finally {
        await client.send(new sdk.DeleteBucketCommand({ Bucket }));
      }
    },
  },
  {
    name: 'answers name the encryption',
    says: '"Amazon S3 now applies server-side encryption with Amazon S3 managed keys (SSE-S3) as the base level of encryption"',
    costs,
    run: (target) =>
      withBucket(target, async ({ client, Bucket, put }) => {
        await put('hello', 'hello');
        const { ServerSideEncryption } = await client.send(new sdk.HeadObjectCommand({ Bucket, Key: 'hello' }));
        same(ServerSideEncryption, 'AES256');
      }),
  },
];

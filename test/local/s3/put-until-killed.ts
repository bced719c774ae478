import { createCloud, ROOT } from '../../../local/cloud.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { createS3 } from '../../../local/s3/s3.ts';

// Overwrites and deletes a few objects for ever, and says after each call what is acknowledged. The test kills it.
const cloud = createCloud(realKernel());
createS3(cloud, { dir: process.argv[2]! });
await cloud.call(ROOT, 's3', 'CreateBucket', { Bucket: 'box' });
for (let i = 0; ; i++) {
  const Key = `dir/${i % 7}.txt`;
  const body = i % 5 === 4 ? undefined : `${i} `.repeat(1 + ((i * 131) % 4000));
  process.stdout.write(`try ${Key} ${i}\n`);
  if (body === undefined) await cloud.call(ROOT, 's3', 'DeleteObject', { Bucket: 'box', Key });
  else await cloud.call(ROOT, 's3', 'PutObject', { Bucket: 'box', Key, Body: Buffer.from(body) });
  process.stdout.write(`done ${Key} ${i}\n`);
  if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
}

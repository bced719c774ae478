import type { Json } from '../../../local/cloud.ts';
import { createPipes, type PipesOptions } from '../../../local/pipes/pipes.ts';
import { streamArn, virtualCloud } from '../lambda/virtual-cloud.ts';

export const ROLE = 'arn:aws:iam::000000000000:role/pipe';
export const functionArn = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;

/** Two feeds, `in` and `out`, and what is needed to put a pipe between them. */
export async function piped(options: PipesOptions = {}) {
  const host = virtualCloud();
  const pipes = createPipes(host.cloud, { sources: { kinesis: host.kinesis }, ...options });
  for (const StreamName of ['in', 'out']) await host.feeds('CreateStream', { StreamName, ShardCount: 1 });
  await host.run(1000);
  const call = (operation: string, input: Json) => host.cloud.call({ principal: 'root' }, 'pipes', operation, input);
  return {
    ...host,
    pipes,
    call,
    /** A pipe from `in` to `out`, with what differs. */
    create: (more: Json = {}, source: Json = {}) =>
      call('CreatePipe', {
        Name: 'pipe',
        RoleArn: ROLE,
        Source: streamArn('in'),
        SourceParameters: {
          KinesisStreamParameters: {
            StartingPosition: 'TRIM_HORIZON',
            BatchSize: 10,
            MaximumBatchingWindowInSeconds: 1,
            ...source,
          },
        },
        Target: streamArn('out'),
        TargetParameters: { KinesisStreamParameters: { PartitionKey: '$.eventID' } },
        ...more,
      }),
    /** What landed in `out`, with its partition keys. */
    async landed(): Promise<{ key: string; value: Json }[]> {
      const { ShardIterator } = await host.feeds('GetShardIterator', {
        StreamName: 'out',
        ShardId: 'shardId-000000000000',
        ShardIteratorType: 'TRIM_HORIZON',
      });
      const { Records } = await host.feeds('GetRecords', { ShardIterator });
      return Records.map((record: Json) => ({
        key: record.PartitionKey,
        value: JSON.parse(Buffer.from(record.Data, 'base64').toString('utf8')),
      }));
    },
  };
}

/** The number that each record of a batch carries. */
export function numbersOf(records: Json[]): number[] {
  return records.map((record) => JSON.parse(Buffer.from(record.data, 'base64').toString('utf8')));
}

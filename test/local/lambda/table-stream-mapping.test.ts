import { describe, expect, it } from 'vitest';
import { type Json, ROOT } from '../../../local/cloud.ts';
import { createDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import { createLambda } from '../../../local/lambda/lambda.ts';
import { createPipes } from '../../../local/pipes/pipes.ts';
import { virtualCloud } from './virtual-cloud.ts';

async function table(options: { streamShards?: number } = {}) {
  const host = virtualCloud();
  const dynamodb = createDynamoDb(host.cloud, options);
  const sources = { kinesis: host.kinesis, dynamodb };
  const lambda = createLambda(host.cloud, { sources });
  createPipes(host.cloud, { sources });
  const call = (operation: string, input: Json) => host.cloud.call(ROOT, 'dynamodb', operation, input);
  await call('CreateTable', {
    TableName: 'events',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'id', AttributeType: 'S' },
      { AttributeName: 'n', AttributeType: 'N' },
    ],
    KeySchema: [
      { AttributeName: 'id', KeyType: 'HASH' },
      { AttributeName: 'n', KeyType: 'RANGE' },
    ],
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
  });
  await host.run(1000);
  return {
    ...host,
    lambda,
    dynamodb,
    arn: dynamodb.streamArnOf('events')!,
    write: (id: string, n: number, data = 'x') =>
      call('PutItem', { TableName: 'events', Item: { id: { S: id }, n: { N: String(n) }, data: { S: data } } }),
  };
}

const keysOf = (records: Json[]) => records.map(({ dynamodb: { Keys } }) => `${Keys.id.S}${Keys.n.N}`);

describe('a table stream', () => {
  it("reaches a function in AWS's shape, filtered", async () => {
    const { lambda, functions, write, run, arn } = await table();
    const events: Json[] = [];
    lambda.registerInProcess('fn', (event) => void events.push(event));
    await functions('CreateEventSourceMapping', {
      FunctionName: 'fn',
      EventSourceArn: arn,
      StartingPosition: 'TRIM_HORIZON',
      FilterCriteria: { Filters: [{ Pattern: '{"eventName":["INSERT"],"dynamodb":{"NewImage":{"id":{"S":["a"]}}}}' }] },
    });
    await write('b', 1);
    await write('a', 1);
    await write('a', 1, 'changed');
    await run(5000);
    expect(events).toEqual([
      {
        Records: [
          {
            eventID: expect.stringMatching(/^[0-9a-f]{32}$/),
            eventName: 'INSERT',
            eventVersion: '1.1',
            eventSource: 'aws:dynamodb',
            awsRegion: 'us-east-1',
            dynamodb: {
              ApproximateCreationDateTime: expect.any(Number),
              Keys: { id: { S: 'a' }, n: { N: '1' } },
              NewImage: { id: { S: 'a' }, n: { N: '1' }, data: { S: 'x' } },
              SequenceNumber: expect.stringMatching(/^\d+$/),
              SizeBytes: expect.any(Number),
              StreamViewType: 'NEW_AND_OLD_IMAGES',
            },
            eventSourceARN: arn,
          },
        ],
      },
    ]);
  });

  it('is read through splits of several shards by a pipe that stops and goes on', async () => {
    const { lambda, cloud, write, run, arn, dynamodb, kernel } = await table({ streamShards: 2 });
    const batches: string[][] = [];
    let failures = 3;
    lambda.registerInProcess('target', (records) => {
      if (kernel.random.next() < 0.3 && failures-- > 0) throw new Error('now and then');
      batches.push(keysOf(records));
    });
    const pipes = (operation: string, input: Json) => cloud.call(ROOT, 'pipes', operation, input);
    await pipes('CreatePipe', {
      Name: 'pipe',
      RoleArn: 'arn:aws:iam::000000000000:role/pipe',
      Source: arn,
      SourceParameters: {
        DynamoDBStreamParameters: {
          StartingPosition: 'TRIM_HORIZON',
          BatchSize: 7,
          OnPartialBatchItemFailure: 'AUTOMATIC_BISECT',
          DeadLetterConfig: { Arn: 'arn:aws:sqs:us-east-1:000000000000:dead' },
        },
      },
      Target: 'arn:aws:lambda:us-east-1:000000000000:function:target',
    });
    const written: string[] = [];
    for (let n = 1; n <= 60; n++) {
      for (const id of ['a', 'b', 'c']) {
        await write(id, n);
        written.push(`${id}${n}`);
      }
      if (n % 20 === 0) dynamodb.splitShard(arn);
      if (n === 30) await pipes('StopPipe', { Name: 'pipe' });
      if (n === 45) await pipes('StartPipe', { Name: 'pipe' });
      await run(100);
    }
    await run(60_000);
    const landed = batches.flat();
    expect(new Set(landed)).toEqual(new Set(written));
    expect(batches.every((batch) => batch.length <= 7)).toBe(true);
    expect(landed.length - written.length).toBeLessThanOrEqual(14); // only what was on its way when the pipe stopped
  });

  it('begins at the end with LATEST, and continues in the shards that come of a split', async () => {
    const { lambda, functions, write, run, arn, dynamodb } = await table();
    const got: string[] = [];
    lambda.registerInProcess('fn', (event) => void got.push(...keysOf(event.Records)));
    await write('old', 1);
    dynamodb.splitShard(arn);
    await write('old', 2);
    await functions('CreateEventSourceMapping', {
      FunctionName: 'fn',
      EventSourceArn: arn,
      StartingPosition: 'LATEST',
    });
    await run(1000);
    await write('new', 1);
    dynamodb.splitShard(arn);
    for (let n = 2; n < 8; n++) await write('new', n);
    await run(20_000);
    expect(got.sort()).toEqual(['new1', 'new2', 'new3', 'new4', 'new5', 'new6', 'new7']);
  });
});

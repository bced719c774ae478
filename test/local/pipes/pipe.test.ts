import { describe, expect, it } from 'vitest';
import type { Json } from '../../../local/cloud.ts';
import { queueArn, streamArn } from '../lambda/virtual-cloud.ts';
import { functionArn, numbersOf, piped, ROLE } from './piped.ts';

describe('a pipe', () => {
  it('passes the raw records of a Kinesis stream', async () => {
    const { create, put, run, landed } = await piped();
    await create();
    await put('in', 'k', { n: 1 });
    await run(5000);
    const [record] = await landed();
    expect(record!.value).toEqual({
      kinesisSchemaVersion: '1.0',
      partitionKey: 'k',
      sequenceNumber: expect.any(String),
      data: Buffer.from('{"n":1}').toString('base64'),
      approximateArrivalTimestamp: expect.any(Number),
      eventSource: 'aws:kinesis',
      eventVersion: '1.0',
      eventID: `shardId-000000000000:${record!.value.sequenceNumber}`,
      eventName: 'aws:kinesis:record',
      invokeIdentityArn: ROLE,
      awsRegion: 'us-east-1',
      eventSourceARN: streamArn('in'),
    });
    expect(record!.key).toBe(record!.value.eventID);
  });

  it('calls its services with its own role', async () => {
    const { create, put, run, cloud } = await piped();
    const callers = new Set<string>();
    cloud.setAuthorize((caller, service, operation) => {
      if (caller.principal !== 'root') callers.add(`${caller.principal} ${service} ${operation}`);
    });
    await create();
    await put('in', 'k', 1);
    await run(5000);
    expect([...callers].sort()).toEqual(
      ['ListShards', 'GetShardIterator', 'GetRecords', 'PutRecords'].map((name) => `${ROLE} kinesis ${name}`).sort(),
    );
  });

  it('filters, enriches a batch at once, and reads the partition key from each element', async () => {
    const { create, put, run, landed, lambda } = await piped();
    const batches: number[][] = [];
    lambda.registerInProcess('enrich', (records) => {
      batches.push(numbersOf(records));
      return numbersOf(records).flatMap((n) => [
        { aggregate: `a-${n}`, n },
        { aggregate: `b-${n}`, n },
      ]);
    });
    await create({
      SourceParameters: {
        FilterCriteria: { Filters: [{ Pattern: '{"data":[{"numeric":[">",1]}]}' }] },
        KinesisStreamParameters: { StartingPosition: 'TRIM_HORIZON', BatchSize: 10, MaximumBatchingWindowInSeconds: 1 },
      },
      Enrichment: functionArn('enrich'),
      TargetParameters: { KinesisStreamParameters: { PartitionKey: '$.aggregate' } },
    });
    for (const n of [1, 2, 3]) await put('in', 'k', n);
    await run(5000);
    expect(batches).toEqual([[2, 3]]);
    expect(await landed()).toEqual([
      { key: 'a-2', value: { aggregate: 'a-2', n: 2 } },
      { key: 'b-2', value: { aggregate: 'b-2', n: 2 } },
      { key: 'a-3', value: { aggregate: 'a-3', n: 3 } },
      { key: 'b-3', value: { aggregate: 'b-3', n: 3 } },
    ]);
  });

  it.each([[[]], [{}], [''], [null]])('does not invoke the target for the answer %j', async (answer) => {
    const { create, put, run, landed, lambda } = await piped();
    let calls = 0;
    lambda.registerInProcess('enrich', () => {
      calls += 1;
      return answer;
    });
    await create({ Enrichment: functionArn('enrich') });
    await put('in', 'k', 1);
    await run(10_000);
    expect(calls).toBe(1);
    expect(await landed()).toEqual([]);
  });

  it('sends an empty payload for [{}]', async () => {
    const { create, put, run, landed, lambda } = await piped();
    lambda.registerInProcess('enrich', () => [{}]);
    await create({
      Enrichment: functionArn('enrich'),
      TargetParameters: { KinesisStreamParameters: { PartitionKey: 'fixed' } },
    });
    await put('in', 'k', 1);
    await run(5000);
    expect(await landed()).toEqual([{ key: 'fixed', value: {} }]);
  });

  it('does not invoke the target with more elements than it takes: the batch is halved until it fits', async () => {
    const { create, put, run, landed, lambda } = await piped();
    lambda.registerInProcess('enrich', (records) =>
      numbersOf(records).flatMap((n) => Array.from({ length: 200 }, (_, i) => ({ n, i }))),
    );
    await create(
      { Enrichment: functionArn('enrich'), TargetParameters: { KinesisStreamParameters: { PartitionKey: '$.n' } } },
      { OnPartialBatchItemFailure: 'AUTOMATIC_BISECT' },
    );
    for (const n of [1, 2, 3, 4]) await put('in', 'k', n);
    await run(30_000);
    expect((await landed()).length).toBe(800);
  });

  it('retries a failing enrichment, halves down to the poison record, and sends its place to the dead letters', async () => {
    const { create, put, run, landed, lambda, queue, drain } = await piped();
    const dead = await queue('dead');
    const batches: number[][] = [];
    lambda.registerInProcess('enrich', (records) => {
      batches.push(numbersOf(records));
      if (numbersOf(records).includes(3)) throw new Error('poison');
      return numbersOf(records).map((n) => ({ n }));
    });
    await create(
      { Enrichment: functionArn('enrich'), TargetParameters: { KinesisStreamParameters: { PartitionKey: '$.n' } } },
      {
        OnPartialBatchItemFailure: 'AUTOMATIC_BISECT',
        MaximumRetryAttempts: 1,
        DeadLetterConfig: { Arn: queueArn('dead') },
      },
    );
    const sequences: string[] = [];
    for (const n of [1, 2, 3, 4]) sequences.push((await put('in', 'k', n)).SequenceNumber);
    await run(60_000);
    expect(batches).toEqual([[1, 2, 3, 4], [1, 2], [3, 4], [3], [3], [4]]);
    expect((await landed()).map((record) => record.value.n)).toEqual([1, 2, 4]);
    const letters = await drain(dead);
    expect(letters.map((letter) => JSON.parse(letter.Body))).toEqual([
      {
        context: {
          partnerResourceArn: 'arn:aws:pipes:us-east-1:000000000000:pipe/pipe',
          condition: 'RetryAttemptsExhausted',
        },
        version: '1.0',
        timestamp: expect.any(String),
        KinesisBatchInfo: {
          shardId: 'shardId-000000000000',
          startSequenceNumber: sequences[2],
          endSequenceNumber: sequences[2],
          approximateArrivalOfFirstRecord: expect.any(String),
          approximateArrivalOfLastRecord: expect.any(String),
          batchSize: 1,
          streamArn: streamArn('in'),
        },
      },
    ]);
  });

  it('retries without end by default, and throttling never counts', async () => {
    const { create, put, run, landed, lambda, functions } = await piped();
    lambda.registerInProcess('enrich', (records) => records);
    await functions('PutFunctionConcurrency', { FunctionName: 'enrich', ReservedConcurrentExecutions: 0 });
    await create({ Enrichment: functionArn('enrich') }, { MaximumRetryAttempts: 0 });
    await put('in', 'k', 1);
    await run(3_600_000);
    expect(await landed()).toEqual([]);
    await functions('DeleteFunctionConcurrency', { FunctionName: 'enrich' });
    await run(60_000);
    expect((await landed()).length).toBe(1);
  });
});

describe('a target that takes only a part', () => {
  it('gets the remainder again, without an enrichment', async () => {
    const { create, put, run, landed, kinesis } = await piped();
    let faults = 2;
    kinesis.intercept(({ streamName, index }) =>
      streamName === 'out' && index % 2 === 1 && faults-- > 0 ? 'ProvisionedThroughputExceededException' : undefined,
    );
    await create({ TargetParameters: { KinesisStreamParameters: { PartitionKey: '$.partitionKey' } } });
    for (const n of [1, 2, 3, 4]) await put('in', `k${n}`, n);
    await run(30_000);
    expect((await landed()).map((record) => record.key)).toEqual(['k1', 'k3', 'k2', 'k4']);
  });

  it('gets the whole batch again after an enrichment whose elements name no source record, enriched anew', async () => {
    const { create, put, run, landed, kinesis, lambda } = await piped();
    const batches: number[][] = [];
    lambda.registerInProcess('enrich', (records) => {
      batches.push(numbersOf(records));
      return numbersOf(records).map((n) => ({ n, attempt: batches.length }));
    });
    let faults = 1;
    kinesis.intercept(({ streamName, index }) =>
      streamName === 'out' && index === 1 && faults-- > 0 ? 'InternalFailure' : undefined,
    );
    await create({
      Enrichment: functionArn('enrich'),
      TargetParameters: { KinesisStreamParameters: { PartitionKey: '$.n' } },
    });
    for (const n of [1, 2, 3]) await put('in', 'k', n);
    await run(30_000);
    expect(batches).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    expect((await landed()).map(({ value }) => [value.n, value.attempt])).toEqual([
      [1, 1],
      [3, 1],
      [1, 2],
      [2, 2],
      [3, 2],
    ]);
  });

  it('gets only what failed when the elements carry the eventID, or as the strategy says', async () => {
    for (const strategy of [undefined, () => [0]]) {
      const { create, put, run, kinesis, lambda } = await piped(
        strategy === undefined ? {} : { mapFailures: strategy },
      );
      const batches: number[][] = [];
      lambda.registerInProcess('enrich', (records) => {
        batches.push(numbersOf(records));
        return records.map(({ eventID, data }: Json) => ({ eventID, data }));
      });
      let faults = 1;
      kinesis.intercept(({ streamName, index }) =>
        streamName === 'out' && index === 1 && faults-- > 0 ? 'InternalFailure' : undefined,
      );
      await create({ Enrichment: functionArn('enrich') });
      for (const n of [1, 2, 3]) await put('in', 'k', n);
      await run(30_000);
      expect(batches).toEqual([[1, 2, 3], strategy === undefined ? [2] : [1]]);
    }
  });

  it('may be a function that names the failed records', async () => {
    const { create, put, run, lambda } = await piped();
    const batches: number[][] = [];
    lambda.registerInProcess('target', (records) => {
      batches.push(numbersOf(records));
      return batches.length === 1 ? { batchItemFailures: [{ itemIdentifier: records[2].eventID }] } : 'done';
    });
    await create({ Target: functionArn('target'), TargetParameters: undefined });
    for (const n of [1, 2, 3]) await put('in', 'k', n);
    await run(30_000);
    expect(batches).toEqual([[1, 2, 3], [3]]);
  });
});

describe('other sources and targets', () => {
  it('goes from a queue to a queue, in groups, by template', async () => {
    const { call, run, queue, queues, drain } = await piped();
    const source = await queue('source');
    const target = await queue('target.fifo', { FifoQueue: 'true', ContentBasedDeduplication: 'true' });
    await call('CreatePipe', {
      Name: 'queues',
      RoleArn: ROLE,
      Source: queueArn('source'),
      Target: queueArn('target.fifo'),
      TargetParameters: {
        SqsQueueParameters: { MessageGroupId: '$.body.customer' },
        InputTemplate:
          '{"customer": <$.body.customer>, "said": "<$.body.text>", "pipe": <aws.pipes.pipe-name>, "none": <$.body.none>}',
      },
    });
    await queues('SendMessage', { QueueUrl: source, MessageBody: '{"customer":7,"text":"a \\"quote\\""}' });
    await run(5000);
    const { Messages } = await queues('ReceiveMessage', {
      QueueUrl: target,
      MessageSystemAttributeNames: ['MessageGroupId'],
    });
    expect(JSON.parse(Messages[0].Body)).toEqual({ customer: 7, said: 'a "quote"', pipe: 'queues', none: null });
    expect(Messages[0].Attributes.MessageGroupId).toBe('7');
    expect(await drain(source)).toEqual([]);
  });

  it('hands text of a text template to a queue as it is', async () => {
    const { create, put, run, queue, drain } = await piped();
    const target = await queue('target');
    await create({ Target: queueArn('target'), TargetParameters: { InputTemplate: 'n is <$.data.n> of <$.data>' } });
    await put('in', 'k', { n: 5 });
    await run(5000);
    expect((await drain(target)).map((message) => message.Body)).toEqual(['n is 5 of {"n":5}']);
  });
});

describe('the API', () => {
  it('starts, stops, updates, lists and deletes', async () => {
    const { create, call, put, run, landed } = await piped();
    expect(await create({ DesiredState: 'STOPPED' })).toMatchObject({ Name: 'pipe', CurrentState: 'CREATING' });
    await put('in', 'k', 1);
    await run(5000);
    expect(await landed()).toEqual([]);
    expect(await call('DescribePipe', { Name: 'pipe' })).toMatchObject({
      CurrentState: 'STOPPED',
      DesiredState: 'STOPPED',
      Source: streamArn('in'),
    });
    expect(await call('StartPipe', { Name: 'pipe' })).toMatchObject({ CurrentState: 'STARTING' });
    await run(5000);
    expect((await landed()).length).toBe(1);
    await call('UpdatePipe', {
      Name: 'pipe',
      SourceParameters: { KinesisStreamParameters: { BatchSize: 5 } },
      TargetParameters: { KinesisStreamParameters: { PartitionKey: 'changed' } },
    });
    await put('in', 'k', 2);
    await run(5000);
    expect((await landed()).map((record) => record.key).slice(1)).toEqual(['changed']);
    await call('StopPipe', { Name: 'pipe' });
    await expect(call('StopPipe', { Name: 'pipe' })).rejects.toMatchObject({ code: 'ConflictException' });
    expect((await call('ListPipes', { CurrentState: 'STOPPED' })).Pipes).toMatchObject([{ Name: 'pipe' }]);
    await call('DeletePipe', { Name: 'pipe' });
    await expect(call('DescribePipe', { Name: 'pipe' })).rejects.toMatchObject({
      code: 'NotFoundException',
      status: 404,
    });
  });

  it('refuses by name what it does not have', async () => {
    const { create, call } = await piped();
    await expect(create({ Name: 'a b' })).rejects.toThrow('Name must match');
    await expect(create({ Enrichment: 'arn:aws:execute-api:us-east-1:0:x' })).rejects.toThrow('execute-api');
    await expect(create({ Target: 'arn:aws:ecs:us-east-1:0:cluster/x' })).rejects.toThrow('ecs');
    await expect(create({ LogConfiguration: {} })).rejects.toThrow('LogConfiguration');
    await expect(create({}, { TumblingWindow: 1 })).rejects.toThrow('TumblingWindow');
    await expect(create({}, { BatchSize: 501 })).rejects.toThrow('501');
    await expect(create({ TargetParameters: {} })).rejects.toThrow('PartitionKey');
    await expect(create({ TargetParameters: { KinesisStreamParameters: { PartitionKey: '$..x' } } })).rejects.toThrow(
      '$..x',
    );
    await expect(create({ EnrichmentParameters: { InputTemplate: '' } })).rejects.toThrow('EnrichmentParameters');
    await expect(call('TagResource', {})).rejects.toMatchObject({ code: 'UnknownOperationException' });
    await expect(call('DescribePipe', { Name: 'pipe' })).rejects.toMatchObject({ code: 'NotFoundException' });
  });
});

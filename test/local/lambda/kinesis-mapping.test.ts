import { describe, expect, it } from 'vitest';
import { type Cloud, type Json, ServiceError } from '../../../local/cloud.ts';
import type { LambdaOptions } from '../../../local/lambda/lambda.ts';
import { memoryCheckpoints } from '../../../local/lambda/polling/checkpoints.ts';
import { streamArn, valuesOf, virtualCloud } from './virtual-cloud.ts';

/** A feed of `shards` shards, a function that keeps what it gets, and a mapping between them. */
async function feedTo(
  handler: (values: Json[], event: Json) => unknown,
  mapping: Json = {},
  options: LambdaOptions & { shards?: number; before?: (host: ReturnType<typeof virtualCloud>) => Promise<void> } = {},
) {
  const { shards = 1, before, ...lambdaOptions } = options;
  const host = virtualCloud(lambdaOptions);
  const batches: { at: number; values: Json[] }[] = [];
  host.lambda.registerInProcess('reader', async (event) => {
    const values = valuesOf(event);
    batches.push({ at: host.kernel.clock.now() - host.startedAt, values });
    return handler(values, event);
  });
  await host.feeds('CreateStream', { StreamName: 'feed', ShardCount: shards });
  await host.run(1000);
  await before?.(host);
  const { UUID } = await host.functions('CreateEventSourceMapping', {
    FunctionName: 'reader',
    EventSourceArn: streamArn('feed'),
    StartingPosition: 'TRIM_HORIZON',
    ...mapping,
  });
  return { ...host, batches, UUID, put: (value: Json, key = 'a') => host.put('feed', key, value) };
}

const seen = (batches: readonly { values: Json[] }[]) => batches.flatMap((batch) => batch.values);

/** How often streams are read from now on. */
function countReads(cloud: Cloud): () => number {
  let reads = 0;
  const call = cloud.call.bind(cloud);
  cloud.call = (caller, service, operation, input) => {
    if (operation === 'GetRecords') reads += 1;
    return call(caller, service, operation, input);
  };
  return () => reads;
}

describe('a Kinesis mapping', () => {
  it("hands on records in AWS's shape", async () => {
    const events: Json[] = [];
    const { put, run, cloud } = await feedTo((_values, event) => events.push(event));
    await put({ n: 1 }, 'key');
    await run(100);
    const [record] = events[0].Records;
    expect(Object.keys(events[0])).toEqual(['Records']);
    expect(record).toEqual({
      kinesis: {
        kinesisSchemaVersion: '1.0',
        partitionKey: 'key',
        sequenceNumber: expect.stringMatching(/^\d{56}$/),
        data: Buffer.from('{"n":1}').toString('base64'),
        approximateArrivalTimestamp: expect.any(Number),
      },
      eventSource: 'aws:kinesis',
      eventVersion: '1.0',
      eventID: `shardId-000000000000:${record.kinesis.sequenceNumber}`,
      eventName: 'aws:kinesis:record',
      invokeIdentityArn: 'root',
      awsRegion: 'us-east-1',
      eventSourceARN: streamArn('feed'),
    });
    expect(Math.abs(record.kinesis.approximateArrivalTimestamp * 1000 - cloud.kernel.clock.now())).toBeLessThan(200);
  });

  it('fills batches and waits for the window', async () => {
    const { put, run, batches } = await feedTo(() => {}, { BatchSize: 3, MaximumBatchingWindowInSeconds: 2 });
    for (const n of [1, 2, 3, 4]) await put(n);
    await run(500);
    expect(batches.map((batch) => batch.values)).toEqual([[1, 2, 3]]);
    await run(3000);
    expect(batches.map((batch) => batch.values)).toEqual([[1, 2, 3], [4]]);
    expect(batches[1]!.at - batches[0]!.at).toBe(2000);
  });

  it('polls once a second when told to, and not at all in between', async () => {
    const { put, run, batches, cloud, kernel, startedAt } = await feedTo(
      () => {},
      {},
      { pollIntervalMs: 1000, fallbackPollMs: 60_000 },
    );
    await run(5000);
    const reads = countReads(cloud);
    const putAt = kernel.clock.now() - startedAt;
    await put('x');
    await run(10_000);
    expect(seen(batches)).toEqual(['x']);
    expect(batches[0]!.at).toBeGreaterThan(putAt);
    expect(batches[0]!.at).toBeLessThanOrEqual(putAt + 1000);
    expect(reads()).toBe(1);
  });

  it('reads on at once where a read gave all that was asked for, whatever the interval', async () => {
    const { put, run, batches } = await feedTo(() => {}, { BatchSize: 100 }, { pollIntervalMs: 1000 });
    for (let n = 0; n < 350; n++) await put(n);
    await run(1500);
    expect(seen(batches)).toHaveLength(350);
  });

  it('takes what is pushed to a registered consumer, and does not poll for it', async () => {
    const host = virtualCloud({ pollIntervalMs: 1000, fallbackPollMs: 60_000, pushDelayMs: 70 });
    const got: { at: number; source: string; values: Json[] }[] = [];
    host.lambda.registerInProcess('reader', async (event) => {
      got.push({ at: host.kernel.clock.now(), source: event.Records[0].eventSourceARN, values: valuesOf(event) });
    });
    await host.feeds('CreateStream', { StreamName: 'feed', ShardCount: 1 });
    await host.run(1000);
    const consumer = { StreamARN: streamArn('feed'), ConsumerName: 'fan' };
    const { ConsumerARN } = (await host.feeds('RegisterStreamConsumer', consumer)).Consumer;
    const mapping = { FunctionName: 'reader', EventSourceArn: ConsumerARN, StartingPosition: 'TRIM_HORIZON' };
    await host.functions('CreateEventSourceMapping', mapping);
    await host.run(5000);
    const putAt = host.kernel.clock.now();
    await host.put('feed', 'a', 'x');
    await host.run(3000);
    await host.put('feed', 'a', 'y');
    await host.run(3000);
    expect(got).toEqual([
      { at: putAt + 70, source: ConsumerARN, values: ['x'] },
      { at: putAt + 3070, source: ConsumerARN, values: ['y'] },
    ]);
  });

  it('reads nothing for a consumer that its function may not subscribe to', async () => {
    const host = virtualCloud();
    const batches: Json[][] = [];
    host.lambda.registerInProcess('reader', async (event) => void batches.push(valuesOf(event)));
    await host.feeds('CreateStream', { StreamName: 'feed', ShardCount: 1 });
    await host.run(1000);
    const consumer = { StreamARN: streamArn('feed'), ConsumerName: 'fan' };
    const { ConsumerARN } = (await host.feeds('RegisterStreamConsumer', consumer)).Consumer;
    await host.put('feed', 'a', 'x');
    let refused = true;
    host.cloud.setAuthorize((_caller, _service, operation) => {
      if (refused && operation === 'SubscribeToShard') throw new ServiceError('AccessDeniedException', 'no grant');
    });
    const mapping = { FunctionName: 'reader', EventSourceArn: ConsumerARN, StartingPosition: 'TRIM_HORIZON' };
    await host.functions('CreateEventSourceMapping', mapping);
    await host.run(5000);
    expect(batches).toEqual([]);
    refused = false;
    await host.run(60_000);
    expect(batches).toEqual([['x']]);
  });

  it('retries with growing pauses, keeps the order, and holds back the shard but no other one', async () => {
    let failures = 0;
    const { put, run, batches } = await feedTo(
      (values) => {
        if (values.includes('poison') && failures++ < 4) throw new Error('not yet');
      },
      { BatchSize: 1 },
      { shards: 2 },
    );
    await put('poison', 'a');
    await put('after', 'a');
    await put('other', 'b-other-shard-2');
    await run(60_000);
    const order = seen(batches);
    expect(order.filter((value) => value !== 'other')).toEqual([...Array(5).fill('poison'), 'after']);
    expect(order.indexOf('other')).toBeLessThan(3);
    const times = batches.filter((batch) => batch.values[0] === 'poison').map((batch) => batch.at);
    const pauses = times.slice(1).map((time, index) => time - times[index]!);
    expect(pauses).toEqual([200, 400, 800, 1600]);
  });

  it('halves a failing batch until the poison record is alone', async () => {
    const { put, run, batches } = await feedTo(
      (values) => {
        if (values.includes(3)) throw new Error('poison');
      },
      { BatchSize: 4, BisectBatchOnFunctionError: true, MaximumRetryAttempts: 2, MaximumBatchingWindowInSeconds: 1 },
    );
    for (const n of [1, 2, 3, 4]) await put(n);
    await run(60_000);
    expect(batches.map((batch) => batch.values)).toEqual([[1, 2, 3, 4], [1, 2], [3, 4], [3], [3], [3], [4]]);
  });

  it('goes on at the first reported failure', async () => {
    let calls = 0;
    const { put, run, batches } = await feedTo(
      (_values, event) => {
        calls += 1;
        if (calls > 1) return { batchItemFailures: [] };
        // The later failure is named first: the lowest sequence number counts.
        const numbers = event.Records.map((record: Json) => record.kinesis.sequenceNumber);
        return { batchItemFailures: [{ itemIdentifier: numbers[3] }, { itemIdentifier: numbers[1] }] };
      },
      { BatchSize: 4, FunctionResponseTypes: ['ReportBatchItemFailures'], MaximumBatchingWindowInSeconds: 1 },
    );
    for (const n of [1, 2, 3, 4]) await put(n);
    await run(10_000);
    expect(batches.map((batch) => batch.values)).toEqual([
      [1, 2, 3, 4],
      [2, 3, 4],
    ]);
  });

  it.each([
    ['an identifier that is not in the batch', { batchItemFailures: [{ itemIdentifier: 'x' }] }],
    ['a null identifier', { batchItemFailures: [{ itemIdentifier: null }] }],
    ['a bad key', { batchItemFailures: [{ id: '1' }] }],
    ['text', 'ok'],
  ])('takes %s for a complete failure', async (_name, answer) => {
    let calls = 0;
    const { put, run, batches } = await feedTo(() => (calls++ === 0 ? answer : null), {
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
    await put(1);
    await run(5000);
    expect(seen(batches)).toEqual([1, 1]);
  });

  it('gives up records that are too old', async () => {
    const { put, run, batches } = await feedTo(
      () => {
        throw new Error('never');
      },
      { MaximumRecordAgeInSeconds: 60 },
      { retryBackoff: { firstMs: 10_000, maximumMs: 10_000 } },
    );
    await put(1);
    await run(120_000);
    expect(batches.length).toBe(7); // at 0, 10, … 60 seconds
    await put(2);
    await run(1000);
    expect(seen(batches).at(-1)).toBe(2);
  });

  it('passes only what the filter matches, and never sees the rest again', async () => {
    const { put, run, batches } = await feedTo(() => {}, {
      FilterCriteria: {
        Filters: [{ Pattern: '{"data":{"amount":[{"numeric":[">",10]}]}}' }, { Pattern: '{"partitionKey":["vip"]}' }],
      },
    });
    await put({ amount: 5 });
    await put({ amount: 50 });
    await put('text');
    await put({ amount: 1 }, 'vip');
    await run(2000);
    expect(seen(batches)).toEqual([{ amount: 50 }, { amount: 1 }]);
  });

  it('reads parents to their end before their children', async () => {
    let hold = true;
    const { put, run, batches, feeds } = await feedTo(
      () => {
        if (hold) throw new Error('the parent is held');
      },
      { BatchSize: 1 },
      { fallbackPollMs: 1000 },
    );
    for (let n = 0; n < 5; n++) await put(n);
    await feeds('UpdateShardCount', { StreamName: 'feed', TargetShardCount: 2, ScalingType: 'UNIFORM_SCALING' });
    await run(5000);
    for (let n = 5; n < 10; n++) await put(n);
    await run(20_000);
    expect(new Set(seen(batches))).toEqual(new Set([0]));
    hold = false;
    await run(60_000);
    const order = seen(batches).filter((value, index, all) => all.indexOf(value) === index);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('reads only the shards that have something, and learns at once that one was closed', async () => {
    const { run, batches, cloud, feeds, put } = await feedTo(
      () => {},
      {},
      { shards: 4, fallbackPollMs: 12 * 3_600_000 },
    );
    await run(1000);
    const reads = countReads(cloud);
    for (let n = 0; n < 10; n++) {
      await put(n);
      await run(1000);
    }
    expect(seen(batches)).toHaveLength(10);
    expect(reads()).toBe(10);
    await feeds('UpdateShardCount', { StreamName: 'feed', TargetShardCount: 8, ScalingType: 'UNIFORM_SCALING' });
    await run(1000);
    await put('of a child');
    await run(1000);
    expect(seen(batches).at(-1)).toBe('of a child');
  });

  it('keeps each key in order with several lanes', async () => {
    const { put, run, batches, kernel } = await feedTo(() => kernelSleep(), { ParallelizationFactor: 4, BatchSize: 2 });
    const kernelSleep = () => kernel.scheduler.sleep(kernel.random.next() * 500);
    for (let n = 0; n < 40; n++) await put({ key: n % 5, n }, `key-${n % 5}`);
    await run(60_000);
    const values = seen(batches);
    expect(values.length).toBe(40);
    for (let key = 0; key < 5; key++) {
      const ofKey = values.filter((value) => value.key === key).map((value) => value.n);
      expect(ofKey).toEqual([...ofKey].sort((a, b) => a - b));
    }
    const overlapping = batches.some((batch, index) => index > 0 && batch.at === batches[index - 1]!.at);
    expect(overlapping).toBe(true);
  });

  it('begins at the end, or at a time', async () => {
    const atEnd = await feedTo(
      () => {},
      { StartingPosition: 'LATEST' },
      { before: async (host) => void (await host.put('feed', 'a', 'old')) },
    );
    await atEnd.run(1000);
    await atEnd.put('new');
    await atEnd.run(1000);
    expect(seen(atEnd.batches)).toEqual(['new']);

    const times: number[] = [];
    const host = virtualCloud();
    await host.feeds('CreateStream', { StreamName: 'feed', ShardCount: 1 });
    await host.run(1000);
    for (const n of [1, 2, 3]) {
      times.push(host.kernel.clock.now());
      await host.put('feed', 'a', n);
      await host.run(10_000);
    }
    const got: Json[] = [];
    host.lambda.registerInProcess('reader', (event) => void got.push(...valuesOf(event)));
    await host.functions('CreateEventSourceMapping', {
      FunctionName: 'reader',
      EventSourceArn: streamArn('feed'),
      StartingPosition: 'AT_TIMESTAMP',
      StartingPositionTimestamp: times[1]! / 1000,
    });
    await host.run(1000);
    expect(got).toEqual([2, 3]);
  });

  it('stops when disabled and goes on where it was', async () => {
    const checkpoints = memoryCheckpoints();
    const { put, run, batches, functions, UUID } = await feedTo(() => {}, {}, { checkpoints });
    await put(1);
    await run(1000);
    const answer = await functions('UpdateEventSourceMapping', { UUID, Enabled: false });
    expect(answer.State).toBe('Updating');
    await put(2);
    await run(10_000);
    expect(seen(batches)).toEqual([1]);
    expect((await functions('GetEventSourceMapping', { UUID })).State).toBe('Disabled');
    await functions('UpdateEventSourceMapping', { UUID, Enabled: true });
    await run(1000);
    expect(seen(batches)).toEqual([1, 2]);
    expect((await functions('GetEventSourceMapping', { UUID })).LastProcessingResult).toBe('OK');
    await functions('DeleteEventSourceMapping', { UUID });
    expect(checkpoints.get(`${UUID}|shardId-000000000000`)).toBeUndefined();
  });

  it('refuses what it does not have, by name', async () => {
    const { functions } = await feedTo(() => {});
    const create = (more: Json) =>
      functions('CreateEventSourceMapping', {
        FunctionName: 'reader',
        EventSourceArn: streamArn('other'),
        StartingPosition: 'LATEST',
        ...more,
      });
    await expect(create({ TumblingWindowInSeconds: 10 })).rejects.toThrow('TumblingWindowInSeconds');
    await expect(create({ StartingPosition: 'MIDDLE' })).rejects.toThrow('StartingPosition');
    await expect(create({ ScalingConfig: { MaximumConcurrency: 2 } })).rejects.toThrow('ScalingConfig');
    await expect(create({ FilterCriteria: { Filters: [{ Pattern: '{"data":1}' }] } })).rejects.toMatchObject({
      code: 'InvalidEventPatternException',
    });
    await expect(create({ EventSourceArn: streamArn('feed') })).rejects.toMatchObject({
      code: 'ResourceConflictException',
    });
  });
});

import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { FirehoseClient } from '@aws-sdk/client-firehose';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { describe, expect, test } from 'vitest';
import { createCloud, type Json, ROOT } from '../../../local/cloud.ts';
import { createEventBridge } from '../../../local/eventbridge/eventbridge.ts';
import { virtualKernel } from '../../../local/kernel/virtual-kernel.ts';
import { createKinesis } from '../../../local/kinesis/kinesis.ts';
import { eventBridgeBus } from '../../../src/aws/eventbridge-bus.ts';
import { firehoseWriter } from '../../../src/aws/firehose-writer.ts';
import { kinesisFeedWriter } from '../../../src/aws/kinesis-feed-writer.ts';
import { filledEnvelope, toEnvelopeEvent } from '../../../src/feed/envelope.ts';
import { SDK_CONFIG, sdkHandler } from '../../local/sdk-handler.ts';
import { storedEvent } from '../../simulation/records.ts';

const envelope = (aggregate: string, data = '{}') =>
  filledEnvelope('feed-1', aggregate, 1, 1, [toEnvelopeEvent(storedEvent(aggregate, 1, { data }))]);

describe('the feed on Kinesis', () => {
  const make = async () => {
    const cloud = createCloud(virtualKernel({ seed: 1 }));
    const kinesis = createKinesis(cloud);
    await cloud.call(ROOT, 'kinesis', 'CreateStream', { StreamName: 'feed-1', ShardCount: 1 });
    await (cloud.kernel as ReturnType<typeof virtualKernel>).run(cloud.kernel.clock.now() + 60_000);
    const client = new KinesisClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
    const records = async (): Promise<Json[]> => {
      const shard = { StreamName: 'feed-1', ShardId: 'shardId-000000000000', ShardIteratorType: 'TRIM_HORIZON' };
      const { ShardIterator } = await cloud.call(ROOT, 'kinesis', 'GetShardIterator', shard);
      return (await cloud.call(ROOT, 'kinesis', 'GetRecords', { ShardIterator })).Records;
    };
    return { kinesis, records, writer: kinesisFeedWriter({ client, streamName: 'feed-1' }) };
  };

  test('one record per envelope, its JSON as it is, by aggregate', async () => {
    const { records, writer } = await make();
    const sent = [envelope('a'), envelope('ü')];
    expect(await writer.put(sent)).toEqual([]);
    const found = await records();
    expect(found.map(({ PartitionKey }) => PartitionKey)).toEqual(['a', 'ü']);
    expect(found.map(({ Data }) => JSON.parse(Buffer.from(Data, 'base64').toString()))).toEqual(sent);
  });

  test('single records that fail are given back, whatever comes after them', async () => {
    const { kinesis, records, writer } = await make();
    kinesis.intercept(({ partitionKey }) =>
      partitionKey === 'b' ? 'ProvisionedThroughputExceededException' : undefined,
    );
    const refused = await writer.put([envelope('a'), envelope('b'), envelope('c')]);
    expect(refused.map(({ aggregate }) => aggregate)).toEqual(['b']);
    expect(await records()).toHaveLength(2);
  });

  test('calls stay within what PutRecords takes', async () => {
    const { records, writer } = await make();
    const large = JSON.stringify('x'.repeat(850_000));
    expect(await writer.put(Array.from({ length: 12 }, (_, i) => envelope(`a${i}`, large)))).toEqual([]);
    expect(await writer.put(Array.from({ length: 700 }, (_, i) => envelope(`b${i}`)))).toEqual([]);
    expect((await records()).length).toBeGreaterThan(0);
  });
});

describe('the bus on EventBridge', () => {
  const make = () => {
    const cloud = createCloud(virtualKernel({ seed: 1 }));
    const eventBridge = createEventBridge(cloud);
    const client = new EventBridgeClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
    return { eventBridge, bus: eventBridgeBus({ client, bus: 'default' }) };
  };

  test('answers for each event', async () => {
    const { eventBridge, bus } = make();
    const events = [1, 2, 3].map((n) => ({ detailType: 'T', detail: `{"n":${n}}` }));
    expect(await bus.put(events)).toEqual([undefined, undefined, undefined]);
    let n = 0;
    eventBridge.intercept(() => (++n === 2 ? 'ThrottlingException' : undefined));
    expect(await bus.put(events)).toEqual([undefined, { reason: 'ThrottlingException' }, undefined]);
  });

  test('passes the trace on, for whoever subscribes', async () => {
    const cloud = createCloud(virtualKernel({ seed: 1 }));
    const calls: Json[] = [];
    cloud.register({
      name: 'events',
      handle(_, input) {
        calls.push(input);
        return { FailedEntryCount: 0, Entries: input.Entries.map(() => ({ EventId: 'e' })) };
      },
    });
    const client = new EventBridgeClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
    const traceHeader = 'Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1';
    await eventBridgeBus({ client, bus: 'default' }).put([{ detailType: 'T', detail: '{}', traceHeader }]);
    expect(calls[0].Entries).toEqual([
      { EventBusName: 'default', Source: 'daybook', DetailType: 'T', Detail: '{}', TraceHeader: traceHeader },
    ]);
    expect(await make().bus.put([{ detailType: 'T', detail: '{}', traceHeader }])).toEqual([undefined]);
  });

  test('says that a detail is no JSON by the code that the publisher knows', async () => {
    expect(await make().bus.put([{ detailType: 'T', detail: '{"data":{broken}' }])).toEqual([
      { reason: 'MalformedDetail' },
    ]);
  });

  test('takes an event of its full size, and ten of them', async () => {
    const { bus } = make();
    const detail = JSON.stringify({ text: 'x'.repeat(bus.maxBytes - 40) });
    expect(await bus.put([{ detailType: 'T', detail }])).toEqual([undefined]);
    expect(bus.maxEvents).toBe(10);
  });
});

test('the archive by Firehose: single records that fail are given back', async () => {
  const cloud = createCloud(virtualKernel({ seed: 1 }));
  const calls: Json[] = [];
  // The embedded one never refuses a single record, AWS does.
  cloud.register({
    name: 'firehose',
    handle(operation, input) {
      calls.push(operation, input);
      const RequestResponses = input.Records.map((_: unknown, i: number) =>
        i === 1 ? { ErrorCode: 'ServiceUnavailableException', ErrorMessage: 'slow down' } : { RecordId: `r${i}` },
      );
      return { FailedPutCount: 1, RequestResponses };
    },
  });
  const client = new FirehoseClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
  const writer = firehoseWriter({ client, deliveryStreamName: 'repairs' });
  const sent = [envelope('a'), envelope('b'), envelope('c')];
  expect(await writer.put(sent)).toEqual([sent[1]]);
  expect(calls[0]).toBe('PutRecordBatch');
  expect(calls[1].DeliveryStreamName).toBe('repairs');
  expect(JSON.parse(Buffer.from(calls[1].Records[0].Data, 'base64').toString())).toEqual(sent[0]);
});

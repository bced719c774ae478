import assert from 'node:assert/strict';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { createFeedToConfirmed } from '../../functions/feed-to-confirmed.ts';
import { createTableToFeed } from '../../functions/table-to-feed.ts';
import { createCloud, type Json, ROOT } from '../../local/cloud.ts';
import { createDynamoDb } from '../../local/dynamodb/dynamodb.ts';
import { virtualKernel } from '../../local/kernel/virtual-kernel.ts';
import { createKinesis } from '../../local/kinesis/kinesis.ts';
import { createLambda } from '../../local/lambda/lambda.ts';
import { createPipes } from '../../local/pipes/pipes.ts';
import { dynamoCursorTable } from '../../src/aws/dynamo-cursor-table.ts';
import { dynamoEventTable } from '../../src/aws/dynamo-event-table.ts';
import { toItem } from '../../src/aws/event-item.ts';
import { kinesisFeedWriter } from '../../src/aws/kinesis-feed-writer.ts';
import type { StoredEvent } from '../../src/event/stored-event.ts';
import { type Envelope, toEnvelopeEvent } from '../../src/feed/envelope.ts';
import { jsonBytes } from '../../src/feed/envelope-size.ts';
import { SDK_CONFIG, sdkHandler } from '../local/sdk-handler.ts';

const FEED = 'feed';

export interface EmbeddedFeedOptions {
  /** MaximumBatchingWindowInSeconds of the pipe. */
  readonly windowSeconds: number;
  /** Confirm reads as a consumer of its own, instead of polling once a second. */
  readonly fanOut: boolean;
  /** What an invocation takes: in virtual time nothing takes any by itself. */
  readonly invocationMs: number;
  /** For the moments at which shards are polled. */
  readonly seed: number;
}

/** Lambda, and so a pipe, polls a table stream "at a base rate of four times per second", a Kinesis stream once. */
const TABLE_STREAM_POLL_MS = 250;
const KINESIS_POLL_MS = 1000;
/** With a short invocation it makes 0.4 s, what the protocol reckons with; AWS's average is 70 ms. */
const PUSH_MS = 350;

/**
 * Table, pipe, feed and Confirm as the construct sets them, over the embedded cores in virtual time; the handlers are the
 * real ones, through the SDK.
 */
async function embeddedFeed({ windowSeconds, fanOut, invocationMs, seed }: EmbeddedFeedOptions) {
  const kernel = virtualKernel({ seed });
  const cloud = createCloud(kernel);
  const kinesis = createKinesis(cloud);
  const dynamodb = createDynamoDb(cloud);
  const sources = { kinesis, dynamodb };
  const lambda = createLambda(cloud, { sources, pollIntervalMs: KINESIS_POLL_MS, pushDelayMs: PUSH_MS });
  const pipes = createPipes(cloud, { sources, pollIntervalMs: TABLE_STREAM_POLL_MS });
  const root = (service: Parameters<typeof cloud.call>[1]) => (operation: string, input: Json) =>
    cloud.call(ROOT, service, operation, input);
  const [tables, feeds, functions, pipe] = [root('dynamodb'), root('kinesis'), root('lambda'), root('pipes')];

  const { TableDescription: events } = await tables('CreateTable', {
    TableName: 'events',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'AggregateUuid', AttributeType: 'S' },
      { AttributeName: 'Version', AttributeType: 'N' },
    ],
    KeySchema: [
      { AttributeName: 'AggregateUuid', KeyType: 'HASH' },
      { AttributeName: 'Version', KeyType: 'RANGE' },
    ],
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
  });
  await tables('CreateTable', {
    TableName: 'confirmed',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [{ AttributeName: 'Cursor', AttributeType: 'S' }],
    KeySchema: [{ AttributeName: 'Cursor', KeyType: 'HASH' }],
  });
  await feeds('CreateStream', { StreamName: FEED, ShardCount: 1 });
  await kernel.run(kernel.clock.now() + 5000);

  const config = { ...SDK_CONFIG, requestHandler: sdkHandler(cloud) };
  const client = new DynamoDBClient(config);
  const table = dynamoEventTable({ client, tableName: 'events' });
  const cursors = dynamoCursorTable({ client, tableName: 'confirmed', feed: FEED });
  const writer = kinesisFeedWriter({ client: new KinesisClient(config), streamName: FEED });
  const enrich = createTableToFeed({ feed: FEED, cursors, table });
  const confirm = createFeedToConfirmed({ feed: FEED, cursors, table, writer, now: kernel.clock.now });
  // The worst of what an invocation's time can mean: one reads at its beginning, the other has written at its end.
  lambda.registerInProcess('enrich', async (records) => {
    const envelopes = await enrich(records);
    await kernel.scheduler.sleep(invocationMs);
    return envelopes;
  });
  lambda.registerInProcess('confirm', async (event) => {
    await kernel.scheduler.sleep(invocationMs);
    return await confirm(event);
  });
  const { StreamDescriptionSummary } = await feeds('DescribeStreamSummary', { StreamName: FEED });
  const { StreamARN } = StreamDescriptionSummary;
  const source = fanOut
    ? (await feeds('RegisterStreamConsumer', { StreamARN, ConsumerName: 'confirm' })).Consumer.ConsumerARN
    : StreamARN;
  await functions('CreateEventSourceMapping', {
    FunctionName: 'confirm',
    EventSourceArn: source,
    StartingPosition: 'TRIM_HORIZON',
    BatchSize: 100,
    MaximumBatchingWindowInSeconds: 0,
    BisectBatchOnFunctionError: true,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
  });
  await pipe('CreatePipe', {
    Name: 'table-to-feed',
    RoleArn: 'arn:aws:iam::000000000000:role/pipe',
    Source: events.LatestStreamArn,
    SourceParameters: {
      DynamoDBStreamParameters: {
        StartingPosition: 'TRIM_HORIZON',
        BatchSize: 100,
        MaximumBatchingWindowInSeconds: windowSeconds,
        OnPartialBatchItemFailure: 'AUTOMATIC_BISECT',
      },
    },
    Enrichment: 'arn:aws:lambda:us-east-1:000000000000:function:enrich',
    Target: StreamARN,
    TargetParameters: { KinesisStreamParameters: { PartitionKey: '$.aggregate' } },
  });
  await kernel.run(kernel.clock.now() + 1000);

  return {
    kernel,
    /** As an append puts it; the library's own checks are no part of what is measured here. */
    append: (event: StoredEvent) => tables('PutItem', { TableName: 'events', Item: toItem(event) }),
    confirmed: async (aggregate: string) => (await cursors.read(aggregate)).confirmed,
    /** What is on the feed now, in its order. */
    async envelopes(): Promise<readonly Envelope[]> {
      const found: Envelope[] = [];
      const shard = { StreamName: FEED, ShardId: 'shardId-000000000000', ShardIteratorType: 'TRIM_HORIZON' };
      let { ShardIterator } = await feeds('GetShardIterator', shard);
      for (;;) {
        const { Records, NextShardIterator } = await feeds('GetRecords', { ShardIterator });
        if (Records.length === 0) return found;
        for (const { Data } of Records) found.push(JSON.parse(Buffer.from(Data, 'base64').toString()));
        ShardIterator = NextShardIterator;
      }
    },
    async stop() {
      pipes.stop();
      await lambda.stop();
    },
  };
}

/** Appends at a pace, or all at once; then time runs until the last version is confirmed. What that took on the feed. */
export async function costOfFeeding(
  events: readonly StoredEvent[],
  { rate, ...options }: EmbeddedFeedOptions & { readonly rate?: number },
) {
  const { kernel, append, confirmed, envelopes, stop } = await embeddedFeed(options);
  const { clock, scheduler } = kernel;
  const pause = rate === undefined ? 0 : 1000 / rate;
  for (const [i, event] of events.entries()) {
    if (pause === 0) await append(event);
    else scheduler.after(i * pause, () => append(event));
  }
  const deadline = clock.now() + events.length * pause + 3_600_000;
  for (const [aggregate, last] of new Map(events.map(({ aggregateUuid, version }) => [aggregateUuid, version]))) {
    while ((await confirmed(aggregate)) < last) {
      assert.ok(clock.now() < deadline, 'after an hour the last version is not confirmed');
      await kernel.run(clock.now() + 1000);
    }
  }
  const cost = costOf(await envelopes(), events);
  await stop();
  return cost;
}

/** What the feed took for these events: how often they were repeated, and its bytes over theirs. */
function costOf(envelopes: readonly Envelope[], events: readonly StoredEvent[]) {
  const fed = envelopes.reduce((sum, envelope) => sum + Buffer.byteLength(JSON.stringify(envelope)), 0);
  const once = events.reduce((sum, event) => sum + jsonBytes(toEnvelopeEvent(event)), 0);
  const carried = envelopes.reduce((sum, envelope) => sum + envelope.events.length, 0);
  return { repeats: carried / events.length - 1, fedPerByte: fed / once };
}

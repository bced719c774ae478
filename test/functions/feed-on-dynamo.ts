import { type AttributeValue, CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { createFeedToConfirmed } from '../../functions/feed-to-confirmed.ts';
import { createReconcileFeed } from '../../functions/reconcile-feed.ts';
import { createTableToFeed } from '../../functions/table-to-feed.ts';
import { createCloud, ServiceError } from '../../local/cloud.ts';
import { createDynamoDb } from '../../local/dynamodb/dynamodb.ts';
import { realKernel } from '../../local/kernel/real-kernel.ts';
import { dynamoCursorTable } from '../../src/aws/dynamo-cursor-table.ts';
import { dynamoEarlierFeeds } from '../../src/aws/dynamo-earlier-feed.ts';
import { dynamoEventTable } from '../../src/aws/dynamo-event-table.ts';
import { dynamoPositionTable } from '../../src/aws/dynamo-position-table.ts';
import type { Envelope } from '../../src/feed/envelope.ts';
import type { Observed } from '../../src/feed/observed.ts';
import { whenAdopted } from '../../src/feed/when-adopted.ts';
import type { EventTable } from '../../src/store/event-table.ts';
import { makeDynamoTables } from '../contract/dynamo-tables.ts';
import { SDK_CONFIG, sdkHandler } from '../local/sdk-handler.ts';
import { kinesisEvent } from '../simulation/records.ts';

/** What a throttled call does: nothing, fails, or leaves keys unread. */
export type Throttle = (operation: string) => boolean;

/** Tables of the embedded DynamoDB behind a client that does not retry, and the senders of any feed over them. */
export async function feedsOnDynamo() {
  const cloud = createCloud(realKernel({ seed: 1 }));
  createDynamoDb(cloud);
  const client = new DynamoDBClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
  const { tableName } = await makeDynamoTables(client);
  for (const [TableName, AttributeName] of [
    ['confirmed', 'Cursor'],
    ['positions', 'Consumer'],
  ] as const) {
    await client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName, AttributeType: 'S' }],
        KeySchema: [{ AttributeName, KeyType: 'HASH' }],
      }),
    );
  }
  const { call } = cloud;
  let throttle: Throttle = () => false;
  cloud.call = async (caller, service, operation, input) => {
    if (!throttle(operation)) return call(caller, service, operation, input);
    if (operation !== 'BatchGetItem') throw new ServiceError('ProvisionedThroughputExceededException', 'slow down');
    // A half of the keys, the last one never.
    const keys: unknown[] = input.RequestItems.confirmed.Keys;
    const Keys = keys.slice(0, Math.floor(keys.length / 2));
    const UnprocessedKeys = { confirmed: { Keys: keys.slice(Keys.length) } };
    if (Keys.length === 0) return { Responses: { confirmed: [] }, UnprocessedKeys };
    return { ...(await call(caller, service, operation, { RequestItems: { confirmed: { Keys } } })), UnprocessedKeys };
  };

  const clock = { now: 1_800_000_000_000 };
  const table = dynamoEventTable({ client, tableName, sleep: async () => {} });
  return {
    client,
    clock,
    table,
    put: (Item: Record<string, AttributeValue>) => client.send(new PutItemCommand({ TableName: tableName, Item })),
    throttle(by: Throttle) {
      throttle = by;
    },
    positionsOf: (feed: string) => dynamoPositionTable({ client, tableName: 'positions', feed }),
    /** The senders of a feed, with a list for the feed itself. With `from` it waits for its adoption. */
    feed: (feed: string, from?: string) => sendersOf(feed, from, client, table, clock),
  };
}

/** One feed over them. */
export async function feedOnDynamo() {
  const world = await feedsOnDynamo();
  return { ...world, ...world.feed('feed-1') };
}

function sendersOf(
  feed: string,
  from: string | undefined,
  client: DynamoDBClient,
  table: EventTable,
  clock: { readonly now: number },
) {
  const log: Envelope[] = [];
  const seen: Observed[] = [];
  const report = (observed: Observed) => seen.push(observed);
  const cursors = dynamoCursorTable({ client, tableName: 'confirmed', feed });
  const writer = {
    put: async (envelopes: readonly Envelope[]) => {
      log.push(...envelopes);
      return [] as readonly Envelope[];
    },
  };
  const ports = { feed, cursors, table, writer, now: () => clock.now };
  const earlier = dynamoEarlierFeeds({ client, confirmedTable: 'confirmed', positionsTable: 'positions', feed });
  const waiting = from === undefined ? {} : { adoption: { from, earlier } };
  const confirm = createFeedToConfirmed(ports, report);
  const reconcile = createReconcileFeed({ ...ports, ...waiting }, report);
  let read = 0;
  return {
    log,
    seen,
    cursors,
    enrich: createTableToFeed(
      { feed, table, cursors: from === undefined ? cursors : whenAdopted(feed, cursors) },
      report,
    ),
    /** Confirm reads a batch of what is on the feed, and what it gives back once more. */
    async confirm() {
      const batch = log.slice(read, read + 10);
      const { batchItemFailures } = await confirm(kinesisEvent(batch));
      const first = batchItemFailures[0]?.itemIdentifier;
      read += first === undefined ? batch.length : Number(first) - 1;
      return log.length - read;
    },
    reconcile: () => reconcile({ reason: 'schedule' }, { getRemainingTimeInMillis: () => 300_000 }),
    /** A count over all that the senders have reported. */
    counted: (metric: string) => seen.reduce((sum, { counts }) => sum + (counts.get(metric) ?? 0), 0),
    notes: () => seen.flatMap(({ notes }) => notes),
  };
}

/** What is on the feed of each aggregate without a gap; throws where an envelope begins beyond that. */
export function tailsOf(log: readonly Envelope[]): ReadonlyMap<string, number> {
  const tails = new Map<string, number>();
  for (const { aggregate, from, to, events } of log) {
    const tail = tails.get(aggregate) ?? 0;
    if (from > tail + 1) throw new Error(`${aggregate} [${from}..${to}] begins beyond ${tail}`);
    if (events.some(({ version }, i) => version !== from + i))
      throw new Error(`${aggregate} [${from}..${to}] holds others`);
    tails.set(aggregate, Math.max(tail, to));
  }
  return tails;
}

import { type AttributeValue, CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { createFeedToConfirmed } from '../../functions/feed-to-confirmed.ts';
import { createReconcileFeed } from '../../functions/reconcile-feed.ts';
import { createTableToFeed } from '../../functions/table-to-feed.ts';
import { createCloud, ServiceError } from '../../local/cloud.ts';
import { createDynamoDb } from '../../local/dynamodb/dynamodb.ts';
import { realKernel } from '../../local/kernel/real-kernel.ts';
import { dynamoCursorTable } from '../../src/aws/dynamo-cursor-table.ts';
import { dynamoEventTable } from '../../src/aws/dynamo-event-table.ts';
import type { Envelope } from '../../src/feed/envelope.ts';
import type { Observed } from '../../src/feed/observed.ts';
import { makeDynamoTables } from '../contract/dynamo-tables.ts';
import { SDK_CONFIG, sdkHandler } from '../local/sdk-handler.ts';
import { kinesisEvent } from '../simulation/records.ts';

const FEED = 'feed-1';

/** What a throttled call does: nothing, fails, or leaves keys unread. */
export type Throttle = (operation: string) => boolean;

/** The feed's senders over tables of the embedded DynamoDB, with a list for the feed. A client that does not retry. */
export async function feedOnDynamo() {
  const cloud = createCloud(realKernel({ seed: 1 }));
  createDynamoDb(cloud);
  const client = new DynamoDBClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud) });
  const { tableName } = await makeDynamoTables(client);
  await client.send(
    new CreateTableCommand({
      TableName: 'confirmed',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'Cursor', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'Cursor', KeyType: 'HASH' }],
    }),
  );
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
  const log: Envelope[] = [];
  const seen: Observed[] = [];
  const report = (observed: Observed) => seen.push(observed);
  const cursors = dynamoCursorTable({ client, tableName: 'confirmed', feed: FEED });
  const table = dynamoEventTable({ client, tableName, sleep: async () => {} });
  const writer = {
    put: async (envelopes: readonly Envelope[]) => {
      log.push(...envelopes);
      return [] as readonly Envelope[];
    },
  };
  const ports = { feed: FEED, cursors, table, writer, now: () => clock.now };
  const confirm = createFeedToConfirmed(ports, report);
  const reconcile = createReconcileFeed(ports, report);
  let read = 0;
  return {
    log,
    seen,
    clock,
    cursors,
    enrich: createTableToFeed(ports, report),
    put: (Item: Record<string, AttributeValue>) => client.send(new PutItemCommand({ TableName: tableName, Item })),
    throttle(by: Throttle) {
      throttle = by;
    },
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

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import type { Context } from 'aws-lambda';
import { dynamoCursorTable } from '../src/aws/dynamo-cursor-table.ts';
import { adoptionOf } from '../src/aws/dynamo-earlier-feed.ts';
import { dynamoEventTable } from '../src/aws/dynamo-event-table.ts';
import { parkedOf } from '../src/aws/dynamo-parked.ts';
import { environment } from '../src/aws/environment.ts';
import { kinesisFeedWriter } from '../src/aws/kinesis-feed-writer.ts';
import { reportOf } from '../src/aws/report.ts';
import type { BatchAnswer } from '../src/feed/feed-batch.ts';
import { noReport, type Report } from '../src/feed/metrics.ts';
import { type ReconcilePorts, reconcile } from '../src/feed/reconcile.ts';
import { readReconcileRequest } from '../src/feed/reconcile-request.ts';

/** On a schedule, or on dead letters of the pipe: those come back until a whole round has answered them. */
export const createReconcileFeed =
  (ports: ReconcilePorts, report: Report = noReport) =>
  async (event: unknown, context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<BatchAnswer> => {
    const { letters, ...options } = readReconcileRequest(event);
    const isLate = () => context.getRemainingTimeInMillis() < 20_000; // the page under way ends before the timeout
    const { complete, seen } = await reconcile(ports, { isLate, ...options });
    report(seen);
    return { batchItemFailures: complete ? [] : letters };
  };

let run: ReturnType<typeof createReconcileFeed> | undefined;

export const handler = (event: unknown, context: Context): Promise<BatchAnswer> => {
  if (run === undefined) {
    const client = new DynamoDBClient();
    const feed = environment('FEED_ID');
    const cursors = dynamoCursorTable({ client, tableName: environment('CONFIRMED_TABLE'), feed });
    const table = dynamoEventTable({ client, tableName: environment('EVENTS_TABLE') });
    const writer = kinesisFeedWriter({ client: new KinesisClient(), streamName: feed });
    const ports = { feed, cursors, table, writer, now: Date.now, ...adoptionOf(client, feed) };
    run = createReconcileFeed({ ...ports, ...parkedOf(client, feed) }, reportOf('reconcile-feed'));
  }
  return run(event, context);
};

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { dynamoCursorTable } from '../src/aws/dynamo-cursor-table.ts';
import { dynamoEventTable } from '../src/aws/dynamo-event-table.ts';
import { environment } from '../src/aws/environment.ts';
import { kinesisFeedWriter } from '../src/aws/kinesis-feed-writer.ts';
import { leanClient } from '../src/aws/lean-client.ts';
import { reportOf } from '../src/aws/report.ts';
import { type ConfirmPorts, confirm } from '../src/feed/confirm.ts';
import type { BatchAnswer } from '../src/feed/feed-batch.ts';
import { noReport, type Report } from '../src/feed/metrics.ts';

/** Reads the feed, raises `confirmed`, carries long runs on. */
export const createFeedToConfirmed =
  (ports: ConfirmPorts, report: Report = noReport) =>
  async (event: unknown): Promise<BatchAnswer> => {
    const { answer, seen } = await confirm(event, ports);
    report(seen);
    return answer;
  };

let run: ReturnType<typeof createFeedToConfirmed> | undefined;

export const handler = (event: unknown): Promise<BatchAnswer> => {
  if (run === undefined) {
    const client = leanClient(new DynamoDBClient());
    const feed = environment('FEED_ID');
    const cursors = dynamoCursorTable({ client, tableName: environment('CONFIRMED_TABLE'), feed });
    const table = dynamoEventTable({ client, tableName: environment('EVENTS_TABLE') });
    const writer = kinesisFeedWriter({ client: leanClient(new KinesisClient()), streamName: feed });
    run = createFeedToConfirmed({ feed, cursors, table, writer, now: Date.now }, reportOf('feed-to-confirmed'));
  }
  return run(event);
};

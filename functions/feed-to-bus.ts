import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { Context } from 'aws-lambda';
import { dynamoEventTable } from '../src/aws/dynamo-event-table.ts';
import { dynamoPositionTable } from '../src/aws/dynamo-position-table.ts';
import { environment } from '../src/aws/environment.ts';
import { eventBridgeBus } from '../src/aws/eventbridge-bus.ts';
import { leanClient } from '../src/aws/lean-client.ts';
import { reportOf } from '../src/aws/report.ts';
import type { BatchAnswer } from '../src/feed/feed-batch.ts';
import { noReport, type Report } from '../src/feed/metrics.ts';
import { type PublishPorts, publish } from '../src/feed/publish.ts';

/** One bus event per event, from the publisher's own position. */
export const createFeedToBus =
  (ports: PublishPorts, report: Report = noReport) =>
  async (event: unknown, isLate?: () => boolean): Promise<BatchAnswer> => {
    const { answer, seen } = await publish(event, ports, isLate);
    report(seen);
    return answer;
  };

let run: ReturnType<typeof createFeedToBus> | undefined;

/** Time for what is under way, and for the positions. */
const MARGIN_MS = 15_000;

export const handler = (event: unknown, context: Context): Promise<BatchAnswer> => {
  if (run === undefined) {
    const client = leanClient(new DynamoDBClient());
    const feed = environment('FEED_ID');
    const positions = dynamoPositionTable({ client, tableName: environment('POSITIONS_TABLE'), feed });
    const table = dynamoEventTable({ client, tableName: environment('EVENTS_TABLE') });
    const bus = eventBridgeBus({ client: leanClient(new EventBridgeClient()), bus: environment('EVENT_BUS') });
    const gaps = { since: new Map<string, number>(), now: Date.now };
    run = createFeedToBus({ feed, publisher: 'bus', positions, table, bus, gaps }, reportOf('feed-to-bus'));
  }
  return run(event, () => context.getRemainingTimeInMillis() < MARGIN_MS);
};

import app from 'daybook:app';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoEventTable } from '../src/aws/dynamo-event-table.ts';
import { dynamoProjectionTable } from '../src/aws/dynamo-projection-table.ts';
import { environment } from '../src/aws/environment.ts';
import { leanClient } from '../src/aws/lean-client.ts';
import { reportOf } from '../src/aws/report.ts';
import { consumeFeed } from '../src/feed/consume/consume-feed.ts';
import { noReport, type Report } from '../src/feed/metrics.ts';
import { type ProjectPorts, projectBatch } from '../src/projection/project.ts';
import { createRunner } from '../src/projection/runner.ts';

export function createFeedToProjections(ports: ProjectPorts, feed: string, report: Report = noReport) {
  const runners = app.projections.map(createRunner);
  return (event: unknown) => consumeFeed({ feed, report, ...projectBatch(ports, runners) })(event);
}

let projector: ReturnType<typeof createFeedToProjections> | undefined;

export const handler = (event: unknown) => {
  if (projector === undefined) {
    const client = leanClient(new DynamoDBClient());
    projector = createFeedToProjections(
      {
        events: dynamoEventTable({ client, tableName: environment('EVENTS_TABLE') }),
        table: dynamoProjectionTable({ client, tableName: environment('PROJECTIONS_TABLE') }),
      },
      environment('FEED_ID'),
      reportOf('feed-to-projections'),
    );
  }
  return projector(event);
};

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoCursorTable } from '../src/aws/dynamo-cursor-table.ts';
import { dynamoEventTable } from '../src/aws/dynamo-event-table.ts';
import { environment } from '../src/aws/environment.ts';
import { leanClient } from '../src/aws/lean-client.ts';
import { reportOf } from '../src/aws/report.ts';
import { type EnrichPorts, enrich } from '../src/feed/enrich.ts';
import type { Envelope } from '../src/feed/envelope.ts';
import { noReport, type Report } from '../src/feed/metrics.ts';
import { whenAdopted } from '../src/feed/when-adopted.ts';

/** The pipe's enrichment: table stream records in, envelopes out. */
export const createTableToFeed =
  (ports: EnrichPorts, report: Report = noReport) =>
  async (records: unknown): Promise<readonly Envelope[]> => {
    const { envelopes, seen } = await enrich(records, ports);
    report(seen);
    return envelopes;
  };

let run: ReturnType<typeof createTableToFeed> | undefined;

export const handler = (records: unknown): Promise<readonly Envelope[]> => {
  if (run === undefined) {
    const client = leanClient(new DynamoDBClient());
    const feed = environment('FEED_ID');
    const cursors = dynamoCursorTable({ client, tableName: environment('CONFIRMED_TABLE'), feed });
    const ports = {
      feed,
      cursors: process.env.FEED_FROM === undefined ? cursors : whenAdopted(feed, cursors),
      table: dynamoEventTable({ client, tableName: environment('EVENTS_TABLE') }),
    };
    run = createTableToFeed(ports, reportOf('table-to-feed'));
  }
  return run(records);
};

import { AthenaClient } from '@aws-sdk/client-athena';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import type { Context } from 'aws-lambda';
import { type ArchiveCheck, type CheckArchivePorts, checkArchive } from '../src/archive/check-archive.ts';
import { athenaCurrentGeneration } from '../src/aws/athena-current-generation.ts';
import { dynamoEventTable } from '../src/aws/dynamo-event-table.ts';
import { dynamoPositionTable } from '../src/aws/dynamo-position-table.ts';
import { environment } from '../src/aws/environment.ts';
import { reportOf } from '../src/aws/report.ts';
import { s3ArchiveFiles } from '../src/aws/s3-archive-files.ts';
import { noReport, type Report } from '../src/feed/metrics.ts';

/** On a schedule: proves that what was recorded is in the archive. */
export const createCheckArchive =
  (ports: CheckArchivePorts, options: { readonly most: number; readonly lagMs: number }, report: Report = noReport) =>
  async (_event: unknown, context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<ArchiveCheck> => {
    const isLate = () => context.getRemainingTimeInMillis() < 120_000; // the file or page under way ends before the timeout
    const { check, seen } = await checkArchive(ports, { isLate, ...options });
    report(seen);
    return check;
  };

let run: ReturnType<typeof createCheckArchive> | undefined;

export const handler = (event: unknown, context: Context): Promise<ArchiveCheck> => {
  if (run === undefined) {
    const client = new DynamoDBClient();
    const files = s3ArchiveFiles({ client: new S3Client(), bucket: environment('ARCHIVE_BUCKET') });
    const database = environment('ARCHIVE_DATABASE');
    const cold = { files, currentGeneration: athenaCurrentGeneration({ client: new AthenaClient(), database }) };
    const table = dynamoEventTable({ client, tableName: environment('EVENTS_TABLE') });
    const position = { client, tableName: environment('POSITIONS_TABLE'), feed: environment('FEED_ID') };
    const options = { most: Number(environment('CHECK_AT_MOST')), lagMs: Number(environment('CHECK_LAG_MS')) };
    const ports = { table, positions: dynamoPositionTable(position), cold, now: Date.now };
    run = createCheckArchive(ports, options, reportOf('check-archive'));
  }
  return run(event, context);
};

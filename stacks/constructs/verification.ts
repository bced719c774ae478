import { Duration, Size, Stack } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { CfnTable } from 'aws-cdk-lib/aws-glue';
import { Construct } from 'constructs';
import type { Column, View } from '../../src/archive/event-views.ts';
import { CURRENT_VIEW } from '../../src/archive/generation.ts';
import { acknowledgePrefix } from './acknowledge.ts';
import { METRIC_NAMESPACE } from './alarms.ts';
import type { Archive } from './archive.ts';
import { viewTable } from './archive-tables.ts';
import { duckdbLayer } from './duckdb-layer.ts';
import type { Feed } from './feed.ts';
import { glueTableArns } from './glue-arns.ts';
import { AGGREGATES_BY_TYPE, type HotStorage } from './hot-storage.ts';
import { NodeFunction } from './node-function.ts';

export interface VerificationOptions {
  /** How often what was recorded since is looked for in the archive. @default 1 hour */
  readonly checkEvery?: Duration;
  /** Aggregates that a run looks at; the next one goes on from there. Half a read unit to one for each. @default 50,000 */
  readonly checkAtMost?: number;
  /** How long an event may take into the archive before it counts as missing. @default 1 hour */
  readonly lag?: Duration;
  /** Disk for the largest file of the archive and keys (`/tmp`). @default 2048 MiB */
  readonly diskMiB?: number;
}

export interface VerificationProps extends VerificationOptions {
  readonly storage: HotStorage;
  readonly feed: Feed;
  readonly archive: Archive;
}

/** Is it all there? A function on a schedule compares table and archive, and the view `freshness` says up to when they agree. */
export class Verification extends Construct {
  readonly check: NodeFunction;
  readonly checkEvery: Duration;

  constructor(scope: Construct, id: string, props: VerificationProps) {
    super(scope, id);
    this.checkEvery = props.checkEvery ?? Duration.hours(1);
    const { storage, feed, archive } = props;
    const { bucket, databaseName } = archive;
    this.check = new NodeFunction(this, 'Check', {
      name: 'check-archive',
      description: 'Proves that what was recorded since the last run is in the archive.',
      memorySize: 1024,
      ephemeralStorageSize: Size.mebibytes(props.diskMiB ?? 2048),
      timeout: Duration.minutes(15),
      reservedConcurrentExecutions: 1, // its checkpoint is one file
      layers: [duckdbLayer(this)],
      environment: {
        EVENTS_TABLE: storage.events.tableName,
        POSITIONS_TABLE: storage.positions.tableName,
        ARCHIVE_BUCKET: bucket.bucketName,
        ARCHIVE_DATABASE: databaseName,
        FEED_ID: feed.stream.streamName,
        CHECK_AT_MOST: String(props.checkAtMost ?? 50_000),
        CHECK_LAG_MS: String((props.lag ?? Duration.hours(1)).toMilliseconds()),
        METRIC_NAMESPACE,
      },
    });
    this.check.allow(['dynamodb:Query'], [storage.events.tableArn]);
    this.check.allow(['dynamodb:Scan'], [`${storage.events.tableArn}/index/${AGGREGATES_BY_TYPE}`]);
    this.check.allow(['dynamodb:BatchGetItem', 'dynamodb:UpdateItem'], [storage.positions.tableArn]);
    this.check.allow(['s3:ListBucket'], [bucket.bucketArn]);
    this.check.allow(
      ['s3:GetObject'],
      ['events/*', 'compacted/*', 'checks/*'].map((each) => bucket.arnForObjects(each)),
    );
    this.check.allow(['s3:PutObject'], [bucket.arnForObjects('checks/*')]);
    const stack = Stack.of(this);
    this.check.allow(['glue:GetTable'], glueTableArns(this, databaseName, [CURRENT_VIEW]));
    // The catalog is asked by way of Athena, "AwsDataCatalog" its name.
    this.check.allow(
      ['athena:GetTableMetadata'],
      [stack.formatArn({ service: 'athena', resource: 'datacatalog', resourceName: 'AwsDataCatalog' })],
    );
    for (const prefix of ['events', 'compacted', 'checks']) acknowledgePrefix(this.check, bucket, prefix);
    new Rule(this, 'OnSchedule', {
      schedule: Schedule.rate(this.checkEvery),
      targets: [new LambdaFunction(this.check.function)],
    });
    // A rate begins with its first interval, not with a run: without this nobody would know anything until then.
    new Rule(this, 'OnDeployment', {
      description: 'Checks the archive as soon as the stack is deployed',
      eventPattern: {
        // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html
        source: ['aws.cloudformation'],
        detailType: ['CloudFormation Stack Status Change'],
        detail: { 'stack-id': [stack.stackId], 'status-details': { status: ['CREATE_COMPLETE', 'UPDATE_COMPLETE'] } },
      },
      targets: [new LambdaFunction(this.check.function)],
    });

    const checks = this.checksTable(archive);
    viewTable(this, 'Freshness', databaseName, FRESHNESS, [checks]);
  }

  private checksTable({ bucket, databaseName, tables }: Archive): CfnTable {
    const location = `s3://${bucket.bucketName}/checks/runs/`;
    const table = new CfnTable(this, 'ArchiveChecks', {
      catalogId: Stack.of(this).account,
      databaseName,
      tableInput: {
        name: 'archive_checks',
        description: 'One row for each run of the check: what of the table is proven to be in the archive',
        tableType: 'EXTERNAL_TABLE',
        parameters: {
          classification: 'json',
          'projection.enabled': 'true',
          'projection.day.type': 'date',
          'projection.day.format': 'yyyy-MM-dd',
          'projection.day.range': '2026-01-01,NOW+1DAYS',
          'storage.location.template': `${location}day=\${day}/`,
        },
        partitionKeys: [{ name: 'day', type: 'string', comment: 'The day of the run, UTC' }],
        storageDescriptor: {
          columns: CHECK_COLUMNS.map((column) => ({ ...column })),
          location,
          inputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
          outputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
          serdeInfo: { serializationLibrary: 'org.openx.data.jsonserde.JsonSerDe' },
        },
      },
    });
    table.addResourceDependency(tables.raw);
    return table;
  }
}

const CHECK_COLUMNS: readonly Column[] = [
  { name: 'checked_at', type: 'string', comment: 'When the run began, ISO 8601, UTC' },
  { name: 'complete_up_to', type: 'string', comment: 'Every event recorded until then is proven to be in the archive' },
  { name: 'newest_arrival', type: 'string', comment: 'When the newest event that has arrived was recorded' },
  { name: 'round_complete', type: 'boolean', comment: 'Did the run end a round over all aggregates?' },
  { name: 'aggregates', type: 'bigint', comment: 'Aggregates that the run looked at' },
  { name: 'files', type: 'bigint', comment: 'New files of the archive that the run read' },
  { name: 'proven', type: 'bigint', comment: 'Events that the run proved' },
  { name: 'on_the_way', type: 'bigint', comment: 'Aggregates whose next event was recorded a moment ago' },
  { name: 'missing', type: 'bigint', comment: 'Events that should be in the archive and are not' },
  { name: 'differing', type: 'bigint', comment: 'Events that have another content in the archive' },
  { name: 'unreadable', type: 'bigint', comment: 'Files that could not be read' },
];

/** The last run of a week, in the one row that it has always: a view that is empty would say nothing at all. */
const FRESHNESS: View = {
  name: 'freshness',
  description: 'Complete up to: until when every event is proven to be in the archive, by the last check',
  columns: [
    {
      name: 'complete_up_to',
      type: 'timestamp',
      comment: 'Every event recorded until then is proven to be in the archive, UTC',
    },
    { name: 'newest_arrival', type: 'timestamp', comment: 'When the newest event that has arrived was recorded, UTC' },
    { name: 'checked_at', type: 'timestamp', comment: 'When the last check began, UTC' },
    { name: 'lag_seconds', type: 'bigint', comment: 'From then until the last check' },
    { name: 'missing', type: 'bigint', comment: 'Events that the last check found missing' },
    {
      name: 'state',
      type: 'string',
      comment: '`checked`, or `no check within a week`: then nothing is proven, and the other columns are null',
    },
  ],
  sql: [
    'SELECT CAST(from_iso8601_timestamp(complete_up_to) AS timestamp(3)) AS complete_up_to,',
    'CAST(from_iso8601_timestamp(newest_arrival) AS timestamp(3)) AS newest_arrival,',
    'CAST(from_iso8601_timestamp(checked_at) AS timestamp(3)) AS checked_at,',
    "date_diff('second', from_iso8601_timestamp(complete_up_to), from_iso8601_timestamp(checked_at)) AS lag_seconds, missing,",
    "CASE WHEN checked_at IS NULL THEN 'no check within a week' ELSE 'checked' END AS state",
    'FROM (SELECT 1 AS one) LEFT JOIN (SELECT complete_up_to, newest_arrival, checked_at, missing, row_number() OVER (ORDER BY checked_at DESC) AS place',
    "FROM archive_checks WHERE day >= date_format(current_date - INTERVAL '7' DAY, '%Y-%m-%d')) ON place = 1",
  ].join(' '),
};

import { Duration, Names, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnNamedQuery, CfnWorkGroup } from 'aws-cdk-lib/aws-athena';
import { CfnDatabase, type CfnTable } from 'aws-cdk-lib/aws-glue';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnDeliveryStream } from 'aws-cdk-lib/aws-kinesisfirehose';
import { LogGroup, LogStream, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { aggregatesView, eventsView, holesView } from '../../src/archive/archive-views.ts';
import { eventViews } from '../../src/archive/event-views.ts';
import { checkSavedQueries, SAVED_QUERIES, type SavedQuery, toNamedText } from '../../src/archive/saved-queries.ts';
import { typedColumns } from '../../src/archive/typed-columns.ts';
import type { AnyEvent } from '../../src/event/event-definition.ts';
import { acknowledge, acknowledgePrefix } from './acknowledge.ts';
import { METRIC_NAMESPACE } from './alarms.ts';
import { eventColumns, rawTable, viewTable } from './archive-tables.ts';
import type { Feed } from './feed.ts';
import { compactedTable, currentView, keysTable } from './generation-tables.ts';
import { glueTableArns } from './glue-arns.ts';
import { NodeFunction } from './node-function.ts';

export interface ArchiveOptions {
  /** How much Firehose gathers before it writes a file, per day and bucket: 64 to 128 MiB. @default 128 */
  readonly bufferMiB?: number;
  /** How long Firehose gathers before it writes a file: 60 to 900 seconds. @default 5 minutes */
  readonly bufferFor?: Duration;
  /** A query that would scan more is stopped. In GiB. @default 100 */
  readonly scanLimitGiB?: number;
  /** Questions of your own beside those that every store has: saved in the workgroup, asked by `npx daybook sql --saved NAME`. */
  readonly savedQueries?: readonly SavedQuery[];
}

export interface ArchiveProps extends ArchiveOptions {
  readonly feed: Feed;
  /** The app's events: each has a view of its own, and typed columns in compacted files. */
  readonly events?: readonly AnyEvent[];
}

const EVENTS_PREFIX = 'events/day=!{partitionKeyFromLambda:day}/bucket=!{partitionKeyFromLambda:bucket}/';
const ERRORS_PREFIX = 'errors/!{firehose:error-output-type}/day=!{timestamp:yyyy-MM-dd}/';

/** Cold storage: Firehose and its transform write Parquet by arrival day and bucket; Glue and Athena make it a table. */
export class Archive extends Construct {
  readonly bucket: Bucket;
  readonly databaseName: string;
  readonly workGroup: CfnWorkGroup;
  readonly delivery: CfnDeliveryStream;
  /** Direct PUT, for repairs: a delivery stream with a Kinesis source refuses PutRecord. */
  readonly repairs: CfnDeliveryStream;
  readonly transform: NodeFunction;
  readonly tables: {
    readonly raw: CfnTable;
    readonly compacted: CfnTable;
    readonly current: CfnTable;
    readonly events: CfnTable;
  };

  constructor(scope: Construct, id: string, props: ArchiveProps) {
    super(scope, id);
    const stack = Stack.of(this);
    this.bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [
        { prefix: 'queries/', expiration: Duration.days(30) },
        { abortIncompleteMultipartUploadAfter: Duration.days(7) },
      ],
    });

    acknowledge(
      this.bucket,
      'S1',
      'Who reads it is seen in CloudTrail data events, which an account turns on as a whole',
    );

    this.databaseName = Names.uniqueResourceName(this, {
      maxLength: 60,
      separator: '_',
      allowedSpecialCharacters: '_',
    }).toLowerCase();
    const database = new CfnDatabase(this, 'Database', {
      catalogId: stack.account,
      databaseInput: { name: this.databaseName, description: 'Every event of the store' },
    });
    const { databaseName } = this;
    const place = { database, databaseName, bucket: this.bucket };
    const raw = rawTable(this, place);
    const compacted = compactedTable(this, { ...place, typed: typedColumns(props.events ?? []) });
    const current = currentView(this, place, [compacted, keysTable(this, place)]);
    const columns = eventColumns();
    const events = viewTable(this, 'EventsView', databaseName, eventsView(columns), [raw, current]);
    this.tables = { raw, compacted, current, events };
    for (const view of [aggregatesView(columns), holesView(columns), ...eventViews(props.events ?? [], columns)]) {
      viewTable(this, `View-${view.name}`, databaseName, view, [events]);
    }

    this.transform = new NodeFunction(this, 'Transform', {
      name: 'feed-to-archive',
      description: 'One row per event out of each envelope.',
      memorySize: 1024,
      timeout: Duration.minutes(1),
      environment: { FEED_ID: props.feed.stream.streamName, METRIC_NAMESPACE },
    });
    const role = this.deliveryRole(props.feed, database, raw);
    const common = {
      transform: this.transform,
      bucket: this.bucket,
      role,
      database: this.databaseName,
      table: 'events_raw',
      props,
    };
    this.delivery = new CfnDeliveryStream(this, 'Delivery', {
      deliveryStreamType: 'KinesisStreamAsSource',
      kinesisStreamSourceConfiguration: { kinesisStreamArn: props.feed.stream.streamArn, roleArn: role.roleArn },
      extendedS3DestinationConfiguration: this.destination('Delivery', common),
    });
    acknowledge(
      this.delivery,
      'KDF1',
      'Its source is a Kinesis stream, which is encrypted; Firehose then takes no key of its own',
    );
    this.repairs = new CfnDeliveryStream(this, 'Repairs', {
      deliveryStreamType: 'DirectPut',
      deliveryStreamEncryptionConfigurationInput: { keyType: 'AWS_OWNED_CMK' },
      extendedS3DestinationConfiguration: this.destination('Repairs', common),
    });
    for (const stream of [this.delivery, this.repairs]) stream.node.addDependency(role, raw);

    this.workGroup = new CfnWorkGroup(this, 'WorkGroup', {
      name: `${this.databaseName}`,
      description: 'Queries over every event of the store',
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: (props.scanLimitGiB ?? 100) * 2 ** 30,
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        resultConfiguration: {
          outputLocation: `s3://${this.bucket.bucketName}/queries/`,
          encryptionConfiguration: { encryptionOption: 'SSE_S3' },
        },
      },
    });
    this.saveQueries([...SAVED_QUERIES, ...(props.savedQueries ?? [])], database);
  }

  private saveQueries(queries: readonly SavedQuery[], database: CfnDatabase): void {
    checkSavedQueries(queries);
    for (const query of queries) {
      const named = new CfnNamedQuery(this, `Query-${query.name}`, {
        name: query.name,
        description: query.question,
        database: this.databaseName,
        queryString: toNamedText(query),
        workGroup: this.workGroup.name,
      });
      named.addResourceDependency(this.workGroup);
      named.addResourceDependency(database);
    }
  }

  private deliveryRole(feed: Feed, database: CfnDatabase, raw: CfnTable): Role {
    const role = new Role(this, 'DeliveryRole', { assumedBy: new ServicePrincipal('firehose.amazonaws.com') });
    const allow = (actions: string[], resources: string[]) =>
      role.addToPolicy(new PolicyStatement({ actions, resources }));
    allow(
      ['kinesis:DescribeStream', 'kinesis:GetRecords', 'kinesis:GetShardIterator', 'kinesis:ListShards'],
      [feed.stream.streamArn],
    );
    allow(['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'], [this.bucket.bucketArn]);
    allow(
      ['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'],
      [this.bucket.arnForObjects('events/*'), this.bucket.arnForObjects('errors/*')],
    );
    allow(['lambda:GetFunctionConfiguration', 'lambda:InvokeFunction'], [this.transform.function.functionArn]);
    allow(
      ['glue:GetTable', 'glue:GetTableVersion', 'glue:GetTableVersions'],
      glueTableArns(this, this.databaseName, ['events_raw']),
    );
    for (const prefix of ['events', 'errors']) acknowledgePrefix(role, this.bucket, prefix);
    role.node.addDependency(database, raw);
    return role;
  }

  private destination(
    name: string,
    common: { role: Role; props: ArchiveProps },
  ): CfnDeliveryStream.ExtendedS3DestinationConfigurationProperty {
    const { role, props } = common;
    const log = new LogGroup(this, `${name}Log`, {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const logStream = new LogStream(this, `${name}LogStream`, { logGroup: log, removalPolicy: RemovalPolicy.DESTROY });
    role.addToPolicy(new PolicyStatement({ actions: ['logs:PutLogEvents'], resources: [log.logGroupArn] }));
    return {
      bucketArn: this.bucket.bucketArn,
      roleArn: role.roleArn,
      prefix: EVENTS_PREFIX,
      errorOutputPrefix: ERRORS_PREFIX,
      bufferingHints: {
        sizeInMBs: props.bufferMiB ?? 128,
        intervalInSeconds: (props.bufferFor ?? Duration.minutes(5)).toSeconds(),
      },
      compressionFormat: 'UNCOMPRESSED', // Parquet compresses itself
      dynamicPartitioningConfiguration: { enabled: true, retryOptions: { durationInSeconds: 300 } },
      processingConfiguration: {
        enabled: true,
        processors: [
          {
            type: 'Lambda',
            parameters: [
              { parameterName: 'LambdaArn', parameterValue: this.transform.function.functionArn },
              { parameterName: 'NumberOfRetries', parameterValue: '3' },
              // The answer grows against the request and may hold 6 MB: ask with little.
              { parameterName: 'BufferSizeInMBs', parameterValue: '1' },
              { parameterName: 'BufferIntervalInSeconds', parameterValue: '60' },
            ],
          },
        ],
      },
      dataFormatConversionConfiguration: {
        enabled: true,
        inputFormatConfiguration: { deserializer: { openXJsonSerDe: { caseInsensitive: false } } },
        outputFormatConfiguration: { serializer: { parquetSerDe: { compression: 'SNAPPY' } } },
        schemaConfiguration: {
          catalogId: Stack.of(this).account,
          databaseName: this.databaseName,
          tableName: 'events_raw',
          region: Stack.of(this).region,
          roleArn: role.roleArn,
          versionId: 'LATEST',
        },
      },
      cloudWatchLoggingOptions: {
        enabled: true,
        logGroupName: log.logGroupName,
        logStreamName: logStream.logStreamName,
      },
    };
  }
}

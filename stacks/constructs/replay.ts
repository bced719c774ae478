import { Duration, Size, Stack } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { CfnTable } from 'aws-cdk-lib/aws-glue';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { PASS_BYTES as PASS_BYTES_AT_MOST } from '../../src/replay/slice-files.ts';
import { acknowledge, acknowledgePrefix } from './acknowledge.ts';
import type { Archive } from './archive.ts';
import { deadLetters } from './dead-letters.ts';
import { duckdbLayer } from './duckdb-layer.ts';
import type { Feed } from './feed.ts';
import { glueTableArns } from './glue-arns.ts';
import { AGGREGATES_BY_TYPE, type HotStorage } from './hot-storage.ts';
import { allowExecutions, mapMachine } from './map-machine.ts';
import { NodeFunction } from './node-function.ts';
import { parquetFiles } from './parquet-files.ts';
import type { Publisher } from './publisher.ts';

export interface ReplayOptions {
  /** Memory of the function that folds a slice. @default 2048 MiB */
  readonly foldMemoryMiB?: number;
  /** Disk for a slice's files (`/tmp`). @default 4096 MiB */
  readonly foldDiskMiB?: number;
  /** How long the build before the active one is kept for a rollback, and a failed one to be resumed. @default 14 days */
  readonly keepBuilds?: Duration;
  /** How long a report's states stay readable by its name; what it wrote to S3 stays. @default 90 days */
  readonly keepReports?: Duration;
}

export interface ReplayProps extends ReplayOptions {
  readonly storage: HotStorage;
  readonly feed: Feed;
  readonly archive: Archive;
  readonly publisher: Publisher;
  readonly app: string;
}

/** Rebuilds of projections, and reports over a range: a state machine that folds the archive beside live traffic. */
export class Replay extends Construct {
  readonly stateMachine: StateMachine;
  readonly plan: NodeFunction;
  readonly fold: NodeFunction;
  readonly catchUp: NodeFunction;
  readonly verify: NodeFunction;
  readonly report: NodeFunction;
  readonly ended: NodeFunction;
  readonly cleanUp: NodeFunction;
  /** Of what could not be told of a replay's end, or could not be started. */
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: ReplayProps) {
    super(scope, id);
    const { storage, archive, publisher, app } = props;
    const { bucket } = archive;
    const EVENTS_TABLE = storage.events.tableName;
    const PROJECTIONS_TABLE = storage.projections.tableName;
    const ARCHIVE_BUCKET = bucket.bucketName;
    const foldDiskMiB = props.foldDiskMiB ?? 4096;
    // Beside a pass's files DuckDB needs room to spill, and a file may be larger than a pass.
    const PASS_BYTES = String(Math.min(PASS_BYTES_AT_MOST, (foldDiskMiB * 2 ** 20 * 3) / 8));

    this.plan = new NodeFunction(this, 'Plan', {
      name: 'replay-plan',
      app,
      description: 'Checks a replay’s request and fixes which files of the archive it folds.',
      timeout: Duration.minutes(15),
      memorySize: 1024, // the ids that a query selects
      environment: { EVENTS_TABLE, PROJECTIONS_TABLE, ARCHIVE_BUCKET, PASS_BYTES },
    });
    this.plan.allow(['s3:ListBucket'], [bucket.bucketArn]);
    this.plan.allow(
      ['s3:GetObject'],
      [bucket.arnForObjects('compacted/generations/*'), bucket.arnForObjects('queries/*')],
    );
    this.plan.allow(['s3:PutObject'], [bucket.arnForObjects('replays/*')]);
    this.plan.allow(['dynamodb:DescribeTable'], [storage.events.tableArn]);
    this.plan.allow(['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'], [storage.projections.tableArn]);

    this.fold = new NodeFunction(this, 'Fold', {
      name: 'replay-fold',
      app,
      description: 'Folds one bucket of the archive into a build.',
      memorySize: props.foldMemoryMiB ?? 2048,
      ephemeralStorageSize: Size.mebibytes(foldDiskMiB),
      timeout: Duration.minutes(15),
      layers: [duckdbLayer(this)],
      environment: { PROJECTIONS_TABLE, ARCHIVE_BUCKET },
    });
    const folded = ['compacted/files/*', 'compacted/generations/*', 'events/*', 'replays/*'];
    this.fold.allow(
      ['s3:GetObject'],
      folded.map((keys) => bucket.arnForObjects(keys)),
    );
    // Without it S3 answers for a file that is gone as for one that is forbidden; and the bucket is listed again then.
    this.fold.allow(['s3:ListBucket'], [bucket.bucketArn]);
    this.fold.allow(['s3:PutObject'], [bucket.arnForObjects('replays/*')]);
    this.fold.allow(
      ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
      [storage.projections.tableArn],
    );

    this.catchUp = new NodeFunction(this, 'CatchUp', {
      name: 'replay-catch-up',
      app,
      description: 'Brings every aggregate of a build to its head in the events table.',
      memorySize: 1024,
      timeout: Duration.minutes(15),
      environment: { EVENTS_TABLE, PROJECTIONS_TABLE, ARCHIVE_BUCKET },
    });
    this.catchUp.allow(['s3:GetObject'], [bucket.arnForObjects('replays/*')]);
    this.catchUp.allow(['dynamodb:Query'], [storage.events.tableArn]);
    this.catchUp.allow(['dynamodb:Query', 'dynamodb:Scan'], [`${storage.events.tableArn}/index/${AGGREGATES_BY_TYPE}`]);
    this.catchUp.allow(
      ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
      [storage.projections.tableArn],
    );

    this.verify = new NodeFunction(this, 'Verify', {
      name: 'replay-verify',
      app,
      description: 'Counts a build against the events table, and folds a sample again from the table.',
      memorySize: 1024,
      timeout: Duration.minutes(15),
      environment: { EVENTS_TABLE, PROJECTIONS_TABLE, ARCHIVE_BUCKET },
    });
    this.verify.allow(['dynamodb:Query'], [storage.events.tableArn]);
    this.verify.allow(
      ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:UpdateItem'],
      [storage.projections.tableArn],
    );
    this.verify.allow(['s3:PutObject'], [bucket.arnForObjects('reports/*')]);

    this.report = new NodeFunction(this, 'Report', {
      name: 'replay-report',
      description: 'Writes a report’s JSON lines as Parquet.',
      memorySize: 1024,
      timeout: Duration.minutes(15),
      layers: [duckdbLayer(this)],
      environment: { PROJECTIONS_TABLE, ARCHIVE_BUCKET },
    });
    this.report.allow(['dynamodb:GetItem'], [storage.projections.tableArn]);
    this.report.allow(['s3:ListBucket'], [bucket.bucketArn]);
    this.report.allow(['s3:GetObject'], [bucket.arnForObjects('reports/*')]);
    this.report.allow(['s3:PutObject'], [bucket.arnForObjects('report-tables/*')]);
    this.reportsTable(archive);

    this.ended = new NodeFunction(this, 'Ended', {
      name: 'replay-ended',
      description: 'Keeps the record of a replay that has ended; of one that was stopped nothing stays.',
      timeout: Duration.minutes(15),
      environment: { PROJECTIONS_TABLE, EVENT_BUS: publisher.bus.eventBusName },
    });
    this.ended.allow(
      ['dynamodb:BatchWriteItem', 'dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:UpdateItem'],
      [storage.projections.tableArn],
    );
    this.ended.allow(['events:PutEvents'], [publisher.bus.eventBusArn]);

    this.cleanUp = new NodeFunction(this, 'CleanUp', {
      name: 'replay-clean-up',
      app,
      description: 'Removes the states of builds whose retention has ended.',
      timeout: Duration.minutes(15),
      environment: {
        PROJECTIONS_TABLE,
        KEEP_BUILDS_DAYS: String((props.keepBuilds ?? Duration.days(14)).toDays()),
        KEEP_REPORTS_DAYS: String((props.keepReports ?? Duration.days(90)).toDays()),
      },
    });
    this.cleanUp.allow(
      ['dynamodb:BatchWriteItem', 'dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:UpdateItem'],
      [storage.projections.tableArn],
    );

    const prefixes = ['events', 'replays', 'reports', 'report-tables', 'queries'];
    for (const prefix of [...prefixes, 'compacted', 'compacted/files', 'compacted/generations']) {
      acknowledgePrefix(this, bucket, prefix);
    }
    this.stateMachine = this.machine(storage, archive, publisher);
    this.deadLetters = deadLetters(this, 'DeadLetters');
    this.hear(publisher);
  }

  /** A request on the bus starts a replay; how one ends is told by Step Functions on the account's default bus. */
  private hear(publisher: Publisher): void {
    new Rule(this, 'OnRequest', {
      description: 'Starts the replay that an event asks for',
      eventBus: publisher.bus,
      eventPattern: { detailType: ['Replay Requested'] },
      targets: [
        new SfnStateMachine(this.stateMachine, {
          input: RuleTargetInput.fromEventPath('$.detail'),
          deadLetterQueue: this.deadLetters,
        }),
      ],
    });
    new Rule(this, 'OnEnd', {
      description: 'Keeps the record of a replay that has ended',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: {
          stateMachineArn: [this.stateMachine.stateMachineArn],
          status: ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'],
        },
      },
      targets: [new LambdaFunction(this.ended.function, { deadLetterQueue: this.deadLetters })],
    });
    new Rule(this, 'CleanUpDaily', {
      schedule: Schedule.rate(Duration.days(1)),
      targets: [new LambdaFunction(this.cleanUp.function)],
    });
  }

  /** Reports by SQL: which one is said by `projection` and `build`, so nothing has to be registered. */
  private reportsTable(archive: Archive): void {
    const location = `s3://${archive.bucket.bucketName}/report-tables/`;
    const table = new CfnTable(this, 'Reports', {
      catalogId: Stack.of(this).account,
      databaseName: archive.databaseName,
      tableInput: {
        name: 'reports',
        description: 'What a replay over a range has come to: say which one by projection and build',
        tableType: 'EXTERNAL_TABLE',
        parameters: {
          classification: 'parquet',
          'projection.enabled': 'true',
          'projection.projection.type': 'injected',
          'projection.build.type': 'injected',
          'storage.location.template': `${location}projection=\${projection}/build=\${build}/`,
        },
        partitionKeys: [
          { name: 'projection', type: 'string', comment: 'The name of the projection' },
          { name: 'build', type: 'string', comment: 'The name of the report: its execution’s' },
        ],
        storageDescriptor: parquetFiles(location, [
          { name: 'aggregate_uuid', type: 'string', comment: 'The aggregate; null in a rollup' },
          { name: 'key', type: 'string', comment: 'The key of a rollup' },
          { name: 'position', type: 'bigint', comment: 'The last version that was looked at' },
          { name: 'applied', type: 'bigint', comment: 'How many events counted' },
          { name: 'state', type: 'string', comment: 'JSON text' },
        ]),
      },
    });
    table.node.addDependency(archive.tables.raw);
  }

  private machine(storage: HotStorage, archive: Archive, publisher: Publisher): StateMachine {
    const functions = {
      ReplayPlanFunctionArn: this.plan.function.functionArn,
      ReplayFoldFunctionArn: this.fold.function.functionArn,
      ReplayCatchUpFunctionArn: this.catchUp.function.functionArn,
      ReplayVerifyFunctionArn: this.verify.function.functionArn,
      ReplayReportFunctionArn: this.report.function.functionArn,
    };
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('states.amazonaws.com') });
    const allow = (actions: string[], resources: string[]) =>
      role.addToPolicy(new PolicyStatement({ actions, resources }));
    allow(['lambda:InvokeFunction'], Object.values(functions));
    allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [storage.projections.tableArn]);
    allow(['events:PutEvents'], [publisher.bus.eventBusArn]);
    this.allowQueries(allow, archive);

    const machine = mapMachine(this, {
      name: 'replay',
      substitutions: {
        ...functions,
        ProjectionsTableName: storage.projections.tableName,
        ArchiveBucketName: archive.bucket.bucketName,
        WorkGroupName: archive.workGroup.name,
        DatabaseName: archive.databaseName,
        EventBusName: publisher.bus.eventBusName,
      },
      role,
      timeout: Duration.days(14),
    });
    // Whether the execution that has the lock still runs; apart from the plan's policy, which the machine waits for.
    allowExecutions(this, 'LockHolders', {
      role: this.plan.role,
      machine,
      actions: ['states:DescribeExecution'],
      named: ':*',
    });
    // How one ended whose end was not told.
    allowExecutions(this, 'EndedExecutions', {
      role: this.cleanUp.role,
      machine,
      actions: ['states:DescribeExecution'],
      named: ':*',
    });
    return machine;
  }

  /** A range may name its aggregates by a query: it reads tables and views, writes its answer, and changes nothing. */
  private allowQueries(allow: (actions: string[], resources: string[]) => void, { bucket, ...archive }: Archive): void {
    allow(
      ['athena:GetQueryExecution', 'athena:StartQueryExecution', 'athena:StopQueryExecution'],
      [Stack.of(this).formatArn({ service: 'athena', resource: 'workgroup', resourceName: archive.workGroup.name })],
    );
    allow(
      ['glue:GetDatabase', 'glue:GetPartitions', 'glue:GetTable'],
      glueTableArns(this, archive.databaseName, ['*']),
    );
    const tables = `arn:<AWS::Partition>:glue:<AWS::Region>:<AWS::AccountId>:table/${archive.databaseName}/*`;
    acknowledge(this, `IAM5[Resource::${tables}]`, 'The tables and views of the archive: a query may name any of them');
    allow(['s3:GetBucketLocation', 's3:ListBucket'], [bucket.bucketArn]);
    allow(['s3:GetObject'], [bucket.arnForObjects('compacted/*'), bucket.arnForObjects('events/*')]);
    allow(['s3:AbortMultipartUpload', 's3:GetObject', 's3:PutObject'], [bucket.arnForObjects('queries/*')]);
  }
}

import { Duration, Size } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { acknowledgePrefix } from './acknowledge.ts';
import { METRIC_NAMESPACE } from './alarms.ts';
import type { Archive } from './archive.ts';
import { duckdbLayer } from './duckdb-layer.ts';
import type { Feed } from './feed.ts';
import { glueTableArns } from './glue-arns.ts';
import { mapMachine } from './map-machine.ts';
import { NodeFunction } from './node-function.ts';

export interface CompactionOptions {
  /** When it runs. @default every day at 02:10 UTC: Firehose has written what arrived before midnight */
  readonly schedule?: Schedule;
  /**
   * How long replaced files stay after a switch, for the queries that began before it. Athena stops a query after 30 minutes
   * unless the account's quota was raised.
   *
   * @default 2 hours
   */
  readonly keepReplacedFor?: Duration;
  /** Memory of the function that merges a bucket; more memory is more processor. @default 4096 MiB */
  readonly memoryMiB?: number;
  /** Disk of that function (`/tmp`): a run's raw files, one month of a bucket twice, and what is sorted. @default 10240 MiB */
  readonly diskMiB?: number;
}

export interface CompactionProps extends CompactionOptions {
  readonly archive: Archive;
  readonly feed: Feed;
}

/** Closed days become sorted, deduplicated files, and readers switch to them in one step: a state machine on a schedule. */
export class Compaction extends Construct {
  readonly stateMachine: StateMachine;
  readonly plan: NodeFunction;
  readonly bucket: NodeFunction;
  readonly switch: NodeFunction;
  readonly clean: NodeFunction;

  constructor(scope: Construct, id: string, props: CompactionProps) {
    super(scope, id);
    const { bucket } = props.archive;
    const ARCHIVE_BUCKET = bucket.bucketName;
    const keep = props.keepReplacedFor ?? Duration.hours(2);
    const memorySize = props.memoryMiB ?? 4096;
    const at = (...prefixes: string[]) => prefixes.map((prefix) => bucket.arnForObjects(`${prefix}/*`));

    this.plan = new NodeFunction(this, 'Plan', {
      name: 'compact-plan',
      description: 'Lists the raw files that the current generation has not.',
      memorySize: 1024,
      timeout: Duration.minutes(15),
      environment: { ARCHIVE_BUCKET },
    });
    this.plan.allow(['s3:ListBucket'], [bucket.bucketArn]);
    this.plan.allow(['s3:GetObject'], at('compacted/generations'));
    this.plan.allow(['s3:PutObject'], at('compacted/runs'));

    this.bucket = new NodeFunction(this, 'Bucket', {
      name: 'compact-bucket',
      description: 'Merges the new raw files of one bucket into its months, and checks what it wrote.',
      memorySize,
      ephemeralStorageSize: Size.mebibytes(props.diskMiB ?? 10_240),
      timeout: Duration.minutes(15),
      layers: [duckdbLayer(this)],
      environment: {
        ARCHIVE_BUCKET,
        DUCKDB_MEMORY_MB: String(Math.floor(memorySize * 0.6)),
        FEED_ID: props.feed.stream.streamName,
        METRIC_NAMESPACE,
      },
    });
    this.bucket.allow(['s3:ListBucket'], [bucket.bucketArn]); // a file that is gone is 404, and not 403
    this.bucket.allow(['s3:GetObject'], at('events', 'compacted/files', 'compacted/keys', 'compacted/runs'));
    this.bucket.allow(['s3:PutObject'], at('compacted/files', 'compacted/keys', 'compacted/runs', 'conflicts'));

    this.switch = new NodeFunction(this, 'Switch', {
      name: 'compact-switch',
      description: 'Writes the manifest of a generation, and says whether it may be switched to.',
      memorySize: 1024,
      timeout: Duration.minutes(5),
      environment: { ARCHIVE_BUCKET },
    });
    this.switch.allow(['s3:ListBucket'], [bucket.bucketArn]);
    this.switch.allow(['s3:GetObject'], at('compacted/runs'));
    this.switch.allow(['s3:PutObject'], at('compacted/generations'));

    this.clean = new NodeFunction(this, 'Clean', {
      name: 'compact-clean',
      description: 'Deletes files that no query reads any more, by the manifest of the current generation.',
      memorySize: 1024,
      timeout: Duration.minutes(15),
      environment: { ARCHIVE_BUCKET, KEEP_SECONDS: String(keep.toSeconds()) },
    });
    this.clean.allow(['s3:ListBucket'], [bucket.bucketArn]);
    this.clean.allow(['s3:GetObject'], at('compacted/generations'));
    this.clean.allow(['s3:DeleteObject'], at('compacted', 'events'));

    for (const prefix of [
      'events',
      'conflicts',
      'compacted',
      'compacted/files',
      'compacted/keys',
      'compacted/runs',
      'compacted/generations',
    ]) {
      acknowledgePrefix(this, bucket, prefix);
    }
    this.stateMachine = this.machine(props.archive, keep);
    new Rule(this, 'OnSchedule', {
      schedule: props.schedule ?? Schedule.cron({ hour: '2', minute: '10' }),
      targets: [new SfnStateMachine(this.stateMachine, { input: RuleTargetInput.fromObject({}) })],
    });
  }

  private machine({ databaseName, tables }: Archive, keep: Duration): StateMachine {
    const functions = {
      CompactPlanFunctionArn: this.plan.function.functionArn,
      CompactBucketFunctionArn: this.bucket.function.functionArn,
      CompactSwitchFunctionArn: this.switch.function.functionArn,
      CompactCleanFunctionArn: this.clean.function.functionArn,
    };
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('states.amazonaws.com') });
    const allow = (actions: string[], resources: string[]) =>
      role.addToPolicy(new PolicyStatement({ actions, resources }));
    allow(['lambda:InvokeFunction'], Object.values(functions));
    allow(['glue:GetTable'], glueTableArns(this, databaseName, ['events_compacted', 'events_current']));
    allow(['glue:UpdateTable'], glueTableArns(this, databaseName, ['events_current']));

    const machine = mapMachine(this, {
      name: 'compact',
      substitutions: {
        ...functions,
        DatabaseName: databaseName,
        KeepSeconds: String(keep.toSeconds()),
      },
      role,
      timeout: Duration.days(7),
    });
    machine.node.addDependency(tables.compacted, tables.current);
    return machine;
  }
}

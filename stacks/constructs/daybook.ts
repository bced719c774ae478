import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { IAlarmAction } from 'aws-cdk-lib/aws-cloudwatch';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { Alarms, deliveryFreshness, feedMetric, pipeFailures } from './alarms.ts';
import { appEvents } from './app-events.ts';
import { Archive, type ArchiveOptions } from './archive.ts';
import { Compaction, type CompactionOptions } from './compaction.ts';
import { Feed, type FeedOptions } from './feed.ts';
import { FeedDashboard } from './feed-dashboard.ts';
import { grantQuery } from './grant-query.ts';
import { AGGREGATES_BY_TYPE, HotStorage, type HotStorageProps } from './hot-storage.ts';
import { Projections } from './projections.ts';
import { Publisher } from './publisher.ts';
import { Replay, type ReplayOptions } from './replay.ts';
import { Verification, type VerificationOptions } from './verification.ts';

export interface DaybookProps {
  /**
   * The full path of the module whose default export is `defineApp(…)`. Its projections run live and in replays, its events
   * have typed views; without one there is none of it. It is loaded when the stack is synthesized.
   */
  readonly app?: string;
  readonly storage?: HotStorageProps;
  readonly feed?: FeedOptions;
  readonly archive?: ArchiveOptions;
  readonly compaction?: CompactionOptions;
  /** The check that the archive is complete, on a schedule. */
  readonly verification?: VerificationOptions;
  readonly replay?: ReplayOptions;
  /** Told when an alarm rises, such as `new SnsAction(topic)`. */
  readonly alarmActions?: readonly IAlarmAction[];
  /** A CloudWatch dashboard of the feed: three are free in an account, each further one costs $3 a month. @default true */
  readonly dashboard?: boolean;
}

/**
 * An event store with everything around it: the events table, the ordered feed, the bus, the archive and the replays.
 *
 * @example
 * const daybook = new Daybook(this, 'Daybook', { app: join(import.meta.dirname, 'app.ts') });
 * daybook.grantAppend(myFunction);
 * new Rule(this, 'OnDeposit', { eventBus: daybook.bus, eventPattern: { detailType: ['MoneyDeposited'] }, targets: [] });
 */
export class Daybook extends Construct {
  readonly storage: HotStorage;
  readonly feed: Feed;
  readonly publisher: Publisher;
  readonly archive: Archive;
  readonly compaction: Compaction;
  readonly verification: Verification;
  readonly projections: Projections | undefined;
  readonly replay: Replay | undefined;
  readonly alarms: Alarms;

  constructor(scope: Construct, id: string, props: DaybookProps = {}) {
    super(scope, id);
    this.storage = new HotStorage(this, 'Storage', props.storage);
    this.feed = new Feed(this, 'Feed', { storage: this.storage, ...props.feed });
    this.publisher = new Publisher(this, 'Publisher', { storage: this.storage, feed: this.feed });
    this.archive = new Archive(this, 'Archive', {
      feed: this.feed,
      ...props.archive,
      ...(props.app !== undefined && { events: appEvents(this, props.app) }),
    });
    this.compaction = new Compaction(this, 'Compaction', {
      archive: this.archive,
      feed: this.feed,
      ...props.compaction,
    });
    this.verification = new Verification(this, 'Verification', {
      storage: this.storage,
      feed: this.feed,
      archive: this.archive,
      ...props.verification,
    });
    if (props.app !== undefined) {
      const parts = { storage: this.storage, feed: this.feed, app: props.app };
      this.projections = new Projections(this, 'Projections', parts);
      this.replay = new Replay(this, 'Replay', {
        ...parts,
        archive: this.archive,
        publisher: this.publisher,
        ...props.replay,
      });
    }
    this.alarms = new Alarms(this, 'Alarms', props.alarmActions === undefined ? {} : { actions: props.alarmActions });
    this.raiseAlarms();
    if (props.dashboard !== false) this.showFeed();
    this.describe();
  }

  /** The bus that carries every event: rules on it are how other teams subscribe. */
  get bus() {
    return this.publisher.bus;
  }

  /** Lets a function append, load and read: exactly what the library's event store calls. */
  grantAppend(grantee: IGrantable): void {
    this.grantRead(grantee);
    // A transaction's checks of predecessors are ConditionCheckItem, its puts PutItem.
    grant(grantee, ['dynamodb:ConditionCheckItem', 'dynamodb:PutItem'], [this.storage.events.tableArn]);
    grant(grantee, ['dynamodb:PutItem'], [this.storage.snapshots.tableArn]);
  }

  /** Lets a function load and read, and no more. */
  grantRead(grantee: IGrantable): void {
    grant(grantee, ['dynamodb:GetItem', 'dynamodb:Query'], [this.storage.events.tableArn]);
    grant(
      grantee,
      ['dynamodb:Query', 'dynamodb:Scan'],
      [`${this.storage.events.tableArn}/index/${AGGREGATES_BY_TYPE}`],
    );
    grant(grantee, ['dynamodb:GetItem'], [this.storage.snapshots.tableArn]);
  }

  /** What a consumer of `daybook/consume` needs: its own position, and the table for what it missed. */
  grantConsume(grantee: IGrantable): void {
    grant(grantee, ['dynamodb:Query'], [this.storage.events.tableArn]);
    grant(grantee, ['dynamodb:BatchGetItem', 'dynamodb:UpdateItem'], [this.storage.positions.tableArn]);
  }

  /**
   * Lets somebody ask the archive with SQL, as `npx daybook sql` and the saved queries do: queries in the store's workgroup over its
   * tables and views, their results in S3, and the stack's outputs. It changes no table, no event and no file of the archive.
   * Whoever may ask may read what others' queries have answered in the last 30 days.
   *
   * @param grantee a role, user or group, or a `ManagedPolicy` for people who sign in by IAM Identity Center.
   * @throws when there is nothing to add a policy to, as with a service principal.
   *
   * @example
   * const analysts = new Role(this, 'Analysts', { assumedBy: new AccountRootPrincipal() });
   * daybook.grantQuery(analysts);
   */
  grantQuery(grantee: IGrantable): void {
    grantQuery(this.archive, grantee);
  }

  private raiseAlarms(): void {
    const { alarms, feed, publisher, projections, archive } = this;
    const feedId = feed.stream.streamName;
    alarms.iteratorAge(
      'Confirm',
      feed.confirm.function,
      'order stays right, but an aggregate stops one envelope after the last confirmed version.',
    );
    alarms.iteratorAge('Publish', publisher.publish.function, 'rules get events late.');
    if (projections !== undefined) {
      alarms.iteratorAge('Project', projections.project.function, 'projections are stale.');
      alarms.none(
        'FoldsFailed',
        'FoldsFailed',
        feedId,
        'A projection could not fold an event: its aggregate stands still in this projection, before that event; others go on. The log of feed-to-projections names the projection, the aggregate and the version. Mend the fold (or add an upcast) and deploy; the aggregate goes on with its next event, and all of them by: npx daybook replay start --projection NAME',
      );
    }
    alarms.errors(
      'Enrich',
      feed.enrich.function,
      'nothing reaches the feed while it does; the pipe retries, nothing is lost for 24 hours.',
    );
    alarms.scheduledErrors(
      'Reconcile',
      feed.reconcile.function,
      feed.reconcileEvery,
      'delayed or holed aggregates are not repaired.',
    );
    alarms.deadLetters(
      'Pipe',
      feed.deadLetters,
      'a batch of table stream records was given up; the reconciler delivers their events from the table. If messages stay, it fails: look at its log.',
    );
    alarms.none(
      'Breaches',
      'Breaches',
      feedId,
      'Something other than this feed’s own senders wrote to it: an envelope did not begin at an earlier confirmed + 1. Nothing was raised for it. Find out who may put records on the feed.',
    );
    alarms.none(
      'OtherHistories',
      'OtherHistories',
      feedId,
      'Under a version that is on the feed the events table has another event, or none: it was restored, and the feed went on. What is appended up to there reaches nobody. The reconciler’s log names the aggregates. Stop the writers, raise the feed’s `generation` and say `from` with the name of this feed.',
    );
    alarms.none(
      'ImmutabilityBreaches',
      'ImmutabilityBreaches',
      feedId,
      'An event was overwritten or deleted in the events table. Daybook cannot undo it: the enrichment’s log names the key, point-in-time recovery holds the old item. Find the principal in CloudTrail and take dynamodb:PutItem away from it.',
    );
    alarms.none(
      'Holes',
      'Holes',
      feedId,
      `An aggregate has a version that is missing, is no event, or fits no envelope: a writer bypassed the library. Its later events wait. Type: npx daybook feed status --stack ${Stack.of(this).stackName}, or look at the reconciler’s log: it names the aggregate and the version. Put there the event that belongs there; the rest follows by itself.`,
    );
    alarms.metric(
      'UnpublishedAge',
      feedMetric('UnpublishedAge', feedId, 'Maximum'),
      15 * 60_000,
      1,
      `An event has been in the events table for more than 15 minutes and is not on the feed. Type: npx daybook feed status --stack ${Stack.of(this).stackName}. It names the aggregates, and what they wait for. If many are there, look at the pipe, the enrichment and Confirm: their errors and iterator age; if a few are, a missing version is for a person to mend.`,
    );
    alarms.none(
      'Poison',
      'Poison',
      feedId,
      'The events table holds an item that is no event, or data that is no JSON: something other than the library wrote it. The log of table-to-feed, reconcile-feed or feed-to-bus names its key. An item at a version stops its aggregate there (the alarm Holes): put the event there that belongs there; what lies at no version, such as 0 or 2.5, stops nothing. Find the principal in CloudTrail and take dynamodb:PutItem away from it.',
    );
    alarms.none(
      'ParkedAggregates',
      'ParkedAggregates',
      feedId,
      `A consumer gave up on an event and parked its aggregate: its later events wait, in order; other aggregates go on. Type: npx daybook parked --stack ${Stack.of(this).stackName}. It names the consumer, the aggregate and the reason. Mend and deploy the consumer, then type: npx daybook redrive CONSUMER --all --stack ${Stack.of(this).stackName}`,
    );
    alarms.none(
      'EnvelopesRefused',
      'EnvelopesRefused',
      feedId,
      'A reader refused a record of the feed: another feed’s, an unknown format, or no envelope. After a deploy, deploy the readers too; otherwise find out who may put records on the feed.',
    );
    alarms.none(
      'ArchiveRefusals',
      'ArchiveRefusals',
      feedId,
      `The archive’s transform could not make rows of a record: it lies below errors/ in the bucket, and the transform’s log says why. Type: npx daybook archive redrive --stack ${Stack.of(this).stackName}. It sends again what fits by now, and names what does not.`,
    );
    const verify = `npx daybook verify --stack ${Stack.of(this).stackName}`;
    alarms.none(
      'ArchiveMissing',
      'ArchiveMissing',
      feedId,
      `Events that were recorded long ago are not in the archive. Type: ${verify}. It names them; with --fix it sends them there. Then look at the errors/ prefix of the bucket (npx daybook archive redrive) and at the delivery stream’s log for what kept them away. Events behind a hole wait for a person to mend it: npx daybook feed status.`,
    );
    alarms.none(
      'ArchiveDiffering',
      'ArchiveDiffering',
      feedId,
      `The archive has an event with another content than the table, or a file that nobody can read. Type: ${verify}. It names the files. Find out who may write to the bucket; move the file out of it, then verify --fix sends what it held.`,
    );
    alarms.scheduledErrors(
      'CheckArchive',
      this.verification.check.function,
      this.verification.checkEvery,
      'nobody proves that the archive is complete, and the view `freshness` stands still.',
    );
    alarms.metric(
      'PipeFails',
      pipeFailures(feed.pipe.ref),
      0,
      3,
      'The pipe from the table’s stream to the feed fails again and again: nothing is lost for 24 hours, but nothing new is delivered. Look at the enrichment’s errors, then at the feed’s throttles.',
    );
    alarms.metric(
      'CompactionFails',
      this.compaction.stateMachine.metricFailed(),
      0,
      1,
      'A compaction failed: queries see what they saw, nothing was switched or deleted by it. Its execution in the Step Functions console names the state, the file (or the view, if that is not what Daybook made) and the reason; mend that and redrive the execution, or wait for the next run.',
    );
    alarms.none(
      'CompactionExcluded',
      'CompactionExcluded',
      feedId,
      'A compaction left out raw files that it could not read, or whose rows are no events of their bucket; they stay where they are. The log of the function compact-bucket names each and says why. Put the file right, or move it away and write its events again with a backfill.',
    );
    alarms.none(
      'CompactionConflicts',
      'CompactionConflicts',
      feedId,
      'Two copies of one event with different content came to the archive: the first that arrived stays, the others are kept below conflicts/ in the bucket, which the log of the function compact-bucket names. Look for who overwrote an event in the events table: the alarm ImmutabilityBreaches says when.',
    );
    if (this.replay !== undefined) {
      alarms.metric(
        'ReplayFails',
        this.replay.stateMachine.metricFailed(),
        0,
        1,
        `A replay failed: nothing was promoted. Type: npx daybook replay list --stack ${Stack.of(this).stackName}, and npx daybook replay watch with its name: that tells the aggregate and the reason. Mend it and type npx daybook replay resume with its name, or npx daybook replay stop to give it up.`,
      );
      alarms.deadLetters(
        'Replay',
        this.replay.deadLetters,
        'a replay that was asked for by an event could not be started, or how one ended could not be kept. Look at the message: it says which; start it again by hand (npx daybook replay start).',
      );
    }
    for (const [name, stream] of [
      ['Delivery', archive.delivery],
      ['Repairs', archive.repairs],
    ] as const) {
      alarms.metric(
        `${name}Freshness`,
        deliveryFreshness(stream.ref),
        1800,
        3,
        'Cold storage is more than half an hour behind: look at the delivery stream’s error log and the errors/ prefix of the bucket.',
      );
    }
  }

  private showFeed(): void {
    const { feed, publisher, projections } = this;
    const readers = {
      Confirm: feed.confirm.function,
      Publish: publisher.publish.function,
      ...(projections !== undefined && { Project: projections.project.function }),
    };
    new FeedDashboard(this, 'FeedDashboard', { feedId: feed.stream.streamName, readers });
  }

  private describe(): void {
    const outputs: Record<string, string> = {
      EventsTableName: this.storage.events.tableName,
      ConfirmedTableName: this.storage.confirmed.tableName,
      PositionsTableName: this.storage.positions.tableName,
      SnapshotsTableName: this.storage.snapshots.tableName,
      ProjectionsTableName: this.storage.projections.tableName,
      FeedName: this.feed.stream.streamName,
      FeedFrom: this.feed.from,
      EventBusName: this.bus.eventBusName,
      ArchiveBucketName: this.archive.bucket.bucketName,
      RepairsStreamName: this.archive.repairs.ref,
      DatabaseName: this.archive.databaseName,
      WorkGroupName: this.archive.workGroup.name,
      CompactionStateMachineArn: this.compaction.stateMachine.stateMachineArn,
      ...(this.replay !== undefined && { ReplayStateMachineArn: this.replay.stateMachine.stateMachineArn }),
    };
    for (const [key, value] of Object.entries(outputs)) {
      // A name that tools can look for, whatever the construct's path.
      new CfnOutput(this, key, { value }).overrideLogicalId(`${this.node.id}${key}`);
    }
  }
}

function grant(grantee: IGrantable, actions: string[], resources: string[]): void {
  grantee.grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ actions, resources }));
}

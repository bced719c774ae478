import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Stream, StreamEncryption, StreamMode } from 'aws-cdk-lib/aws-kinesis';
import { CfnEventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { CfnPipe } from 'aws-cdk-lib/aws-pipes';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { METRIC_NAMESPACE } from './alarms.ts';
import { deadLetters } from './dead-letters.ts';
import { readFeed } from './feed-reader.ts';
import { AGGREGATES_BY_TYPE, type HotStorage, PARKED_AGGREGATES } from './hot-storage.ts';
import { NodeFunction } from './node-function.ts';

export interface FeedOptions {
  /**
   * Raise it to begin a new feed: after the events table was restored, or to have everything delivered again. The stream's
   * generated name is the feed's id, so a new stream is a new feed.
   *
   * @default 1
   */
  readonly generation?: number;
  /**
   * How the feed begins over an events table that already has events.
   * - `start`: everything is delivered, from version 1.
   * - `now`: what is there is its past; what is appended after that is delivered, without exception.
   * - the name of the stream that was the feed before (the output `FeedName`): every aggregate and every consumer goes on
   *   where it was. Give it together with a new `generation`.
   *
   * Unless it is `start`, nothing is fed until the feed is adopted: by the reconciler at its first run, or by
   * `npx daybook feed adopt`, which is quicker and shows how far it is. Leave it as it is afterwards.
   *
   * @default start
   */
  readonly from?: 'start' | 'now' | (string & {});
  /**
   * How long the pipe gathers records before it calls the enrichment: less latency against more repeats.
   *
   * @default 1 second
   */
  readonly window?: Duration;
  /**
   * Enhanced fan-out for Confirm, the publisher, the projections and subscribers that read the feed: records are pushed to each
   * within some 70 ms instead of being polled for once a second, so that less is repeated, and the 2 MB/s a shard are each
   * one's own. To change it makes new mappings, which read the feed from its oldest record: what is known is dropped.
   *
   * @default false
   */
  readonly fanOut?: boolean;
  /** How long the feed keeps its records. @default 7 days */
  readonly retention?: Duration;
  /** How often the reconciler looks for aggregates whose head is not confirmed. @default 5 minutes */
  readonly reconcileEvery?: Duration;
  /**
   * How many aggregates a run on the schedule looks at; the next one goes on from there. It bounds what reconciling costs:
   * about 1.5 read units an aggregate. After a batch was given up, a whole round is run whatever this says.
   *
   * @default 2000
   */
  readonly reconcileAtMost?: number;
}

export interface FeedProps extends FeedOptions {
  readonly storage: HotStorage;
}

/** Table stream → pipe with its enrichment → Kinesis; Confirm and the reconciler. The protocol: docs/feed-protocol.md. */
export class Feed extends Construct {
  readonly stream: Stream;
  /** How it begins: `start`, `now`, or the feed before it. */
  readonly from: string;
  readonly fanOut: boolean;
  readonly pipe: CfnPipe;
  readonly deadLetters: Queue;
  readonly enrich: NodeFunction;
  readonly confirm: NodeFunction;
  readonly reconcile: NodeFunction;
  readonly reconcileEvery: Duration;

  constructor(scope: Construct, id: string, props: FeedProps) {
    super(scope, id);
    const { storage } = props;
    this.fanOut = props.fanOut ?? false;
    this.reconcileEvery = props.reconcileEvery ?? Duration.minutes(5);
    const tableStream = storage.events.tableStreamArn!;
    this.stream = new Stream(this, `Stream${props.generation ?? 1}`, {
      streamMode: StreamMode.ON_DEMAND,
      encryption: StreamEncryption.MANAGED,
      retentionPeriod: props.retention ?? Duration.days(7),
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const environment = {
      EVENTS_TABLE: storage.events.tableName,
      CONFIRMED_TABLE: storage.confirmed.tableName,
      FEED_ID: this.stream.streamName,
      METRIC_NAMESPACE,
    };
    const { from = 'start' } = props;
    this.from = from;
    const waits = from === 'start' ? {} : { FEED_FROM: from };

    this.enrich = new NodeFunction(this, 'Enrich', {
      name: 'table-to-feed',
      description: 'Makes per-aggregate order from the table: one envelope per aggregate, from confirmed + 1.',
      memorySize: 1024,
      timeout: Duration.seconds(60),
      environment: { ...environment, ...waits },
    });
    this.enrich.allow(['dynamodb:Query'], [storage.events.tableArn]);
    this.enrich.allow(
      // Whether the feed is adopted is one item.
      from === 'start' ? ['dynamodb:BatchGetItem'] : ['dynamodb:BatchGetItem', 'dynamodb:GetItem'],
      [storage.confirmed.tableArn],
    );

    this.deadLetters = deadLetters(this, 'PipeDeadLetters');
    const role = new Role(this, 'PipeRole', { assumedBy: new ServicePrincipal('pipes.amazonaws.com') });
    const allow = (actions: string[], resources: string[]) =>
      role.addToPolicy(new PolicyStatement({ actions, resources }));
    allow(['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'], [tableStream]);
    allow(['dynamodb:ListStreams'], ['*']);
    acknowledge(role, 'IAM5[Resource::*]', 'dynamodb:ListStreams, which a pipe needs, knows no resource');
    allow(['lambda:InvokeFunction'], [this.enrich.function.functionArn]);
    allow(['kinesis:PutRecord', 'kinesis:PutRecords'], [this.stream.streamArn]);
    allow(['sqs:SendMessage'], [this.deadLetters.queueArn]);
    this.pipe = new CfnPipe(this, 'Pipe', {
      roleArn: role.roleArn,
      source: tableStream,
      sourceParameters: {
        // No filter on the event's name: MODIFY and REMOVE are breaches that the enrichment has to see.
        dynamoDbStreamParameters: {
          startingPosition: 'TRIM_HORIZON',
          batchSize: 100,
          maximumBatchingWindowInSeconds: (props.window ?? Duration.seconds(1)).toSeconds(),
          parallelizationFactor: 1, // above 1, order holds only per item
          maximumRetryAttempts: -1, // a finite number discards records
          maximumRecordAgeInSeconds: -1,
          onPartialBatchItemFailure: 'AUTOMATIC_BISECT',
          deadLetterConfig: { arn: this.deadLetters.queueArn },
        },
      },
      enrichment: this.enrich.function.functionArn,
      target: this.stream.streamArn,
      targetParameters: { kinesisStreamParameters: { partitionKey: '$.aggregate' } },
    });
    this.pipe.node.addDependency(role);

    this.confirm = new NodeFunction(this, 'Confirm', {
      name: 'feed-to-confirmed',
      description: 'Raises `confirmed` from what it sees in the feed and carries long runs on.',
      timeout: Duration.seconds(60),
      environment,
    });
    this.confirm.allow(['dynamodb:Query'], [storage.events.tableArn]);
    this.confirm.allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [storage.confirmed.tableArn]);
    this.confirm.allow(['kinesis:PutRecords'], [this.stream.streamArn]);
    readFeed(this.confirm, this);

    this.reconcile = new NodeFunction(this, 'Reconcile', {
      name: 'reconcile-feed',
      description:
        'Compares the heads in the table with `confirmed` and puts the next envelope of each aggregate that lags.',
      timeout: Duration.minutes(5),
      reservedConcurrentExecutions: 1,
      environment: { ...environment, ...waits, POSITIONS_TABLE: storage.positions.tableName },
    });
    if (from !== 'start' && from !== 'now') {
      // To go on from another feed: where its aggregates and its consumers stand.
      this.reconcile.allow(['dynamodb:Scan'], [storage.confirmed.tableArn]);
      this.reconcile.allow(['dynamodb:PutItem', 'dynamodb:Scan'], [storage.positions.tableArn]);
    }
    this.reconcile.allow(['dynamodb:GetItem', 'dynamodb:Query'], [storage.events.tableArn]);
    this.reconcile.allow(['dynamodb:Query'], [`${storage.positions.tableArn}/index/${PARKED_AGGREGATES}`]);
    this.reconcile.allow(['dynamodb:Scan'], [`${storage.events.tableArn}/index/${AGGREGATES_BY_TYPE}`]);
    this.reconcile.allow(
      ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:UpdateItem'],
      [storage.confirmed.tableArn],
    );
    this.reconcile.allow(['kinesis:PutRecords'], [this.stream.streamArn]);
    new Rule(this, 'ReconcileOnSchedule', {
      schedule: Schedule.rate(this.reconcileEvery),
      targets: [
        new LambdaFunction(this.reconcile.function, {
          event: RuleTargetInput.fromObject({ reason: 'schedule', most: props.reconcileAtMost ?? 2000 }),
        }),
      ],
    });
    this.reconcile.allow(
      ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'],
      [this.deadLetters.queueArn],
    );
    const fromDeadLetters = new CfnEventSourceMapping(this.reconcile, 'FromDeadLetters', {
      functionName: this.reconcile.function.functionName,
      eventSourceArn: this.deadLetters.queueArn,
      batchSize: 10,
      functionResponseTypes: ['ReportBatchItemFailures'], // a letter comes back until a whole round has answered it
    });
    fromDeadLetters.node.addDependency(this.reconcile.role);
  }
}

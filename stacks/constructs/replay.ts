import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ArnFormat, type CfnElement, Duration, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { acknowledge, acknowledgePrefix } from './acknowledge.ts';
import type { Archive } from './archive.ts';
import { duckdbLayer } from './duckdb-layer.ts';
import type { Feed } from './feed.ts';
import { packageRoot } from './function-code.ts';
import { AGGREGATES_BY_TYPE, type HotStorage } from './hot-storage.ts';
import { NodeFunction } from './node-function.ts';
import type { Publisher } from './publisher.ts';

export interface ReplayOptions {
  /** Memory of the function that folds a slice. @default 2048 MiB */
  readonly foldMemoryMiB?: number;
  /** Disk for a slice's files (`/tmp`). @default 4096 MiB */
  readonly foldDiskMiB?: number;
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

  constructor(scope: Construct, id: string, props: ReplayProps) {
    super(scope, id);
    const { storage, archive, publisher, app } = props;
    const { bucket } = archive;
    const EVENTS_TABLE = storage.events.tableName;
    const PROJECTIONS_TABLE = storage.projections.tableName;
    const ARCHIVE_BUCKET = bucket.bucketName;

    this.plan = new NodeFunction(this, 'Plan', {
      name: 'replay-plan',
      app,
      description: 'Checks a replay’s request and fixes which files of the archive it folds.',
      timeout: Duration.minutes(15),
      environment: { PROJECTIONS_TABLE, ARCHIVE_BUCKET },
    });
    this.plan.allow(['s3:ListBucket'], [bucket.bucketArn]);
    this.plan.allow(['s3:PutObject'], [bucket.arnForObjects('replays/*')]);
    this.plan.allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [storage.projections.tableArn]);

    this.fold = new NodeFunction(this, 'Fold', {
      name: 'replay-fold',
      app,
      description: 'Folds one bucket of the archive into a build.',
      memorySize: props.foldMemoryMiB ?? 2048,
      ephemeralStorageSize: Size.mebibytes(props.foldDiskMiB ?? 4096),
      timeout: Duration.minutes(15),
      layers: [duckdbLayer(this)],
      environment: { PROJECTIONS_TABLE, ARCHIVE_BUCKET },
    });
    this.fold.allow(['s3:GetObject'], [bucket.arnForObjects('events/*'), bucket.arnForObjects('replays/*')]);
    this.fold.allow(['dynamodb:PutItem'], [storage.projections.tableArn]);

    this.catchUp = new NodeFunction(this, 'CatchUp', {
      name: 'replay-catch-up',
      app,
      description: 'Brings every aggregate of a build to its head in the events table.',
      memorySize: 1024,
      timeout: Duration.minutes(15),
      environment: { EVENTS_TABLE, PROJECTIONS_TABLE },
    });
    this.catchUp.allow(['dynamodb:Query'], [storage.events.tableArn]);
    this.catchUp.allow(['dynamodb:Query', 'dynamodb:Scan'], [`${storage.events.tableArn}/index/${AGGREGATES_BY_TYPE}`]);
    this.catchUp.allow(
      ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:PutItem'],
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
    this.verify.allow(['dynamodb:Query'], [storage.projections.tableArn]);
    this.verify.allow(['s3:PutObject'], [bucket.arnForObjects('reports/*')]);

    for (const prefix of ['events', 'replays', 'reports']) acknowledgePrefix(this, bucket, prefix);
    this.stateMachine = this.machine(storage, archive, publisher);
  }

  private machine(storage: HotStorage, archive: Archive, publisher: Publisher): StateMachine {
    const stack = Stack.of(this);
    const functions = {
      ReplayPlanFunctionArn: this.plan.function.functionArn,
      ReplayFoldFunctionArn: this.fold.function.functionArn,
      ReplayCatchUpFunctionArn: this.catchUp.function.functionArn,
      ReplayVerifyFunctionArn: this.verify.function.functionArn,
    };
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('states.amazonaws.com') });
    const allow = (actions: string[], resources: string[]) =>
      role.addToPolicy(new PolicyStatement({ actions, resources }));
    allow(['lambda:InvokeFunction'], Object.values(functions));
    allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], [storage.projections.tableArn]);
    allow(['events:PutEvents'], [publisher.bus.eventBusArn]);

    const machine = new StateMachine(this, 'StateMachine', {
      // A string, not an asset: the definition stays in the template, where tests and linters see it.
      definitionBody: DefinitionBody.fromString(
        readFileSync(join(packageRoot, 'statemachines/replay.asl.json'), 'utf8'),
      ),
      definitionSubstitutions: {
        ...functions,
        ProjectionsTableName: storage.projections.tableName,
        ArchiveBucketName: archive.bucket.bucketName,
        EventBusName: publisher.bus.eventBusName,
      },
      role,
      timeout: Duration.days(14),
      tracingEnabled: true,
      logs: {
        destination: new LogGroup(this, 'Log', {
          logGroupName: `/aws/vendedlogs/states/${this.node.addr}`, // this prefix keeps the log's resource policy small (AWS's advice)
          retention: RetentionDays.ONE_MONTH,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
        level: LogLevel.ALL,
        includeExecutionData: false, // no payloads in logs
      },
    });
    acknowledge(role, 'IAM5[Resource::*]', 'Log delivery and X-Ray know no resource (Step Functions’ guide)');
    // A distributed map runs the machine's own child executions; apart from the role's policy, which the machine waits for.
    const children = new Policy(this, 'ChildExecutions', {
      roles: [role],
      statements: [
        new PolicyStatement({ actions: ['states:StartExecution'], resources: [machine.stateMachineArn] }),
        new PolicyStatement({
          actions: ['states:DescribeExecution', 'states:StopExecution'],
          resources: [
            stack.formatArn({
              service: 'states',
              resource: 'execution',
              resourceName: `${machine.stateMachineName}/*`,
              arnFormat: ArnFormat.COLON_RESOURCE_NAME,
            }),
          ],
        }),
      ],
    });
    const logicalId = stack.getLogicalId(machine.node.defaultChild as CfnElement);
    const executions = `arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<${logicalId}.Name>/*`;
    acknowledge(children, `IAM5[Resource::${executions}]`, 'The executions of this machine and of no other');
    return machine;
  }
}

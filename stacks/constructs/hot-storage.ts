import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  BillingMode,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
  type TableProps,
} from 'aws-cdk-lib/aws-dynamodb';
import { AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

/** The index that lists aggregates by type. */
export const AGGREGATES_BY_TYPE = 'AggregatesByType';

/** The index that holds the aggregates which a consumer has parked, and no others. */
export const PARKED_AGGREGATES = 'ParkedAggregates';

/** Overrides of the defaults, table by table; keys, streams and retention stay as they are. */
export interface HotStorageProps {
  readonly events?: Partial<TableProps>;
}

/**
 * The tables: events (append-only), and apart from it what is derived from them: confirmed, positions, snapshots,
 * projections.
 */
export class HotStorage extends Construct {
  readonly events: Table;
  readonly confirmed: Table;
  readonly positions: Table;
  readonly snapshots: Table;
  readonly projections: Table;

  constructor(scope: Construct, id: string, props: HotStorageProps = {}) {
    super(scope, id);
    this.events = new Table(this, 'Events', {
      ...retained,
      partitionKey: { name: 'AggregateUuid', type: AttributeType.STRING },
      sortKey: { name: 'Version', type: AttributeType.NUMBER },
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
      resourcePolicy: appendOnly(),
      ...props.events,
    });
    this.events.addGlobalSecondaryIndex({
      indexName: AGGREGATES_BY_TYPE,
      partitionKey: { name: 'AggregateShard', type: AttributeType.STRING },
      sortKey: { name: 'AggregateUuid', type: AttributeType.STRING },
      projectionType: ProjectionType.KEYS_ONLY,
    });
    this.confirmed = new Table(this, 'Confirmed', { ...retained, partitionKey: text('Cursor') });
    this.positions = new Table(this, 'Positions', { ...retained, partitionKey: text('Consumer') });
    this.positions.addGlobalSecondaryIndex({
      indexName: PARKED_AGGREGATES,
      partitionKey: text('ParkedIn'), // the feed
      sortKey: text('Consumer'),
      projectionType: ProjectionType.ALL,
    });
    this.snapshots = new Table(this, 'Snapshots', {
      ...retained,
      partitionKey: text('AggregateUuid'),
      sortKey: text('Fold'),
    });
    this.projections = new Table(this, 'Projections', {
      ...retained,
      partitionKey: text('Build'),
      sortKey: text('Key'),
    });
  }
}

const text = (name: string) => ({ name, type: AttributeType.STRING });

const retained = {
  billingMode: BillingMode.PAY_PER_REQUEST,
  encryption: TableEncryption.AWS_MANAGED,
  pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
  deletionProtection: true,
  removalPolicy: RemovalPolicy.RETAIN,
} as const;

/**
 * Nobody changes or deletes an event, not even an administrator: a deny in the table's own policy wins over any allow.
 * BatchWriteItem is denied because it takes no condition. A raw PutItem can still overwrite (IAM cannot require a
 * condition): the enrichment sees that as MODIFY, counts it and an alarm tells.
 */
function appendOnly(): PolicyDocument {
  return new PolicyDocument({
    statements: [
      new PolicyStatement({
        sid: 'EventsAreImmutable',
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: [
          'dynamodb:BatchWriteItem',
          'dynamodb:DeleteItem',
          'dynamodb:PartiQLDelete',
          'dynamodb:PartiQLInsert',
          'dynamodb:PartiQLUpdate',
          'dynamodb:UpdateItem',
        ],
        resources: ['*'], // in a table's own policy: this table (its ARN would make the template refer to itself)
      }),
    ],
  });
}

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { AccountRootPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { Daybook, Subscriber } from 'daybook/cdk';
import { savedQueries } from './saved-queries.ts';

const here = dirname(fileURLToPath(import.meta.url));

/** The bank: its event store, a role for its analysts, and a service of another team that subscribes to it. */
export class BankStack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps = {}) {
    super(scope, id, props);
    const daybook = new Daybook(this, 'Daybook', { app: join(here, 'app.ts'), archive: { savedQueries } });

    // Who of the account's people may assume it asks the archive with SQL, and does nothing else.
    daybook.grantQuery(new Role(this, 'Analysts', { assumedBy: new AccountRootPrincipal() }));

    const overdrafts = new Table(this, 'Overdrafts', {
      partitionKey: { name: 'AggregateUuid', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const fees = new Subscriber(this, 'FeeService', {
      daybook,
      entry: join(here, 'fee-service.ts'),
      eventPattern: { detailType: ['MoneyDeposited', 'MoneyWithdrawn'] },
      environment: { OVERDRAFTS_TABLE: overdrafts.tableName },
    });
    fees.function.allow(['dynamodb:GetItem', 'dynamodb:PutItem'], [overdrafts.tableArn]);
  }
}

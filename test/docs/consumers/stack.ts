import { RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';
import { Daybook, FeedSubscriber, Subscriber } from 'daybook/cdk';

const moduleAt = (name: string) => new URL(name, import.meta.url).pathname;

export class ShopStack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps & { readonly lettersUrl: string }) {
    super(scope, id, props);
    const daybook = new Daybook(this, 'Daybook');

    // Every event, from the feed itself.
    const points = new Table(this, 'Points', {
      partitionKey: { name: 'Account', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const keeper = new FeedSubscriber(this, 'PointsKeeper', {
      daybook,
      entry: moduleAt('points.ts'),
      environment: { POINTS_TABLE: points.tableName },
    });
    keeper.function.allow(['dynamodb:UpdateItem'], [points.tableArn]);

    // What a rule lets through, from the bus by way of a queue.
    new Subscriber(this, 'Letters', {
      daybook,
      entry: moduleAt('letters.ts'),
      eventPattern: { detailType: ['MoneyDeposited'], detail: { data: { amount: [{ numeric: ['>=', 1000] }] } } },
      environment: { LETTERS_URL: props.lettersUrl },
    });
  }
}

import { Duration } from 'aws-cdk-lib';
import { type EventPattern, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { CfnEventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { METRIC_NAMESPACE } from './alarms.ts';
import type { Daybook } from './daybook.ts';
import { deadLetters } from './dead-letters.ts';
import { NodeFunction, type NodeFunctionProps } from './node-function.ts';

export interface SubscriberProps extends Omit<NodeFunctionProps, 'name' | 'app'> {
  readonly daybook: Daybook;
  /** The full path of a module that exports `handler`, made with `daybook/consume`. */
  readonly entry: string;
  /** Which events: at least their types. */
  readonly eventPattern: EventPattern;
}

/**
 * A subscriber of the bus, wired as it should be: rule → queue → function, with dead letters. The function may read the
 * events table and keep its own positions; what else it does is for `function.allow(…)`.
 *
 * @example
 * new Subscriber(this, 'Fees', { daybook, entry: join(here, 'fees.ts'), eventPattern: { detailType: ['MoneyWithdrawn'] } });
 */
export class Subscriber extends Construct {
  readonly function: NodeFunction;
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, props: SubscriberProps) {
    super(scope, id);
    const { daybook, entry, eventPattern, environment, ...rest } = props;
    const timeout = rest.timeout ?? Duration.seconds(30);
    this.function = new NodeFunction(this, 'Function', {
      ...rest,
      timeout,
      name: entry,
      environment: {
        EVENTS_TABLE: daybook.storage.events.tableName,
        POSITIONS_TABLE: daybook.storage.positions.tableName,
        FEED_ID: daybook.feed.stream.streamName,
        METRIC_NAMESPACE,
        ...environment,
      },
    });
    this.function.allow(['dynamodb:Query'], [daybook.storage.events.tableArn]);
    this.function.allow(['dynamodb:BatchGetItem', 'dynamodb:UpdateItem'], [daybook.storage.positions.tableArn]);
    this.deadLetters = deadLetters(this, 'DeadLetters');
    daybook.alarms.deadLetters(
      id,
      this.deadLetters,
      'events reached the subscriber and failed five times. Mend it, then start the queue’s redrive: the consumer drops what it has done already.',
    );
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: Duration.seconds(timeout.toSeconds() * 6), // what Lambda's guide asks of a queue
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 5 },
    });
    new Rule(this, 'Rule', {
      eventBus: daybook.bus,
      eventPattern,
      targets: [new SqsQueue(this.queue, { deadLetterQueue: this.deadLetters })],
    });
    this.function.allow(['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'], [this.queue.queueArn]);
    const mapping = new CfnEventSourceMapping(this.function, 'FromQueue', {
      functionName: this.function.function.functionName,
      eventSourceArn: this.queue.queueArn,
      batchSize: 10,
      functionResponseTypes: ['ReportBatchItemFailures'],
    });
    mapping.node.addDependency(this.function.role);
  }
}

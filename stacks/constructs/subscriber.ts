import { Duration } from 'aws-cdk-lib';
import { type EventPattern, Rule } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { CfnEventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { METRIC_NAMESPACE } from './alarms.ts';
import type { Daybook } from './daybook.ts';
import { deadLetters } from './dead-letters.ts';
import { readFeed } from './feed-reader.ts';
import { NodeFunction, type NodeFunctionProps } from './node-function.ts';

export interface FeedSubscriberProps extends Omit<NodeFunctionProps, 'name' | 'app'> {
  readonly daybook: Daybook;
  /** The full path of a module that exports `handler`, made with `consumeEvents` of `daybook/consume`. */
  readonly entry: string;
}

export interface SubscriberProps extends FeedSubscriberProps {
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

  constructor(scope: Construct, id: string, { eventPattern, ...props }: SubscriberProps) {
    super(scope, id);
    const { daybook } = props;
    const timeout = props.timeout ?? Duration.seconds(30);
    this.function = consumerFunction(this, { ...props, timeout });
    this.deadLetters = deadLetters(this, 'DeadLetters');
    daybook.alarms.deadLetters(
      id,
      this.deadLetters,
      'the subscriber could not take events twenty times: it is not deployed right, or its tables do not answer (an event that fails by itself parks its aggregate instead). Look at its log and mend it, then start the queue’s redrive: the consumer drops what it has done already.',
    );
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      visibilityTimeout: Duration.seconds(timeout.toSeconds() * 6), // what Lambda's guide asks of a queue
      // More than the attempts after which the kit parks: what comes here is no event's fault.
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 20 },
    });
    daybook.alarms.queueAge(
      id,
      this.queue,
      'its function fails or is throttled, and what an event itself fails at would be parked by now. Look at its log.',
    );
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

/**
 * A subscriber of the feed itself: every event of every type, in order as it comes, sooner than by the bus and without its
 * price, for one more reader of the stream. The function may read the events table and keep its own positions.
 *
 * @example
 * new FeedSubscriber(this, 'Search', { daybook, entry: join(here, 'search.ts') });
 */
export class FeedSubscriber extends Construct {
  readonly function: NodeFunction;

  constructor(scope: Construct, id: string, props: FeedSubscriberProps) {
    super(scope, id);
    const { daybook } = props;
    this.function = consumerFunction(this, { timeout: Duration.seconds(60), ...props });
    readFeed(this.function, daybook.feed);
    daybook.alarms.iteratorAge(id, this.function.function, 'what it keeps is stale.');
  }
}

/** A function that may do what `consumeEvents` does, and is told where. */
function consumerFunction(
  scope: Construct,
  { daybook, entry, environment, ...props }: FeedSubscriberProps,
): NodeFunction {
  const consumer = new NodeFunction(scope, 'Function', {
    ...props,
    name: entry,
    environment: {
      EVENTS_TABLE: daybook.storage.events.tableName,
      POSITIONS_TABLE: daybook.storage.positions.tableName,
      FEED_ID: daybook.feed.stream.streamName,
      METRIC_NAMESPACE,
      ...environment,
    },
  });
  daybook.grantConsume(consumer.role);
  return consumer;
}

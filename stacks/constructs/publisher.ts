import { Duration } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import { METRIC_NAMESPACE } from './alarms.ts';
import type { Feed } from './feed.ts';
import { readFeed } from './feed-reader.ts';
import type { HotStorage } from './hot-storage.ts';
import { NodeFunction } from './node-function.ts';

export interface PublisherProps {
  readonly storage: HotStorage;
  readonly feed: Feed;
}

/** Feed → a bus of its own: one bus event per event, from the publisher's own position. */
export class Publisher extends Construct {
  readonly bus: EventBus;
  readonly publish: NodeFunction;

  constructor(scope: Construct, id: string, { storage, feed }: PublisherProps) {
    super(scope, id);
    this.bus = new EventBus(this, 'Bus', { description: 'Every event of the store, once each in the normal case' });
    this.publish = new NodeFunction(this, 'Publish', {
      name: 'feed-to-bus',
      description:
        'One bus event per event, in order per aggregate on the way in; a bus promises no order on the way out.',
      timeout: Duration.seconds(60),
      environment: {
        EVENTS_TABLE: storage.events.tableName,
        POSITIONS_TABLE: storage.positions.tableName,
        FEED_ID: feed.stream.streamName,
        METRIC_NAMESPACE,
        EVENT_BUS: this.bus.eventBusName,
      },
    });
    this.publish.allow(['dynamodb:Query'], [storage.events.tableArn]);
    this.publish.allow(['dynamodb:BatchGetItem', 'dynamodb:UpdateItem'], [storage.positions.tableArn]);
    this.publish.allow(['events:PutEvents'], [this.bus.eventBusArn]);
    readFeed(this.publish, feed);
  }
}

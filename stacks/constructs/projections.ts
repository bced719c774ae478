import { Duration } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { METRIC_NAMESPACE } from './alarms.ts';
import type { Feed } from './feed.ts';
import { readFeed } from './feed-reader.ts';
import type { HotStorage } from './hot-storage.ts';
import { NodeFunction } from './node-function.ts';

export interface ProjectionsProps {
  readonly storage: HotStorage;
  readonly feed: Feed;
  /** The module whose default export is `defineApp(…)`: its projections run in here. */
  readonly app: string;
}

/** Feed → the app's projections, kept up to date while events arrive. */
export class Projections extends Construct {
  readonly project: NodeFunction;

  constructor(scope: Construct, id: string, { storage, feed, app }: ProjectionsProps) {
    super(scope, id);
    this.project = new NodeFunction(this, 'Project', {
      name: 'feed-to-projections',
      app,
      description: "Applies each event once, in order per aggregate, to the app's projections.",
      timeout: Duration.seconds(60),
      environment: {
        EVENTS_TABLE: storage.events.tableName,
        PROJECTIONS_TABLE: storage.projections.tableName,
        FEED_ID: feed.stream.streamName,
        METRIC_NAMESPACE,
      },
    });
    this.project.allow(['dynamodb:Query'], [storage.events.tableArn]);
    this.project.allow(
      ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:PutItem'],
      [storage.projections.tableArn],
    );
    readFeed(this.project, feed);
  }
}

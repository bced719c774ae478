import { Duration } from 'aws-cdk-lib';
import { Dashboard, GraphWidget, type IMetric, MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { feedMetric } from './alarms.ts';

export interface FeedDashboardProps {
  /** The feed's id. */
  readonly feedId: string;
  /** Who reads the feed, by the name in the graph. */
  readonly readers: Readonly<Record<string, IFunction>>;
}

/** What an operator of the feed looks at: is everything on it, is anything wrong, who is behind. */
export class FeedDashboard extends Construct {
  constructor(scope: Construct, id: string, { feedId, readers }: FeedDashboardProps) {
    super(scope, id);
    const of = (name: string, statistic: 'Sum' | 'Maximum' = 'Sum') => feedMetric(name, feedId, statistic);
    const repeats = new MathExpression({
      expression: 'FILL(repeated, 0) / confirmed',
      usingMetrics: { repeated: of('EventsRepeated'), confirmed: of('EventsConfirmed') },
      label: 'repeats per event',
    });
    const ages = Object.entries(readers).map(([label, reader]) =>
      reader.metric('IteratorAge', { statistic: 'Maximum', period: Duration.minutes(1), label }),
    );
    new Dashboard(this, 'Dashboard', {
      widgets: [
        [
          graph('Not on the feed: age of the oldest (ms)', of('UnpublishedAge', 'Maximum')),
          graph('Not on the feed: events', of('UnpublishedEvents')),
          graph('Repeats per event', repeats),
        ],
        [
          graph('Iterator age per reader (ms)', ...ages),
          graph('Holes, breaches, poison', of('Holes'), of('Breaches'), of('ImmutabilityBreaches'), of('Poison')),
          graph('Parked aggregates', of('ParkedAggregates', 'Maximum')), // each run of the reconciler tells them all
        ],
      ],
    });
  }
}

function graph(title: string, ...left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8, leftYAxis: { min: 0 } });
}

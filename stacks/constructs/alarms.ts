import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IAlarmAction,
  type IMetric,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

export interface AlarmsProps {
  /** Told when an alarm rises, such as `new SnsAction(topic)`. @default nobody: the alarms are only shown */
  readonly actions?: readonly IAlarmAction[];
}

/** The namespace of the metrics that Daybook's functions write. */
export const METRIC_NAMESPACE = 'Daybook';

/** In which a run of five minutes fails twice. */
const LEAST_PERIOD_SECONDS = 15 * 60;
/** "The maximum is 86,400" (CloudWatch, an alarm's period). */
const DAY_SECONDS = 86_400;

/** Alarms whose text says what happened and what to do. */
export class Alarms extends Construct {
  private readonly actions: readonly IAlarmAction[];

  constructor(scope: Construct, id: string, props: AlarmsProps = {}) {
    super(scope, id);
    this.actions = props.actions ?? [];
  }

  /** A reader of the feed falls behind: everything behind it waits. */
  iteratorAge(name: string, reader: IFunction, consequence: string): void {
    this.raise(`${name}IteratorAge`, {
      metric: reader.metric('IteratorAge', { statistic: 'Maximum', period: Duration.minutes(1) }),
      threshold: 60_000,
      periods: 5,
      text: `${name} is more than a minute behind: ${consequence} Look at its errors first (its log group), then at its throttles.`,
    });
  }

  errors(name: string, failing: IFunction, consequence: string): void {
    this.raise(`${name}Errors`, {
      metric: failing.metricErrors({ period: Duration.minutes(5) }),
      threshold: 0,
      periods: 3,
      text: `${name} fails: ${consequence} Its log group says why.`,
    });
  }

  /**
   * A function on a schedule fails again and again: what is missing between two runs must not count as well. One attempt that fails is
   * made good by Lambda's next.
   */
  scheduledErrors(name: string, failing: IFunction, every: Duration, consequence: string): void {
    const seconds = Math.min(Math.max(every.toSeconds(), LEAST_PERIOD_SECONDS), DAY_SECONDS);
    this.raise(`${name}Errors`, {
      metric: failing.metricErrors({ period: Duration.seconds(Math.ceil(seconds / 60) * 60) }),
      threshold: 1,
      periods: 1,
      text: `${name} fails: ${consequence} Its log group says why.`,
    });
  }

  deadLetters(name: string, queue: IQueue, consequence: string): void {
    this.raise(`${name}DeadLetters`, {
      metric: queue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(1), statistic: 'Maximum' }),
      threshold: 0,
      periods: 1,
      text: `${name} has dead letters: ${consequence}`,
    });
  }

  /** What waits in a queue is not taken, or not done. */
  queueAge(name: string, queue: IQueue, consequence: string): void {
    this.raise(`${name}QueueAge`, {
      metric: queue.metricApproximateAgeOfOldestMessage({ period: Duration.minutes(5), statistic: 'Maximum' }),
      threshold: 1800,
      periods: 1,
      text: `${name} has not done a message for half an hour: ${consequence}`,
    });
  }

  /** A metric that Daybook's functions write (log lines in the embedded metric format), which must stay at zero. */
  none(name: string, metricName: string, feedId: string, text: string): void {
    this.raise(name, {
      metric: feedMetric(metricName, feedId, 'Sum'),
      threshold: 0,
      periods: 1,
      text,
    });
  }

  metric(name: string, metric: IMetric, threshold: number, periods: number, text: string): void {
    this.raise(name, { metric, threshold, periods, text });
  }

  private raise(id: string, alarm: { metric: IMetric; threshold: number; periods: number; text: string }): void {
    new Alarm(this, id, {
      alarmDescription: alarm.text,
      metric: alarm.metric,
      threshold: alarm.threshold,
      evaluationPeriods: alarm.periods,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    }).addAlarmAction(...this.actions);
  }
}

/** What Daybook's functions write of a feed. */
export function feedMetric(metricName: string, feedId: string, statistic: 'Sum' | 'Maximum'): Metric {
  return new Metric({
    namespace: METRIC_NAMESPACE,
    metricName,
    dimensionsMap: { Feed: feedId },
    statistic,
    period: Duration.minutes(5),
  });
}

/** How old the oldest record is that a delivery stream has not yet written to S3, in seconds. */
export function deliveryFreshness(deliveryStreamName: string): Metric {
  return new Metric({
    namespace: 'AWS/Firehose',
    metricName: 'DeliveryToS3.DataFreshness',
    dimensionsMap: { DeliveryStreamName: deliveryStreamName },
    statistic: 'Maximum',
    period: Duration.minutes(5),
  });
}

/** Executions of a pipe that failed ("EventBridge Pipes metrics" in its guide). */
export function pipeFailures(pipeName: string): Metric {
  return new Metric({
    namespace: 'AWS/EventBridge/Pipes',
    metricName: 'ExecutionFailed',
    dimensionsMap: { PipeName: pipeName },
    statistic: 'Sum',
    period: Duration.minutes(5),
  });
}

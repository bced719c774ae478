import { createReport, type Report } from '../feed/metrics.ts';
import { environment } from './environment.ts';

/** Metrics and log lines of one function, to standard output. `METRIC_NAMESPACE` is `Daybook` unless set. */
export function reportOf(name: string): Report {
  return createReport({
    namespace: process.env.METRIC_NAMESPACE || 'Daybook',
    feed: environment('FEED_ID'),
    function: name,
  });
}

import type { Observed } from './observed.ts';

export interface MetricsOptions {
  readonly namespace: string;
  /** The one dimension. */
  readonly feed: string;
  /** Which function writes, for the log lines. */
  readonly function: string;
  /** Takes one line. Default: standard output, which Lambda's log is made of. */
  readonly write?: (line: string) => void;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export type Report = (observed: Observed) => void;

/**
 * Writes counts as one line of CloudWatch's embedded metric format ("The logs must contain … `_aws`") and each note as one
 * JSON line. Nothing is written for nothing.
 */
export function createReport({
  namespace,
  feed,
  function: name,
  write = console.log,
  now = Date.now,
}: MetricsOptions): Report {
  return ({ counts, notes }) => {
    for (const note of notes) write(JSON.stringify({ level: 'WARN', function: name, feed, ...note }));
    if (counts.size === 0) return;
    const metrics = [...counts.keys()].map((metric) => ({ Name: metric, Unit: 'Count' }));
    const aws = {
      Timestamp: now(),
      CloudWatchMetrics: [{ Namespace: namespace, Dimensions: [['Feed']], Metrics: metrics }],
    };
    write(JSON.stringify({ _aws: aws, Feed: feed, function: name, ...Object.fromEntries(counts) }));
  };
}

/** Says nothing to nobody: the default of a handler that was made without a report. */
export const noReport: Report = () => {};

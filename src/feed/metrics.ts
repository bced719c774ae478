import type { Observed } from './observed.ts';

export interface MetricsOptions {
  readonly namespace: string;
  /** The dimension of every metric. */
  readonly feed: string;
  /** A dimension more: a consumer's metrics are there with it and without. */
  readonly consumer?: string;
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
  consumer,
  function: name,
  write = console.log,
  now = Date.now,
}: MetricsOptions): Report {
  const dimensions = consumer === undefined ? [['Feed']] : [['Feed'], ['Feed', 'Consumer']];
  return ({ counts, highest, notes }) => {
    for (const note of notes) write(JSON.stringify({ level: 'WARN', function: name, feed, ...note }));
    if (counts.size + highest.size === 0) return;
    const metrics = [
      ...[...counts.keys()].map((metric) => ({ Name: metric, Unit: 'Count' })),
      ...[...highest.keys()].map((metric) => ({ Name: metric, Unit: 'Milliseconds' })),
    ];
    const aws = {
      Timestamp: now(),
      CloudWatchMetrics: [{ Namespace: namespace, Dimensions: dimensions, Metrics: metrics }],
    };
    const names = { Feed: feed, ...(consumer !== undefined && { Consumer: consumer }), function: name };
    write(JSON.stringify({ _aws: aws, ...names, ...Object.fromEntries([...counts, ...highest]) }));
  };
}

/** Says nothing to nobody: the default of a handler that was made without a report. */
export const noReport: Report = () => {};

import { type TransformedRecord, transform } from '../src/archive/transform.ts';
import { environment } from '../src/aws/environment.ts';
import { reportOf } from '../src/aws/report.ts';
import { noReport, type Report } from '../src/feed/metrics.ts';

/** Firehose's transform: envelopes in, one row per event out. */
export const createFeedToArchive =
  (ports: { readonly feed: string }, report: Report = noReport) =>
  async (event: unknown): Promise<{ readonly records: readonly TransformedRecord[] }> => {
    const { records, seen } = transform(event, ports);
    report(seen);
    return { records };
  };

let run: ReturnType<typeof createFeedToArchive> | undefined;

export const handler = (event: unknown): Promise<{ readonly records: readonly TransformedRecord[] }> => {
  run ??= createFeedToArchive({ feed: environment('FEED_ID') }, reportOf('feed-to-archive'));
  return run(event);
};

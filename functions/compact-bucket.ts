import { S3Client } from '@aws-sdk/client-s3';
import { compactBucket, type SliceSummary, summaryOf } from '../src/archive/compact-bucket.ts';
import type { CompactionPlan, CompactionSlice } from '../src/archive/compact-plan.ts';
import type { CompactionFiles } from '../src/archive/compaction-files.ts';
import { reportCompaction } from '../src/archive/compaction-report.ts';
import type { TypedColumn } from '../src/archive/typed-columns.ts';
import { environment } from '../src/aws/environment.ts';
import { reportOf } from '../src/aws/report.ts';
import { s3CompactionFiles } from '../src/aws/s3-compaction-files.ts';
import { noReport, type Report } from '../src/feed/metrics.ts';

export interface CompactBucketEvent {
  readonly plan: Pick<CompactionPlan, 'generation'>;
  readonly slice: CompactionSlice;
  /** The typed columns, as JSON text: Glue's table `events_compacted` keeps them as a parameter. */
  readonly columns: string;
}

export const createCompactBucket =
  (files: CompactionFiles, memoryLimit: number, report: Report = noReport) =>
  async ({ plan, slice, columns }: CompactBucketEvent): Promise<SliceSummary> => {
    const options = { columns: JSON.parse(columns) as TypedColumn[], memoryLimit };
    const result = await compactBucket(files, plan, slice, options);
    report(reportCompaction(result));
    return summaryOf(result);
  };

let run: ReturnType<typeof createCompactBucket> | undefined;

export const handler = (event: CompactBucketEvent): Promise<SliceSummary> => {
  const files = s3CompactionFiles({ client: new S3Client(), bucket: environment('ARCHIVE_BUCKET') });
  run ??= createCompactBucket(files, Number(environment('DUCKDB_MEMORY_MB')), reportOf('compact-bucket'));
  return run(event);
};

import { S3Client } from '@aws-sdk/client-s3';
import { type CompactionPlan, planCompaction } from '../src/archive/compact-plan.ts';
import type { CompactionFiles } from '../src/archive/compaction-files.ts';
import type { GlueTable } from '../src/archive/current-view.ts';
import { environment } from '../src/aws/environment.ts';
import { s3CompactionFiles } from '../src/aws/s3-compaction-files.ts';

export interface CompactPlanEvent {
  /** Glue's table of the view `events_current`. */
  readonly table: GlueTable;
  readonly request: unknown;
  /** The execution's name: it makes the generation's id one of a kind. */
  readonly execution: string;
}

export const createCompactPlan =
  (files: CompactionFiles) =>
  ({ table, request, execution }: CompactPlanEvent): Promise<CompactionPlan> =>
    planCompaction(files, { table, request, execution, nowMs: Date.now() });

let run: ReturnType<typeof createCompactPlan> | undefined;

export const handler = (event: CompactPlanEvent): Promise<CompactionPlan> => {
  run ??= createCompactPlan(s3CompactionFiles({ client: new S3Client(), bucket: environment('ARCHIVE_BUCKET') }));
  return run(event);
};

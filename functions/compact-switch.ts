import { S3Client } from '@aws-sdk/client-s3';
import type { CompactionPlan } from '../src/archive/compact-plan.ts';
import { prepareSwitch, type SwitchStep } from '../src/archive/compact-switch.ts';
import type { GlueTable } from '../src/archive/current-view.ts';
import { environment } from '../src/aws/environment.ts';
import { s3CompactionFiles } from '../src/aws/s3-compaction-files.ts';

export interface CompactSwitchEvent {
  readonly plan: CompactionPlan;
  readonly table: GlueTable;
}

export const handler = ({ plan, table }: CompactSwitchEvent): Promise<SwitchStep> => {
  const archiveBucket = environment('ARCHIVE_BUCKET');
  const files = s3CompactionFiles({ client: new S3Client(), bucket: archiveBucket });
  return prepareSwitch(files, plan, { table, archiveBucket, nowMs: Date.now() });
};

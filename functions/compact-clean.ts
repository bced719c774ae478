import { S3Client } from '@aws-sdk/client-s3';
import type { Context } from 'aws-lambda';
import { type Cleaned, cleanUp } from '../src/archive/compact-clean.ts';
import type { GlueTable } from '../src/archive/current-view.ts';
import { environment } from '../src/aws/environment.ts';
import { s3CompactionFiles } from '../src/aws/s3-compaction-files.ts';

export interface CompactCleanEvent {
  readonly table: GlueTable;
}

/** Stop early enough that the page under way ends before the function's timeout. */
const MARGIN_MS = 30_000;

export const handler = ({ table }: CompactCleanEvent, context: Context): Promise<Cleaned> => {
  const files = s3CompactionFiles({ client: new S3Client(), bucket: environment('ARCHIVE_BUCKET') });
  const keepMs = Number(environment('KEEP_SECONDS')) * 1000;
  const isLate = () => context.getRemainingTimeInMillis() < MARGIN_MS;
  return cleanUp(files, { table, keepMs, nowMs: Date.now() }, isLate);
};

import type { AthenaClient } from '@aws-sdk/client-athena';
import type { S3Client } from '@aws-sdk/client-s3';
import { createEventArchive, type ReadArchiveOptions } from '../archive/read-archive.ts';
import type { EventArchive } from '../store/event-archive.ts';
import { athenaCurrentGeneration } from './athena-current-generation.ts';
import { s3ArchiveFiles } from './s3-archive-files.ts';

export interface S3EventArchiveOptions extends ReadArchiveOptions {
  readonly s3: S3Client;
  /** The archive's bucket, the output `ArchiveBucketName`: it takes `s3:ListBucket`, and `s3:GetObject` below `events/` and `compacted/`. */
  readonly bucket: string;
  /** Asked for the table of the view `events_current`, which says which compacted files count: it takes `glue:GetTable`. */
  readonly athena: AthenaClient;
  /** The archive's database, the output `DatabaseName`. */
  readonly database: string;
}

/**
 * The archive in S3, for `store.readAll`. It takes the optional package @duckdb/node-api.
 *
 * @example
 * const archive = s3EventArchive({ s3: new S3Client(), bucket: 'bank-archive', athena: new AthenaClient(), database: 'bank' });
 * const store = createEventStore({ table, archive });
 */
export function s3EventArchive(options: S3EventArchiveOptions): EventArchive {
  const { s3, bucket, athena, database } = options;
  const files = s3ArchiveFiles({ client: s3, bucket });
  return createEventArchive(
    { files, currentGeneration: athenaCurrentGeneration({ client: athena, database }) },
    options,
  );
}

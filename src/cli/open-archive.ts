import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AthenaClient } from '@aws-sdk/client-athena';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { FirehoseClient } from '@aws-sdk/client-firehose';
import { S3Client } from '@aws-sdk/client-s3';
import type { ColdStorage } from '../archive/cold-files.ts';
import type { WorkFiles } from '../archive/work-files.ts';
import { athenaCurrentGeneration } from '../aws/athena-current-generation.ts';
import { dynamoCursorTable } from '../aws/dynamo-cursor-table.ts';
import { dynamoEventTable } from '../aws/dynamo-event-table.ts';
import { firehoseWriter } from '../aws/firehose-writer.ts';
import { leanClient } from '../aws/lean-client.ts';
import { s3WorkFiles } from '../aws/s3-work-files.ts';
import { tableSize } from '../aws/table-size.ts';
import type { TableSize } from '../check/price.ts';
import type { CursorTable } from '../feed/cursor-table.ts';
import type { FeedWriter } from '../feed/feed-writer.ts';
import type { EventTable } from '../store/event-table.ts';
import { findTarget, needName, type TargetFlags } from './target.ts';

export interface OpenArchive {
  readonly tableName: string;
  readonly bucket: string;
  readonly client: DynamoDBClient;
  readonly table: EventTable;
  readonly files: WorkFiles;
  /** Any bucket that these credentials may read. */
  filesOf(bucket: string): WorkFiles;
  cold(): ColdStorage;
  /** The feed's id. */
  feed(): string;
  cursors(): CursorTable;
  /** The archive's Direct PUT stream. */
  writer(): FeedWriter;
  size(): Promise<TableSize>;
  /** A folder on this machine, which goes when the archive is closed. */
  workFolder(inside?: string): Promise<string>;
  close(): Promise<void>;
}

/** The events table and its archive that the flags, the environment or a running `daybook dev` mean. */
export async function openArchive(flags: TargetFlags, command: string): Promise<OpenArchive> {
  const target = await findTarget(flags);
  const tableName = needName(target, 'EventsTableName', command);
  const bucket = needName(target, 'ArchiveBucketName', command);
  // Throttled by an on-demand table that is not warm yet, it waits and goes on.
  const client = leanClient(new DynamoDBClient({ ...target.client, maxAttempts: 10 }));
  // An endpoint on this machine has no names for buckets.
  const s3 = new S3Client({ ...target.client, forcePathStyle: target.endpoint !== undefined });
  const clients: { destroy(): void }[] = [client, s3];
  const folders: string[] = [];
  const opened = <C extends { destroy(): void }>(made: C): C => {
    clients.push(made);
    return made;
  };
  const files = s3WorkFiles({ client: s3, bucket });
  const feed = () => needName(target, 'FeedName', command);
  return {
    tableName,
    bucket,
    client,
    table: dynamoEventTable({ client, tableName }),
    files,
    filesOf: (name) => s3WorkFiles({ client: s3, bucket: name }),
    cold: () => ({
      files,
      currentGeneration: athenaCurrentGeneration({
        client: opened(new AthenaClient(target.client)),
        database: needName(target, 'DatabaseName', command),
      }),
    }),
    feed,
    cursors: () =>
      dynamoCursorTable({ client, tableName: needName(target, 'ConfirmedTableName', command), feed: feed() }),
    writer: () =>
      firehoseWriter({
        client: opened(new FirehoseClient(target.client)),
        deliveryStreamName: needName(target, 'RepairsStreamName', command),
      }),
    size: () => tableSize(client, tableName),
    async workFolder(inside = tmpdir()) {
      const folder = await mkdtemp(join(inside, 'daybook-'));
      folders.push(folder);
      return folder;
    },
    async close() {
      for (const each of clients) each.destroy();
      for (const folder of folders) await rm(folder, { recursive: true, force: true });
    },
  };
}

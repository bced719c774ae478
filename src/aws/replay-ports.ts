import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { dynamoBuildProgress } from './dynamo-build-progress.ts';
import { dynamoBuilds } from './dynamo-builds.ts';
import { dynamoProjectionTable } from './dynamo-projection-table.ts';
import { environment } from './environment.ts';
import { s3ArchiveFiles } from './s3-archive-files.ts';

/** The states of builds and their records, in the table that a replay's function is told of. */
export function buildPorts(client: DynamoDBClient) {
  const projections = { client, tableName: environment('PROJECTIONS_TABLE') };
  return { table: dynamoProjectionTable(projections), builds: dynamoBuilds(projections) };
}

/** The same, and of the records only what is done of a build. */
export function progressPorts(client: DynamoDBClient) {
  const projections = { client, tableName: environment('PROJECTIONS_TABLE') };
  return { table: dynamoProjectionTable(projections), builds: dynamoBuildProgress(projections) };
}

/** The archive's files, in the bucket that a replay's function is told of. */
export function archivePorts() {
  return { files: s3ArchiveFiles({ client: new S3Client(), bucket: environment('ARCHIVE_BUCKET') }) };
}

import app from 'daybook:app';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { dynamoProjectionTable } from '../src/aws/dynamo-projection-table.ts';
import { environment } from '../src/aws/environment.ts';
import { leanClient } from '../src/aws/lean-client.ts';
import { s3ArchiveFiles } from '../src/aws/s3-archive-files.ts';
import { createRunnerOf } from '../src/projection/runner.ts';
import { type FoldPorts, type FoldResult, foldSlice } from '../src/replay/fold.ts';
import type { Plan, Slice } from '../src/replay/plan.ts';

export interface ReplayFoldEvent {
  readonly plan: Plan;
  readonly slice: Slice;
}

export const createReplayFold =
  (ports: FoldPorts) =>
  ({ plan, slice }: ReplayFoldEvent): Promise<FoldResult> =>
    foldSlice(ports, createRunnerOf(app.projections, plan), plan, slice);

let fold: ReturnType<typeof createReplayFold> | undefined;

export const handler = (event: ReplayFoldEvent): Promise<FoldResult> => {
  fold ??= createReplayFold({
    files: s3ArchiveFiles({ client: new S3Client(), bucket: environment('ARCHIVE_BUCKET') }),
    table: dynamoProjectionTable({
      client: leanClient(new DynamoDBClient()),
      tableName: environment('PROJECTIONS_TABLE'),
    }),
  });
  return fold(event);
};

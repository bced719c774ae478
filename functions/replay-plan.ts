import app from 'daybook:app';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { dynamoProjectionTable } from '../src/aws/dynamo-projection-table.ts';
import { environment } from '../src/aws/environment.ts';
import { s3ArchiveFiles } from '../src/aws/s3-archive-files.ts';
import { type Plan, type PlanPorts, plan } from '../src/replay/plan.ts';

export interface ReplayPlanEvent {
  /** The execution's name: it names the build. */
  readonly build: string;
  readonly request: unknown;
}

export const createReplayPlan =
  (ports: PlanPorts) =>
  (event: ReplayPlanEvent): Promise<Plan> =>
    plan(ports, app.projections, event.build, event.request);

let planner: ReturnType<typeof createReplayPlan> | undefined;

export const handler = (event: ReplayPlanEvent): Promise<Plan> => {
  planner ??= createReplayPlan({
    files: s3ArchiveFiles({ client: new S3Client(), bucket: environment('ARCHIVE_BUCKET') }),
    table: dynamoProjectionTable({ client: new DynamoDBClient(), tableName: environment('PROJECTIONS_TABLE') }),
  });
  return planner(event);
};

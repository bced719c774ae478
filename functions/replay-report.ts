import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { leanClient } from '../src/aws/lean-client.ts';
import { archivePorts, buildPorts } from '../src/aws/replay-ports.ts';
import type { ArchiveFiles } from '../src/replay/archive-files.ts';
import type { Builds } from '../src/replay/builds.ts';
import type { Plan } from '../src/replay/plan.ts';
import { type WrittenReport, writeReport } from '../src/replay/report.ts';
import { refuseStopped } from '../src/replay/stopped.ts';

export interface ReplayReportEvent {
  readonly plan: Plan;
}

export const createReplayReport =
  ({ files, builds }: { readonly files: ArchiveFiles; readonly builds: Builds }) =>
  async ({ plan }: ReplayReportEvent): Promise<WrittenReport> => {
    await refuseStopped(builds, plan)();
    return writeReport(files, plan);
  };

let run: ReturnType<typeof createReplayReport> | undefined;

export const handler = (event: ReplayReportEvent): Promise<WrittenReport> => {
  run ??= createReplayReport({ ...archivePorts(), ...buildPorts(leanClient(new DynamoDBClient())) });
  return run(event);
};

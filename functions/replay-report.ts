import { archivePorts } from '../src/aws/replay-ports.ts';
import type { ArchiveFiles } from '../src/replay/archive-files.ts';
import type { Plan } from '../src/replay/plan.ts';
import { type WrittenReport, writeReport } from '../src/replay/report.ts';

export interface ReplayReportEvent {
  readonly plan: Plan;
}

export const createReplayReport =
  (files: ArchiveFiles) =>
  ({ plan }: ReplayReportEvent): Promise<WrittenReport> =>
    writeReport(files, plan);

let run: ReturnType<typeof createReplayReport> | undefined;

export const handler = (event: ReplayReportEvent): Promise<WrittenReport> => {
  run ??= createReplayReport(archivePorts().files);
  return run(event);
};

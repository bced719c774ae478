import './errors.ts';
import { DaybookError } from '../errors.ts';
import { itemOf } from '../projection/project.ts';
import { BUCKETS, type ProjectionItem, type ProjectionTable } from '../projection/projection-table.ts';
import type { Runner } from '../projection/runner.ts';
import type { EventTable } from '../store/event-table.ts';
import type { ArchiveFiles } from './archive-files.ts';
import type { CatchUpProgress } from './catch-up.ts';
import type { Plan } from './plan.ts';
import { countsIn } from './range.ts';

export interface VerifyPorts {
  readonly table: ProjectionTable;
  readonly events: EventTable;
  readonly files: ArchiveFiles;
}

/** What was counted so far; handed from one invocation to the next. */
export interface VerifyProgress {
  readonly done: boolean;
  /** How many buckets have been read. */
  readonly buckets: number;
  readonly aggregates: number;
  readonly versions: number;
  readonly applied: number;
  /** Aggregates folded again from the table and compared. */
  readonly sampled: number;
  readonly problems: readonly string[];
}

export const VERIFY_START: VerifyProgress = {
  done: false,
  buckets: 0,
  aggregates: 0,
  versions: 0,
  applied: 0,
  sampled: 0,
  problems: [],
};

/** Of each bucket, so many aggregates are folded again from the table. */
const SAMPLE = 4;
const MOST_PROBLEMS = 20;

/**
 * Counts the build against what catching up saw in the table, and folds a sample again, straight from the table, to compare
 * state with state. A report's states are written beside it as JSON lines. Throws `replay.notVerified` on any difference.
 */
export async function verify(
  ports: VerifyPorts,
  runner: Runner,
  plan: Plan,
  caughtUp: CatchUpProgress,
  progress: VerifyProgress,
  isLate: () => boolean,
): Promise<VerifyProgress> {
  const totals = { ...progress };
  const problems = [...progress.problems];
  let buckets = progress.buckets;
  while (buckets < BUCKETS.length) {
    const bucket = BUCKETS[buckets]!;
    const lines: string[] = [];
    const sample: ProjectionItem[] = [];
    for await (const page of ports.table.list(plan.projection, plan.build, bucket)) {
      for (const item of page) {
        totals.aggregates++;
        totals.versions += item.position;
        totals.applied += item.applied;
        if (plan.kind === 'report' && item.applied > 0) lines.push(reportLine(item));
        keepSample(sample, item, totals.aggregates);
      }
    }
    for (const item of sample) {
      totals.sampled++;
      const problem = await compareWithTable(ports.events, runner, plan, item);
      if (problem !== undefined && problems.length < MOST_PROBLEMS) problems.push(problem);
    }
    if (plan.kind === 'report' && lines.length > 0) {
      await ports.files.writeText(`reports/${plan.projection}/${plan.build}/${bucket}.jsonl`, lines.join(''));
    }
    buckets++;
    if (isLate()) break;
  }
  const done = buckets === BUCKETS.length;
  if (done) problems.push(...differences(plan, caughtUp, totals));
  if (done && problems.length > 0) {
    throw new DaybookError('replay.notVerified', { projection: plan.projection, build: plan.build, problems });
  }
  return { ...totals, done, buckets, problems };
}

/** A rebuild may be farther than catching up saw (live events have joined it), never behind; a report is exactly there. */
function differences(
  plan: Plan,
  expected: CatchUpProgress,
  actual: { aggregates: number; versions: number },
): string[] {
  const exact = plan.kind === 'report';
  const differs = (found: number, wanted: number) => (exact ? found !== wanted : found < wanted);
  const found: string[] = [];
  if (differs(actual.aggregates, expected.aggregates)) {
    found.push(`it holds ${actual.aggregates} aggregates, the table ${expected.aggregates}`);
  }
  if (differs(actual.versions, expected.versions)) {
    found.push(`it has looked at ${actual.versions} versions, the table's heads add up to ${expected.versions}`);
  }
  if (expected.holed.length > 0) {
    found.push(`aggregates with a missing version in the table: ${expected.holed.join(', ')}`);
  }
  return found;
}

/** Reservoir sampling without chance: deterministic for the same order, so that a repeated verification says the same. */
function keepSample(sample: ProjectionItem[], item: ProjectionItem, seen: number): void {
  if (sample.length < SAMPLE) sample.push(item);
  else if ((seen * 2654435761) % 4294967296 < 4294967296 / (seen + 1)) sample[seen % SAMPLE] = item;
}

async function compareWithTable(
  events: EventTable,
  runner: Runner,
  { request }: Plan,
  item: ProjectionItem,
): Promise<string | undefined> {
  const counts = countsIn(request);
  const fold = runner.start();
  for await (const page of events.query(item.aggregateUuid, { from: 1, to: item.position })) {
    for (const event of page) runner.apply(fold, event, counts(event));
  }
  const again = itemOf(item.aggregateUuid, fold);
  if (again.position !== item.position)
    return `${item.aggregateUuid} is at version ${item.position}, the table at ${again.position}`;
  if (again.applied !== item.applied)
    return `${item.aggregateUuid} counted ${item.applied} events, the table has ${again.applied}`;
  if (again.state !== item.state)
    return `${item.aggregateUuid} differs at version ${item.position} from a fold of the table`;
  return undefined;
}

function reportLine({ aggregateUuid, position, applied, state }: ProjectionItem): string {
  return `${JSON.stringify({ aggregateUuid, position, applied }).slice(0, -1)},"state":${state}}\n`;
}

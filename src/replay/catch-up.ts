import { advanceTo } from '../projection/project.ts';
import type { ProjectionTable } from '../projection/projection-table.ts';
import { readAhead } from '../projection/read-ahead.ts';
import type { Runner } from '../projection/runner.ts';
import type { AggregatePage, EventTable } from '../store/event-table.ts';
import type { ArchiveFiles } from './archive-files.ts';
import { boundedWork } from './bounded-work.ts';
import type { BuildProgress } from './builds.ts';
import { HEAD } from './estimate.ts';
import { namingRunner } from './naming-runner.ts';
import type { Plan } from './plan.ts';
import { countsIn, lastVersion } from './range.ts';
import { readSelection, type Selection } from './selection.ts';
import { spendingOf } from './spending.ts';
import { refuseStopped } from './stopped.ts';

export interface CatchUpPorts {
  readonly table: ProjectionTable;
  readonly events: EventTable;
  readonly files: ArchiveFiles;
  readonly builds: BuildProgress;
}

/** How far catching up with a part of the aggregates has come; handed from one invocation to the next. */
export interface CatchUpProgress {
  /** The sixteenths that are its own, a hex digit each. */
  readonly part: string;
  readonly done: boolean;
  /** The sixteenths that are done. */
  readonly buckets: number;
  /** Where to go on in the one that comes now. */
  readonly next?: string;
  /** Aggregates that were compared with their head. */
  readonly aggregates: number;
  /** The versions that the build must reach: the sum of the heads, as they were when each was read. */
  readonly versions: number;
  /** Aggregates that lagged behind and were brought to their head from the table. */
  readonly caughtUp: number;
  /** Aggregates with a hole in the table: they could not reach their head. */
  readonly holed: readonly string[];
}

export const catchUpStart = (part: string): CatchUpProgress => ({
  ...{ part, done: false, buckets: 0, aggregates: 0, versions: 0, caughtUp: 0, holed: [] },
});

/** What catching up with all parts has come to. */
export type CaughtUp = Pick<CatchUpProgress, 'aggregates' | 'versions' | 'caughtUp' | 'holed'>;

export function sumOfParts(parts: readonly CaughtUp[]): CaughtUp {
  const sum = (of: (part: CaughtUp) => number) => parts.reduce((total, part) => total + of(part), 0);
  return {
    aggregates: sum((part) => part.aggregates),
    versions: sum((part) => part.versions),
    caughtUp: sum((part) => part.caughtUp),
    holed: parts.flatMap(({ holed }) => holed),
  };
}

/** How many aggregates are compared at once. */
const AT_ONCE = 32;
const PAGE = 200;
/** Of each part: what they all name goes through the machine. */
const MOST_HOLED = 10;

/**
 * Brings a part of the build's aggregates to the heads that the table has now, in pages until `isLate` says that time is short.
 * Live events join the build before this begins: one that is appended later is theirs, one before is below the head.
 */
export async function catchUp(
  ports: CatchUpPorts,
  given: Runner,
  plan: Plan,
  progress: CatchUpProgress,
  isLate: () => boolean,
): Promise<CatchUpProgress> {
  const runner = namingRunner(given);
  const totals = { aggregates: progress.aggregates, versions: progress.versions, caughtUp: progress.caughtUp };
  const holed = [...progress.holed];
  const counts = countsIn(plan.request);
  const last = lastVersion(plan.request);

  const compare = async (aggregateUuid: string, table: ProjectionTable, fetched: Promise<void>) => {
    const head = await ports.events.head(aggregateUuid);
    await fetched;
    if (head === undefined || !runner.concerns(head.aggregateType)) return;
    const to = Math.min(head.version, last);
    const before = await table.get(plan.projection, plan.build, aggregateUuid);
    totals.aggregates++;
    totals.versions += to;
    if (before !== undefined && before.position >= to) return;
    const fold = await advanceTo({ table, events: ports.events }, runner, plan.build, { aggregateUuid, to, counts });
    totals.caughtUp++;
    if (fold.position < to && holed.length < MOST_HOLED) holed.push(aggregateUuid);
  };

  const spending = spendingOf(ports.builds, plan, 1);
  const goOn = refuseStopped(ports.builds, plan);
  const { part } = progress;
  let { buckets, next } = progress;
  do {
    await goOn();
    const page = await pageOf(ports, runner, plan, part.charAt(buckets), next);
    const ahead = readAhead(ports.table);
    const fetched = ahead.fetch(plan.projection, plan.build, page.aggregateUuids);
    const work = boundedWork(AT_ONCE);
    for (const aggregateUuid of page.aggregateUuids) await work.add(() => compare(aggregateUuid, ahead.table, fetched));
    await Promise.all([fetched, work.settled()]);
    spending.add(page.aggregateUuids.length * HEAD);
    await spending.settle();
    next = page.next;
    if (next === undefined) buckets++;
  } while (buckets < part.length && !isLate());
  const { name, projection, estimate } = plan;
  const done = { done: totals.aggregates, of: estimate.aggregates, spent: spending.rest() };
  await ports.builds.progress(projection, name, 'catchUp', part, done);
  return { part, done: buckets === part.length, buckets, ...(next !== undefined && { next }), ...totals, holed };
}

async function pageOf(
  { events, files }: CatchUpPorts,
  runner: Runner,
  { selection }: Plan,
  bucket: string,
  after: string | undefined,
): Promise<AggregatePage> {
  if (selection !== undefined) return pageOfSelection(files, selection, bucket, after);
  const type = runner.projection.aggregateType;
  return await events.aggregates({
    ...{ limit: PAGE, part: Number.parseInt(bucket, 16) },
    ...(type !== undefined && { type }),
    ...(after !== undefined && { after }),
  });
}

/** Pages of those that are selected of a bucket; `after` says how many of it were taken. */
async function pageOfSelection(
  files: ArchiveFiles,
  selection: Selection,
  bucket: string,
  after = '0',
): Promise<AggregatePage> {
  const all = await readSelection(files, selection, bucket);
  const end = Number(after) + PAGE;
  return { aggregateUuids: all.slice(Number(after), end), ...(end < all.length && { next: String(end) }) };
}

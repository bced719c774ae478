import { READ_UNIT } from '../list-prices.ts';
import { advanceTo } from '../projection/project.ts';
import { BUCKETS, type ProjectionTable } from '../projection/projection-table.ts';
import { readAhead } from '../projection/read-ahead.ts';
import type { Runner } from '../projection/runner.ts';
import type { AggregatePage, EventTable } from '../store/event-table.ts';
import type { ArchiveFiles } from './archive-files.ts';
import { boundedWork } from './bounded-work.ts';
import type { Builds } from './builds.ts';
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
  readonly builds: Builds;
}

/** How far catching up has come; handed from one invocation to the next. */
export interface CatchUpProgress {
  readonly done: boolean;
  /** Where to go on. */
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

export const CATCH_UP_START: CatchUpProgress = { done: false, aggregates: 0, versions: 0, caughtUp: 0, holed: [] };

/** How many aggregates are compared at once. */
const AT_ONCE = 16;
const PAGE = 200;
const MOST_HOLED = 100;

/**
 * Brings every aggregate of the build to the head that the table has now, in pages until `isLate` says that time is short.
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

  const compare = async (aggregateUuid: string, table: ProjectionTable) => {
    const head = await headOf(ports.events, aggregateUuid);
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
  let next = progress.next;
  do {
    await goOn();
    const page = await pageOf(ports, runner, plan, next);
    const ahead = readAhead(ports.table);
    await ahead.fetch(plan.projection, plan.build, page.aggregateUuids);
    const work = boundedWork(AT_ONCE);
    for (const aggregateUuid of page.aggregateUuids) await work.add(() => compare(aggregateUuid, ahead.table));
    await work.settled();
    // A head is half a read unit, its state in the build one.
    spending.add(page.aggregateUuids.length * 1.5 * READ_UNIT);
    await spending.settle();
    next = page.next;
  } while (next !== undefined && !isLate());
  const { name, projection, estimate } = plan;
  await ports.builds.progress(projection, name, 'catchUp', { done: totals.aggregates, of: estimate.aggregates });
  return { done: next === undefined, ...(next !== undefined && { next }), ...totals, holed };
}

async function pageOf(
  { events, files }: CatchUpPorts,
  runner: Runner,
  { selection }: Plan,
  after: string | undefined,
): Promise<AggregatePage> {
  if (selection !== undefined) return pageOfSelection(files, selection, after);
  const type = runner.projection.aggregateType;
  return await events.aggregates({
    limit: PAGE,
    ...(type !== undefined && { type }),
    ...(after !== undefined && { after }),
  });
}

/** Pages of the selected, bucket by bucket; `after` says which bucket, and how many of it were taken. */
async function pageOfSelection(
  files: ArchiveFiles,
  selection: Selection,
  after = '0:0',
): Promise<{ readonly aggregateUuids: readonly string[]; readonly next?: string }> {
  const [bucket = '0', taken = '0'] = after.split(':');
  const all = await readSelection(files, selection, bucket);
  const end = Number(taken) + PAGE;
  const following = BUCKETS[BUCKETS.indexOf(bucket) + 1];
  const next = end < all.length ? `${bucket}:${end}` : following && `${following}:0`;
  return { aggregateUuids: all.slice(Number(taken), end), ...(next !== undefined && { next }) };
}

async function headOf(events: EventTable, aggregateUuid: string) {
  for await (const [head] of events.query(aggregateUuid, { reverse: true, limit: 1 })) {
    if (head !== undefined) return head;
  }
  return undefined;
}

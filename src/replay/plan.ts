import './errors.ts';
import './plan-errors.ts';
import { isNotThere } from '../archive/work-files.ts';
import type { TableSize } from '../check/price.ts';
import { DaybookError } from '../errors.ts';
import { bucketOf } from '../event/bucket.ts';
import type { AnyProjection } from '../projection/definition.ts';
import { BUCKETS, isLiveBuild, type ProjectionTable } from '../projection/projection-table.ts';
import type { ArchiveFiles } from './archive-files.ts';
import type { BuildKind, Builds, LockHolder } from './builds.ts';
import { type Estimate, estimateReplay, partsOf } from './estimate.ts';
import { isWholeHistory } from './range.ts';
import { type CheckedRequest, checkRequest } from './request.ts';
import { type Selection, selectedIn, writeSelection } from './selection.ts';
import { cutIntoPasses, filesByBucket, PASS_BYTES, type Slice, sliceKey, writeSlice } from './slice-files.ts';
import { endedWell, isStopped } from './stopped.ts';

export type { Slice } from './slice-files.ts';

export interface Plan {
  /** The execution's name: the record of the replay has it. */
  readonly name: string;
  /** Where states are written: the execution's name too, but for a rollback, which goes on with an earlier build. */
  readonly build: string;
  /** A rebuild is promoted, a report never. */
  readonly kind: BuildKind;
  readonly projection: string;
  readonly version: number;
  readonly request: CheckedRequest;
  readonly slices: readonly Slice[];
  /** What a pass over a slice's files may read. */
  readonly passBytes: number;
  /** Who catches up and verifies which sixteenths of the aggregates, a hex digit each. */
  readonly parts: readonly string[];
  /** The aggregates that the range names. */
  readonly selection?: Selection;
  readonly estimate: Estimate;
}

/** Another rebuild has the lock, and the request said to wait for it. */
export interface Busy {
  readonly busy: string;
}

export interface PlanPorts {
  readonly files: ArchiveFiles;
  readonly table: ProjectionTable;
  readonly builds: Builds;
  /** How much the events table holds. */
  size(): Promise<TableSize>;
  isRunning(execution: string): Promise<boolean>;
  now(): number;
}

export interface PlanOptions {
  /** The execution's name. */
  readonly name: string;
  /** Its ARN. */
  readonly execution: string;
  /** Which generation of compacted files queries see; `none` before the first compaction. */
  readonly generation: string;
  /** The file that the query of the range has written. */
  readonly selected?: string;
  /** So many bytes of files a pass reads at most. @default 1.5 GiB */
  readonly passBytes?: number;
}

/**
 * Checks the request, prices it, and fixes which files of the archive are folded; what arrives later is caught up from the
 * table. A rebuild becomes the projection's build in progress: a second one is refused, or told to wait. A dry run writes nothing.
 */
export async function plan(
  ports: PlanPorts,
  projections: readonly AnyProjection[],
  { name, execution, generation, selected, ...options }: PlanOptions,
  given: unknown,
): Promise<Plan | Busy> {
  const { files, builds } = ports;
  const request = checkRequest(given, projections);
  const { projection, version } = request;
  const kind = kindOf(request);
  await refuseTakenName(builds, request, name);
  const passBytes = passBytesOf(projections, request, options);
  const build = kind === 'rollback' ? await previousBuild(ports, request) : name;
  const aggregates = await aggregatesOf(files, request, selected);
  const buckets = new Set(aggregates === undefined ? BUCKETS : aggregates.map(bucketOf));
  const byBucket = kind === 'rollback' ? [] : [...(await filesNow(files, generation, buckets))];
  const found = byBucket
    .filter(([, list]) => list.length > 0)
    .map(([bucket, list]) => ({
      ...{ bucket, list, files: list.length, passes: cutIntoPasses(list, passBytes).length },
      bytes: list.reduce((sum, file) => sum + file.bytes, 0),
    }));
  const size = await ports.size();
  const share = aggregates === undefined ? 1 : Math.min(1, aggregates.length / Math.max(1, size.aggregates));
  const estimate = estimateReplay({ size, request, share, slices: found });
  const { budget } = request;
  if (budget !== undefined && estimate.dollars > budget) {
    throw new DaybookError('replay.overBudget', { projection, estimate: estimate.dollars, budget });
  }
  const parts = partsOf(estimate.aggregates);
  const planned = { name, build, kind, projection, version, request, estimate, passBytes, parts };
  if (request.dryRun) return { ...planned, slices: [] };

  if (kind !== 'report') {
    const busy = await lock(ports, request, { build, execution });
    if (busy !== undefined) return { busy };
    if (kind === 'rollback') await refuseOvertaken(ports, request, { build, execution });
  }
  const slices: Slice[] = [];
  for (const { bucket, list } of found) {
    slices.push(await writeSlice(files, sliceKey(planned, bucket), { bucket, generation, list, passBytes }));
  }
  const selection =
    aggregates && (await writeSelection(files, `replays/${projection}/${name}/aggregates/`, aggregates));
  await builds.add({
    ...{ projection, build: name, version, kind, status: 'running', execution, request, estimate },
    startedAt: new Date(ports.now()).toISOString(),
    folded: {},
    progress: {},
  });
  await undoIfStopped(ports, planned, execution);
  return { ...planned, slices, ...(selection !== undefined && { selection }) };
}

/** A plan that is redriven hours later still has the generation of then, which a compaction may have cleaned up. */
async function filesNow(
  files: ArchiveFiles,
  generation: string,
  buckets: Iterable<string>,
): ReturnType<typeof filesByBucket> {
  try {
    return await filesByBucket(files, generation, buckets);
  } catch (cause) {
    throw isNotThere(cause) ? new DaybookError('replay.generationGone', { generation }, { cause }) : cause;
  }
}

/**
 * A stop does not end a function that is under way: what is written after it would stay. Asked last: whoever stops it later finds the record.
 */
async function undoIfStopped(
  { builds, isRunning, now }: PlanPorts,
  { projection, version, name }: { readonly projection: string; readonly version: number; readonly name: string },
  execution: string,
): Promise<void> {
  if (await isRunning(execution)) return;
  await builds.release(projection, version, execution);
  await builds.mark(projection, name, 'stopped', { at: new Date(now()).toISOString() });
}

/**
 * A build of this name may be what is read: a fold would not replace its states, and a stop would remove them. Step Functions takes
 * a name again 90 days after its execution has ended. Planned again after a lost answer or a redrive, a replay finds its own record.
 */
async function refuseTakenName(builds: Builds, { projection }: CheckedRequest, name: string): Promise<void> {
  if (isLiveBuild(name)) throw new DaybookError('replay.nameTaken', { projection, name, by: 'live events' });
  const record = await builds.get(projection, name);
  if (isStopped(record)) throw new DaybookError('replay.stopped', { projection, build: name });
  if (record !== undefined && endedWell(record))
    throw new DaybookError('replay.nameTaken', { projection, name, by: `the ${record.kind} of ${record.startedAt}` });
}

/** What a rollup's slice adds to its keys is written at its end, for all of its aggregates: it is not cut. */
function passBytesOf(
  projections: readonly AnyProjection[],
  { projection, version }: CheckedRequest,
  { passBytes = PASS_BYTES }: Pick<PlanOptions, 'passBytes'>,
): number {
  const found = projections.find((one) => one.name === projection && one.version === version);
  return found?.kind === 'rollup' ? Number.MAX_SAFE_INTEGER : passBytes;
}

function kindOf(request: CheckedRequest): BuildKind {
  if (request.rollback) return 'rollback';
  return isWholeHistory(request) ? 'rebuild' : 'report';
}

async function previousBuild({ table }: PlanPorts, { projection, version }: CheckedRequest): Promise<string> {
  const { previous } = await table.pointer(projection, version);
  if (previous === undefined) throw new DaybookError('replay.nothingToRollBack', { projection, version });
  return previous;
}

/** An execution that ended without giving the lock back (stopped from outside, say) does not keep it. */
async function lock(
  { builds, isRunning }: PlanPorts,
  { projection, version, ifBusy }: CheckedRequest,
  wanted: LockHolder,
): Promise<string | undefined> {
  let holder = await builds.lock(projection, version, wanted);
  if (holder.execution !== wanted.execution && !(await isRunning(holder.execution))) {
    holder = await builds.lock(projection, version, wanted, holder.execution);
  }
  if (holder.execution === wanted.execution) return undefined;
  // By the name of what runs, which is what can be stopped: a rollback works on a build of another name.
  const building = holder.execution.split(':').at(-1) ?? holder.build;
  if (ifBusy === 'queue') return building;
  const refused = wanted.execution.split(':').at(-1) ?? wanted.build;
  throw new DaybookError('replay.alreadyBuilding', { projection, building, refused });
}

/** Another rollback may have ended between the look at the pointer and the lock: then the build that was to be gone back to is live. */
async function refuseOvertaken(
  { table, builds }: PlanPorts,
  { projection, version }: CheckedRequest,
  { build, execution }: LockHolder,
): Promise<void> {
  const { previous } = await table.pointer(projection, version);
  if (previous === build) return;
  await builds.release(projection, version, execution);
  throw new DaybookError('replay.overtaken', { projection, build });
}

async function aggregatesOf(
  files: ArchiveFiles,
  { range }: CheckedRequest,
  selected: string | undefined,
): Promise<readonly string[] | undefined> {
  const aggregates = range.kind === 'all' ? undefined : range.aggregates;
  if (aggregates === undefined || !('sql' in aggregates)) return aggregates;
  // What stands in the file is Athena's answer to this very query, by the state before.
  return selectedIn(selected === undefined ? '' : await files.readText(selected), aggregates.sql);
}

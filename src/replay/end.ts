import './errors.ts';
import { isProjectionName } from '../event/names.ts';
import { BUCKETS, type ProjectionTable } from '../projection/projection-table.ts';
import type { BuildKind, BuildRecord, BuildStatus, Builds } from './builds.ts';
import { isFinal, isRefusal, reasonOf } from './failure.ts';
import { ASK_MS, endedWell, isStopped } from './stopped.ts';

/** How an execution ended, as Step Functions tells it on the default bus ("Step Functions Execution Status Change"). */
export interface ExecutionEnded {
  readonly executionArn: string;
  readonly name: string;
  readonly status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
  /** JSON text; absent when it was too large to be told. */
  readonly input?: string | null | undefined;
  readonly output?: string | null | undefined;
  readonly error?: string | null | undefined;
  readonly cause?: string | null | undefined;
}

/** What subscribers are told; `undefined` when there is nothing that they do not know already. */
export interface Announcement {
  readonly detailType: 'Replay Failed' | 'Replay Stopped' | 'Replay Promoted' | 'Replay Rolled Back';
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface EndPorts {
  readonly table: Pick<ProjectionTable, 'pointer'>;
  readonly builds: Builds;
  now(): number;
  pause(ms: number): Promise<void>;
}

/** How a build stands by its execution's status, as Step Functions names it. */
export function statusAfter(kind: BuildKind, execution: string | undefined): BuildStatus {
  switch (execution) {
    case 'SUCCEEDED':
      return kind === 'report' ? 'ready' : 'promoted';
    case 'ABORTED':
      return 'stopped';
    case 'FAILED':
    case 'TIMED_OUT':
      return 'failed';
    default:
      return 'running';
  }
}

/**
 * Keeps the record of a replay that has ended. One that failed keeps its lock and its states, for it can be resumed (a redrive goes
 * on where it failed); one that was stopped gives the lock back, its states go, and it stays stopped whatever a redrive from outside
 * comes to. Safe to repeat.
 */
export async function endReplay(
  { table, builds, now, pause }: EndPorts,
  ended: ExecutionEnded,
  isLate: () => boolean,
): Promise<Announcement | undefined> {
  const { name: build, status, executionArn } = ended;
  const asked = requestIn(ended.input);
  if (asked === undefined) return undefined;
  // No build is of what is no name; whoever asked on the bus is told all the same.
  const projection = isProjectionName(asked.projection) ? asked.projection : '';
  const record = projection === '' ? undefined : await builds.get(projection, build);
  const at = new Date(now()).toISOString();
  const failure = reasonOf(ended, record?.sliceError);
  const detail = { projection, build, execution: executionArn, ...failure };
  if (status === 'SUCCEEDED') {
    // A plan alone leaves no record.
    if (record !== undefined && !isStopped(record))
      await builds.mark(projection, build, statusAfter(record.kind, status), { at });
    return undefined;
  }
  // Told once more, or of another execution that was refused this name: what has ended well stays as it is.
  if (endedWell(record)) return undefined;
  const promoted = status === 'ABORTED' && record !== undefined && (await promotedBy({ table, builds }, record));
  if (promoted) {
    const { version, kind } = record;
    await builds.mark(projection, build, 'promoted', { at });
    const detailType = kind === 'rollback' ? 'Replay Rolled Back' : 'Replay Promoted';
    return { detailType, detail: { ...detail, build: promoted, version, kind } };
  }
  const reason = [failure.error, failure.cause].filter(Boolean).join(': ').slice(0, 1000);
  const becomes = isStopped(record) ? 'stopped' : statusAfter('rebuild', status);
  if (record !== undefined) {
    await builds.mark(projection, build, becomes, { at, ...(reason !== '' && { error: reason }) });
    if (becomes === 'stopped') {
      await builds.release(projection, record.version, executionArn);
      await abandon(builds, record, isLate);
      // Functions that were under way have seen it by then, and write no more.
      await pause(2 * ASK_MS);
      await abandon(builds, record, isLate);
    }
  }
  const canResume = !isFinal(failure) && (record !== undefined || !isRefusal(failure));
  const resume = `npx daybook replay resume ${build}`;
  return becomes === 'stopped'
    ? { detailType: 'Replay Stopped', detail }
    : { detailType: 'Replay Failed', detail: { ...detail, ...(canResume && { resume }) } };
}

/**
 * A stop may come after the one write that promotes: the build is live then, or was, and its states stay. The answer is which one that is.
 * Gives the lock back first: a promotion that is still under way finds it gone, so what the pointer says after that is final.
 */
export async function promotedBy(
  { table, builds }: Pick<EndPorts, 'table' | 'builds'>,
  { projection, version, build, execution }: BuildRecord,
): Promise<string | undefined> {
  await builds.release(projection, version, execution);
  const { active, activeBy, previous } = await table.pointer(projection, version);
  if (activeBy === execution) return active;
  return build === active || build === previous ? build : undefined;
}

/** Removes the states that only this build had; true when nothing of them is left. */
export async function abandon(
  builds: Builds,
  { projection, build, kind }: Pick<BuildRecord, 'projection' | 'build' | 'kind'>,
  isLate: () => boolean,
): Promise<boolean> {
  if (kind === 'rollback') return true; // its states are the earlier build's
  for (const bucket of BUCKETS) {
    if (!(await builds.removeStates(projection, build, bucket, isLate))) return false;
  }
  return true;
}

/** What was asked for; undefined where the input was too large to be told. */
function requestIn(input: string | null | undefined): { readonly projection?: unknown } | undefined {
  try {
    return Object(JSON.parse(input ?? ''));
  } catch {
    return undefined;
  }
}

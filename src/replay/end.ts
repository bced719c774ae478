import './errors.ts';
import { BUCKETS } from '../projection/projection-table.ts';
import type { BuildStatus, Builds } from './builds.ts';

/** How an execution ended, as Step Functions tells it on the default bus ("Step Functions Execution Status Change"). */
export interface ExecutionEnded {
  readonly executionArn: string;
  readonly name: string;
  readonly status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
  /** JSON text; absent when it was too large to be told. */
  readonly input?: string | null;
  readonly output?: string | null;
  readonly error?: string | null;
  readonly cause?: string | null;
}

/** What subscribers are told; `undefined` when there is nothing that they do not know already. */
export interface Announcement {
  readonly detailType: 'Replay Failed' | 'Replay Stopped';
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface EndPorts {
  readonly builds: Builds;
  now(): number;
}

/**
 * Keeps the record of a replay that has ended. One that failed keeps its lock and its states, for it can be resumed (a redrive goes
 * on where it failed); one that was stopped gives the lock back, and its states go. Safe to repeat.
 */
export async function endReplay(
  { builds, now }: EndPorts,
  ended: ExecutionEnded,
  isLate: () => boolean,
): Promise<Announcement | undefined> {
  const { name: build, status, executionArn } = ended;
  const projection = projectionOf(ended.input);
  if (projection === undefined) return undefined;
  const record = await builds.get(projection, build);
  const at = new Date(now()).toISOString();
  const detail = { projection, build, execution: executionArn, error: ended.error ?? '', cause: ended.cause ?? '' };
  if (status === 'SUCCEEDED') {
    // A plan alone leaves no record.
    if (record !== undefined)
      await builds.mark(projection, build, record.kind === 'report' ? 'ready' : 'promoted', { at });
    return undefined;
  }
  const reason = [ended.error, ended.cause].filter(Boolean).join(': ').slice(0, 1000);
  const becomes: BuildStatus = status === 'ABORTED' ? 'stopped' : 'failed';
  if (record !== undefined) {
    await builds.mark(projection, build, becomes, { at, ...(reason !== '' && { error: reason }) });
    if (becomes === 'stopped') await abandon(builds, record, isLate);
  }
  return becomes === 'stopped'
    ? { detailType: 'Replay Stopped', detail }
    : { detailType: 'Replay Failed', detail: { ...detail, resume: `npx daybook replay resume ${build}` } };
}

/** Gives the lock back and removes the states that only this build had. What functions write that are still under way goes with the next cleaning up. */
async function abandon(
  builds: Builds,
  record: { projection: string; version: number; build: string; kind: string; execution: string },
  isLate: () => boolean,
): Promise<void> {
  const { projection, version, build, kind, execution } = record;
  await builds.release(projection, version, execution);
  if (kind === 'rollback') return; // its states are the earlier build's
  for (const bucket of BUCKETS) {
    if (!(await builds.removeStates(projection, build, bucket, isLate))) return;
  }
}

function projectionOf(input: string | null | undefined): string | undefined {
  try {
    const { projection } = JSON.parse(input ?? '') as { projection?: unknown };
    return typeof projection === 'string' ? projection : undefined;
  } catch {
    return undefined;
  }
}

import type { AnyProjection } from '../projection/definition.ts';
import { liveBuild, type ProjectionTable } from '../projection/projection-table.ts';
import type { BuildRecord, Builds } from './builds.ts';
import { abandon, type ExecutionEnded, endReplay, statusAfter } from './end.ts';

export interface CleanUpPorts {
  readonly table: ProjectionTable;
  readonly builds: Builds;
  /** How an execution ended, or that it runs; undefined when nobody knows it any more. */
  ended(execution: string): Promise<ExecutionEnded | 'running' | undefined>;
  now(): number;
  pause(ms: number): Promise<void>;
}

/** How long states are kept that nothing reads by itself, in days. */
export interface Retention {
  /** The build before the active one, for a rollback, and failed ones: a redrive is possible for 14 days. */
  readonly buildDays: number;
  /** A report's states; what it wrote to S3 stays. */
  readonly reportDays: number;
}

export interface CleanedUp {
  readonly done: boolean;
  readonly removed: readonly string[];
}

const DAY_MS = 86_400_000;
/** The longest that a function of a replay works, its timeout. */
const FUNCTION_MS = 15 * 60_000;

/**
 * Removes the states of builds whose retention has ended. It goes on where it was when it is called again. A replay whose end
 * was not told (Step Functions' event is delivered with "best effort") is ended here.
 */
export async function cleanUp(
  ports: CleanUpPorts,
  projections: readonly AnyProjection[],
  retention: Retention,
  isLate: () => boolean,
): Promise<CleanedUp> {
  const removed: string[] = [];
  const named = new Set(projections.map(({ name }) => name));
  // Also what the app has no more; a build that was live then stays, for the projection may come back.
  for await (const name of ports.builds.projections()) named.add(name);
  for (const projection of named) {
    const versions = new Set(projections.filter(({ name }) => name === projection).map(({ version }) => version));
    for await (const found of ports.builds.list(projection)) {
      if (isLate()) return { done: false, removed };
      const record = await heard(ports, found, isLate);
      versions.add(record.version);
      if (!(await isOver(ports, record, retention))) continue;
      if (!(await isForgotten(ports, projection, record.version, record.build))) continue;
      if (!(await abandon(ports.builds, record, isLate))) return { done: false, removed };
      // What a function could still write goes with the next cleaning up.
      if (ports.now() - Date.parse(record.endedAt ?? '') > FUNCTION_MS)
        await ports.builds.mark(projection, record.build, 'removed', { at: new Date(ports.now()).toISOString() });
      removed.push(`${projection}/${record.build}`);
    }
    for (const version of versions) {
      if (isLate()) return { done: false, removed };
      const live = liveBuild(version);
      if (!(await isOutlived(ports, projection, version, retention))) continue;
      if (!(await isForgotten(ports, projection, version, live))) continue;
      if (!(await abandon(ports.builds, { projection, build: live, kind: 'rebuild' }, isLate)))
        return { done: false, removed };
    }
  }
  return { done: true, removed };
}

/**
 * No rollback can go back to it any more. One that has begun since the pointer was looked at keeps it; one that begins after this finds
 * that it is forgotten.
 */
async function isForgotten(
  { table, builds }: CleanUpPorts,
  projection: string,
  version: number,
  build: string,
): Promise<boolean> {
  await builds.forgetPrevious(projection, version, build);
  const { active, building } = await table.pointer(projection, version);
  return build !== active && build !== building;
}

/** What live events made before any replay was promoted has no record: it is kept as long as other builds, behind its successor. */
async function isOutlived(
  { table, now }: CleanUpPorts,
  projection: string,
  version: number,
  { buildDays }: Retention,
): Promise<boolean> {
  const { active, activeSince, building } = await table.pointer(projection, version);
  if (active === undefined || active === liveBuild(version) || building === liveBuild(version)) return false;
  return isPast(activeSince, buildDays, now());
}

/** The record as its execution has it. */
async function heard(ports: CleanUpPorts, record: BuildRecord, isLate: () => boolean): Promise<BuildRecord> {
  if (record.status !== 'running' && record.status !== 'failed') return record;
  const ended = await ports.ended(record.execution);
  if (ended === 'running') return { ...record, status: 'running' };
  if (ended === undefined || statusAfter(record.kind, ended.status) === record.status) return record;
  await endReplay(ports, ended, isLate);
  return (await ports.builds.get(record.projection, record.build)) ?? record;
}

/** Nothing that is read, made, or can still be gone back to. */
async function isOver(
  { table, builds, now }: CleanUpPorts,
  record: BuildRecord,
  { buildDays, reportDays }: Retention,
): Promise<boolean> {
  const { projection, version, build, status, kind, endedAt, execution } = record;
  if (status === 'running' || status === 'removed') return false;
  const isOld = isPast(endedAt, kind === 'report' ? reportDays : buildDays, now());
  // It can be resumed no more, but live events would be applied to it for as long as it has the lock.
  if (status === 'failed' && isOld) await builds.release(projection, version, execution);
  if (kind === 'rollback') return false;
  const { active, activeSince, previous, building } = await table.pointer(projection, version);
  if (build === active || build === building) return false;
  if (status === 'stopped') return true;
  // Gone back to it can be for so long after what took its place was promoted.
  return build === previous ? isPast(activeSince, buildDays, now()) : isOld;
}

function isPast(time: string | undefined, days: number, now: number): boolean {
  return time !== undefined && now - Date.parse(time) > days * DAY_MS;
}

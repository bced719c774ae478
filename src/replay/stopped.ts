import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { BuildProgress, BuildRecord } from './builds.ts';
import type { Plan } from './plan.ts';

/** How often a function that works on a build asks whether it was stopped. */
export const ASK_MS = 5000;

/** A build that was stopped does not come back: its states go. */
export function isStopped(record: Pick<BuildRecord, 'status'> | undefined): boolean {
  return record?.status === 'stopped' || record?.status === 'removed';
}

/** What has ended well stays as it is: it is read, or may be. */
export function endedWell(record: Pick<BuildRecord, 'status'> | undefined): boolean {
  return record?.status === 'promoted' || record?.status === 'ready';
}

/**
 * A stop does not end a function that is under way, and a redrive from outside does not bring removed states back: so each function
 * asks the build's record when it begins, and again every five seconds while it works.
 *
 * @throws `replay.stopped`
 */
export function refuseStopped(builds: BuildProgress, { projection, name }: Plan): () => Promise<void> {
  let asked = Number.NEGATIVE_INFINITY;
  return async () => {
    const now = Date.now();
    if (now - asked < ASK_MS) return;
    asked = now;
    if (isStopped(await builds.get(projection, name)))
      throw new DaybookError('replay.stopped', { projection, build: name });
  };
}

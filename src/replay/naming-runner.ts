import './errors.ts';
import { DaybookError } from '../errors.ts';
import { catchingRunner } from '../projection/catching-runner.ts';
import type { Runner } from '../projection/runner.ts';

/** The runner whose fold, when it throws, is named by its event: `replay.foldFailed` says aggregate, version and type. */
export const namingRunner = (runner: Runner): Runner =>
  catchingRunner(runner, (event, cause) => foldFailed(runner, event, cause));

export function foldFailed(
  { projection }: Runner,
  event: { readonly aggregateUuid: string; readonly version: number; readonly type: string },
  cause: unknown,
): DaybookError {
  const { aggregateUuid, version, type } = event;
  const reason = cause instanceof Error ? cause.message : String(cause);
  const of = { projection: projection.name, aggregateUuid, version, type, reason };
  return new DaybookError('replay.foldFailed', of, { cause });
}

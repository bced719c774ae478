import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { Runner } from '../projection/runner.ts';

/** The runner whose fold, when it throws, is named by its event: `replay.foldFailed` says aggregate, version and type. */
export function namingRunner(runner: Runner): Runner {
  return {
    ...runner,
    apply(fold, event, counts, mostKeys) {
      try {
        return runner.apply(fold, event, counts, mostKeys);
      } catch (cause) {
        const { aggregateUuid, version, type } = event;
        const reason = cause instanceof Error ? cause.message : String(cause);
        const { name: projection } = runner.projection;
        throw new DaybookError('replay.foldFailed', { projection, aggregateUuid, version, type, reason }, { cause });
      }
    },
  };
}

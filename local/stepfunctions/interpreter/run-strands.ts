import type { CancelScope } from './cancel-scope.ts';
import type { Execution } from './execution.ts';
import type { Strand } from './frame.ts';
import { runStrand } from './run-strand.ts';

interface Watch {
  /** Before a strand's first state. */
  begins(strand: Strand): void;
  /** When a strand has come to an end of its own. */
  ends(strand: Strand): void;
}

/**
 * Runs the strands of a Parallel or inline Map, `limit` at a time. "If any branch fails … the entire state is considered
 * to have failed and all its branches are stopped": gives the strand that failed first, if one did.
 */
export async function runStrands(
  execution: Execution,
  strands: readonly Strand[],
  limit: number,
  scope: CancelScope,
  watch: Watch,
): Promise<Strand | undefined> {
  const { scope: inner, release } = scope.child();
  const open = strands.filter(({ frame }) => frame.status === 'running');
  let failed: Strand | undefined;
  let next = 0;
  const work = async () => {
    while (next < open.length && inner.reason === undefined) {
      const strand = open[next++]!;
      watch.begins(strand);
      await runStrand(execution, strand, inner);
      watch.ends(strand);
      if (strand.frame.status === 'failed') {
        failed ??= strand;
        inner.cancel('siblingFailed');
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(limit, open.length) }, work));
  } catch (error) {
    inner.cancel('executionEnded');
    throw error;
  } finally {
    release();
  }
  scope.throwIfCancelled();
  return failed;
}

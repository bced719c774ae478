import { dataLimitFailure, exceedsBytes, PAYLOAD_LIMIT, StateFailure } from '../failure.ts';
import type { CancelScope } from '../interpreter/cancel-scope.ts';
import type { Execution } from '../interpreter/execution.ts';
import type { DistributedMapState } from './distributed.ts';
import { type MapRunChild, type MapRunRecord, thresholdExceeded } from './map-run.ts';

/**
 * Runs the children that have not succeeded, as many at once as the run allows. When the tolerated failures are exceeded,
 * no more are started, and running Standard children are stopped; "Express … workflows can't be stopped".
 */
export async function runChildren(
  execution: Execution,
  state: DistributedMapState,
  run: MapRunRecord,
  scope: CancelScope,
): Promise<void> {
  const { around } = execution;
  const { executionType } = state.distributed;
  // Those that run already were interrupted by the runtime's end, and go on by themselves.
  const open = run.children!.filter(({ status }) => /^(PENDING|PENDING_REDRIVE|RUNNING)$/.test(status));
  let exceeded = false;
  let next = 0;
  const work = async () => {
    while (next < open.length && !exceeded && scope.reason === undefined) {
      const child = open[next++]!;
      await runChild(execution, state, run, child);
      const { status } = child;
      if (status === 'SUCCEEDED' || exceeded || !thresholdExceeded(run)) continue;
      exceeded = true;
      if (executionType === 'STANDARD') stopChildren(execution, run);
    }
  };
  const release = scope.onCancel(() => stopChildren(execution, run));
  try {
    await scope.race(Promise.all(Array.from({ length: Math.min(run.maxConcurrency, open.length) }, work)));
  } finally {
    release();
    for (const child of run.children!) {
      if (child.executionArn !== undefined) child.status = around.statusOf(child.executionArn);
    }
  }
  if (exceeded) {
    const cause = 'The specified tolerated failure threshold was exceeded';
    throw new StateFailure('States.ExceedToleratedFailureThreshold', cause, { origin: 'task' });
  }
}

async function runChild(
  execution: Execution,
  state: DistributedMapState,
  run: MapRunRecord,
  child: MapRunChild,
): Promise<void> {
  const { around } = execution;
  const { executionType } = state.distributed;
  if (child.status === 'RUNNING') return await ended(execution, run, child);
  if (exceedsBytes(child.inputText, PAYLOAD_LIMIT)) throw dataLimitFailure(state.name);
  const again = child.status === 'PENDING_REDRIVE' && child.executionArn !== undefined && executionType === 'STANDARD';
  const { arn } = again
    ? around.redriveChild(child.executionArn!)
    : around.startChild({
        parent: execution.record,
        container: state.processor,
        label: run.label,
        type: executionType,
        mapRunArn: run.arn,
        mapState: state.name,
        input: child.input,
        inputText: child.inputText,
        itemCount: child.items,
      });
  child.executionArn = arn;
  child.status = 'RUNNING';
  around.keeper?.mapChildChanged(run, child);
  await ended(execution, run, child);
}

async function ended({ around }: Execution, run: MapRunRecord, child: MapRunChild): Promise<void> {
  await around.ended(child.executionArn!);
  child.status = around.statusOf(child.executionArn!);
  around.keeper?.mapChildChanged(run, child);
}

function stopChildren({ around }: Execution, run: MapRunRecord): void {
  for (const { status, executionArn } of run.children ?? []) {
    if (status === 'RUNNING' && executionArn !== undefined) around.stopChild(executionArn);
  }
}

import type { Json } from '../../cloud.ts';
import type { DistributedMap, MapState } from '../definition/machine.ts';
import { evaluateInteger, evaluateTyped } from '../expression/template.ts';
import { queryEvaluationFailure, StateFailure } from '../failure.ts';
import type { CancelScope } from '../interpreter/cancel-scope.ts';
import type { Execution, Outcome } from '../interpreter/execution.ts';
import type { MapItem, Strand } from '../interpreter/frame.ts';
import { errorAndCause } from '../interpreter/history.ts';
import { inputsOf, itemsOf, maxConcurrency } from '../interpreter/perform-map.ts';
import { conclude } from '../interpreter/run-strand.ts';
import { mapRunArn, splitStateMachineArn } from '../names.ts';
import { batchInputs } from './item-batcher.ts';
import { readItems } from './item-reader.ts';
import type { MapRunRecord } from './map-run.ts';
import { writeResults } from './result-writer.ts';
import { runChildren } from './run-children.ts';

export type DistributedMapState = MapState & { readonly distributed: DistributedMap };

/** "The default concurrency limit is 10,000 parallel child workflow executions." */
const DISTRIBUTED_CONCURRENCY = 10_000;

export async function performDistributedMap(
  execution: Execution,
  strand: Strand,
  state: DistributedMapState,
  scope: CancelScope,
): Promise<Outcome> {
  const { frame } = strand;
  const { history, around } = execution;
  const again = frame.mapRunArn === undefined ? undefined : around.mapRuns.get(frame.mapRunArn);
  const { run, items } = again === undefined ? await begin(execution, strand, state) : { run: again, items: undefined };
  // One that still runs was interrupted by the runtime's end, and goes on.
  if (again !== undefined && again.status !== 'RUNNING') redrive(execution, strand, again);
  around.keeper?.mapRunChanged(run);
  execution.touch(strand);
  /** Once: after the execution's end the run may be a redrive's already. */
  let isOver = false;
  const settle = (status: MapRunRecord['status']) => {
    if (isOver) return;
    isOver = true;
    run.status = status;
    run.stopDate = execution.now;
  };
  const keep = () => around.keeper?.mapRunSettled(execution.record, run);
  const release = scope.onCancel(() => {
    settle('ABORTED');
    keep();
  });
  try {
    if (run.children === undefined) {
      const children = await plan(execution, strand, state, items);
      scope.throwIfCancelled();
      run.children = children;
      around.keeper?.mapRunChanged(run, true);
    }
    await runChildren(execution, state, run, scope).catch(async (error) => {
      // The results so far are exported too, and which children were never started.
      if (error instanceof StateFailure && state.distributed.writer?.arguments !== undefined) {
        await writeResults(execution, strand, state, run);
      }
      throw error;
    });
    const result = await writeResults(execution, strand, state, run);
    settle('SUCCEEDED');
    frame.lastEvent = history.add('MapRunSucceeded', frame.lastEvent);
    frame.lastEvent = history.add('MapStateSucceeded', frame.lastEvent);
    return await conclude(state, execution.bindings(strand, { result }), result, state.next);
  } catch (error) {
    if (error instanceof StateFailure && !isOver) {
      settle('FAILED');
      const details = errorAndCause(error.error, error.cause);
      frame.lastEvent = history.add('MapRunFailed', frame.lastEvent, 'mapRunFailed', details);
      frame.lastEvent = history.add('MapStateFailed', frame.lastEvent);
    }
    throw error;
  } finally {
    release();
    if (scope.reason === undefined) {
      settle(run.status); // what failed otherwise was of the runtime's own making
      keep();
    }
  }
}

/** Starts the Map Run; items that are at hand are looked at before. */
async function begin(
  execution: Execution,
  strand: Strand,
  state: DistributedMapState,
): Promise<{ readonly run: MapRunRecord; readonly items: readonly MapItem[] | undefined }> {
  const { frame } = strand;
  const { history, record, around } = execution;
  const bindings = execution.bindings(strand);
  const { toleratedFailureCount: count, toleratedFailurePercentage: percentage } = state.distributed;
  const items = state.distributed.reader === undefined ? await itemsOf(execution, strand, state) : undefined;
  // "If you don't specify a label in your state machine definition, Step Functions automatically generates a unique label."
  const label = state.distributed.label ?? around.cloud.kernel.random.uuid();
  const id = around.cloud.kernel.random.uuid();
  const { name } = splitStateMachineArn(record.stateMachineArn);
  const bounds = { min: 0, max: Number.MAX_SAFE_INTEGER };
  const run: MapRunRecord = {
    arn: mapRunArn(around.cloud.account, name, label, id),
    id,
    executionArn: record.arn,
    stateMachineArn: `${record.stateMachineArn}/${label}`,
    label,
    startDate: execution.now,
    maxConcurrency: await maxConcurrency(state, bindings, DISTRIBUTED_CONCURRENCY),
    toleratedFailureCount: count === undefined ? undefined : await evaluateInteger(count, bindings, bounds),
    toleratedFailurePercentage: percentage === undefined ? undefined : await evaluatePercentage(percentage, bindings),
    children: undefined,
    status: 'RUNNING',
    stopDate: undefined,
    resultsWritten: false,
    redriveCount: 0,
    redriveDate: undefined,
  };
  around.mapRuns.add(run);
  frame.mapRunArn = run.arn;
  const length = { length: items?.length ?? 0 };
  frame.lastEvent = history.add('MapStateStarted', frame.lastEvent, 'mapStateStarted', length);
  frame.lastEvent = history.add('MapRunStarted', frame.lastEvent, 'mapRunStarted', { mapRunArn: run.arn });
  return { run, items };
}

async function evaluatePercentage(
  template: NonNullable<DistributedMap['toleratedFailurePercentage']>,
  bindings: Parameters<typeof evaluateTyped>[1],
): Promise<number> {
  const value = await evaluateTyped(template, bindings, 'number');
  if (value >= 0 && value <= 100) return value;
  const field = 'ToleratedFailurePercentage';
  throw queryEvaluationFailure(`The ${field} field's value must be between 0 and 100, but was ${value}`, field);
}

/** "redrives the unsuccessful child workflow executions" of the Map Run; those that succeeded stay as they are. */
function redrive({ history, now }: Execution, { frame }: Strand, run: MapRunRecord): void {
  run.status = 'RUNNING';
  run.stopDate = undefined;
  run.redriveCount++;
  run.redriveDate = now;
  frame.lastEvent = history.add('MapRunRedriven', frame.lastEvent, 'mapRunRedriven', {
    mapRunArn: run.arn,
    redriveCount: run.redriveCount,
  });
  for (const child of run.children ?? []) {
    if (child.status !== 'SUCCEEDED' && child.status !== 'PENDING') child.status = 'PENDING_REDRIVE';
  }
}

async function plan(
  execution: Execution,
  strand: Strand,
  state: DistributedMapState,
  given: readonly MapItem[] | undefined,
): Promise<MapRunRecord['children']> {
  const { reader } = state.distributed;
  const read = () => (reader === undefined ? itemsOf(execution, strand, state) : readItems(execution, strand, reader));
  const items = given ?? (await read());
  const inputs = await inputsOf(execution, strand, state, items);
  const { batcher } = state.distributed;
  const batches: readonly { readonly input: Json; readonly items: number }[] =
    batcher === undefined
      ? inputs.map((input) => ({ input, items: 1 }))
      : await batchInputs(batcher, execution.bindings(strand), inputs);
  return batches.map(({ input, items: count }) => ({
    input,
    inputText: JSON.stringify(input),
    items: count,
    status: 'PENDING',
    executionArn: undefined,
  }));
}

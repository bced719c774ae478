import type { ChoiceState, FailState, State, WaitState } from '../definition/machine.ts';
import { evaluateInteger, evaluateTyped } from '../expression/template.ts';
import { queryEvaluationFailure, StateFailure } from '../failure.ts';
import { performDistributedMap } from '../map/distributed.ts';
import { sleepUntil } from './alarm.ts';
import type { CancelScope } from './cancel-scope.ts';
import type { Execution, Outcome } from './execution.ts';
import type { Strand } from './frame.ts';
import { performMap } from './perform-map.ts';
import { performParallel } from './perform-parallel.ts';
import { performTask } from './perform-task.ts';
import { conclude } from './run-strand.ts';

/** Does what a state of each type does; fails with a StateFailure. */
export async function perform(
  execution: Execution,
  strand: Strand,
  state: State,
  scope: CancelScope,
): Promise<Outcome> {
  switch (state.type) {
    case 'Pass':
    case 'Succeed':
      return await conclude(state, execution.bindings(strand), strand.frame.input, state.next);
    case 'Fail':
      return await performFail(execution, strand, state);
    case 'Wait':
      return await performWait(execution, strand, state, scope);
    case 'Choice':
      return await performChoice(execution, strand, state);
    case 'Task':
      return await performTask(execution, strand, state, scope);
    case 'Parallel':
      return await performParallel(execution, strand, state, scope);
    case 'Map':
      return state.distributed === undefined
        ? await performMap(execution, strand, state, scope)
        : await performDistributedMap(execution, strand, { ...state, distributed: state.distributed }, scope);
  }
}

async function performFail(execution: Execution, strand: Strand, { error, cause }: FailState): Promise<never> {
  const bindings = execution.bindings(strand);
  throw new StateFailure(
    error === undefined ? undefined : await evaluateTyped(error, bindings, 'string'),
    cause === undefined ? undefined : await evaluateTyped(cause, bindings, 'string'),
    { origin: 'task' },
  );
}

async function performWait(
  execution: Execution,
  strand: Strand,
  state: WaitState,
  scope: CancelScope,
): Promise<Outcome> {
  const { frame } = strand;
  frame.due ??= await waitEnd(execution, strand, state);
  execution.touch(strand);
  await sleepUntil(execution.around.cloud.kernel, frame.due, scope);
  return await conclude(state, execution.bindings(strand), frame.input, state.next);
}

/** RFC 3339 with a `T` and an upper-case `Z` or an offset, as the Amazon States Language asks for. */
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

async function waitEnd(execution: Execution, strand: Strand, { seconds, timestamp }: WaitState): Promise<number> {
  const bindings = execution.bindings(strand);
  if (seconds !== undefined) {
    return execution.now + (await evaluateInteger(seconds, bindings, { min: 0, max: 99_999_999 })) * 1000;
  }
  const text = await evaluateTyped(timestamp!, bindings, 'string');
  const time = TIMESTAMP.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) {
    throw queryEvaluationFailure(
      `The Timestamp parameter does not reference a valid ISO-8601 extended offset date-time format string: ${text}`,
      'Timestamp',
    );
  }
  return time;
}

async function performChoice(execution: Execution, strand: Strand, state: ChoiceState): Promise<Outcome> {
  const bindings = execution.bindings(strand);
  const { input } = strand.frame;
  for (const rule of state.choices) {
    if (await evaluateTyped(rule.condition, bindings, 'boolean'))
      return await conclude(rule, bindings, input, rule.next);
  }
  if (state.default === undefined) {
    const cause = 'Failed to transition out of the state. The state does not point to a next state.';
    // "States.NoChoiceMatched: Reserved for future use. If no choice matches, the error is reported as States.Runtime."
    throw new StateFailure('States.Runtime', cause);
  }
  return await conclude(state, bindings, input, state.default);
}

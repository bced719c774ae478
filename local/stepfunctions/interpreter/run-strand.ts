import type { Json } from '../../cloud.ts';
import type { Assignments, Catcher, State } from '../definition/machine.ts';
import type { Bindings } from '../expression/compile.ts';
import { evaluateTemplate, isQueryEvaluationFailure, type Template } from '../expression/template.ts';
import { dataLimitFailure, exceedsBytes, PAYLOAD_LIMIT, StateFailure } from '../failure.ts';
import { sleepUntil } from './alarm.ts';
import { type CancelScope, Interrupted } from './cancel-scope.ts';
import type { Execution, Outcome } from './execution.ts';
import { resetAttempt, type Strand, transition } from './frame.ts';
import { assigned, HistoryFull, input, output } from './history.ts';
import { perform } from './perform.ts';
import { findCatcher, findRetrier, pauseMs } from './retry.ts';

/** "The total size of all stored variables per execution is 10 MiB", and 256 KiB for one, and for one Assign. */
const VARIABLES_LIMIT = 10 * 1024 * 1024;
/** Runs a strand until it has succeeded, failed, or was given up. Never throws but for a full history. */
export async function runStrand(execution: Execution, strand: Strand, scope: CancelScope): Promise<void> {
  const { frame } = strand;
  while (frame.status === 'running') {
    const state = strand.container.states.get(frame.state)!;
    try {
      await step(execution, strand, state, scope);
    } catch (error) {
      if (error instanceof HistoryFull) throw error;
      const interrupted = error instanceof Interrupted ? error : hasEnded(execution);
      if (interrupted !== undefined) abort(execution, strand, state, interrupted);
      else await fail(execution, strand, state, error);
    }
  }
}

/** A failure after the execution's end is nobody's any more: a redrive is about the same state. */
function hasEnded({ scope }: Execution): Interrupted | undefined {
  return scope.reason === undefined ? undefined : new Interrupted(scope.reason);
}

async function step(execution: Execution, strand: Strand, state: State, scope: CancelScope): Promise<void> {
  const { frame } = strand;
  const { kernel } = execution.around.cloud;
  for (let pause = execution.around.pause(); pause !== undefined; pause = execution.around.pause()) await pause;
  scope.throwIfCancelled();
  if (frame.pausing) {
    await sleepUntil(kernel, frame.due ?? 0, scope);
    frame.pausing = false;
    frame.due = undefined;
  }
  if (frame.entered === undefined) enter(execution, strand, state);
  const outcome = await perform(execution, strand, state, scope);
  leave(execution, strand, state, outcome);
}

function enter({ history, record, around, now }: Execution, strand: Strand, state: State): void {
  const { frame } = strand;
  // "previousEventId" of the first state is 0, as that of ExecutionStarted itself.
  const event = history.add(`${state.type}StateEntered`, frame.lastEvent, 'stateEntered', {
    ...input(frame.inputText),
    name: state.name,
  });
  frame.lastEvent = event;
  frame.entered = { event, at: now };
  around.keeper?.touched(record, strand);
  around.cloud.trace.note('states', 'StateEntered', { execution: record.arn, state: state.name, type: state.type });
}

/** Records the exit and goes to the next state, or ends the strand. */
function leave(execution: Execution, strand: Strand, state: State, { output: value, variables, next }: Outcome): void {
  const { frame } = strand;
  const text = JSON.stringify(value);
  if (exceedsBytes(text, PAYLOAD_LIMIT)) throw dataLimitFailure(state.name);
  const texts = checkVariables(strand, variables, state.name);
  frame.lastEvent = execution.history.add(`${state.type}StateExited`, frame.lastEvent, 'stateExited', {
    ...(texts === undefined ? {} : assigned(texts)),
    name: state.name,
    ...output(text),
  });
  if (texts !== undefined) strand.assign(variables);
  execution.touch(strand);
  if (next !== undefined) {
    transition(frame, next, value, text);
    return;
  }
  frame.output = value;
  frame.status = 'succeeded';
}

function checkVariables(
  strand: Strand,
  variables: Readonly<Record<string, Json>>,
  state: string,
): Record<string, string> | undefined {
  const names = Object.keys(variables);
  if (names.length === 0) return undefined;
  const texts: Record<string, string> = {};
  let size = 0;
  for (const name of names) {
    texts[name] = JSON.stringify(variables[name]);
    size += Buffer.byteLength(texts[name]);
  }
  const total = () => Buffer.byteLength(JSON.stringify({ ...strand.variables, ...variables }));
  if (size > PAYLOAD_LIMIT || (size > 1024 && total() > VARIABLES_LIMIT)) throw dataLimitFailure(state);
  return texts;
}

/** Retries the state, goes where a catcher sends it, or fails the strand. */
async function fail(execution: Execution, strand: Strand, state: State, thrown: unknown): Promise<void> {
  const failure = describe(execution, strand, state, thrown);
  const { frame } = strand;
  if ('retry' in state) {
    const found = findRetrier(state.retry, frame.attempts, failure);
    if (found !== undefined) {
      const made = frame.attempts[found.index] ?? 0;
      for (let i = frame.attempts.length; i < found.index; i++) frame.attempts[i] = 0;
      frame.attempts[found.index] = made + 1;
      resetAttempt(frame);
      frame.pausing = true;
      frame.due = execution.now + pauseMs(found.retrier, made, execution.around.cloud.kernel.random);
      execution.touch(strand);
      return;
    }
    const catcher = findCatcher(state.catch, failure);
    if (catcher !== undefined && (await goToCatcher(execution, strand, state, catcher, failure))) return;
  }
  end(execution, strand, state, failure);
}

async function goToCatcher(
  execution: Execution,
  strand: Strand,
  state: State,
  catcher: Catcher,
  failure: StateFailure,
): Promise<boolean> {
  const errorOutput = { Error: failure.error ?? '', Cause: failure.cause ?? '' };
  try {
    const bindings = execution.bindings(strand, { errorOutput });
    leave(execution, strand, state, await conclude(catcher, bindings, errorOutput, catcher.next));
    return true;
  } catch (error) {
    if (error instanceof HistoryFull) throw error;
    end(execution, strand, state, describe(execution, strand, state, error));
    return true;
  }
}

function end(execution: Execution, strand: Strand, state: State, failure: StateFailure): void {
  const { frame } = strand;
  // Within a branch or an iteration, the task that ends it is recorded as aborted.
  if (strand.parent !== undefined && state.type === 'Task') {
    frame.lastEvent = execution.history.add('TaskStateAborted', frame.lastEvent);
  }
  frame.error = { error: failure.error, cause: failure.cause };
  frame.status = 'failed';
  execution.touch(strand);
}

function abort(execution: Execution, strand: Strand, state: State, { reason }: Interrupted): void {
  const { frame } = strand;
  const recorded = state.type === 'Task' || state.type === 'Wait' || state.type === 'Map' || state.type === 'Parallel';
  if (reason === 'siblingFailed' && recorded && frame.entered !== undefined) {
    frame.lastEvent = execution.history.add(`${state.type}StateAborted`, frame.lastEvent);
  }
  frame.status = 'aborted';
  execution.touch(strand);
}

/** The failure with the cause that it is reported with; a failed evaluation gets an event of its own. */
function describe(execution: Execution, { frame }: Strand, state: State, thrown: unknown): StateFailure {
  const failure =
    thrown instanceof StateFailure
      ? thrown
      : new StateFailure('States.Runtime', (thrown as Error)?.message ?? String(thrown));
  if (failure.origin === 'task') return failure;
  const where = `An error occurred while executing the state '${state.name}' (entered at the event id #${frame.entered?.event ?? 0}).`;
  const cause = `${where} ${failure.cause ?? ''}`;
  if (isQueryEvaluationFailure(failure)) {
    frame.lastEvent = execution.history.add('EvaluationFailed', frame.lastEvent, 'evaluationFailed', {
      cause,
      error: failure.error,
      location: failure.location,
      state: state.name,
    });
  }
  return new StateFailure(failure.error, cause, { origin: 'task', aliases: failure.aliases });
}

/**
 * Output and Assign are evaluated side by side: "all expressions in Assign see the values that variables had before", and
 * so does Output.
 */
export async function conclude(
  fields: { readonly output: Template | undefined; readonly assign: Assignments },
  bindings: Bindings,
  otherwise: Json,
  next: string | undefined,
): Promise<Outcome> {
  const variables: Record<string, Json> = {};
  for (const [name, template] of fields.assign) variables[name] = await evaluateTemplate(template, bindings);
  const value = fields.output === undefined ? otherwise : await evaluateTemplate(fields.output, bindings);
  return { output: value, variables, next };
}

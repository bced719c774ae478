import type { Json } from '../../cloud.ts';
import type { TaskState } from '../definition/machine.ts';
import { evaluateInteger, evaluateTemplate, evaluateTyped, type Template } from '../expression/template.ts';
import { dataLimitFailure, exceedsBytes, PAYLOAD_LIMIT, StateFailure } from '../failure.ts';
import type { TaskCall, TaskTarget } from '../integration/integration.ts';
import { refusedArguments } from '../integration/targets.ts';
import { within } from './alarm.ts';
import type { CancelScope } from './cancel-scope.ts';
import type { Execution, Outcome } from './execution.ts';
import type { PendingTask, Strand } from './frame.ts';
import { conclude } from './run-strand.ts';
import { TaskEvents } from './task-events.ts';
import { timeoutFailure } from './task-tokens.ts';

const TIMES = { min: 1, max: 99_999_999 };

export async function performTask(
  execution: Execution,
  strand: Strand,
  state: TaskState,
  scope: CancelScope,
): Promise<Outcome> {
  const { frame } = strand;
  const { tokens } = execution.around;
  try {
    const { result } = frame.task?.done ?? { result: await doTask(execution, strand, state, scope) };
    return await conclude(state, execution.bindings(strand, { result }), result, state.next);
  } finally {
    if (frame.task?.token !== undefined) tokens.close(frame.task.token);
  }
}

async function doTask(execution: Execution, strand: Strand, state: TaskState, scope: CancelScope): Promise<Json> {
  const { frame } = strand;
  const { cloud, tokens } = execution.around;
  // A task that is there already was under way when the runtime ended: it is called once more, as it was scheduled.
  const pending: PendingTask = frame.task ?? {
    argumentsText: undefined,
    handedOver: false,
    done: undefined,
    token: state.target.pattern === 'token' ? tokens.issue() : undefined,
    submitted: undefined,
    deadline: undefined,
    heartbeatMs: undefined,
  };
  if (frame.task !== undefined && pending.token !== undefined) tokens.reopen(pending.token);
  frame.task = pending;
  const { text, call, times } = await prepare(execution, strand, state, () => {
    return frame.task !== pending || frame.status !== 'running' || scope.reason !== undefined;
  });
  const events = new TaskEvents(execution, frame, state.target);
  if (pending.argumentsText === undefined) {
    if (times.timeout !== undefined) pending.deadline = execution.now + times.timeout * 1000;
    if (times.heartbeat !== undefined) pending.heartbeatMs = times.heartbeat * 1000;
    pending.argumentsText = text;
    events.scheduled(text, times);
    events.started();
    execution.touch(strand);
  }
  try {
    const work = carryOut(state.target, call, pending, execution, events, () => execution.touch(strand));
    work.catch(() => {}); // once the execution is stopped nobody waits for it, and it may fail all the same
    const result = await within(cloud.kernel, pending.deadline, scope.race(work), timeoutFailure);
    const resultText = JSON.stringify(result);
    if (exceedsBytes(resultText, PAYLOAD_LIMIT)) throw dataLimitFailure(state.target.resourceType);
    events.succeeded(resultText);
    pending.done = { result };
    execution.touch(strand);
    return result;
  } catch (error) {
    if (pending.submitted !== undefined) giveUp(state.target, call, pending.submitted);
    if (error instanceof StateFailure) events.failed(error);
    throw error;
  }
}

interface Prepared {
  readonly text: string;
  readonly call: TaskCall;
  readonly times: { readonly timeout: number | undefined; readonly heartbeat: number | undefined };
}

async function prepare(
  execution: Execution,
  strand: Strand,
  state: TaskState,
  isOver: () => boolean,
): Promise<Prepared> {
  const { record, around } = execution;
  const bindings = execution.bindings(strand);
  const before = strand.frame.task?.argumentsText;
  const given =
    before !== undefined
      ? JSON.parse(before)
      : state.arguments === undefined
        ? strand.frame.input
        : await evaluateTemplate(state.arguments, bindings);
  const text = JSON.stringify(given);
  if (exceedsBytes(text, PAYLOAD_LIMIT)) throw dataLimitFailure(state.name);
  const [refusal] = refusedArguments(state.target, given);
  if (refusal !== undefined) {
    throw new StateFailure(
      'States.Runtime',
      `The Arguments '${text}' could not be used to start the Task: [${refusal}]`,
    );
  }
  const integer = async (template: Template | undefined) =>
    template === undefined ? undefined : await evaluateInteger(template, bindings, TIMES);
  const times = { timeout: await integer(state.timeoutSeconds), heartbeat: await integer(state.heartbeatSeconds) };
  const call: TaskCall = {
    cloud: around.cloud,
    principal: state.roleArn === undefined ? record.roleArn : await evaluateTyped(state.roleArn, bindings, 'string'),
    // The service gets a copy of its own: it may do with it what it likes.
    arguments: JSON.parse(text),
    executionArn: record.arn,
    stateMachineArn: record.stateMachineArn,
    executionEnded: (arn) => around.ended(arn),
    isOver,
  };
  return { text, call, times };
}

async function carryOut(
  target: TaskTarget,
  call: TaskCall,
  pending: PendingTask,
  { around }: Execution,
  events: TaskEvents,
  touch: () => void,
): Promise<Json> {
  const { token, heartbeatMs } = pending;
  if (token !== undefined) {
    // The token may come back before the call that hands it over has answered.
    const returned = around.tokens.wait(token, heartbeatMs);
    returned.catch(() => {});
    if (!pending.handedOver) {
      const submitted = await target.call(call);
      if (!call.isOver()) {
        events.submitted(JSON.stringify(submitted));
        pending.handedOver = true;
        touch();
      }
    }
    return await returned;
  }
  if (pending.submitted !== undefined) return await target.complete!(call, pending.submitted);
  const answer = await target.call(call);
  if (target.complete === undefined || target.pattern === 'request') return answer;
  if (call.isOver()) {
    giveUp(target, call, answer);
    return undefined;
  }
  pending.submitted = answer;
  events.submitted(JSON.stringify(answer));
  touch();
  return await target.complete(call, answer);
}

/** Stops what a `.sync` task has started; that it may fail changes nothing. */
function giveUp(target: TaskTarget, call: TaskCall, submitted: Json): void {
  target.cancel?.(call, submitted).catch(() => {});
}

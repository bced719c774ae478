import type { ParallelState } from '../definition/machine.ts';
import { evaluateTemplate } from '../expression/template.ts';
import { dataLimitFailure, exceedsBytes, PAYLOAD_LIMIT, StateFailure } from '../failure.ts';
import type { CancelScope } from './cancel-scope.ts';
import type { Execution, Outcome } from './execution.ts';
import { newFrame, Strand } from './frame.ts';
import { conclude } from './run-strand.ts';
import { runStrands } from './run-strands.ts';

export async function performParallel(
  execution: Execution,
  strand: Strand,
  state: ParallelState,
  scope: CancelScope,
): Promise<Outcome> {
  const { frame } = strand;
  const { history } = execution;
  if (frame.children === undefined) {
    const bindings = execution.bindings(strand);
    const input = state.arguments === undefined ? frame.input : await evaluateTemplate(state.arguments, bindings);
    const text = state.arguments === undefined ? frame.inputText : JSON.stringify(input);
    if (exceedsBytes(text, PAYLOAD_LIMIT)) throw dataLimitFailure(state.name);
    const started = history.add('ParallelStateStarted', frame.lastEvent);
    frame.lastEvent = started;
    frame.children = state.branches.map((branch) => newFrame(branch, input, text, started));
    execution.touch(strand, true);
  }
  const children = frame.children;
  const strands = state.branches.map((branch, i) => new Strand(children[i]!, branch, strand));
  const failed = await runStrands(execution, strands, strands.length, scope, {
    begins() {},
    ends(child) {
      frame.lastEvent = child.frame.lastEvent;
      execution.touch(strand);
    },
  });
  if (failed !== undefined) {
    frame.lastEvent = history.add('ParallelStateFailed', failed.frame.lastEvent);
    const { error, cause } = failed.frame.error!;
    throw new StateFailure(error, cause, { origin: 'task', aliases: ['States.BranchFailed'] });
  }
  frame.lastEvent = history.add('ParallelStateSucceeded', frame.lastEvent);
  const result = children.map(({ output }) => output);
  return await conclude(state, execution.bindings(strand, { result }), result, state.next);
}

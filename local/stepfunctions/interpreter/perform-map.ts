import type { Json } from '../../cloud.ts';
import type { MapState } from '../definition/machine.ts';
import { evaluateInteger, evaluateTemplate, evaluateTyped } from '../expression/template.ts';
import { dataLimitFailure, exceedsBytes, PAYLOAD_LIMIT, StateFailure } from '../failure.ts';
import type { CancelScope } from './cancel-scope.ts';
import type { Execution, Outcome } from './execution.ts';
import { type Frame, type MapItem, newFrame, Strand } from './frame.ts';
import { conclude } from './run-strand.ts';
import { runStrands } from './run-strands.ts';

/** "Inline mode … supports up to 40 concurrent iterations." */
const INLINE_CONCURRENCY = 40;

export async function performMap(
  execution: Execution,
  strand: Strand,
  state: MapState,
  scope: CancelScope,
): Promise<Outcome> {
  const { frame } = strand;
  const { history } = execution;
  const bindings = execution.bindings(strand);
  const limit = await maxConcurrency(state, bindings, INLINE_CONCURRENCY);
  if (frame.children === undefined) {
    const items = await itemsOf(execution, strand, state);
    const inputs = await inputsOf(execution, strand, state, items);
    const started = history.add('MapStateStarted', frame.lastEvent, 'mapStateStarted', { length: items.length });
    frame.lastEvent = started;
    frame.children = inputs.map((input, i) => iteration(state, input, items[i]!, started));
    execution.touch(strand, true);
  }
  const children = frame.children;
  const strands = children.map((child) => new Strand(child, state.processor, strand));
  const record = (ending: string, inner: Strand) => {
    const { frame: child } = inner;
    child.lastEvent = history.add(`MapIteration${ending}`, child.lastEvent, `mapIteration${ending}`, {
      index: child.item!.Index,
      name: state.name,
    });
    frame.lastEvent = child.lastEvent;
    execution.touch(inner);
    execution.touch(strand);
  };
  const failed = await runStrands(execution, strands, limit, scope, {
    begins(child) {
      if (child.frame.begun) return;
      child.frame.begun = true;
      record('Started', child);
    },
    ends(child) {
      if (scope.reason !== undefined) return;
      record(
        { succeeded: 'Succeeded', failed: 'Failed', aborted: 'Aborted', running: 'Aborted' }[child.frame.status],
        child,
      );
    },
  });
  if (failed !== undefined) {
    frame.lastEvent = history.add('MapStateFailed', failed.frame.lastEvent);
    throw new StateFailure(failed.frame.error!.error, failed.frame.error!.cause, { origin: 'task' });
  }
  frame.lastEvent = history.add('MapStateSucceeded', frame.lastEvent);
  const result = children.map(({ output }) => output);
  return await conclude(state, execution.bindings(strand, { result }), result, state.next);
}

function iteration(state: MapState, input: Json, item: MapItem, started: number): Frame {
  const text = JSON.stringify(input);
  if (exceedsBytes(text, PAYLOAD_LIMIT)) throw dataLimitFailure(state.name);
  return { ...newFrame(state.processor, input, text, started), item };
}

/** "The default value is 0, which places no limit on concurrency": then the mode's own ceiling counts. */
export async function maxConcurrency(
  { maxConcurrency: template }: MapState,
  bindings: Parameters<typeof evaluateInteger>[1],
  ceiling: number,
): Promise<number> {
  const bounds = { min: 0, max: Number.MAX_SAFE_INTEGER };
  const given = template === undefined ? 0 : await evaluateInteger(template, bindings, bounds);
  return given === 0 ? ceiling : Math.min(given, ceiling);
}

/** The items that the state iterates over: Items, or its input. */
export async function itemsOf(execution: Execution, strand: Strand, state: MapState): Promise<readonly MapItem[]> {
  const { input } = strand.frame;
  let source: Json = input;
  if (state.items !== undefined)
    source = await evaluateTyped(state.items, execution.bindings(strand), 'array', 'object');
  else if (typeof input !== 'object' || input === null) {
    throw new StateFailure('States.Runtime', 'The input of a Map state without Items must be an array');
  }
  return toItems(source, 'STATE_DATA');
}

/** An array's elements, or an object's members with their keys. */
export function toItems(source: Json, from: string): readonly MapItem[] {
  if (Array.isArray(source)) return source.map((Value, Index) => ({ Index, Value, Source: from }));
  return Object.entries(source).map(([Key, Value], Index) => ({ Index, Key, Value, Source: from }));
}

/** Each iteration's input: what ItemSelector makes of the item, or the item itself. */
export async function inputsOf(
  execution: Execution,
  strand: Strand,
  { itemSelector }: MapState,
  items: readonly MapItem[],
): Promise<readonly Json[]> {
  const inputs: Json[] = [];
  for (const item of items) {
    if (itemSelector !== undefined)
      inputs.push(await evaluateTemplate(itemSelector, execution.bindings(strand, { item })));
    else inputs.push(item.Key === undefined ? item.Value : { Key: item.Key, Value: item.Value });
  }
  return inputs;
}

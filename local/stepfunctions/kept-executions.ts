import type { Json } from '../cloud.ts';
import type { Journal } from '../journal.ts';
import type { StateMachineRecord, StateMachines } from './api/state-machines.ts';
import type { Container, State } from './definition/machine.ts';
import type { ExecutionRecord } from './interpreter/execution.ts';
import type { Executions } from './interpreter/executions.ts';
import { emptyFrame, type Frame, type Strand } from './interpreter/frame.ts';
import type { HistoryEvent } from './interpreter/history.ts';
import type { TokenAnswer } from './interpreter/task-tokens.ts';
import type { MapRunChild, MapRunRecord } from './map/map-run.ts';

type KeptRecord = Omit<ExecutionRecord, 'history' | 'root' | 'definition'>;
type KeptFrame = Partial<Omit<Frame, 'input' | 'children'>> & { readonly children?: number };
type KeptChild = Pick<MapRunChild, 'inputText' | 'items' | 'status' | 'executionArn'>;

type Entry =
  | { readonly kind: 'machine'; readonly machine: Omit<StateMachineRecord, 'machine'> }
  | { readonly kind: 'noMachine'; readonly arn: string }
  /** Executions name their definition by its revision, so that it is kept once. */
  | { readonly kind: 'definition'; readonly revisionId: string; readonly text: string }
  | {
      readonly kind: 'execution';
      readonly arn: string;
      readonly record?: KeptRecord;
      readonly events?: readonly HistoryEvent[];
      readonly frames?: readonly (readonly [path: readonly number[], frame: KeptFrame])[];
      readonly settled?: readonly Omit<MapRunRecord, 'children'>[];
    }
  | { readonly kind: 'forgotten'; readonly arn: string }
  | { readonly kind: 'mapRun'; readonly run: Omit<MapRunRecord, 'children'>; readonly children?: readonly KeptChild[] }
  | { readonly kind: 'mapChild'; readonly run: string; readonly index: number; readonly child: KeptChild }
  | { readonly kind: 'answer'; readonly token: string; readonly answer?: TokenAnswer };

/** Is told of every step, to write it down. */
export interface ExecutionKeeper {
  /** Nothing runs yet: what tasks call is still being made. */
  held: boolean;
  machineChanged(arn: string): void;
  /** The record is new, or says something else now. */
  recordChanged(record: ExecutionRecord): void;
  /** A strand took a step; `deep` also writes down the strands within it. */
  touched(record: ExecutionRecord, strand: Strand, deep?: boolean): void;
  forgotten(arn: string): void;
  mapRunChanged(run: MapRunRecord, withChildren?: boolean): void;
  /** The run has come to its end: written down with the next step of the execution, for which it would be a redrive otherwise. */
  mapRunSettled(record: ExecutionRecord, run: MapRunRecord): void;
  mapChildChanged(run: MapRunRecord, child: MapRunChild): void;
  answered(token: string, answer: TokenAnswer | undefined): void;
}

interface Dirty {
  record: boolean;
  readonly frames: Map<string, readonly [path: readonly number[], frame: Frame]>;
}

const EVENTS = 200;

/**
 * Joins the journal. What an execution does in one turn of the event loop (the events of its history, the frames of its
 * strands) is one entry, so that it is taken up between two steps: a state that was left is not entered again, a Wait
 * ends when it was to end, and only a task that was under way is called once more.
 */
export function keepExecutions(
  journal: Journal,
  machines: StateMachines,
  executions: Executions,
  removeWhenEnded: (stateMachineArn: string) => void,
): ExecutionKeeper {
  const dirty = new Map<ExecutionRecord, Dirty>();
  /** How many events of a history are written. */
  const written = new WeakMap<ExecutionRecord, number>();
  const definitions = new Map<string, string>();
  const settled = new Map<ExecutionRecord, MapRunRecord[]>();
  const indexes = new WeakMap<MapRunRecord, Map<MapRunChild, number>>();

  const stepOf = (record: ExecutionRecord): Entry => {
    const { record: changed, frames } = dirty.get(record)!;
    dirty.delete(record);
    const events = record.history.slice(written.get(record) ?? 0);
    written.set(record, record.history.length);
    const runs = settled.get(record)?.map(({ children: _, ...run }) => run);
    settled.delete(record);
    const shallowFirst = [...frames.values()].sort(([a], [b]) => a.length - b.length);
    return {
      kind: 'execution',
      arn: record.arn,
      ...(changed && { record: toKeptRecord(record) }),
      ...(events.length > 0 && { events }),
      ...(frames.size > 0 && { frames: shallowFirst.map(([path, frame]) => [path, toKeptFrame(frame)] as const) }),
      ...(runs !== undefined && { settled: runs }),
    };
  };
  const markDirty = (record: ExecutionRecord): Dirty => {
    let known = dirty.get(record);
    if (known === undefined) {
      known = { record: false, frames: new Map() };
      dirty.set(record, known);
      keepDefinition(record);
      write(() => stepOf(record));
    }
    return known;
  };
  const keepDefinition = ({ revisionId, definition }: ExecutionRecord) => {
    if (definitions.has(revisionId)) return;
    definitions.set(revisionId, definition);
    write({ kind: 'definition', revisionId, text: definition });
  };

  const write = journal.join<Entry>('states', {
    restore(entry) {
      switch (entry.kind) {
        case 'machine':
          machines.restore(entry.machine);
          return;
        case 'noMachine':
          machines.remove(entry.arn);
          return;
        case 'definition':
          definitions.set(entry.revisionId, entry.text);
          return;
        case 'execution': {
          const record = executions.get(entry.arn) ?? newRecord(entry.record!, definitions);
          if (entry.record !== undefined) Object.assign(record, NO_RECORD, entry.record);
          if (entry.events !== undefined) record.history.push(...entry.events);
          for (const [path, frame] of entry.frames ?? []) restoreFrame(executions, record.root, path, frame);
          if (record.status !== 'RUNNING') closeTokens(executions, record.root);
          for (const run of entry.settled ?? []) restoreRun(executions, run);
          written.set(record, record.history.length);
          if (executions.get(entry.arn) === undefined) executions.restore(record);
          return;
        }
        case 'forgotten':
          executions.forget(entry.arn);
          return;
        case 'mapRun':
          restoreRun(executions, entry.run, entry.children?.map(toChild));
          return;
        case 'mapChild': {
          const child = executions.mapRuns.get(entry.run)?.children?.[entry.index];
          if (child !== undefined) Object.assign(child, { executionArn: undefined }, entry.child);
          return;
        }
        case 'answer':
          executions.tokens.restore(entry.token, entry.answer);
      }
    },
    *snapshot() {
      for (const { machine: _, ...machine } of machines.all()) yield { kind: 'machine', machine };
      for (const record of executions.all()) definitions.set(record.revisionId, record.definition);
      for (const [revisionId, text] of definitions) yield { kind: 'definition', revisionId, text };
      for (const record of executions.all()) {
        const frames = record.status === 'SUCCEEDED' ? [] : [...framesOf(record.root)];
        const { history, arn } = record;
        yield { kind: 'execution', arn, record: toKeptRecord(record), frames, events: history.slice(0, EVENTS) };
        for (let from = EVENTS; from < history.length; from += EVENTS) {
          yield { kind: 'execution', arn, events: history.slice(from, from + EVENTS) };
        }
        written.set(record, history.length);
      }
      const open = new Set([...settled.values()].flat());
      for (const one of executions.mapRuns.all()) {
        const { children, ...run } = open.has(one) ? { ...one, status: 'RUNNING' as const, stopDate: undefined } : one;
        yield { kind: 'mapRun', run, ...(children !== undefined && { children: children.map(toKeptChild) }) };
      }
      for (const [token, answer] of executions.tokens.answers()) yield { kind: 'answer', token, answer };
    },
    resume() {
      keeper.held = false;
      executions.takeUp();
      for (const { arn, status } of [...machines.all()]) if (status === 'DELETING') removeWhenEnded(arn);
    },
  });
  const keeper: ExecutionKeeper = {
    held: true,
    machineChanged(arn) {
      const found = machines.find(arn);
      if (found === undefined) return write({ kind: 'noMachine', arn });
      const { machine: _, ...machine } = found;
      write({ kind: 'machine', machine });
    },
    recordChanged(record) {
      markDirty(record).record = true;
    },
    touched(record, strand, deep = false) {
      const { frames } = markDirty(record);
      const add = (path: readonly number[], frame: Frame) => {
        frames.set(path.join('.'), [path, frame]);
        if (deep) frame.children?.forEach((child, i) => void add([...path, i], child));
      };
      add(strand.path, strand.frame);
    },
    forgotten(arn) {
      write({ kind: 'forgotten', arn });
    },
    mapRunChanged({ children, ...run }, withChildren = false) {
      write({ kind: 'mapRun', run, ...(withChildren && { children: (children ?? []).map(toKeptChild) }) });
    },
    mapRunSettled(record, run) {
      settled.set(record, [...(settled.get(record) ?? []), run]);
    },
    mapChildChanged(run, child) {
      let index = indexes.get(run);
      if (index === undefined) {
        index = new Map(run.children!.map((one, i) => [one, i]));
        indexes.set(run, index);
      }
      write({ kind: 'mapChild', run: run.arn, index: index.get(child)!, child: toKeptChild(child) });
    },
    answered: (token, answer) => write({ kind: 'answer', token, ...(answer !== undefined && { answer }) }),
  };
  return keeper;
}

// What JSON leaves out is undefined in a record.
const NO_RECORD = {
  traceHeader: undefined,
  mapRunArn: undefined,
  mapState: undefined,
  itemCount: undefined,
  stopDate: undefined,
  output: undefined,
  error: undefined,
  cause: undefined,
  redriveDate: undefined,
  deadline: undefined,
};
const NO_RUN = {
  toleratedFailureCount: undefined,
  toleratedFailurePercentage: undefined,
  stopDate: undefined,
  redriveDate: undefined,
};

function toKeptRecord({ history: _, root: __, definition: ___, ...record }: ExecutionRecord): KeptRecord {
  return record;
}

function newRecord(kept: KeptRecord, definitions: ReadonlyMap<string, string>): ExecutionRecord {
  const root = emptyFrame(JSON.parse(kept.input), kept.input);
  return { ...NO_RECORD, ...kept, definition: definitions.get(kept.revisionId)!, history: [], root };
}

function toKeptFrame({ input: _, children, ...frame }: Frame): KeptFrame {
  return { ...frame, ...(children !== undefined && { children: children.length }) };
}

function* framesOf(frame: Frame, path: readonly number[] = []): Generator<readonly [readonly number[], KeptFrame]> {
  yield [path, toKeptFrame(frame)];
  for (const [i, child] of (frame.children ?? []).entries()) yield* framesOf(child, [...path, i]);
}

/** Tokens wait from now on, for an answer may come before its task is taken up. */
function restoreFrame(executions: Executions, root: Frame, path: readonly number[], kept: KeptFrame): void {
  let frame: Frame | undefined = root;
  for (const i of path) frame = frame?.children?.[i];
  if (frame === undefined) return; // the strand around it has gone on
  const { children: count, inputText, ...rest } = kept;
  const { children: before, task } = frame;
  if (task?.token !== undefined && task.token !== kept.task?.token) executions.tokens.close(task.token);
  if (kept.task?.token !== undefined && kept.task.done === undefined) executions.tokens.reopen(kept.task.token);
  const input: Json = inputText === undefined || inputText === frame.inputText ? frame.input : JSON.parse(inputText);
  Object.assign(frame, emptyFrame(input, inputText ?? frame.inputText), rest);
  if (count === undefined) return;
  const same = before?.length === count;
  frame.children = same ? before : Array.from({ length: count }, () => emptyFrame(undefined, ''));
}

function restoreRun(
  { mapRuns }: Executions,
  kept: Omit<MapRunRecord, 'children'>,
  children: MapRunChild[] | undefined = mapRuns.get(kept.arn)?.children,
): void {
  mapRuns.add({ ...NO_RUN, ...kept, children });
}

function closeTokens(executions: Executions, { task, children }: Frame): void {
  if (task?.token !== undefined) executions.tokens.close(task.token);
  for (const child of children ?? []) closeTokens(executions, child);
}

const toKeptChild = ({ inputText, items, status, executionArn }: MapRunChild): KeptChild => ({
  inputText,
  items,
  status,
  executionArn,
});

const toChild = ({ inputText, items, status, executionArn }: KeptChild): MapRunChild => ({
  input: JSON.parse(inputText),
  inputText,
  items,
  status,
  executionArn,
});

/** The processor of the Map state with this name; names of states are unique in a state machine. */
export function processorOf(container: Container, mapState: string): Container | undefined {
  for (const state of container.states.values()) {
    if (state.type === 'Map' && state.name === mapState) return state.processor;
    for (const inner of containersIn(state)) {
      const found = processorOf(inner, mapState);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function containersIn(state: State): readonly Container[] {
  if (state.type === 'Parallel') return state.branches;
  return state.type === 'Map' ? [state.processor] : [];
}

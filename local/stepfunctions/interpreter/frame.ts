import type { Json } from '../../cloud.ts';
import type { Container } from '../definition/machine.ts';
import type { Bindings } from '../expression/compile.ts';

/**
 * Where one strand of an execution stands: the execution itself, a branch or an iteration. Plain data, so that an
 * execution can be written down between any two steps and be taken up again, after a restart or by a redrive.
 */
export interface Frame {
  status: 'running' | 'succeeded' | 'failed' | 'aborted';
  state: string;
  input: Json;
  inputText: string;
  /** The variables assigned in this scope. */
  variables: Record<string, Json>;
  /** The last event of this strand. */
  lastEvent: number;
  /** Set when the state has been entered. */
  entered: { event: number; at: number } | undefined;
  /** Attempts used up, by retrier. */
  attempts: number[];
  /** When a Wait ends, or the pause before a retry. */
  due: number | undefined;
  pausing: boolean;
  task: PendingTask | undefined;
  children: Frame[] | undefined;
  /** The Map Run that the state has started. */
  mapRunArn: string | undefined;
  /** What a Map's iteration is about. */
  item: MapItem | undefined;
  /** Set when the parent has recorded the start of this iteration. */
  begun: boolean;
  output: Json;
  error: { error: string | undefined; cause: string | undefined } | undefined;
}

export interface PendingTask {
  /** The text of its arguments, once the task was scheduled. */
  argumentsText: string | undefined;
  token: string | undefined;
  /** The call that hands the token over has been answered. */
  handedOver: boolean;
  /** What a `.sync` or token task has handed over, once it has. */
  submitted: Json;
  deadline: number | undefined;
  heartbeatMs: number | undefined;
  /** The task has succeeded: only Assign and Output are left to do. */
  done: { readonly result: Json } | undefined;
}

export interface MapItem {
  readonly Index: number;
  readonly Value: Json;
  readonly Key?: string;
  readonly Source?: string;
}

export function newFrame(container: Container, input: Json, inputText: string, previousEvent: number): Frame {
  return { ...emptyFrame(input, inputText), state: container.startAt, lastEvent: previousEvent };
}

export function emptyFrame(input: Json, inputText: string): Frame {
  return {
    status: 'running',
    state: '',
    input,
    inputText,
    variables: {},
    lastEvent: 0,
    entered: undefined,
    attempts: [],
    due: undefined,
    pausing: false,
    task: undefined,
    children: undefined,
    mapRunArn: undefined,
    item: undefined,
    begun: false,
    output: undefined,
    error: undefined,
  };
}

/** The strand goes on in another state. */
export function transition(frame: Frame, state: string, input: Json, inputText: string): void {
  frame.state = state;
  frame.input = input;
  frame.inputText = inputText;
  resetState(frame);
}

function resetState(frame: Frame): void {
  frame.entered = undefined;
  frame.attempts = [];
  resetAttempt(frame);
}

/** What one attempt at a state has left behind. */
export function resetAttempt(frame: Frame): void {
  frame.due = undefined;
  frame.pausing = false;
  frame.task = undefined;
  frame.children = undefined;
  frame.mapRunArn = undefined;
}

/**
 * A strand that did not succeed, and those within it, back at where they failed; "the retry count is reset to 0". A copy: the run
 * that has ended may still hold the frames between two of its steps, and changes only those.
 */
export function redriven(frame: Frame): Frame {
  if (frame.status === 'succeeded') return frame;
  return {
    ...frame,
    variables: { ...frame.variables },
    status: 'running',
    error: undefined,
    attempts: [],
    due: undefined,
    pausing: false,
    task: undefined,
    children: frame.children?.map(redriven),
  };
}

/** A frame with what is looked up anew whenever it is taken up: its states, and the variables of the scopes around it. */
export class Strand {
  readonly frame: Frame;
  readonly container: Container;
  readonly parent: Strand | undefined;
  #visible: Bindings | undefined;
  #path: readonly number[] | undefined;

  constructor(frame: Frame, container: Container, parent?: Strand) {
    this.frame = frame;
    this.container = container;
    this.parent = parent;
  }

  /** Where its frame is among those of the execution. */
  get path(): readonly number[] {
    const { parent } = this;
    this.#path ??= parent === undefined ? [] : [...parent.path, parent.frame.children!.indexOf(this.frame)];
    return this.#path;
  }

  /** The variables that an expression here sees. */
  get variables(): Bindings {
    this.#visible ??= { ...this.parent?.variables, ...this.frame.variables };
    return this.#visible;
  }

  assign(variables: Readonly<Record<string, Json>>): void {
    Object.assign(this.frame.variables, variables);
    this.#visible = undefined;
  }

  /** The innermost Map item around. */
  get item(): MapItem | undefined {
    return this.frame.item ?? this.parent?.item;
  }
}

import type { Json } from '../../cloud.ts';
import type { Clock } from '../../kernel/kernel.ts';
import { Interrupted } from './cancel-scope.ts';

/** An event as GetExecutionHistory answers it, but for `timestamp`, which is in milliseconds here. */
export interface HistoryEvent {
  readonly id: number;
  readonly previousEventId: number;
  readonly timestamp: number;
  readonly type: string;
  /** `…EventDetails`, under the name that belongs to the type. */
  readonly [details: string]: Json;
}

/** "Maximum event history size: 25,000 events in a single state machine execution history." The last one says so. */
export const HISTORY_LIMIT = 25_000;

export class HistoryFull extends Error {}

/** The events of one execution, in order. An Express execution keeps none, but counts. */
export class History {
  readonly events: HistoryEvent[];
  readonly #clock: Clock;
  readonly #kept: boolean;
  #last: number;
  #closed = false;

  constructor(clock: Clock, kept: boolean, events: HistoryEvent[] = []) {
    this.#clock = clock;
    this.#kept = kept;
    this.events = events;
    this.#last = events.length;
  }

  get length(): number {
    return this.#last;
  }

  /**
   * Adds an event and gives its id; room for the event that ends the execution always remains. After that one nothing is added: a
   * strand that had not noticed the end does now.
   */
  add(type: string, previousEventId: number, name?: string, details?: Json): number {
    if (this.#closed) throw new Interrupted('executionEnded');
    if (this.#kept && this.#last >= HISTORY_LIMIT - 1) throw new HistoryFull();
    return this.end(type, previousEventId, name, details);
  }

  close(): void {
    this.#closed = true;
  }

  end(type: string, previousEventId: number, name?: string, details?: Json): number {
    const id = ++this.#last;
    if (!this.#kept) return id;
    const event: Record<string, Json> = { id, previousEventId, timestamp: this.#clock.now(), type };
    if (name !== undefined) event[`${name}EventDetails`] = details;
    this.events.push(event as HistoryEvent);
    return id;
  }
}

const WHOLE = { truncated: false } as const;

export function input(text: string): { input: string; inputDetails: typeof WHOLE } {
  return { input: text, inputDetails: WHOLE };
}

export function output(text: string): { output: string; outputDetails: typeof WHOLE } {
  return { output: text, outputDetails: WHOLE };
}

export function assigned(variables: Readonly<Record<string, string>>): Json {
  return { assignedVariables: variables, assignedVariablesDetails: WHOLE };
}

/** Error and cause, each only when there is one. */
export function errorAndCause(
  error: string | undefined,
  cause: string | undefined,
): { error?: string; cause?: string } {
  return { ...(error === undefined ? {} : { error }), ...(cause === undefined ? {} : { cause }) };
}

import { isDaybookError } from '../errors.ts';

/** Something worth a line in the log: names and versions, never a payload. */
export interface Note {
  readonly what: string;
  readonly [detail: string]: string | number | boolean | undefined;
}

/** What a verb saw on its way: counts that become metrics, notes that become log lines. */
export interface Observed {
  readonly counts: ReadonlyMap<string, number>;
  /** The highest value of each, in milliseconds. */
  readonly highest: ReadonlyMap<string, number>;
  readonly notes: readonly Note[];
}

export interface Observing extends Observed {
  count(metric: string, by?: number): void;
  /** A duration in milliseconds, of which the highest counts. */
  measure(metric: string, ms: number): void;
  note(note: Note): void;
}

/** More notes than this from one invocation say nothing new; their number is in the counts. */
const MAX_NOTES = 20;

export function observing(): Observing {
  const counts = new Map<string, number>();
  const highest = new Map<string, number>();
  const notes: Note[] = [];
  return {
    counts,
    highest,
    notes,
    count(metric, by = 1) {
      if (by !== 0) counts.set(metric, (counts.get(metric) ?? 0) + by);
    },
    measure(metric, ms) {
      if (ms > (highest.get(metric) ?? -1)) highest.set(metric, ms);
    },
    note(note) {
      if (notes.length < MAX_NOTES) notes.push(note);
    },
  };
}

/** Our own codes whose messages say what a schema or somebody's upcast said of the data. */
const QUOTING: ReadonlySet<string> = new Set(['event.invalid', 'event.upcastFailed']);

/** What a class is called; anything else in an error's name may be a text with a payload. */
const CLASS = /^[\w$.]{1,80}$/;

/**
 * An error as a note. Our own messages name aggregates and versions; anyone else's may quote a payload (JSON.parse does), so
 * of those the name and the place have to do.
 */
export function errorNote(what: string, error: unknown, details: Omit<Note, 'what'> = {}): Note {
  if (isDaybookError(error) && QUOTING.has(error.code)) return { what, ...details, code: error.code };
  if (isDaybookError(error)) return { what, ...details, code: error.code, message: error.message };
  if (!(error instanceof Error)) return { what, ...details, code: typeof error };
  const { name, message, stack } = error as { readonly [K in 'name' | 'message' | 'stack']?: unknown };
  return {
    what,
    ...details,
    code: typeof name === 'string' && CLASS.test(name) ? name : 'Error',
    place: placeOf(`${stack}`, `${message}`),
  };
}

/** The first frame behind the message: a line of the message may look like one. Undefined where the stack was made with another message. */
function placeOf(stack: string, message: string): string | undefined {
  const end = stack.indexOf(message);
  return end < 0 ? undefined : /^ +at (.*)$/m.exec(stack.slice(end + message.length))?.[1];
}

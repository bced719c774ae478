/** So many events of each kind are run a second time, and so many of an aggregate from its first one on. */
const TWICE = 100;

/** Counts down, for one fold or for the upcasts: is this event's kind still to be run twice? */
export interface Twice {
  isDue(type: string, schemaVersion: number): boolean;
}

export function createTwice(): Twice {
  const left = new Map<string, number[]>();
  return {
    isDue(type, schemaVersion) {
      let ofType = left.get(type);
      if (ofType === undefined) {
        ofType = [];
        left.set(type, ofType);
      }
      const now = ofType[schemaVersion] ?? TWICE;
      if (now > 0) ofType[schemaVersion] = now - 1;
      return now > 0;
    },
  };
}

/** Is the run of an aggregate's events from the first one on still followed by the second one? */
export const isFollowed = (applied: number) => applied < TWICE;

/** Of so many aggregates. */
export const FOLLOWED = 100;

/** Far enough that every part of a date is another one. */
const LATER_MS = ((500 * 24 + 5) * 60 + 7) * 60_000 + 11_013;

/** Runs it on another day: code that asks for the time answers differently. Only for what does not await. */
export function later<T>(run: () => T): T {
  const now = globalThis.Date;
  const at = () => now.now() + LATER_MS;
  globalThis.Date = new Proxy(now, {
    construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [at()] : args, made) as object,
    apply: () => new now(at()).toString(),
    get: (target, key) => (key === 'now' ? at : Reflect.get(target, key)),
  });
  try {
    return run();
  } finally {
    globalThis.Date = now;
  }
}

/** What was parsed of JSON cannot be changed any more: who tries it throws. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const item of Object.values(value)) frozen(item);
  return Object.freeze(value);
}

/** What the engine says of a change to what is frozen. */
const CHANGED = /read only property|object is not extensible|Cannot (delete|redefine) property|Cannot define property/;

export const isChange = (error: unknown) => error instanceof TypeError && CHANGED.test(error.message);

export const isPromise = (value: unknown) =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';

/** What one run of a side took: `cpu` and `wall` in nanoseconds, and what the side itself reads. */
export type Readings = Readonly<Record<string, number>>;

/** One of the things that are compared: ours, a bare one, a peer. */
export interface Side {
  /** Operations in one run: what is measured is divided by it. Choose it so that a run takes 20 ms or more. */
  readonly count: number;
  /** Not measured: makes what a run uses up. */
  before?(): unknown;
  run(): unknown;
  /** After a run: more to measure than its time, such as bytes, or what a child process took in place of this one. */
  readings?(): Promise<Readings> | Readings;
}

/** How a figure is made of what the sides took in one round. */
export type Formula<Name extends string> =
  /** `of` ÷ `to`, per operation. */
  | { readonly kind: 'ratio'; readonly of: Name; readonly to: Name; readonly by: string }
  /** Operations per second. */
  | { readonly kind: 'rate'; readonly of: Name; readonly by: 'cpu' | 'wall' }
  /** `of` − `over`, per operation. */
  | { readonly kind: 'extra'; readonly of: Name; readonly over: Name; readonly by: string }
  /** A reading as it is, per operation. */
  | { readonly kind: 'reading'; readonly of: Name; readonly by: string; readonly unit: string };

export type Budget = { readonly atMost: number } | { readonly atLeast: number };

export interface Figure<Name extends string = string> {
  /** Kebab-case, unique among all figures: `npm run bench -- NAME`. */
  readonly name: string;
  /** One line for people. */
  readonly what: string;
  readonly formula: Formula<Name>;
  /** Absent: for reference only. */
  readonly budget?: Budget;
}

export interface Prepared<Name extends string = string> {
  readonly sides: Readonly<Record<Name, Side>>;
  /** Ends what would keep the process alive, removes what was written. */
  close?(): unknown;
}

/** Figures that are measured together: all sides in every round, in one process of their own. */
export interface Bench<Name extends string = string> {
  /** The file's name without its ending. */
  readonly name: string;
  /** Default 30. */
  readonly rounds?: number;
  /** Rounds before them that are not counted; default 3. A model that takes seconds needs none. */
  readonly warmUp?: number;
  /**
   * Runs of each side in a round, the sides taken in turn; default 1. More for short operations: the sides then meet the
   * same moments of a busy machine. Garbage is collected before a round, and with one turn before each side too.
   */
  readonly turns?: number;
  readonly figures: readonly Figure<Name>[];
  prepare(): Promise<Prepared<Name>> | Prepared<Name>;
}

export const DEFAULT_ROUNDS = 30;

/**
 * Declares a bench; the default export of a file in `figures/`.
 *
 * @example
 * export default defineBench({
 *   name: 'sort',
 *   figures: [{ name: 'sort-numbers', what: '…', formula: { kind: 'ratio', of: 'ours', to: 'theirs', by: 'cpu' } }],
 *   prepare: () => ({ sides: { ours: { count: 1, run: sort }, theirs: { count: 1, run: otherSort } } }),
 * });
 */
export function defineBench<const Name extends string>(bench: {
  readonly name: string;
  readonly rounds?: number;
  readonly warmUp?: number;
  readonly turns?: number;
  readonly figures: readonly Figure<NoInfer<Name>>[];
  prepare(): Promise<Prepared<Name>> | Prepared<Name>;
}): Bench<Name> {
  return bench;
}

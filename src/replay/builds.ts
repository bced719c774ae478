import type { Estimate } from './estimate.ts';
import type { CheckedRequest } from './request.ts';

/** What a build is: a projection's next state, a report over a range, or an earlier build on its way back. */
export type BuildKind = 'rebuild' | 'report' | 'rollback';

/** How a build stands. `failed` can be resumed; `stopped` and `removed` are over. */
export type BuildStatus = 'running' | 'promoted' | 'ready' | 'failed' | 'stopped' | 'removed';

/** A part of a replay: `fold` counts slices' bytes, `catchUp` and `verify` count aggregates. */
export type ReplayStep = 'fold' | 'catchUp' | 'verify';

/** How far a step is; `of` is what the plan expected. */
export interface StepProgress {
  readonly done: number;
  readonly of: number;
}

/** What is kept of a build beside its states. */
export interface BuildRecord {
  readonly projection: string;
  readonly build: string;
  readonly version: number;
  readonly kind: BuildKind;
  readonly status: BuildStatus;
  /** The execution that makes it, by its ARN. */
  readonly execution: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly request: CheckedRequest;
  readonly estimate: Estimate;
  /** Bytes folded, by slice. */
  readonly folded: Readonly<Record<string, number>>;
  readonly progress: Readonly<Partial<Record<ReplayStep, StepProgress>>>;
  /** US dollars that its functions have counted so far, at list prices. */
  readonly spent?: number;
  readonly error?: string;
  /** What a slice failed with last; forgotten when it is resumed. */
  readonly sliceError?: string;
}

/** Who may write and promote a build: one execution per version of a projection. */
export interface LockHolder {
  readonly build: string;
  /** Its ARN. */
  readonly execution: string;
}

/** What a function that works on a build asks of its record, and adds to it. */
export interface BuildProgress {
  get(projection: string, build: string): Promise<BuildRecord | undefined>;
  /** A slice is folded; said twice it counts once. `spent` is added to what the build has spent, in dollars. */
  folded(projection: string, build: string, slice: string, bytes: number, spent: number): Promise<void>;
  /** How far a part of a step is; the record adds the parts up, and what they have spent. */
  progress(
    projection: string,
    build: string,
    step: ReplayStep,
    part: string,
    progress: StepProgress & { readonly spent: number },
  ): Promise<void>;
  /** Adds to what the build has spent; the answer is all of it. 0 when there is no record of it. */
  spend(projection: string, build: string, dollars: number): Promise<number>;
  /** A slice failed, and why; said before the execution fails. */
  sliceFailed(projection: string, build: string, error: string): Promise<void>;
}

/** The port to the records of builds and to the lock that lets one rebuild of a version run at a time. */
export interface Builds extends BuildProgress {
  /** Written once: a plan that is made again finds it. */
  add(record: BuildRecord): Promise<void>;
  /** Of a projection, in the order of their names. */
  list(projection: string): AsyncIterable<BuildRecord>;
  /** The projections that have ever had a record, also those that the app has no more. */
  projections(): AsyncIterable<string>;
  /** How it has ended. False when there is no record of it. */
  mark(projection: string, build: string, status: BuildStatus, more: { at: string; error?: string }): Promise<boolean>;
  /** It runs again: when it ended, and what with, is forgotten. */
  resumed(projection: string, build: string): Promise<void>;
  /**
   * Makes a build the one in progress, unless another execution has the lock: the answer is who has it. Safe to repeat.
   * `insteadOf` is an execution that does not run any more: its lock is taken over.
   */
  lock(projection: string, version: number, holder: LockHolder, insteadOf?: string): Promise<LockHolder>;
  /** Gives the lock back, if this execution has it. */
  release(projection: string, version: number, execution: string): Promise<void>;
  /** The build that a rollback would go back to is forgotten, if it is still `build` and none goes back to it now. */
  forgetPrevious(projection: string, version: number, build: string): Promise<void>;
  /** Removes a build's states of one bucket until `isLate`; true when none is left. */
  removeStates(projection: string, build: string, bucket: string, isLate: () => boolean): Promise<boolean>;
}

/** Where a failure was raised: only the interpreter's own causes are prefixed with the state's name, a task's and a Fail state's are passed on. */
export type FailureOrigin = 'interpreter' | 'task';

/** A state's failure: what Retry and Catch match, and what ends an execution. */
export class StateFailure extends Error {
  readonly error: string | undefined;
  readonly origin: FailureOrigin;
  /** The field whose expression failed, relative to the state: `Output/total`. Set for States.QueryEvaluationError. */
  readonly location: string | undefined;
  /** Further names that Retry and Catch match this failure under. */
  readonly aliases: readonly string[];
  override readonly cause: string | undefined;

  constructor(
    error: string | undefined,
    cause: string | undefined,
    options: { origin?: FailureOrigin; location?: string; aliases?: readonly string[] } = {},
  ) {
    super(`${error ?? ''}: ${cause ?? ''}`);
    this.error = error;
    this.cause = cause;
    this.origin = options.origin ?? 'interpreter';
    this.location = options.location;
    this.aliases = options.aliases ?? [];
  }
}

export function queryEvaluationFailure(cause: string, location: string): StateFailure {
  return new StateFailure('States.QueryEvaluationError', cause, { location });
}

/** "Maximum input or output size for a task, state, or execution: 256 KiB of data as a UTF-8 encoded string" (Step Functions quotas). */
export const PAYLOAD_LIMIT = 262_144;

export function dataLimitFailure(what: string, origin: FailureOrigin = 'task'): StateFailure {
  const cause = `The state/task '${what}' returned a result with a size exceeding the maximum number of bytes service limit.`;
  return new StateFailure('States.DataLimitExceeded', cause, { origin });
}

/** Is the text longer than `limit` bytes of UTF-8? Counts only when the length alone does not tell. */
export function exceedsBytes(text: string, limit: number): boolean {
  if (text.length * 3 <= limit) return false;
  return text.length > limit || Buffer.byteLength(text) > limit;
}

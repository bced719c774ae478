import type { compactionErrors } from './archive/compaction-errors.ts';
import type { archiveErrors } from './archive/errors.ts';
import type { cliErrors } from './cli/errors.ts';
import { eventErrors } from './event/errors.ts';
import type { feedErrors } from './feed/errors.ts';
import type { importErrors } from './import/errors.ts';
import type { projectionErrors } from './projection/errors.ts';
import type { replayErrors } from './replay/errors.ts';
import type { planErrors } from './replay/plan-errors.ts';
import type { schemaErrors } from './schema/errors.ts';
import type { storeErrors } from './store/errors.ts';

/** Every code, with the function that makes its message from its details; the details' type hangs on the code. */
type Messages = typeof eventErrors &
  typeof storeErrors &
  typeof archiveErrors &
  typeof cliErrors &
  typeof compactionErrors &
  typeof feedErrors &
  typeof importErrors &
  typeof projectionErrors &
  typeof planErrors &
  typeof replayErrors &
  typeof schemaErrors;

/** What any use of the library can throw; the other parts add theirs, so that a bundle without them holds none of their texts. */
const messages: Record<string, (details: never) => string> = { ...eventErrors };

/** For the `errors.ts` of a part: whoever throws one of its codes imports it for this effect. */
export function addMessages(more: Readonly<Record<string, (details: never) => string>>): void {
  Object.assign(messages, more);
}

/** A dotted code such as `append.versionConflict`: what programs test, while the message is for people. */
export type ErrorCode = keyof Messages;

/** What an error of this code carries. */
export type ErrorDetails<C extends ErrorCode> = Parameters<Messages[C]>[0];

/**
 * The one error class. `code` says what happened, `details` which aggregate, what was expected and what was found, and
 * the message says it to a person, with what to do.
 *
 * @example
 * try {
 *   await store.append(account, [{ type: 'MoneyWithdrawn', data: { amount: 50 } }]);
 * } catch (error) {
 *   if (isDaybookError(error, 'append.versionConflict')) console.log(error.details.actual);
 * }
 */
export class DaybookError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'DaybookError';
  readonly code: C;
  readonly details: ErrorDetails<C>;

  constructor(code: C, details: ErrorDetails<C>, options?: { readonly cause?: unknown }) {
    const message = messages[code] as ((details: ErrorDetails<C>) => string) | undefined;
    super(message === undefined ? code : `${code}: ${message(details)}`, options);
    this.code = code;
    this.details = details;
  }
}

/** Is it a DaybookError, and of this code, when one is named? */
export function isDaybookError<C extends ErrorCode = ErrorCode>(error: unknown, code?: C): error is DaybookError<C> {
  return error instanceof DaybookError && (code === undefined || error.code === code);
}

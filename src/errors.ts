import { archiveErrors } from './archive/errors.ts';
import { cliErrors } from './cli/errors.ts';
import { eventErrors } from './event/errors.ts';
import { feedErrors } from './feed/errors.ts';
import { importErrors } from './import/errors.ts';
import { projectionErrors } from './projection/errors.ts';
import { replayErrors } from './replay/errors.ts';
import { storeErrors } from './store/errors.ts';

/** Every code, with the function that makes its message from its details; the details' type hangs on the code. */
const messages = {
  ...eventErrors,
  ...storeErrors,
  ...feedErrors,
  ...archiveErrors,
  ...projectionErrors,
  ...replayErrors,
  ...importErrors,
  ...cliErrors,
};

/** A dotted code such as `append.versionConflict`: what programs test, while the message is for people. */
export type ErrorCode = keyof typeof messages;

/** What an error of this code carries. */
export type ErrorDetails<C extends ErrorCode> = Parameters<(typeof messages)[C]>[0];

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
    super(`${code}: ${(messages[code] as (details: ErrorDetails<C>) => string)(details)}`, options);
    this.code = code;
    this.details = details;
  }
}

/** Is it a DaybookError, and of this code, when one is named? */
export function isDaybookError<C extends ErrorCode = ErrorCode>(error: unknown, code?: C): error is DaybookError<C> {
  return error instanceof DaybookError && (code === undefined || error.code === code);
}

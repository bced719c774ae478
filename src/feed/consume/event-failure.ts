import { isDaybookError } from '../../errors.ts';
import { versionOfUnreadable } from '../missing-events.ts';
import { errorNote } from '../observed.ts';

/** A failure that lies in one event: its attempts are counted. Everything else (throttles, networks, races) only passes. */
export class EventFailure extends Error {
  override readonly name = 'EventFailure';
  readonly version: number;

  constructor(version: number, cause: unknown) {
    super(`version ${version} failed`, { cause });
    this.version = version;
  }
}

/** What failed, when it was an event that did: its effect, its decoding, its item in the table, or its absence there. */
export function failureOf(error: unknown): EventFailure | undefined {
  if (error instanceof EventFailure) return error;
  if (isDaybookError(error, 'feed.gapUnfilled')) return new EventFailure(error.details.missing, error);
  const unreadable = versionOfUnreadable(error);
  return unreadable === undefined ? undefined : new EventFailure(unreadable, error);
}

/** Does the AWS SDK say that the same call may be made again? Then it is not the event's fault. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { $retryable, $metadata } = error as { $retryable?: unknown; $metadata?: { httpStatusCode?: number } };
  return $retryable !== undefined || ($metadata?.httpStatusCode ?? 0) >= 500;
}

/** A message is for an operator's list. */
const MOST_CHARACTERS = 500;

/** What is kept of an error for people: its code or name, and a message that holds no payload. */
export function reasonOf(error: unknown): { readonly code: string; readonly message: string } {
  const { code, message, place } = errorNote('failed', error);
  // A message of ours begins with its code, which is kept beside it.
  const text =
    message === undefined ? (place === undefined ? '' : `at ${place}`) : `${message}`.replace(`${code}: `, '');
  return { code: `${code}`, message: text.slice(0, MOST_CHARACTERS) };
}

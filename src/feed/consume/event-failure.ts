import { isPassing } from '../../aws/retry.ts';
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

/** Did the failure come from what the effect asked (a throttle, a network, a service's own failure)? Then it is not the event's fault. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ((error as { $retryable?: unknown }).$retryable !== undefined || isPassing(error)) return true;
  // What happened to the network `fetch` says in its error's cause, some of it by a code of undici's own.
  const { code } = (error.cause ?? {}) as { code?: unknown };
  return isPassing(error.cause) || `${code}`.startsWith('UND_ERR_');
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

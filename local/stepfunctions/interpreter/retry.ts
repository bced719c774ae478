import type { Random } from '../../kernel/kernel.ts';
import type { Catcher, Retrier } from '../definition/machine.ts';
import type { StateFailure } from '../failure.ts';

/**
 * Does one of the names match the failure?
 *
 * - States.ALL: "a wildcard that matches any known error name … can't catch the States.DataLimitExceeded terminal error or
 *   Runtime error types".
 * - States.TaskFailed: "acts as a wildcard that matches any known error name except for States.Timeout".
 * - States.Runtime "isn't retriable, and will always cause the execution to fail".
 */
export function matches(errorEquals: readonly string[], failure: StateFailure): boolean {
  const { error } = failure;
  if (error === 'States.Runtime') return false;
  const terminal = error === 'States.DataLimitExceeded';
  return errorEquals.some((name) => {
    if (name === 'States.ALL') return !terminal;
    if (name === 'States.TaskFailed') return !terminal && error !== 'States.Timeout';
    return name === error || failure.aliases.includes(name);
  });
}

/** The first retrier that names the failure, if it has an attempt left. */
export function findRetrier(
  retriers: readonly Retrier[],
  attempts: readonly number[],
  failure: StateFailure,
): { readonly index: number; readonly retrier: Retrier } | undefined {
  const index = retriers.findIndex(({ errorEquals }) => matches(errorEquals, failure));
  const retrier = retriers[index];
  if (retrier === undefined || (attempts[index] ?? 0) >= retrier.maxAttempts) return undefined;
  return { index, retrier };
}

export function findCatcher(catchers: readonly Catcher[], failure: StateFailure): Catcher | undefined {
  return catchers.find(({ errorEquals }) => matches(errorEquals, failure));
}

/**
 * The pause before the next attempt: IntervalSeconds, multiplied by BackoffRate after each attempt, at most
 * MaxDelaySeconds; with JitterStrategy FULL a random part of it ("between 0 and" the delay).
 */
export function pauseMs(retrier: Retrier, attemptsMade: number, random: Random): number {
  const grown = retrier.intervalSeconds * retrier.backoffRate ** attemptsMade;
  const seconds = Math.min(grown, retrier.maxDelaySeconds ?? Number.POSITIVE_INFINITY);
  // Timers hold 32-bit milliseconds; nothing here waits longer than an execution may last, one year.
  const milliseconds = Math.min(seconds, 31_536_000) * 1000;
  return retrier.jitter === 'FULL' ? random.next() * milliseconds : milliseconds;
}

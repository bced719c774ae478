import './errors.ts';
import { DaybookError } from '../errors.ts';
import { textProblem, typeNameProblem } from '../event/names.ts';
import { toInstant } from '../event/time.ts';
import type { TimeRange } from './ranges.ts';

const MAX_ID_BYTES = 256;
const MAX_COMMIT_ID_BYTES = 128;

export function checkAggregateUuid(given: unknown): asserts given is string {
  const problem = textProblem(given, MAX_ID_BYTES);
  if (problem !== undefined) throw new DaybookError('aggregate.badId', { given, problem });
}

export function checkAggregateType(given: unknown): asserts given is string {
  const problem = typeNameProblem(given);
  if (problem !== undefined) throw new DaybookError('aggregate.badType', { given, problem });
}

export function checkCommitId(given: unknown): asserts given is string {
  const problem = textProblem(given, MAX_COMMIT_ID_BYTES);
  if (problem !== undefined) throw new DaybookError('append.badCommitId', { given, problem });
}

/** A version, or where `least` is 0 also "before the first". */
export function checkVersion(what: string, given: unknown, least: 0 | 1): asserts given is number {
  if (!Number.isSafeInteger(given) || (given as number) < least) {
    throw new DaybookError('version.notAllowed', { what, given, least });
  }
}

export function checkLimit(given: unknown): asserts given is number {
  if (!Number.isSafeInteger(given) || (given as number) < 1) throw new DaybookError('limit.notAllowed', { given });
}

/** Refuses what is misspelt or not supported, by name. */
export function checkOptions(verb: string, given: object, allowed: readonly string[]): void {
  for (const option of Object.keys(given)) {
    if (!allowed.includes(option)) throw new DaybookError('option.unknown', { verb, option, allowed });
  }
}

export function checkTime(what: string, given: unknown): string {
  const time = toInstant(given);
  if ('problem' in time) throw new DaybookError('time.notAllowed', { what, given, problem: time.problem });
  return time.instant;
}

export function checkClock(verb: string, given: unknown): 'occurred' | 'recorded' {
  if (given === undefined) return 'occurred';
  if (given !== 'occurred' && given !== 'recorded') {
    throw new DaybookError('option.notAllowed', { verb, option: 'clock', given, allowed: "'occurred' or 'recorded'" });
  }
  return given;
}

/** Both ends as instants, open where absent; `ends` is what the verb calls them. */
export function checkTimeRange(
  verb: string,
  range: TimeRange,
  ends: readonly [string, string] = ['since', 'until'],
): { since: string; until: string; clock: 'occurred' | 'recorded' } {
  const since = range.since === undefined ? '' : checkTime(ends[0], range.since);
  const until = range.until === undefined ? '~' : checkTime(ends[1], range.until);
  if (range.since !== undefined && range.until !== undefined && since > until) {
    throw new DaybookError('range.reversed', { from: since, to: until });
  }
  return { since, until, clock: checkClock(verb, range.clock) };
}

import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { AnyProjection } from '../projection/definition.ts';

/** Which clock a range of times is read by: when it happened in the domain, or when the store took it. */
export type ReplayClock = 'occurred' | 'recorded';

/** What is folded. Both ends are included. */
export type ReplayRange =
  | { readonly kind: 'all' }
  | {
      readonly kind: 'versions';
      readonly aggregates: readonly string[];
      readonly from: number;
      /** Default: the aggregate's last version. */
      readonly to?: number;
    }
  | {
      readonly kind: 'times';
      /** ISO 8601, UTC, milliseconds. */
      readonly from: string;
      /** Default: open. */
      readonly to?: string;
      /** Default: `occurred`. */
      readonly clock?: ReplayClock;
    };

/** What a replay is asked to do. `all` rebuilds the projection and promotes it; a bounded range makes a report. */
export interface ReplayRequest {
  readonly projection: string;
  /** Default: everything. */
  readonly range?: ReplayRange;
  /** Whether a report starts from the fold's initial state, or from the state before the range. Default `initial`. */
  readonly seed?: 'initial' | 'before';
}

/** A request that has been checked, with its defaults filled in. */
export interface CheckedRequest {
  readonly projection: string;
  readonly range: ReplayRange;
  readonly seed: 'initial' | 'before';
}

/** A state machine's payload holds 256 KiB: so many ids of 256 bytes fit with room for the rest. */
const MOST_AGGREGATES = 500;

/** Refuses what a replay cannot do, before anything is read or written. */
export function checkRequest(given: unknown, projections: readonly AnyProjection[]): CheckedRequest {
  if (!isObject(given)) throw bad('request', given, 'an object with `projection`');
  refuseUnknown('request', given, ['projection', 'range', 'seed']);
  const names = projections.map(({ name }) => name);
  if (typeof given.projection !== 'string' || !names.includes(given.projection)) {
    throw new DaybookError('replay.unknownProjection', { given: given.projection, known: names });
  }
  const range = checkRange(given.range ?? { kind: 'all' });
  const seed = given.seed ?? 'initial';
  if (seed !== 'initial' && seed !== 'before') throw bad('seed', seed, '`initial` or `before`');
  return { projection: given.projection, range, seed };
}

function checkRange(range: unknown): ReplayRange {
  if (!isObject(range)) throw bad('range', range, '`{kind: "all" | "versions" | "times", …}`');
  switch (range.kind) {
    case 'all':
      refuseUnknown('range', range, ['kind']);
      return { kind: 'all' };
    case 'versions':
      return checkVersions(range);
    case 'times':
      return checkTimes(range);
    default:
      throw bad(
        'range.kind',
        range.kind,
        '`all`, `versions` or `times`, such as {"kind": "versions", "aggregates": ["account-1"], "from": 1, "to": 9}',
      );
  }
}

function checkVersions(range: Record<string, unknown>): ReplayRange {
  refuseUnknown('range', range, ['kind', 'aggregates', 'from', 'to']);
  const { aggregates, from = 1, to } = range;
  if (
    !Array.isArray(aggregates) ||
    aggregates.length === 0 ||
    aggregates.length > MOST_AGGREGATES ||
    !aggregates.every((id) => typeof id === 'string' && id.length > 0)
  ) {
    throw bad('range.aggregates', aggregates, `1 to ${MOST_AGGREGATES} aggregate ids`);
  }
  if (!isVersion(from)) throw bad('range.from', from, 'a version: 1, 2, 3 …');
  if (to !== undefined && !isVersion(to)) throw bad('range.to', to, 'a version: 1, 2, 3 …');
  if (to !== undefined && from > to) throw new DaybookError('replay.emptyRange', { from, to });
  return { kind: 'versions', aggregates: [...new Set<string>(aggregates)], from, ...(to !== undefined && { to }) };
}

function checkTimes(range: Record<string, unknown>): ReplayRange {
  refuseUnknown('range', range, ['kind', 'from', 'to', 'clock']);
  const { clock = 'occurred' } = range;
  if (clock !== 'occurred' && clock !== 'recorded') throw bad('range.clock', clock, '`occurred` or `recorded`');
  const from = checkTime('range.from', range.from);
  const to = range.to === undefined ? undefined : checkTime('range.to', range.to);
  if (to !== undefined && from > to) throw new DaybookError('replay.emptyRange', { from, to });
  return { kind: 'times', from, ...(to !== undefined && { to }), clock };
}

function checkTime(where: string, given: unknown): string {
  const zoned = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/;
  if (typeof given !== 'string' || !zoned.test(given) || Number.isNaN(Date.parse(given))) {
    throw bad(where, given, 'an ISO 8601 time with its zone, such as 2026-01-31T23:59:59.999Z');
  }
  return new Date(given).toISOString();
}

function isVersion(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuseUnknown(where: string, given: Record<string, unknown>, known: readonly string[]): void {
  const unknown = Object.keys(given).filter((key) => !known.includes(key));
  if (unknown.length > 0) {
    throw new DaybookError('replay.unknownField', { where, unknown, known });
  }
}

function bad(where: string, given: unknown, allowed: string): DaybookError<'replay.badRequest'> {
  return new DaybookError('replay.badRequest', { where, given, allowed });
}

import './plan-errors.ts';
import { DaybookError } from '../errors.ts';
import { toInstant } from '../event/time.ts';
import type { AnyProjection } from '../projection/definition.ts';
import { isWholeHistory } from './range.ts';

/** Which clock a range of times is read by: when it happened in the domain, or when the store took it. */
export type ReplayClock = 'occurred' | 'recorded';

/** Aggregates by their ids, or by a query whose first column is their ids; it runs in Athena, within the work group's scan limit. */
export type ReplayAggregates = readonly string[] | { readonly sql: string };

/** What is folded. Both ends are included. */
export type ReplayRange =
  | { readonly kind: 'all' }
  | {
      readonly kind: 'versions';
      readonly aggregates: ReplayAggregates;
      /** Default: 1. */
      readonly from?: number;
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
      /** Default: every one. */
      readonly aggregates?: ReplayAggregates;
    };

/** What a replay is asked to do. `all` rebuilds the projection and promotes it; whatever is bounded makes a report. */
export interface ReplayRequest {
  readonly projection: string;
  /** Of the projection's versions in the app. Default: the highest. */
  readonly version?: number;
  /** Default: everything. */
  readonly range?: ReplayRange;
  /** Only events of these types count: a report. Default: all that the projection has. */
  readonly types?: readonly string[];
  /** Whether a report starts from the fold's initial state, or from the state before the range. Default `initial`. */
  readonly seed?: 'initial' | 'before';
  /** Only the plan, with what it would read, take and cost; nothing is written. Default false. */
  readonly dryRun?: boolean;
  /** In US dollars: a replay whose estimate is above it is refused before anything is written. Default: none. */
  readonly budget?: number;
  /** While another rebuild of the projection runs: `refuse` (the default), or `queue`, which waits for it. */
  readonly ifBusy?: 'refuse' | 'queue';
  /** How many aggregates are folded again from the table to compare: a `sample` (the default) or `all`. */
  readonly verify?: 'sample' | 'all';
  /** Back to the build that was active before: it is brought to the heads, verified and promoted again. Default false. */
  readonly rollback?: boolean;
}

/** A range that has been checked: ids once each, times as the store writes them. */
export type CheckedRange =
  | { readonly kind: 'all' }
  | { readonly kind: 'versions'; readonly aggregates: ReplayAggregates; readonly from: number; readonly to?: number }
  | {
      readonly kind: 'times';
      readonly from: string;
      readonly to?: string;
      readonly clock: ReplayClock;
      readonly aggregates?: ReplayAggregates;
    };

/** A request that has been checked, with its defaults filled in. */
export interface CheckedRequest {
  readonly projection: string;
  readonly version: number;
  readonly range: CheckedRange;
  readonly types?: readonly string[];
  readonly seed: 'initial' | 'before';
  readonly dryRun: boolean;
  readonly budget?: number;
  readonly ifBusy: 'refuse' | 'queue';
  readonly verify: 'sample' | 'all';
  readonly rollback: boolean;
}

/** A state machine's payload holds 256 KiB: so many ids of 256 bytes fit with room for the rest. */
const MOST_AGGREGATES = 500;
/** "Maximum allowed query string length: 262144 bytes" (Athena); a state's payload has to hold it beside the rest. */
const MOST_SQL = 100_000;

const FIELDS = ['projection', 'version', 'range', 'types', 'seed', 'dryRun', 'budget', 'ifBusy', 'verify', 'rollback'];

/** Refuses what a replay cannot do, before anything is read or written. */
export function checkRequest(given: unknown, projections: readonly AnyProjection[]): CheckedRequest {
  if (!isObject(given)) throw bad('request', given, 'an object with `projection`');
  refuseUnknown('request', given, FIELDS);
  const { name, version, events } = checkProjection(given, projections);
  const range = given.range === undefined ? ({ kind: 'all' } as const) : checkRange(given.range);
  const types = checkTypes(given.types, name, events);
  const dryRun = flagOf(given, 'dryRun');
  const rollback = flagOf(given, 'rollback');
  if (rollback && !isWholeHistory({ range, types })) {
    throw bad('rollback', true, 'a rollback alone, without a range and without types: it is of the whole projection');
  }
  const seed = oneOf(given, 'seed', ['initial', 'before']);
  // Who has forgotten the range would have a rebuild promoted instead of a report.
  if (seed === 'before' && range.kind === 'all') {
    throw bad('seed', seed, '`initial`, or with a range of versions or times `before`');
  }
  const { budget } = given;
  if (budget !== undefined && !(typeof budget === 'number' && budget > 0 && Number.isFinite(budget))) {
    throw bad('budget', budget, 'an amount in US dollars above 0');
  }
  return {
    projection: name,
    version,
    range,
    ...(types !== undefined && { types }),
    seed,
    dryRun,
    ...(budget !== undefined && { budget }),
    ifBusy: oneOf(given, 'ifBusy', ['refuse', 'queue']),
    verify: oneOf(given, 'verify', ['sample', 'all']),
    rollback,
  };
}

function checkProjection(given: Record<string, unknown>, projections: readonly AnyProjection[]): AnyProjection {
  const named = projections.filter(({ name }) => name === given.projection);
  if (named.length === 0) {
    const known = [...new Set(projections.map(({ name }) => name))];
    throw new DaybookError('replay.unknownProjection', { given: given.projection, known });
  }
  const versions = named.map(({ version }) => version);
  const wanted = given.version ?? Math.max(...versions);
  const found = named.find(({ version }) => version === wanted);
  if (found === undefined) throw bad('version', wanted, `a version that the app has: ${versions.join(', ')}`);
  return found;
}

function checkTypes(
  types: unknown,
  projection: string,
  events: AnyProjection['events'],
): readonly string[] | undefined {
  if (types === undefined) return undefined;
  const known = events.map(({ type }) => type);
  if (!Array.isArray(types) || types.length === 0 || !types.every((type) => known.includes(type))) {
    throw bad('types', types, `some of the event types of ${projection}: ${known.join(', ')}`);
  }
  return [...new Set<string>(types)];
}

function checkRange(range: unknown): CheckedRange {
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

function checkVersions(range: Record<string, unknown>): CheckedRange {
  refuseUnknown('range', range, ['kind', 'aggregates', 'from', 'to']);
  const { from = 1, to } = range;
  const aggregates = checkAggregates(range.aggregates);
  if (!isVersion(from)) throw bad('range.from', from, 'a version: 1, 2, 3 …');
  if (to !== undefined && !isVersion(to)) throw bad('range.to', to, 'a version: 1, 2, 3 …');
  if (to !== undefined && from > to) throw new DaybookError('replay.emptyRange', { from, to });
  return { kind: 'versions', aggregates, from, ...(to !== undefined && { to }) };
}

function checkAggregates(aggregates: unknown): ReplayAggregates {
  if (isObject(aggregates)) {
    refuseUnknown('range.aggregates', aggregates, ['sql']);
    const { sql } = aggregates;
    if (typeof sql !== 'string' || !/^\s*(select|with)\b/i.test(sql) || sql.length > MOST_SQL) {
      throw bad('range.aggregates.sql', sql, `a SELECT of up to ${MOST_SQL} characters whose first column is the ids`);
    }
    return { sql };
  }
  if (
    !Array.isArray(aggregates) ||
    aggregates.length === 0 ||
    aggregates.length > MOST_AGGREGATES ||
    !aggregates.every((id) => typeof id === 'string' && id.length > 0)
  ) {
    const more = 'or {"sql": "SELECT DISTINCT aggregate_uuid FROM events WHERE …"} for more';
    throw bad('range.aggregates', aggregates, `1 to ${MOST_AGGREGATES} aggregate ids, ${more}`);
  }
  return [...new Set<string>(aggregates)];
}

function checkTimes(range: Record<string, unknown>): CheckedRange {
  refuseUnknown('range', range, ['kind', 'from', 'to', 'clock', 'aggregates']);
  const { clock = 'occurred' } = range;
  if (clock !== 'occurred' && clock !== 'recorded') throw bad('range.clock', clock, '`occurred` or `recorded`');
  const from = checkTime('range.from', range.from);
  const to = range.to === undefined ? undefined : checkTime('range.to', range.to);
  if (to !== undefined && from > to) throw new DaybookError('replay.emptyRange', { from, to });
  const aggregates = range.aggregates === undefined ? undefined : checkAggregates(range.aggregates);
  return {
    kind: 'times',
    from,
    ...(to !== undefined && { to }),
    clock,
    ...(aggregates !== undefined && { aggregates }),
  };
}

/** A day alone is none: as an end it would leave the day itself out. */
function checkTime(where: string, given: unknown): string {
  const read = typeof given === 'string' ? toInstant(given) : undefined;
  if (read === undefined || !('instant' in read))
    throw bad(where, given, 'an ISO 8601 time with its zone, such as 2026-01-31T23:59:59.999Z');
  return read.instant;
}

function flagOf(given: Record<string, unknown>, name: 'dryRun' | 'rollback'): boolean {
  const value = given[name] ?? false;
  if (typeof value !== 'boolean') throw bad(name, value, 'true or false');
  return value;
}

function oneOf<const Allowed extends string>(
  given: Record<string, unknown>,
  name: string,
  allowed: readonly [Allowed, Allowed],
): Allowed {
  const value = given[name] ?? allowed[0];
  const found = allowed.find((one) => one === value);
  if (found === undefined) throw bad(name, value, allowed.map((one) => `\`${one}\``).join(' or '));
  return found;
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

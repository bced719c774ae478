import { DaybookError } from '../errors.ts';
import { checkEventList } from '../event/aggregate-definition.ts';
import type { AnyEvent, EventOf } from '../event/event-definition.ts';
import { checkProjectionName } from '../event/names.ts';

/** A fold over each aggregate's events, in order, kept up to date by the feed. Plain data; made by `defineProjection`. */
export interface ProjectionDefinition<
  Name extends string = string,
  Events extends AnyEvent = AnyEvent,
  State = unknown,
> {
  readonly kind: 'projection';
  readonly name: Name;
  readonly version: number;
  /** Only aggregates of this type; absent: every aggregate that has such events. */
  readonly aggregateType?: string;
  readonly events: readonly Events[];
  initialState(): State;
  evolve(state: State, event: EventOf<Events>): State;
}

/** A report across aggregates: each event maps to keyed values, and values of one key combine in any order. Made by `defineRollup`. */
export interface RollupDefinition<Name extends string = string, Events extends AnyEvent = AnyEvent, Value = unknown> {
  readonly kind: 'rollup';
  readonly name: Name;
  readonly version: number;
  /** Only aggregates of this type; absent: every aggregate that has such events. */
  readonly aggregateType?: string;
  readonly events: readonly Events[];
  map(event: EventOf<Events>): readonly RollupEntry<Value>[];
  combine(a: Value, b: Value): Value;
}

export interface RollupEntry<Value> {
  readonly key: string;
  readonly value: Value;
}

/** Any projection or rollup. */
export type AnyProjection =
  | ProjectionDefinition<string, AnyEvent, unknown>
  | RollupDefinition<string, AnyEvent, unknown>;

/** Which events: all of an aggregate, or those listed (of every aggregate, or of `aggregate` only when both are given). */
type Source<Events extends AnyEvent> =
  | { readonly aggregate: { readonly type: string; readonly events: readonly Events[] }; readonly events?: never }
  | {
      readonly aggregate?: { readonly type: string; readonly events: readonly AnyEvent[] };
      readonly events: readonly Events[];
    };

export type ProjectionOptions<Name extends string, Events extends AnyEvent, State> = {
  /** Lower-case letters, digits and dashes; unique in an app. */
  readonly name: Name;
  /** Default 1. Raise it when the fold changes: the next replay builds the new version beside the old one. */
  readonly version?: number;
} & Source<Events> & {
    readonly initialState: () => State;
    /** May change and return the state that it is given. The state must be JSON. */
    readonly evolve: (state: State, event: EventOf<Events>) => NoInfer<State>;
  };

export type RollupOptions<Name extends string, Events extends AnyEvent, Value> = {
  /** Lower-case letters, digits and dashes; unique in an app. */
  readonly name: Name;
  /** Default 1. Raise it when `map` or `combine` changes. */
  readonly version?: number;
} & Source<Events> & {
    /** The keys and values that one event adds to; `[]` when none. Values must be JSON. */
    readonly map: (event: EventOf<Events>) => readonly RollupEntry<Value>[];
    /** Associative and commutative: it is given values in any order and grouping. */
    readonly combine: (a: Value, b: Value) => NoInfer<Value>;
  };

/**
 * Defines a projection: one state per aggregate, folded from its events in order.
 *
 * @example
 * const balances = defineProjection({
 *   name: 'balances',
 *   aggregate: Account,
 *   initialState: () => ({ balance: 0 }),
 *   evolve: (state, event) =>
 *     event.type === 'MoneyDeposited' ? { balance: state.balance + event.data.amount } : state,
 * });
 */
export function defineProjection<const Name extends string, Events extends AnyEvent, State>(
  options: ProjectionOptions<Name, Events, State>,
): ProjectionDefinition<Name, Events, State> {
  const { name, version = 1, initialState, evolve } = options;
  checkProjectionName('projection', name);
  checkVersion(name, version);
  return { kind: 'projection', name, version, ...sourceOf<Events>(name, options), initialState, evolve };
}

/**
 * Defines a rollup: values by key, combined across all aggregates.
 *
 * @example
 * const depositsByMonth = defineRollup({
 *   name: 'deposits-by-month',
 *   events: [MoneyDeposited],
 *   map: (event) => [{ key: event.occurredAt.slice(0, 7), value: { count: 1 } }],
 *   combine: (a, b) => ({ count: a.count + b.count }),
 * });
 */
export function defineRollup<const Name extends string, Events extends AnyEvent, Value>(
  options: RollupOptions<Name, Events, Value>,
): RollupDefinition<Name, Events, Value> {
  const { name, version = 1, map, combine } = options;
  checkProjectionName('rollup', name);
  checkVersion(name, version);
  return { kind: 'rollup', name, version, ...sourceOf<Events>(name, options), map, combine };
}

function checkVersion(name: string, version: number): void {
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new DaybookError('definition.badFoldVersion', { name, given: version });
  }
}

function sourceOf<Events extends AnyEvent>(
  name: string,
  source: Source<Events>,
): { readonly aggregateType?: string; readonly events: readonly Events[] } {
  // Without `events` the aggregate's own are meant, which the union says but a destructured property does not.
  const events = source.events ?? (source.aggregate?.events as readonly Events[] | undefined) ?? [];
  checkEventList(name, events);
  return { ...(source.aggregate !== undefined && { aggregateType: source.aggregate.type }), events };
}

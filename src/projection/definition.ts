import { DaybookError } from '../errors.ts';
import { checkEventList } from '../event/aggregate-definition.ts';
import type { AnyEvent, DataOf, EventOf } from '../event/event-definition.ts';
import { checkProjectionName } from '../event/names.ts';

/** Fields of events' data, by event type. */
export type DeclaredFields = Readonly<Record<string, readonly string[]>>;

/** The fields that may be declared of these events: names of their data, not nested. */
export type FieldsOf<Events extends AnyEvent> = {
  readonly [E in Events as E['type']]: readonly (keyof DataOf<E> & string)[];
};

/** When it happened in the domain, or when the store took it. */
export type SeenClock = 'occurred' | 'recorded';

/** What a fold sees: whole events, or of each type its declared fields and clocks, with whose event it is. */
export type SeenOf<Events extends AnyEvent, Fields, Clock extends SeenClock = never> = [Fields] extends [DeclaredFields]
  ? Events extends AnyEvent
    ? SeenWith<EventOf<Events>, Fields[Events['type'] & keyof Fields][number], `${Clock}At`>
    : never
  : EventOf<Events>;

type SeenWith<Event, Names, Times> = Event extends { readonly data: infer Data }
  ? Pick<Event, Extract<keyof Event, 'aggregateUuid' | 'aggregateType' | 'version' | 'type' | Times>> & {
      readonly data: Pick<Data, Names & keyof Data>;
    }
  : never;

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
  /** By event type the fields of its data that the fold sees; absent: whole events. */
  readonly fields?: DeclaredFields;
  readonly clocks?: readonly SeenClock[];
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
  /** By event type the fields of its data that `map` sees; absent: whole events. */
  readonly fields?: DeclaredFields;
  readonly clocks?: readonly SeenClock[];
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

export type ProjectionOptions<
  Name extends string,
  Events extends AnyEvent,
  State,
  Fields = undefined,
  Clock extends SeenClock = never,
> = {
  /** Lower-case letters, digits and dashes; unique in an app. */
  readonly name: Name;
  /** Default 1. Raise it when the fold changes: the next replay builds the new version beside the old one. */
  readonly version?: number;
} & Source<Events> & {
    /**
     * Of every event type the fields of its data that the fold reads, `[]` where it needs none. It sees these only, with the
     * aggregate's id and type, the version and the type; a replay then reads typed columns, several times as fast as whole events.
     */
    readonly fields?: Fields;
    /** With `fields`: whether it also sees `occurredAt` or `recordedAt`. Default neither. */
    readonly clocks?: readonly Clock[];
    readonly initialState: () => State;
    /** May change and return the state that it is given. The state must be JSON. */
    readonly evolve: (state: State, event: SeenOf<Events, Fields, Clock>) => NoInfer<State>;
  };

export type RollupOptions<
  Name extends string,
  Events extends AnyEvent,
  Value,
  Fields = undefined,
  Clock extends SeenClock = never,
> = {
  /** Lower-case letters, digits and dashes; unique in an app. */
  readonly name: Name;
  /** Default 1. Raise it when `map` or `combine` changes. */
  readonly version?: number;
} & Source<Events> & {
    /**
     * Of every event type the fields of its data that the fold reads, `[]` where it needs none. It sees these only, with the
     * aggregate's id and type, the version and the type; a replay then reads typed columns, several times as fast as whole events.
     */
    readonly fields?: Fields;
    /** With `fields`: whether it also sees `occurredAt` or `recordedAt`. Default neither. */
    readonly clocks?: readonly Clock[];
    /** The keys and values that one event adds to; `[]` when none. Values must be JSON. */
    readonly map: (event: SeenOf<Events, Fields, Clock>) => readonly RollupEntry<Value>[];
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
export function defineProjection<
  const Name extends string,
  Events extends AnyEvent,
  State,
  const Fields extends FieldsOf<Events> | undefined = undefined,
  Clock extends SeenClock = never,
>(options: ProjectionOptions<Name, Events, State, Fields, Clock>): ProjectionDefinition<Name, Events, State> {
  const { name, version = 1, initialState } = options;
  // What sees less of an event can be given all of it.
  const evolve = options.evolve as (state: State, event: EventOf<Events>) => State;
  checkProjectionName('projection', name);
  checkVersion(name, version);
  const source = sourceOf<Events>(name, options);
  return {
    kind: 'projection',
    name,
    version,
    ...source,
    ...fieldsOf(name, source.events, options),
    initialState,
    evolve,
  };
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
export function defineRollup<
  const Name extends string,
  Events extends AnyEvent,
  Value,
  const Fields extends FieldsOf<Events> | undefined = undefined,
  Clock extends SeenClock = never,
>(options: RollupOptions<Name, Events, Value, Fields, Clock>): RollupDefinition<Name, Events, Value> {
  const { name, version = 1, combine } = options;
  refuseOrder(name, options);
  const map = options.map as (event: EventOf<Events>) => readonly RollupEntry<Value>[];
  checkProjectionName('rollup', name);
  checkVersion(name, version);
  const source = sourceOf<Events>(name, options);
  return { kind: 'rollup', name, version, ...source, ...fieldsOf(name, source.events, options), map, combine };
}

/** Across aggregates there is no order: what asks for one would be another thing with each replay. */
function refuseOrder(name: string, options: object): void {
  const given = ['initialState', 'evolve'].filter((option) => option in options);
  if (given.length > 0) throw new DaybookError('definition.needsOrder', { name, given });
}

/** Every event type says which of its fields are read, and none that its schema does not have. */
function fieldsOf(
  name: string,
  events: readonly AnyEvent[],
  options: { readonly fields?: unknown; readonly clocks?: readonly SeenClock[] },
) {
  const { fields, clocks = [] } = options;
  if (fields === undefined) return {};
  const declared = fields as DeclaredFields;
  const types = events.map(({ type }) => type);
  const stray = Object.keys(declared).filter((type) => !types.includes(type));
  const missing = types.filter((type) => !Array.isArray(declared[type]));
  if (stray.length + missing.length > 0) {
    throw new DaybookError('definition.badFields', { name, stray, missing });
  }
  return { fields: declared, clocks };
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

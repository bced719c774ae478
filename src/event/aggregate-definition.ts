import { DaybookError } from '../errors.ts';
import type { AnyEvent, EventOf } from './event-definition.ts';
import { checkTypeName } from './names.ts';

/** An aggregate: its events, and the fold that makes its state of them. Plain data; made by `defineAggregate`. */
export interface AggregateDefinition<
  Type extends string = string,
  Events extends AnyEvent = AnyEvent,
  State = unknown,
> {
  readonly kind: 'aggregate';
  readonly type: Type;
  readonly events: readonly Events[];
  /** In a snapshot's key; absent, a hash of the fold's source stands there. */
  readonly foldVersion?: number;
  initialState(): State;
  evolve(state: State, event: EventOf<Events>): State;
}

/** Any aggregate definition. */
export type AnyAggregate = AggregateDefinition<string, AnyEvent, unknown>;

/** The state of an aggregate definition. */
export type StateOf<A> = A extends { initialState(): infer State } ? State : never;

/** The event definitions of an aggregate definition. */
export type EventsOf<A> = A extends { readonly events: readonly (infer Events extends AnyEvent)[] } ? Events : never;

export interface AggregateOptions<Type extends string, Events extends AnyEvent, State> {
  /** Unique in an app, 1–128 bytes. */
  readonly type: Type;
  /** Every event that may be appended to it; one that is stored and not named here stops a load. */
  readonly events: readonly Events[];
  /**
   * Part of a snapshot's key: snapshots of another fold are never read. Default: a hash of the source of `initialState`,
   * `evolve` and the upcasts, which changes by itself with them. Say a version, and raise it by hand, where `evolve` calls
   * functions that stand elsewhere (the hash does not see them), or where a new bundle must not cost a load of all events.
   */
  readonly foldVersion?: number;
  readonly initialState: () => State;
  /** May change and return the state that it is given; it is nobody else's. */
  readonly evolve: (state: State, event: EventOf<Events>) => NoInfer<State>;
}

/**
 * Defines an aggregate: the events it has and how they make its state.
 *
 * @example
 * const Account = defineAggregate({
 *   type: 'Account',
 *   events: [MoneyDeposited, MoneyWithdrawn],
 *   initialState: () => ({ balance: 0 }),
 *   evolve: (state, event) => {
 *     switch (event.type) {
 *       case 'MoneyDeposited':
 *         return { balance: state.balance + event.data.amount };
 *       case 'MoneyWithdrawn':
 *         return { balance: state.balance - event.data.amount };
 *     }
 *   },
 * });
 */
export function defineAggregate<const Type extends string, Events extends AnyEvent, State>(
  options: AggregateOptions<Type, Events, State>,
): AggregateDefinition<Type, Events, State> {
  const { type, events, foldVersion, initialState, evolve } = options;
  checkTypeName('aggregate', type);
  if (foldVersion !== undefined && (!Number.isSafeInteger(foldVersion) || foldVersion < 1)) {
    throw new DaybookError('definition.badFoldVersion', { name: type, given: foldVersion });
  }
  checkEventList(type, events);
  return { kind: 'aggregate', type, events, ...(foldVersion !== undefined && { foldVersion }), initialState, evolve };
}

/** At least one event, each an event definition, no type twice. */
export function checkEventList(owner: string, events: readonly AnyEvent[]): void {
  if (!Array.isArray(events) || events.length === 0) throw new DaybookError('definition.noEvents', { name: owner });
  const seen = new Set<string>();
  for (const event of events) {
    if (event?.kind !== 'event') throw new DaybookError('definition.notAnEvent', { name: owner });
    if (seen.has(event.type)) throw new DaybookError('definition.duplicateEvent', { name: owner, event: event.type });
    seen.add(event.type);
  }
}

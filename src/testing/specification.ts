import type { AnyAggregate, EventsOf, StateOf } from '../event/aggregate-definition.ts';
import { eventDecoder } from '../event/decode-event.ts';
import type { EventOf, NewEventOf } from '../event/event-definition.ts';
import type { Decide } from '../store/handle.ts';
import { expectEqual, fail, freeze, type GivenEvent, storedEvents, text, withPureUpcasts } from './given-events.ts';

/** Events that had happened; then either a command, or at once what the state must be. */
export interface Given<A extends AnyAggregate> {
  /** What `decide` does about the command. It is pure: a state that it changes throws. */
  when<Command>(decide: Decide<A, Command>, command: Command): When<A>;
  when(decide: Decide<A, undefined>): When<A>;
  /** The fold of the events is this state. */
  thenState(expected: StateOf<A>): void;
}

/** What came of a command. */
export interface When<A extends AnyAggregate> {
  /**
   * It decided these events, in this order; data and metadata are compared as they would be stored. Or it refused, with an
   * error of this class or with such a message.
   */
  then(expected: readonly NewEventOf<EventsOf<A>>[] | RegExp | ErrorClass): void;
  /** It refused, with this error: a part of its message, a pattern, its class, or a check. */
  thenThrows(expected: ExpectedError): void;
  /** The state with its events is this. */
  thenState(expected: StateOf<A>): void;
}

type ErrorClass = new (...args: never[]) => Error;
type ExpectedError = string | RegExp | ErrorClass | ((error: unknown) => boolean);

/**
 * Specifies an aggregate without a store: given events, when a command is decided, then these events, this state or this
 * error. Events are validated and made into text and back, as a store would do it. Those of an older `schemaVersion` are
 * upcast, by upcasts that must be pure.
 *
 * @example
 * given(Account, [{ type: 'AccountOpened', data: { holder: 'Bob' } }])
 *   .when(deposit, { amount: 100 })
 *   .then([{ type: 'MoneyDeposited', data: { amount: 100 } }]);
 */
export function given<A extends AnyAggregate>(aggregate: A, events: readonly GivenEvent<A>[]): Given<A> {
  const before = () => fold(aggregate, recorded(aggregate, events, 0), aggregate.initialState() as StateOf<A>);
  return {
    when(decide: Decide<A, never>, command?: unknown): When<A> {
      return outcomeOf(aggregate, events.length, before(), () => decide(freeze(before()), command as never));
    },
    thenState: (expected) => expectEqual('the state', before(), expected),
  };
}

function outcomeOf<A extends AnyAggregate>(
  aggregate: A,
  version: number,
  state: StateOf<A>,
  decide: () => NewEventOf<EventsOf<A>> | readonly NewEventOf<EventsOf<A>>[],
): When<A> {
  let decided: readonly NewEventOf<EventsOf<A>>[] = [];
  let thrown: { readonly error: unknown } | undefined;
  try {
    const result = decide();
    decided = Array.isArray(result) ? result : [result];
  } catch (error) {
    thrown = { error };
  }
  const events = () => {
    if (thrown !== undefined) throw thrown.error;
    return recorded(aggregate, decided, version);
  };
  const thenThrows = (expected: ExpectedError) => {
    if (thrown === undefined) fail(`expected an error, but it decided ${text(events().map(shown))}`);
    if (!matches(thrown.error, expected)) fail(`expected another error than ${String(thrown.error)}`, thrown.error);
  };
  return {
    // biome-ignore lint/suspicious/noThenProperty: given, when, then are the words; nobody awaits a specification
    then(expected) {
      if (expected instanceof RegExp || typeof expected === 'function') return thenThrows(expected);
      expectEqual('the events', events().map(shown), recorded(aggregate, expected, version).map(shown));
    },
    thenState: (expected) => expectEqual('the state', fold(aggregate, events(), state), expected),
    thenThrows,
  };
}

function recorded<A extends AnyAggregate>(
  aggregate: A,
  events: readonly GivenEvent<A>[],
  version: number,
): EventOf<EventsOf<A>>[] {
  const definitions = withPureUpcasts(aggregate.events);
  const decoder = eventDecoder(definitions);
  // What an upcast makes of old data must be what could be appended now.
  const strict = eventDecoder(definitions, { validate: true });
  return storedEvents(aggregate, 'given', events, version).map((stored, i) => {
    const { decode } = 'schemaVersion' in events[i]! ? strict : decoder;
    return decode(stored) as EventOf<EventsOf<A>>;
  });
}

function fold<A extends AnyAggregate>(
  aggregate: A,
  events: readonly EventOf<EventsOf<A>>[],
  start: StateOf<A>,
): StateOf<A> {
  let state: unknown = start;
  for (const event of events) state = aggregate.evolve(state, event);
  return state as StateOf<A>;
}

/** The part of an event that a decider decides. */
function shown({ type, data, metadata }: { type: string; data: unknown; metadata: unknown }): object {
  return metadata === undefined ? { type, data } : { type, data, metadata };
}

function matches(error: unknown, expected: ExpectedError): boolean {
  const message = error instanceof Error ? error.message : String(error);
  if (typeof expected === 'string') return message.includes(expected);
  if (expected instanceof RegExp) return expected.test(message);
  if (expected === Error || expected.prototype instanceof Error) return error instanceof (expected as ErrorClass);
  return (expected as (error: unknown) => boolean)(error);
}

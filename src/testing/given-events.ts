import { isDeepStrictEqual } from 'node:util';
import type { AnyAggregate, EventsOf } from '../event/aggregate-definition.ts';
import { encodeEvent, typeOfNewEvent } from '../event/encode-event.ts';
import type { AnyEvent, NewEventOf } from '../event/event-definition.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import type { Upcast } from '../event/upcast.ts';

/** An event as an older version of the code stored it: its data is upcast, and must then satisfy the present schema. */
export interface OldEvent<Type extends string = string> {
  readonly type: Type;
  /** Of `data`: below the definition's. */
  readonly schemaVersion: number;
  readonly data: unknown;
  readonly metadata?: unknown;
  readonly occurredAt?: string | Date;
}

/** What may have happened to an aggregate: events as they are appended now, or as they once were. */
export type GivenEvent<A extends AnyAggregate> = NewEventOf<EventsOf<A>> | OldEvent<EventsOf<A>['type']>;

/** The events as a store would keep them, behind version `after`: validated and made into text, old ones as they are. */
export function storedEvents<A extends AnyAggregate>(
  aggregate: A,
  aggregateUuid: string,
  events: readonly GivenEvent<A>[],
  after = 0,
): StoredEvent[] {
  return events.map((given, i) => {
    const version = after + i + 1;
    const type = typeOfNewEvent(given, i + 1);
    const definition = aggregate.events.find((candidate) => candidate.type === type);
    if (definition === undefined) fail(`${type} is no event of ${aggregate.type}`);
    const { schemaVersion, ...event } = { schemaVersion: undefined as number | undefined, ...given };
    const encoded = encodeEvent(event, schemaVersion === undefined ? definition : undefined, i + 1);
    const recordedAt = new Date(Date.UTC(2026, 0, 1) + version * 1000).toISOString();
    const commit = { commitId: `commit-${version}`, commitFirst: version, commitLast: version };
    const names = { aggregateUuid, aggregateType: aggregate.type, version };
    const kept = { occurredAt: recordedAt, ...encoded, ...(schemaVersion !== undefined && { schemaVersion }) };
    return { ...kept, ...names, ...commit, recordedAt };
  });
}

/** The same definitions, with upcasts that fail when they change what they are given, or answer otherwise the second time. */
export function withPureUpcasts<E extends AnyEvent>(events: readonly E[]): E[] {
  return events.map((event) => {
    const upcasts = Object.entries(event.upcasts).map(([from, upcast]) => [from, pure(event.type, from, upcast)]);
    return { ...event, upcasts: Object.fromEntries(upcasts) as E['upcasts'] };
  });
}

function pure(type: string, from: string, upcast: Upcast): Upcast {
  return (data, stored) => {
    freeze(data);
    const once = upcast(data, stored);
    if (!isDeepStrictEqual(once, upcast(data, stored))) {
      throw new TypeError(`the upcast of ${type} from ${from} gives another answer the second time`);
    }
    return once;
  };
}

/** What must not be changed throws when it is. */
export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
  return value;
}

export function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected))
    fail(`${what} differ\n  expected ${text(expected)}\n  actual   ${text(actual)}`);
}

export function text(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

export function fail(message: string, cause?: unknown): never {
  const error = new Error(message, cause === undefined ? undefined : { cause });
  error.name = 'SpecificationError';
  throw error;
}

import type { AppDefinition } from '../app.ts';
import { eventsOfApp } from '../app.ts';
import type { AnyEvent } from '../event/event-definition.ts';
import { type Upcast, type UpcastRule, upcastBy } from '../event/upcast.ts';
import type { JsonSchema } from '../schema/json-schema.ts';
import type { StandardSchemaV1 } from '../schema/standard-schema.ts';
import { jsonSchemaOf } from './typed-columns.ts';

/** What of an event's definition is data: tables and views are made of it where the app's code does not run. */
export interface EventDescription {
  readonly type: string;
  readonly schemaVersion: number;
  readonly description?: string;
  /** Of its data; absent where the library that made it cannot say it. */
  readonly schema?: JsonSchema;
  /** Null where the upcast is a function. */
  readonly upcasts: Readonly<Record<number, UpcastRule | null>>;
}

/** The events of an app's aggregates and projections, as JSON can say them. */
export function describeEvents(app: AppDefinition): readonly EventDescription[] {
  return eventsOfApp(app).map((event) => {
    const { type, schemaVersion, description, upcasts } = event;
    const schema = jsonSchemaOf(event);
    const rules = Object.entries(upcasts).map(([from, upcast]) => [from, upcast.rule ?? null]);
    return {
      type,
      schemaVersion,
      ...(description !== undefined && { description }),
      ...(schema !== undefined && { schema }),
      upcasts: Object.fromEntries(rules),
    };
  });
}

/** A definition of the same fields; what was code stayed behind: it validates nothing, and its functions do not run. */
export function describedEvent({ schema, upcasts, ...rest }: EventDescription): AnyEvent {
  const functions = Object.entries(upcasts).map(([from, rule]): [string, Upcast] => [
    from,
    rule === null ? notHere(rest.type) : upcastBy(rule),
  ]);
  return { kind: 'event', ...rest, data: schema ?? UNSAID, upcasts: Object.fromEntries(functions) };
}

const notHere = (type: string) => () => {
  throw new TypeError(`the upcast of ${type} is a function, which stayed behind when the event was described`);
};

const UNSAID: StandardSchemaV1 = {
  '~standard': { version: 1, vendor: 'unsaid', validate: (value) => ({ value }) },
};

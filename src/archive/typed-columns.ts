import { isDaybookError } from '../errors.ts';
import type { AnyEvent } from '../event/event-definition.ts';
import type { JsonSchema } from '../schema/json-schema.ts';
import { toJsonSchema } from '../schema/to-json-schema.ts';
import { type FieldKind, fieldsOf, type SchemaField } from './schema-fields.ts';
import { NESTED, snakeName, uniqueNames } from './snake-names.ts';

/** The type of a typed column, as Trino calls it; a `timestamp` has milliseconds and is UTC. */
export type ColumnType = 'varchar' | 'bigint' | 'double' | 'boolean' | 'timestamp';

/** A field of one event type that stands in a column of its own, beside the text. */
export interface TypedColumn {
  readonly eventType: string;
  /** Where the value stands in the event's data; empty when the data is the value itself. */
  readonly path: readonly string[];
  readonly column: string;
  readonly type: ColumnType;
  readonly description?: string;
}

/** An event type with the name that it has in SQL. */
export interface NamedEvent {
  readonly event: AnyEvent;
  /** In snake case, and no other event's: `money_deposited`. */
  readonly name: string;
}

const TYPES: Readonly<Record<Exclude<FieldKind, 'json'>, ColumnType>> = {
  text: 'varchar',
  integer: 'bigint',
  number: 'double',
  boolean: 'boolean',
  time: 'timestamp',
};

/** The type of a field's column; none where its values have no single scalar type. */
export function columnType(kind: FieldKind): ColumnType | undefined {
  return kind === 'json' ? undefined : TYPES[kind];
}

/**
 * The typed columns of the compacted files: one for each scalar that an event's schema names, as `<event_type>__<field>` in
 * snake case, nested by `__`. Names that would be the same get a number in the definitions' order. An event whose schema
 * cannot be said as JSON Schema has none, nor have lists and maps: they stay in the text, as everything does.
 *
 * @example
 * typedColumns(Account.events);
 * // [{ eventType: 'MoneyDeposited', path: ['amount'], column: 'money_deposited__amount', type: 'bigint' }, …]
 */
export function typedColumns(events: readonly AnyEvent[]): readonly TypedColumn[] {
  const wanted = namedEvents(events).flatMap(({ event, name }) =>
    namedFields(event).flatMap(({ field, column }) => {
      const type = columnType(field.kind);
      return type === undefined ? [] : [{ eventType: event.type, field, type, column: `${name}${NESTED}${column}` }];
    }),
  );
  const columns = uniqueNames(wanted.map(({ column }) => column));
  return wanted.map(({ eventType, field: { path, description }, type }, i) => ({
    eventType,
    path,
    column: columns[i]!,
    type,
    ...(description !== undefined && { description }),
  }));
}

/** Events by type, each once, with their names in SQL; `taken` are names that none may have. */
export function namedEvents(events: readonly AnyEvent[], taken: Iterable<string> = []): readonly NamedEvent[] {
  const byType = [...new Map(events.map((event) => [event.type, event])).values()];
  const names = uniqueNames(
    byType.map(({ type }) => snakeName(type)),
    taken,
  );
  return byType.map((event, i) => ({ event, name: names[i]! }));
}

/** The fields of an event's data with their columns, unique in the event; one that is `taken` becomes `data__<column>`. */
export function namedFields(
  event: AnyEvent,
  taken: readonly string[] = [],
): readonly { readonly field: SchemaField; readonly column: string }[] {
  const schema = jsonSchemaOf(event);
  if (schema === undefined) return [];
  const fields = fieldsOf(schema);
  const given = columnsOf(fields.map((field) => ({ field, rest: field.path })));
  const free = given.map((column) => (taken.includes(column) ? `data${NESTED}${column}` : column));
  const columns = uniqueNames(free, taken);
  return fields.map((field, i) => ({ field, column: columns[i]! }));
}

/** Level by level, so that all fields of one object share its name, and `a_b` beside `a.b` is another. */
function columnsOf(fields: readonly { readonly field: SchemaField; readonly rest: readonly string[] }[]): string[] {
  const heads = [...new Set(fields.map(({ rest }) => rest[0] ?? ''))];
  const names = uniqueNames(heads.map((head) => snakeName(head === '' ? 'value' : head)));
  const byHead = new Map(heads.map((head, i) => [head, names[i]!]));
  const columns: string[] = [];
  for (let i = 0; i < fields.length; ) {
    const head = fields[i]!.rest[0] ?? '';
    const alike = fields.slice(i).filter(({ rest }) => (rest[0] ?? '') === head);
    const name = byHead.get(head)!;
    if (alike.length === 1 && alike[0]!.rest.length <= 1) columns.push(name);
    else {
      const inner = columnsOf(alike.map(({ field, rest }) => ({ field, rest: rest.slice(1) })));
      columns.push(...inner.map((column) => `${name}${NESTED}${column}`));
    }
    i += alike.length;
  }
  return columns;
}

/** None, where the library that made the schema cannot say it. */
export function jsonSchemaOf(event: AnyEvent): JsonSchema | undefined {
  try {
    return toJsonSchema(event);
  } catch (error) {
    if (isDaybookError(error) && error.code === 'schema.noJsonSchema') return undefined;
    throw error;
  }
}

import type { AnyEvent } from '../event/event-definition.ts';
import type { FieldKind, SchemaField } from './schema-fields.ts';
import { NESTED } from './snake-names.ts';
import { columnType, namedEvents, namedFields } from './typed-columns.ts';
import { columnSql, quoted, type Sql } from './upcast-sql.ts';

/** A column as Glue describes it, with Hive's name of its type. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly comment: string;
}

/** A view in Trino's dialect; its columns are those of its SELECT, in order. */
export interface View {
  readonly name: string;
  readonly description: string;
  readonly columns: readonly Column[];
  readonly sql: Sql;
}

/** Names that no event's view may have: the archive's own tables and views. */
export const OWN_RELATIONS = [
  'events',
  'events_raw',
  'events_current',
  'events_compacted',
  'compacted_keys',
  'aggregates',
  'holes',
  'freshness',
  'archive_checks',
  'reports',
] as const;

/**
 * One view for each event type, over the view `events`: a column for each field of the present schema, whatever schema
 * version an event was written in, as far as upcasts are data; nested fields are joined by `__`, lists and maps are JSON.
 * Where a function stands between a stored version and the present one, and for versions that came later, `readable` is
 * false and the fields are null; the text is there always.
 */
export function eventViews(events: readonly AnyEvent[], common: readonly Column[]): readonly View[] {
  return namedEvents(events, OWN_RELATIONS).map(({ event, name }) => eventView(event, name, common));
}

function eventView(event: AnyEvent, name: string, common: readonly Column[]): View {
  const taken = [...common.map((column) => column.name), 'readable'];
  const fields = namedFields(event, taken);
  const versions = Array.from({ length: event.schemaVersion }, (_, i) => event.schemaVersion - i);
  const bySchemaVersion = new Map<number, readonly Sql[]>();
  for (const version of versions) {
    const columns = fields.map(({ field }) => columnSql(event, version, field.path, field.kind));
    const functions = fields.length === 0 && columnSql(event, version, [], 'json') === undefined;
    if (!functions && columns.every((sql) => sql !== undefined)) bySchemaVersion.set(version, columns);
  }
  const select = [
    ...common.map((column) => column.name),
    `${readableSql([...bySchemaVersion.keys()])} AS readable`,
    ...fields.map(({ column }, i) => `${fieldSql(bySchemaVersion, i)} AS "${column}"`),
  ];
  return {
    name,
    description: event.description ?? `Each event of type ${event.type} once, its data as columns`,
    sql: `SELECT ${select.join(', ')} FROM events WHERE type = ${quoted(event.type)}`,
    columns: [
      ...common,
      { name: 'readable', type: 'boolean', comment: 'False: the schema version cannot be said in SQL; read the text' },
      ...fields.map(({ field, column }) => ({
        name: column,
        type: glueType(field.kind),
        comment: commentOf(field, column),
      })),
    ],
  };
}

/** What the schema says of a field; and which it is, where its column is called otherwise: `amount_2` may be `Amount`. */
function commentOf({ path, description }: SchemaField, column: string): string {
  const called = path.join(NESTED) === column ? [] : [path.join('.')];
  return [...called, ...(description === undefined ? [] : [description])].join(': ');
}

/** Neighbouring schema versions that read a field alike are one case; of any other version the field is null. */
function fieldSql(bySchemaVersion: ReadonlyMap<number, readonly Sql[]>, i: number): Sql {
  const versions = new Map<Sql, number[]>();
  for (const [version, columns] of bySchemaVersion) {
    versions.set(columns[i]!, [...(versions.get(columns[i]!) ?? []), version]);
  }
  const cases = [...versions].map(([sql, alike]) => `WHEN ${isOneOf(alike)} THEN ${sql}`);
  return `CASE ${cases.join(' ')} END`;
}

const readableSql = (versions: readonly number[]): Sql => (versions.length === 0 ? 'false' : `(${isOneOf(versions)})`);

function isOneOf(versions: readonly number[]): Sql {
  return versions.length === 1 ? `schema_version = ${versions[0]}` : `schema_version IN (${versions.join(', ')})`;
}

const GLUE: Readonly<Record<string, string>> = { varchar: 'string' };

function glueType(kind: FieldKind): string {
  const type = columnType(kind) ?? 'varchar';
  return GLUE[type] ?? type;
}

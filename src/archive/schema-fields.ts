import { asJsonSchema, type JsonSchema, type JsonType } from '../schema/json-schema.ts';

/** What a field's values are, as a column sees them; `json` is what has no single scalar type: lists, maps, mixtures. */
export type FieldKind = 'text' | 'integer' | 'number' | 'boolean' | 'time' | 'json';

/** A value in an event's data that a schema names. */
export interface SchemaField {
  /** Names of properties from the outside in; empty when the data itself is no object. */
  readonly path: readonly string[];
  readonly kind: FieldKind;
  readonly description?: string;
}

/** Deeper objects stay one field, as JSON: schemas that contain themselves end somewhere. */
const DEEPEST = 8;

/**
 * The fields that a JSON Schema names, in its order: objects are entered, through `anyOf`, `oneOf` and `allOf` too. What only
 * `patternProperties`, `additionalProperties` or `items` describe has no name, and so no field.
 */
export function fieldsOf(schema: JsonSchema): readonly SchemaField[] {
  return fieldsAt([schema], []);
}

function fieldsAt(given: readonly JsonSchema[], path: readonly string[]): SchemaField[] {
  const schemas = given.flatMap(alternatives);
  const types = new Set(schemas.flatMap(typesOf));
  types.delete('null');
  if (isOnly(types, 'object') && path.length < DEEPEST) {
    const properties = propertiesOf(schemas);
    if (properties.size > 0) return [...properties].flatMap(([name, inner]) => fieldsAt(inner, [...path, name]));
    if (path.length === 0) return [];
  }
  const description = schemas.map((schema) => schema.description ?? schema.title).find((text) => text !== undefined);
  return [{ path, kind: kindOf(types, schemas), ...(description !== undefined && { description }) }];
}

/** A schema and those that it combines. Libraries' schemas hold `true` for anything. */
function alternatives(schema: JsonSchema): JsonSchema[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const combined = [schema.anyOf, schema.oneOf, schema.allOf].flatMap((list) => list ?? []);
  return [schema, ...combined.flatMap(alternatives)];
}

function propertiesOf(schemas: readonly JsonSchema[]): Map<string, JsonSchema[]> {
  const found = new Map<string, JsonSchema[]>();
  for (const { properties = {} } of schemas) {
    for (const [name, schema] of Object.entries(properties)) {
      found.set(name, [...(found.get(name) ?? []), asJsonSchema(schema)]);
    }
  }
  return found;
}

function typesOf({ type, enum: values, const: value, properties }: JsonSchema): readonly JsonType[] {
  if (type !== undefined) return typeof type === 'string' ? [type] : type;
  if (values !== undefined) return values.map(typeOfValue);
  if (value !== undefined) return [typeOfValue(value)];
  return properties === undefined ? [] : ['object'];
}

function typeOfValue(value: unknown): JsonType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value as JsonType;
}

function kindOf(types: ReadonlySet<JsonType>, schemas: readonly JsonSchema[]): FieldKind {
  if (isOnly(types, 'string')) return schemas.filter(isText).every(isTime) ? 'time' : 'text';
  if (isOnly(types, 'integer')) return 'integer';
  if (isOnly(types, 'boolean')) return 'boolean';
  return types.size > 0 && [...types].every((type) => type === 'number' || type === 'integer') ? 'number' : 'json';
}

// Where one alternative is any text, a time is only some of what may stand there.
const isText = (schema: JsonSchema): boolean => typesOf(schema).includes('string');
const isTime = (schema: JsonSchema): boolean => schema.format === 'date-time';

function isOnly(types: ReadonlySet<JsonType>, type: JsonType): boolean {
  return types.size === 1 && types.has(type);
}

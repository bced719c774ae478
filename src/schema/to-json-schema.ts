import { DaybookError } from '../errors.ts';
import type { AnyEvent } from '../event/event-definition.ts';
import { asJsonSchema, type JsonSchema } from './json-schema.ts';
import './errors.ts';
import { isStandardSchema, type StandardSchemaV1 } from './standard-schema.ts';

/** The JSON Schema dialect that is asked of libraries that can make one. */
const TARGET = 'draft-2020-12';

/** Standard JSON Schema, the companion of Standard Schema: libraries that have it can say their schema as JSON Schema. */
interface SaysJsonSchema {
  readonly jsonSchema?: { readonly output?: (options: { readonly target: string }) => object };
}

/**
 * The JSON Schema of an event's data (or metadata) as it is stored: for a registry, the archive and documentation.
 * Throws `schema.noJsonSchema` when the library that made the schema cannot say it as one.
 *
 * @example
 * toJsonSchema(MoneyDeposited); // { type: 'object', properties: { amount: { type: 'integer', minimum: 1 } }, … }
 */
export function toJsonSchema(event: AnyEvent, part: 'data' | 'metadata' = 'data'): JsonSchema {
  const schema = event[part];
  const given = event.jsonSchema?.[part];
  if (given !== undefined) return given;
  // Without a schema of its own metadata is any object.
  if (schema === undefined) return { type: 'object' };
  if (!isStandardSchema(schema)) return asJsonSchema(schema);
  const standard: StandardSchemaV1['~standard'] & SaysJsonSchema = schema['~standard'];
  const details = { event: event.type, part, vendor: standard.vendor };
  if (standard.jsonSchema?.output === undefined) throw new DaybookError('schema.noJsonSchema', details);
  try {
    return standard.jsonSchema.output({ target: TARGET }) as JsonSchema;
  } catch (cause) {
    throw new DaybookError('schema.noJsonSchema', details, { cause });
  }
}

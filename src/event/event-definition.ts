import { DaybookError } from '../errors.ts';
import { checkJsonSchema } from '../schema/check-json-schema.ts';
import { asJsonSchema, type DataSchema, type InputOf, type OutputOf } from '../schema/json-schema.ts';
import { isStandardSchema } from '../schema/standard-schema.ts';
import { checkTypeName } from './names.ts';
import type { NewEvent, RecordedEvent } from './recorded-event.ts';
import type { Upcast } from './upcast.ts';

export type UnknownMetadata = Readonly<Record<string, unknown>> | undefined;

/** Stands where no schema of the metadata was given. */
type NoMetadata = { readonly '~standard': never };

/** An event's name, its schema and how older versions of it become the present one. Plain data; made by `defineEvent`. */
export interface EventDefinition<
  Type extends string = string,
  Data = unknown,
  Metadata = unknown,
  Input = Data,
  MetadataInput = Metadata,
> {
  readonly kind: 'event';
  readonly type: Type;
  readonly schemaVersion: number;
  readonly description?: string;
  /** As it was given. */
  readonly data: DataSchema;
  readonly metadata?: DataSchema;
  readonly jsonSchema?: GivenJsonSchemas;
  /** By the schema version that each one starts from. */
  readonly upcasts: Readonly<Record<number, Upcast>>;
  /** Only for the type checker; never there at run time. */
  readonly '~types'?: {
    readonly data: Data;
    readonly metadata: Metadata;
    readonly input: Input;
    readonly metadataInput: MetadataInput;
  };
}

/** JSON Schemas as documents: said by `toJsonSchema`, not validated by. */
export interface GivenJsonSchemas {
  readonly data?: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Any event definition. */
export type AnyEvent = EventDefinition<string, unknown, unknown, unknown, unknown>;

/** The union of the events that definitions describe, as folds get them; narrowed by `event.type`. */
export type EventOf<D extends AnyEvent> =
  D extends EventDefinition<infer Type, infer Data, infer Metadata, infer _I, infer _M>
    ? RecordedEvent<Type, Data, Metadata>
    : never;

/** The union of what may be appended for the definitions. */
export type NewEventOf<D extends AnyEvent> =
  D extends EventDefinition<infer Type, infer _D, infer _M, infer Input, infer MetadataInput>
    ? NewEvent<Type, Input, Exclude<MetadataInput, undefined>>
    : never;

/** The data type of an event definition. */
export type DataOf<D extends AnyEvent> = EventOf<D>['data'];

export interface EventOptions<Type extends string, S extends DataSchema, M extends DataSchema> {
  /** In the past tense, unique in an app, 1–128 bytes. It becomes the bus event's detail-type. */
  readonly type: Type;
  /** Default 1. Raise it with every change of `data` that older events don't satisfy, and add an upcast. */
  readonly schemaVersion?: number;
  readonly description?: string;
  /** A JSON Schema literal, a TypeBox schema, or a schema of any Standard Schema library whose output is JSON. */
  readonly data: S;
  /** Default: any JSON object, or none. */
  readonly metadata?: M;
  /** What `toJsonSchema` says, for a library that cannot say its schema as JSON Schema itself (valibot without its converter). */
  readonly jsonSchema?: GivenJsonSchemas;
  /**
   * `{ 1: upcastBy({ rename: { amt: 'amount' } }), 2: (data) => dataOfVersion3 }`: one for every version below `schemaVersion`,
   * by a rule, which the archive's views understand too, or a function of your own.
   */
  readonly upcasts?: Readonly<Record<number, Upcast>>;
}

/**
 * Defines an event once: its name, its data's schema (and by inference its type), and how older versions become this one.
 * Throws `definition.*` when something is missing or not supported.
 *
 * @example
 * const MoneyDeposited = defineEvent({
 *   type: 'MoneyDeposited',
 *   data: {
 *     type: 'object',
 *     properties: { amount: { type: 'integer', minimum: 1 } },
 *     required: ['amount'],
 *     additionalProperties: false,
 *   },
 * });
 */
export function defineEvent<
  const Type extends string,
  const S extends DataSchema,
  const M extends DataSchema = NoMetadata,
>(
  options: EventOptions<Type, S, M>,
): EventDefinition<
  Type,
  OutputOf<S>,
  [M] extends [NoMetadata] ? UnknownMetadata : OutputOf<M> | undefined,
  InputOf<S>,
  [M] extends [NoMetadata] ? UnknownMetadata : InputOf<M>
> {
  const { type, schemaVersion = 1, description, data, metadata, jsonSchema, upcasts = {} } = options;
  checkTypeName('event', type);
  if (!Number.isSafeInteger(schemaVersion) || schemaVersion < 1) {
    throw new DaybookError('definition.badSchemaVersion', { event: type, given: schemaVersion });
  }
  checkSchema(type, 'data', data);
  if (metadata !== undefined) checkSchema(type, 'metadata', metadata);
  checkUpcasts(type, schemaVersion, upcasts);
  return {
    kind: 'event',
    type,
    schemaVersion,
    ...(description !== undefined && { description }),
    data,
    ...(metadata !== undefined && { metadata }),
    ...(jsonSchema !== undefined && { jsonSchema }),
    upcasts,
  };
}

function checkSchema(event: string, part: 'data' | 'metadata', schema: DataSchema | undefined): void {
  if (schema === undefined || schema === null) throw new DaybookError('definition.noSchema', { event, part });
  if (!isStandardSchema(schema)) checkJsonSchema(asJsonSchema(schema), event, part);
}

function checkUpcasts(event: string, schemaVersion: number, upcasts: Readonly<Record<number, Upcast>>): void {
  for (let from = 1; from < schemaVersion; from++) {
    const upcast = upcasts[from];
    if (upcast === undefined || upcast === null) {
      throw new DaybookError('definition.missingUpcast', { event, from, schemaVersion });
    }
    const problem =
      typeof upcast === 'function' ? upcast.problem : 'it is no function: upcastBy(rule) makes one of a rule';
    if (problem !== undefined) throw new DaybookError('definition.badUpcast', { event, from, problem });
  }
  for (const key of Object.keys(upcasts)) {
    const from = Number(key);
    if (!Number.isSafeInteger(from) || from < 1 || from >= schemaVersion) {
      throw new DaybookError('definition.strayUpcast', { event, from: key, schemaVersion });
    }
  }
}

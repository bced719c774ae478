import type { StandardSchemaV1 } from './standard-schema.ts';

export type JsonType = 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean' | 'null';
export type JsonFormat = 'date-time' | 'date' | 'time' | 'uuid' | 'email' | 'uri';

/** The part of JSON Schema that Daybook checks. A keyword that is not here is refused by name when an event is defined. */
export interface JsonSchema {
  readonly type?: JsonType | readonly JsonType[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly not?: JsonSchema;

  readonly properties?: { readonly [name: string]: JsonSchema };
  readonly required?: readonly string[];
  readonly patternProperties?: { readonly [pattern: string]: JsonSchema };
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly additionalProperties?: boolean | JsonSchema;

  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;

  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: JsonFormat;

  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly multipleOf?: number;

  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly $schema?: string;
  readonly $id?: string;
  readonly $comment?: string;
}

/**
 * A JSON Schema whose type is known otherwise: TypeBox's schemas are such, and any other is by a cast,
 * `schema as TypedJsonSchema<Deposit>`. `static` is only for the type checker; at run time the schema is a JSON Schema.
 */
export interface TypedJsonSchema<Type = unknown> {
  readonly static: Type;
}

/** What may describe an event's data: a JSON Schema literal, one with a type, or a schema of any Standard Schema library. */
export type DataSchema = JsonSchema | TypedJsonSchema | StandardSchemaV1;

/** What is no Standard Schema is a JSON Schema: of a typed one the type checker does not know it. */
export function asJsonSchema(schema: Exclude<DataSchema, StandardSchemaV1>): JsonSchema {
  return schema as JsonSchema;
}

/** The type that a valid value has. */
export type OutputOf<S> = S extends StandardSchemaV1<unknown, infer Output> ? Output : FromTypedSchema<S>;

/** The type that may be given: differs from the output where a library fills in defaults. */
export type InputOf<S> = S extends StandardSchemaV1<infer Input, unknown> ? Input : FromTypedSchema<S>;

type FromTypedSchema<S> = S extends TypedJsonSchema<infer Type> ? Type : FromJsonSchema<S>;

/**
 * The TypeScript type of a JSON Schema literal.
 *
 * @example
 * type Deposit = FromJsonSchema<{ type: 'object'; properties: { amount: { type: 'integer' } }; required: ['amount'] }>;
 * // { amount: number }
 */
export type FromJsonSchema<S> = S extends { readonly const: infer C }
  ? Mutable<C>
  : S extends { readonly enum: readonly (infer E)[] }
    ? Mutable<E>
    : S extends { readonly anyOf: readonly (infer A)[] }
      ? Combine<FromKeywords<Omit<S, 'anyOf'>>, FromEach<A>>
      : S extends { readonly oneOf: readonly (infer A)[] }
        ? Combine<FromKeywords<Omit<S, 'oneOf'>>, FromEach<A>>
        : FromKeywords<S>;

type FromKeywords<S> = S extends { readonly allOf: readonly [...infer All] }
  ? Combine<FromTyped<Omit<S, 'allOf'>>, FromAll<All>>
  : FromTyped<S>;

type FromTyped<S> = S extends { readonly type: readonly (infer T)[] }
  ? T extends JsonType
    ? FromType<T, S>
    : never
  : S extends { readonly type: infer T extends JsonType }
    ? FromType<T, S>
    : S extends { readonly properties: object }
      ? FromObject<S>
      : unknown;

type FromType<T extends JsonType, S> = T extends 'object'
  ? FromObject<S>
  : T extends 'array'
    ? S extends { readonly items: infer Items }
      ? FromJsonSchema<Items>[]
      : unknown[]
    : T extends 'string'
      ? string
      : T extends 'number' | 'integer'
        ? number
        : T extends 'boolean'
          ? boolean
          : null;

type FromObject<S> = S extends { readonly properties: infer P }
  ? Simplify<
      { -readonly [K in keyof P as K extends RequiredOf<S> ? K : never]: FromJsonSchema<P[K]> } & {
        -readonly [K in keyof P as K extends RequiredOf<S> ? never : K]?: FromJsonSchema<P[K]>;
      } & { [K in Exclude<RequiredOf<S>, keyof P>]: unknown }
    >
  : S extends { readonly patternProperties: { readonly [pattern: string]: infer P } }
    ? Record<string, FromJsonSchema<P>>
    : S extends { readonly additionalProperties: infer A }
      ? A extends JsonSchema
        ? Record<string, FromJsonSchema<A>>
        : A extends false
          ? Record<string, never>
          : Record<string, unknown>
      : Record<string, unknown>;

type RequiredOf<S> = S extends { readonly required: readonly (infer R extends string)[] } ? R : never;

// Distributes over a union of schemas.
type FromEach<A> = A extends unknown ? FromJsonSchema<A> : never;
type FromAll<All extends readonly unknown[]> = All extends readonly [infer First, ...infer Rest]
  ? Combine<FromJsonSchema<First>, FromAll<Rest>>
  : unknown;
type Combine<A, B> = unknown extends A ? B : unknown extends B ? A : A & B;
type Simplify<T> = { [K in keyof T]: T[K] };
type Mutable<T> = T extends string | number | boolean | null
  ? T
  : T extends readonly (infer E)[]
    ? Mutable<E>[]
    : { -readonly [K in keyof T]: Mutable<T[K]> };

import type { JsonSchema, JsonType } from './json-schema.ts';
import { type Issue, jsonEqual, jsonProblem, objectProblem, within } from './json-value.ts';
import { formatProblem } from './text-formats.ts';

/** Finds the first thing that is wrong with a value, or undefined. Paths are only made when something is. */
export type Validator = (value: unknown) => Issue | undefined;

/** A checked JSON Schema as closures. What it accepts is JSON through and through, also where the schema says nothing. */
export function compileJsonSchema(schema: JsonSchema): Validator {
  const checks: Validator[] = [];
  const { type } = schema;
  // Without `type` a keyword speaks only of values of its own type; the rest need only be JSON.
  if (type === undefined) checks.push(compileTypes(schema, ['string', 'number', 'array', 'object'], jsonProblem));
  else checks.push(compileTypes(schema, Array.isArray(type) ? type : [type]));
  if (schema.const !== undefined) checks.push(oneOf([schema.const]));
  if (schema.enum !== undefined) checks.push(oneOf(schema.enum));
  for (const part of schema.allOf ?? []) checks.push(compileJsonSchema(part));
  if (schema.anyOf !== undefined) checks.push(anyOf(schema.anyOf));
  if (schema.oneOf !== undefined) checks.push(exactlyOneOf(schema.oneOf));
  if (schema.not !== undefined) checks.push(not(schema.not));
  return all(checks);
}

function all(checks: readonly Validator[]): Validator {
  const [first, second] = checks;
  if (first === undefined) return () => undefined;
  if (second === undefined) return first;
  if (checks.length === 2) return (value) => first(value) ?? second(value);
  return (value) => {
    for (const check of checks) {
      const issue = check(value);
      if (issue !== undefined) return issue;
    }
    return undefined;
  };
}

function compileTypes(
  schema: JsonSchema,
  types: readonly JsonType[],
  others: Validator = (value) => wrongType(value, types),
): Validator {
  const byType = types.map((type) => [IS[type], TYPED[type]?.(schema) ?? (() => undefined)] as const);
  const [only] = byType;
  if (byType.length === 1 && only !== undefined) {
    const [is, check] = only;
    return (value) => (is(value) ? check(value) : others(value));
  }
  return (value) => {
    for (const [is, check] of byType) if (is(value)) return check(value);
    return others(value);
  };
}

export const IS: Readonly<Record<JsonType, (value: unknown) => boolean>> = {
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  number: Number.isFinite,
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
};

function wrongType(value: unknown, types: readonly JsonType[]): Issue {
  return problem(`must be ${types.join(' or ')}, is ${describe(value)}`);
}

function problem(text: string): Issue {
  return { path: '', problem: text };
}

/** Is a count outside of what is allowed? */
function countProblem(count: number, what: string, least: number, most: number): Issue | undefined {
  if (count < least) return problem(`has ${count} ${what}, at least ${least} are needed`);
  return count > most ? problem(`has ${count} ${what}, at most ${most} are allowed`) : undefined;
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string')
    return `the text ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`;
  return typeof value === 'object' ? 'an object' : typeof value;
}

/** What the keywords of a type say. */
const TYPED: Readonly<Partial<Record<JsonType, (schema: JsonSchema) => Validator>>> = {
  object: compileObject,
  array: compileArray,
  string: compileString,
  number: compileNumber,
  integer: compileNumber,
};

function compileObject(schema: JsonSchema): Validator {
  const properties = new Map(Object.entries(schema.properties ?? {}).map(([name, s]) => [name, compileJsonSchema(s)]));
  const { required = [], minProperties = 0, maxProperties = Number.POSITIVE_INFINITY } = schema;
  const patterns = Object.entries(schema.patternProperties ?? {}).map(
    ([pattern, s]) => [new RegExp(pattern, 'u'), compileJsonSchema(s)] as const,
  );
  const additional = schema.additionalProperties ?? true;
  const others: Validator =
    additional === true ? jsonProblem : additional === false ? notAllowed : compileJsonSchema(additional);
  const validatorOf = (name: string): Validator => {
    const own = properties.get(name);
    if (patterns.length === 0) return own ?? others;
    const matching = patterns.filter(([pattern]) => pattern.test(name)).map(([, validator]) => validator);
    return own === undefined && matching.length === 0 ? others : all(own === undefined ? matching : [own, ...matching]);
  };
  return (value) => {
    const object = value as Record<string, unknown>;
    const notPlain = objectProblem(object);
    if (notPlain !== undefined) return notPlain;
    for (const name of required) {
      if (object[name] === undefined || !Object.hasOwn(object, name)) return within(name, problem('is missing'));
    }
    let count = 0;
    for (const name in object) {
      const property = object[name];
      // JSON has no undefined: such a property will be absent.
      if (property === undefined) continue;
      count++;
      const issue = validatorOf(name)(property);
      if (issue !== undefined) return within(name, issue);
    }
    return countProblem(count, 'properties', minProperties, maxProperties);
  };
}

const notAllowed: Validator = () => problem('is not allowed here (additionalProperties is false)');

function compileArray(schema: JsonSchema): Validator {
  const item = schema.items === undefined ? jsonProblem : compileJsonSchema(schema.items);
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY, uniqueItems = false } = schema;
  return (value) => {
    const array = value as readonly unknown[];
    const outside = countProblem(array.length, 'items', minItems, maxItems);
    if (outside !== undefined) return outside;
    for (let i = 0; i < array.length; i++) {
      const issue = item(array[i]);
      if (issue !== undefined) return within(i, issue);
    }
    return uniqueItems ? repeated(array) : undefined;
  };
}

function repeated(array: readonly unknown[]): Issue | undefined {
  const scalars = new Set<unknown>();
  const objects: unknown[] = [];
  for (const [i, item] of array.entries()) {
    const scalar = typeof item !== 'object' || item === null;
    if (scalar ? scalars.has(item) : objects.some((object) => jsonEqual(object, item)))
      return within(i, problem('is there twice (uniqueItems)'));
    if (scalar) scalars.add(item);
    else objects.push(item);
  }
  return undefined;
}

function compileString(schema: JsonSchema): Validator {
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, format } = schema;
  const pattern = schema.pattern === undefined ? undefined : new RegExp(schema.pattern, 'u');
  return (value) => {
    const text = value as string;
    // Lengths are code points: at most text.length, at least half of it.
    if (text.length < minLength * 2 || text.length > maxLength) {
      const outside = countProblem(codePoints(text), 'characters', minLength, maxLength);
      if (outside !== undefined) return outside;
    }
    if (pattern !== undefined && !pattern.test(text)) {
      return problem(`${describe(text)} does not match the pattern ${schema.pattern}`);
    }
    return format === undefined ? undefined : formatProblem(format, text);
  };
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function compileNumber(schema: JsonSchema): Validator {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  return (value) => {
    const n = value as number;
    if (minimum !== undefined && n < minimum) return problem(`${n} is below the minimum ${minimum}`);
    if (maximum !== undefined && n > maximum) return problem(`${n} is above the maximum ${maximum}`);
    if (exclusiveMinimum !== undefined && n <= exclusiveMinimum)
      return problem(`${n} must be above ${exclusiveMinimum}`);
    if (exclusiveMaximum !== undefined && n >= exclusiveMaximum)
      return problem(`${n} must be below ${exclusiveMaximum}`);
    if (multipleOf !== undefined && !isMultiple(n, multipleOf))
      return problem(`${n} is not a multiple of ${multipleOf}`);
    return undefined;
  };
}

/** 19.99 is a multiple of 0.01, although 19.99 / 0.01 is 1998.9999999999998: the quotient may be off by its own rounding. */
function isMultiple(value: number, of: number): boolean {
  const quotient = value / of;
  return Math.abs(quotient - Math.round(quotient)) <= Math.abs(quotient) * Number.EPSILON * 2;
}

function oneOf(values: readonly unknown[]): Validator {
  const scalars = new Set(values.filter((value) => typeof value !== 'object' || value === null));
  const objects = values.filter((value) => typeof value === 'object' && value !== null);
  const allowed = values.map((value) => JSON.stringify(value)).join(', ');
  return (value) => {
    if (scalars.has(value) || objects.some((object) => jsonEqual(object, value))) return undefined;
    return problem(`must be ${values.length > 1 ? 'one of ' : ''}${allowed}, is ${describe(value)}`);
  };
}

function anyOf(schemas: readonly JsonSchema[]): Validator {
  const alternatives = schemas.map(compileJsonSchema);
  return (value) => {
    const problems: string[] = [];
    for (const alternative of alternatives) {
      const issue = alternative(value);
      if (issue === undefined) return undefined;
      problems.push(issue.path === '' ? issue.problem : `${issue.path} ${issue.problem}`);
    }
    return problem(`matches none of ${alternatives.length} alternatives: ${problems.join('; or ')}`);
  };
}

function exactlyOneOf(schemas: readonly JsonSchema[]): Validator {
  const alternatives = schemas.map(compileJsonSchema);
  const none = anyOf(schemas);
  return (value) => {
    const matching = alternatives.filter((alternative) => alternative(value) === undefined).length;
    if (matching === 1) return undefined;
    return matching === 0 ? none(value) : problem(`matches ${matching} alternatives, exactly one is allowed`);
  };
}

function not(schema: JsonSchema): Validator {
  const refused = compileJsonSchema(schema);
  return (value) => (refused(value) === undefined ? problem('is what the schema excludes (not)') : undefined);
}

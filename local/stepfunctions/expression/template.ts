import type { Json } from '../../cloud.ts';
import { queryEvaluationFailure, StateFailure } from '../failure.ts';
import type { Bindings, Expression } from './compile.ts';

/** A field's value with its `{% … %}` strings compiled. `location` names it relative to the state: `Output/totals[0]`. */
export type Template =
  | { readonly kind: 'literal'; readonly value: Json; readonly location: string }
  | { readonly kind: 'expression'; readonly expression: Expression; readonly location: string }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [string, Template])[]; readonly location: string }
  | { readonly kind: 'array'; readonly items: readonly Template[]; readonly location: string };

/** The value that the template stands for; fails with States.QueryEvaluationError, naming expression and field. */
export async function evaluateTemplate(template: Template, bindings: Bindings): Promise<Json> {
  switch (template.kind) {
    case 'literal':
      return template.value;
    case 'expression':
      return await evaluateExpression(template.expression, template.location, bindings);
    case 'array': {
      const values: Json[] = [];
      for (const item of template.items) values.push(await evaluateTemplate(item, bindings));
      return values;
    }
    case 'object': {
      const value: Record<string, Json> = {};
      for (const [name, entry] of template.entries) define(value, name, await evaluateTemplate(entry, bindings));
      return value;
    }
  }
}

async function evaluateExpression(expression: Expression, location: string, bindings: Bindings): Promise<Json> {
  let value: Json;
  try {
    value = await expression.evaluate(bindings);
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    throw queryEvaluationFailure(
      `${subject(expression, location)} threw an error during evaluation. ${code ?? 'D3141'}: ${message ?? String(error)}`,
      location,
    );
  }
  if (value === undefined) {
    throw queryEvaluationFailure(`${subject(expression, location)} returned nothing (undefined).`, location);
  }
  try {
    return toJson(value);
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
    throw queryEvaluationFailure(`${subject(expression, location)} returned an unsupported result type.`, location);
  }
}

function subject(expression: Expression, location: string): string {
  return `The JSONata expression '${expression.text}' specified for the field '${location}'`;
}

class NotJson extends Error {}

/** A plain copy: JSONata's arrays carry marks of their own, and its functions are no JSON. */
function toJson(value: Json): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  // JSON has no text for these; the service writes them as the strings that JavaScript names them by.
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value instanceof RegExp) throw new NotJson();
  if (Array.isArray(value)) return value.map((item) => (item === undefined ? null : toJson(item)));
  if (value._jsonata_lambda === true || value._jsonata_function === true) throw new NotJson();
  const copy: Record<string, Json> = {};
  for (const name of Object.keys(value)) if (value[name] !== undefined) define(copy, name, toJson(value[name]));
  return copy;
}

/** Sets an own property, also one called `__proto__`. */
function define(target: Record<string, Json>, name: string, value: Json): void {
  if (name === '__proto__')
    Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
  else target[name] = value;
}

type JsonType = 'array' | 'boolean' | 'number' | 'object' | 'string';

/** The value, if it has one of the types; otherwise the service's text for a result of another type. */
export async function evaluateTyped(
  template: Template,
  bindings: Bindings,
  ...types: readonly JsonType[]
): Promise<Json> {
  const value = await evaluateTemplate(template, bindings);
  const type = typeOf(value);
  if (types.some((expected) => expected === type)) return value;
  const what =
    template.kind === 'expression'
      ? subject(template.expression, template.location)
      : `The value specified for the field '${template.location}'`;
  throw queryEvaluationFailure(
    `${what} returned an unexpected result type. Expected '${types[0]}', but was '${type}' for value: ${JSON.stringify(value)}`,
    template.location,
  );
}

/** A whole number within bounds, for the fields that count or time something. */
export async function evaluateInteger(
  template: Template,
  bindings: Bindings,
  bounds: { readonly min: number; readonly max: number },
): Promise<number> {
  const value = await evaluateTyped(template, bindings, 'number');
  const field = template.location;
  if (!Number.isInteger(value)) {
    throw queryEvaluationFailure(`The ${field} field cannot be parsed as an integer: ${value}`, field);
  }
  if (value < bounds.min || value > bounds.max) {
    throw queryEvaluationFailure(
      `The ${field} field's value must be between ${bounds.min} and ${bounds.max}, but was ${value}`,
      field,
    );
  }
  return value;
}

function typeOf(value: Json): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

export function isQueryEvaluationFailure(error: unknown): error is StateFailure {
  return error instanceof StateFailure && error.location !== undefined;
}

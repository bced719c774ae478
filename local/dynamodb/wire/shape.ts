import type { Json } from '../../cloud.ts';
import { invalid, unreadable } from '../errors.ts';

/** What an operation takes: AWS checks the whole input against such a model before it looks at any table. */
export type Shape =
  | { readonly type: 'string'; readonly min?: number; readonly max?: number; readonly pattern?: string }
  | { readonly type: 'enum'; readonly values: readonly string[] }
  | { readonly type: 'number'; readonly min?: number; readonly max?: number }
  | { readonly type: 'boolean' }
  | { readonly type: 'list'; readonly of: Shape; readonly min?: number; readonly max?: number }
  | { readonly type: 'map'; readonly of: Shape; readonly min?: number; readonly max?: number; readonly keys?: Shape }
  | { readonly type: 'structure'; readonly members: Readonly<Record<string, Member>> }
  /** Checked by whoever reads it: attribute values. */
  | { readonly type: 'any' };

export interface Member {
  readonly shape: Shape;
  readonly required?: boolean;
}

/** Everything wrong with one input, told at once. */
class Violations {
  readonly #texts: string[] = [];

  add(value: Json, path: string, constraint: string): void {
    const shown = value === undefined || value === null ? 'null' : `'${show(value)}'`;
    this.#texts.push(`Value ${shown} at '${path}' failed to satisfy constraint: ${constraint}`);
  }

  throwIfAny(): void {
    const count = this.#texts.length;
    if (count === 0) return;
    // AWS reports ten at the most.
    throw invalid(`${count} validation error${count > 1 ? 's' : ''} detected: ${this.#texts.slice(0, 10).join('; ')}`);
  }
}

const SHOWN = 300;

/** A value as the texts quote it; a long one is cut. */
function show(value: Json): string {
  const text =
    typeof value !== 'object' || value === null
      ? String(value)
      : Array.isArray(value)
        ? `[${value.slice(0, 10).map(show).join(', ')}]`
        : JSON.stringify(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

const lowered = new Map<string, string>();

/** As the texts name a member; members are few, and asked for with every request. */
function lowerFirst(name: string): string {
  let lower = lowered.get(name);
  if (lower === undefined) {
    lower = name.charAt(0).toLowerCase() + name.slice(1);
    lowered.set(name, lower);
  }
  return lower;
}

function wrongKind(value: Json, type: string): Error {
  if (Array.isArray(value)) return unreadable(`Unrecognized collection type class java.lang.${type}`);
  if (typeof value === 'object') return unreadable('Start of structure or map found where not expected.');
  if (typeof value === 'string') return unreadable(`STRING_VALUE cannot be converted to ${type}`);
  if (typeof value === 'number') {
    return unreadable(`${Number.isInteger(value) ? 'NUMBER' : 'DECIMAL'}_VALUE cannot be converted to ${type}`);
  }
  return unreadable(`${value === true ? 'TRUE' : 'FALSE'}_VALUE cannot be converted to ${type}`);
}

function checkLength(value: Json, length: number, shape: { min?: number; max?: number }, path: string, to: Violations) {
  if (shape.min !== undefined && length < shape.min) {
    to.add(value, path, `Member must have length greater than or equal to ${shape.min}`);
  }
  if (shape.max !== undefined && length > shape.max) {
    to.add(value, path, `Member must have length less than or equal to ${shape.max}`);
  }
}

const patterns = new Map<string, RegExp>();

function fits(text: string, pattern: string): boolean {
  let compiled = patterns.get(pattern);
  if (compiled === undefined) {
    compiled = new RegExp(`^(?:${pattern})$`);
    patterns.set(pattern, compiled);
  }
  return compiled.test(text);
}

function checkMap(value: Json, shape: Extract<Shape, { type: 'map' }>, path: string, to: Violations): void {
  if (typeof value !== 'object' || Array.isArray(value)) throw unreadable('Unexpected field type');
  const keys = Object.keys(value);
  checkLength(value, keys.length, shape, path, to);
  if (shape.of.type === 'any' && shape.keys === undefined) return;
  for (const key of keys) {
    if (shape.keys !== undefined) check(key, shape.keys, `${path}.${key}`, to);
    check(value[key], shape.of, `${path}.${key}.member`, to);
  }
}

function check(value: Json, shape: Shape, path: string, to: Violations): void {
  switch (shape.type) {
    case 'any':
      return;
    case 'string':
      if (typeof value !== 'string') throw wrongKind(value, 'String');
      if (shape.pattern !== undefined && !fits(value, shape.pattern)) {
        to.add(value, path, `Member must satisfy regular expression pattern: ${shape.pattern}`);
      }
      checkLength(value, value.length, shape, path, to);
      return;
    case 'enum':
      if (typeof value !== 'string') throw wrongKind(value, 'String');
      if (!shape.values.includes(value)) {
        to.add(value, path, `Member must satisfy enum value set: [${shape.values.join(', ')}]`);
      }
      return;
    case 'number':
      if (typeof value !== 'number') throw wrongKind(value, 'Integer');
      if (shape.min !== undefined && value < shape.min) {
        to.add(value, path, `Member must have value greater than or equal to ${shape.min}`);
      }
      if (shape.max !== undefined && value > shape.max) {
        to.add(value, path, `Member must have value less than or equal to ${shape.max}`);
      }
      return;
    case 'boolean':
      if (typeof value !== 'boolean') throw wrongKind(value, 'Boolean');
      return;
    case 'list':
      if (!Array.isArray(value)) throw unreadable('Unexpected field type');
      checkLength(value, value.length, shape, path, to);
      value.forEach((member, i) => {
        check(member, shape.of, `${path}.${i + 1}.member`, to);
      });
      return;
    case 'map':
      checkMap(value, shape, path, to);
      return;
    case 'structure':
      checkStructure(value, shape.members, path, to);
  }
}

const entries = new WeakMap<object, readonly (readonly [string, Member])[]>();

function entriesOf(members: Readonly<Record<string, Member>>): readonly (readonly [string, Member])[] {
  let list = entries.get(members);
  if (list === undefined) {
    list = Object.entries(members);
    entries.set(members, list);
  }
  return list;
}

function checkStructure(value: Json, members: Readonly<Record<string, Member>>, path: string, to: Violations): void {
  if (typeof value !== 'object' || value === null) throw unreadable('Unexpected field type');
  if (Array.isArray(value)) throw unreadable('Unrecognized collection type');
  const at = (name: string) => (path === '' ? lowerFirst(name) : `${path}.${lowerFirst(name)}`);
  for (const name in value) {
    // The service ignores members that it does not know; here they would be ignored in silence, so they are refused.
    if (!Object.hasOwn(members, name)) {
      throw invalid(
        `The parameter '${path === '' ? '' : `${path}.`}${name.charAt(0).toLowerCase()}${name.slice(1)}' is not supported`,
      );
    }
  }
  for (const [name, { shape, required }] of entriesOf(members)) {
    const member = value[name];
    if (member !== undefined && member !== null) check(member, shape, at(name), to);
    else if (required === true) to.add(null, at(name), 'Member must not be null');
  }
}

/** Checks an operation's input; throws ValidationException or SerializationException as AWS words them. */
export function checkInput(input: Json, members: Readonly<Record<string, Member>>): void {
  const violations = new Violations();
  checkStructure(input, members, '', violations);
  violations.throwIfAny();
}

export const string = (min?: number, max?: number, pattern?: string): Shape => ({
  type: 'string',
  ...(min === undefined ? {} : { min }),
  ...(max === undefined ? {} : { max }),
  ...(pattern === undefined ? {} : { pattern }),
});
export const oneOf = (...values: string[]): Shape => ({ type: 'enum', values });
export const number = (min?: number, max?: number): Shape => ({
  type: 'number',
  ...(min === undefined ? {} : { min }),
  ...(max === undefined ? {} : { max }),
});
export const boolean: Shape = { type: 'boolean' };
export const any: Shape = { type: 'any' };
export const list = (of: Shape, min?: number, max?: number): Shape => ({
  type: 'list',
  of,
  ...(min === undefined ? {} : { min }),
  ...(max === undefined ? {} : { max }),
});
export const map = (of: Shape, min?: number, max?: number, keys?: Shape): Shape => ({
  type: 'map',
  of,
  ...(min === undefined ? {} : { min }),
  ...(max === undefined ? {} : { max }),
  ...(keys === undefined ? {} : { keys }),
});
export const structure = (members: Readonly<Record<string, Member>>): Shape => ({ type: 'structure', members });
export const required = (shape: Shape): Member => ({ shape, required: true });
export const optional = (shape: Shape): Member => ({ shape });

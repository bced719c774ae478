import type { Json } from '../../cloud.ts';
import { invalid, unreadable } from '../errors.ts';
import { compareValues } from '../value/compare.ts';
import { type AttributeType, type AttributeValue, type Item, readValue, typeOf } from '../value/value.ts';
import { ExpressionError } from './lexer.ts';
import type { Comparator, Condition, Operand, WrittenPath } from './syntax.ts';

export type Path = readonly (string | number)[];

/** An operand with its names and values put in. */
export type BoundOperand =
  | { readonly path: Path }
  | { readonly value: AttributeValue }
  | { readonly size: BoundOperand };

export type BoundCondition =
  | { readonly kind: 'and' | 'or'; readonly left: BoundCondition; readonly right: BoundCondition }
  | { readonly kind: 'not'; readonly condition: BoundCondition }
  | {
      readonly kind: Comparator | 'between' | 'in' | 'attribute_exists' | 'attribute_not_exists';
      readonly args: readonly BoundOperand[];
    }
  | { readonly kind: 'attribute_type' | 'begins_with' | 'contains'; readonly args: readonly BoundOperand[] };

const KEY_FORM = { '#': /^#[0-9a-zA-Z_]+$/, ':': /^:[0-9a-zA-Z_]+$/ };

/** "The maximum length of any expression attribute name or expression attribute value is 255 bytes", with its sign. */
const MAX_KEY = 255;

function checkKeys(map: Json, what: string, form: '#' | ':'): void {
  if (typeof map !== 'object' || Array.isArray(map)) throw unreadable('Unexpected field type');
  if (Object.keys(map).length === 0) throw invalid(`${what} must not be empty`);
  for (const key in map) {
    if (key.length > MAX_KEY) {
      throw invalid(
        `${what} contains invalid key: The expression attribute map contains a key that is too long; size of key: ${key.length}`,
      );
    }
    if (!KEY_FORM[form].test(key)) throw invalid(`${what} contains invalid key: Syntax error; key: "${key}"`);
  }
}

/** One request's ExpressionAttributeNames and Values, and which of them its expressions used. */
export class Bindings {
  readonly #names: Record<string, string>;
  readonly #values = new Map<string, AttributeValue>();
  readonly #unusedNames = new Set<string>();
  readonly #unusedValues = new Set<string>();

  constructor(names: Json, values: Json) {
    this.#names = names ?? {};
    if (names !== undefined && names !== null) {
      checkKeys(names, 'ExpressionAttributeNames', '#');
      for (const key in names) {
        if (typeof names[key] !== 'string') throw unreadable('Unexpected field type');
        if (names[key] === '') {
          throw invalid(`ExpressionAttributeNames contains invalid value: Empty attribute name for key ${key}`);
        }
        this.#unusedNames.add(key);
      }
    }
    if (values !== undefined && values !== null) {
      checkKeys(values, 'ExpressionAttributeValues', ':');
      for (const key in values) {
        try {
          this.#values.set(key, readValue(values[key]));
        } catch (error) {
          if (!(error instanceof Error) || error.name !== 'ValidationException') throw error;
          throw invalid(`ExpressionAttributeValues contains invalid value: ${error.message} for key ${key}`);
        }
        this.#unusedValues.add(key);
      }
    }
  }

  path(written: WrittenPath): Path {
    return written.map((part) => {
      if (typeof part === 'number' || !part.startsWith('#')) return part;
      const name = this.#names[part];
      if (name === undefined) {
        throw new ExpressionError(
          `An expression attribute name used in the document path is not defined; attribute name: ${part}`,
        );
      }
      this.#unusedNames.delete(part);
      return name;
    });
  }

  value(name: string): AttributeValue {
    const value = this.#values.get(name);
    if (value === undefined) {
      throw new ExpressionError(
        `An expression attribute value used in expression is not defined; attribute value: ${name}`,
      );
    }
    this.#unusedValues.delete(name);
    return value;
  }

  /** Every name and value must have been used by some expression. */
  checkAllUsed(): void {
    if (this.#unusedNames.size > 0) {
      const keys = [...this.#unusedNames].sort().join(', ');
      throw invalid(`Value provided in ExpressionAttributeNames unused in expressions: keys: {${keys}}`);
    }
    if (this.#unusedValues.size > 0) {
      const keys = [...this.#unusedValues].sort().join(', ');
      throw invalid(`Value provided in ExpressionAttributeValues unused in expressions: keys: {${keys}}`);
    }
  }
}

export function pathText(path: Path): string {
  return `[${path.map((part) => (typeof part === 'number' ? `[${part}]` : part)).join(', ')}]`;
}

/** The type that shows without an item: a value's own, `size`'s N; undefined for a path. */
export function staticType(operand: BoundOperand): AttributeType | undefined {
  if ('value' in operand) return typeOf(operand.value);
  return 'size' in operand ? 'N' : undefined;
}

export function wrongType(operator: string, type: string): ExpressionError {
  return new ExpressionError(
    `Incorrect operand type for operator or function; operator or function: ${operator}, operand type: ${type}`,
  );
}

export function needsPath(operator: string): ExpressionError {
  return new ExpressionError(`Operator or function requires a document path; operator or function: ${operator}`);
}

export function checkCount(name: string, expected: number, args: readonly unknown[]): void {
  if (args.length === expected) return;
  throw new ExpressionError(
    `Incorrect number of operands for operator or function; operator or function: ${name}, number of operands: ${args.length}`,
  );
}

function bindOperand(operand: Operand, bindings: Bindings): BoundOperand {
  if (operand.kind === 'path') return { path: bindings.path(operand.path) };
  if (operand.kind === 'value') return { value: bindings.value(operand.name) };
  const args = operand.args.map((arg) => bindOperand(arg, bindings));
  checkCount('size', 1, args);
  const type = staticType(args[0]!);
  if (type === 'N' || type === 'BOOL' || type === 'NULL') throw wrongType('size', type);
  return { size: args[0]! };
}

function checkDistinct(operator: string, args: readonly BoundOperand[]): void {
  const [first, ...others] = args;
  if (first === undefined || !('path' in first)) return;
  const text = pathText(first.path);
  for (const other of others) {
    if (!('path' in other) || pathText(other.path) !== text) continue;
    throw new ExpressionError(
      `The first operand must be distinct from the remaining operands for this operator or function; operator: ${operator}, first operand: ${text}`,
    );
  }
}

const ORDERED: ReadonlySet<string> = new Set(['S', 'N', 'B']);

function checkOrdered(operator: string, args: readonly BoundOperand[]): void {
  for (const arg of args) {
    const type = staticType(arg);
    if (type !== undefined && !ORDERED.has(type)) throw wrongType(operator, type);
  }
}

function boundText(value: AttributeValue): string {
  const type = typeOf(value);
  return `AttributeValue: {${type}:${String(value[type])}}`;
}

function checkBetween(args: readonly BoundOperand[]): void {
  checkOrdered('BETWEEN', args);
  const [, low, high] = args;
  if (low === undefined || high === undefined || !('value' in low) || !('value' in high)) return;
  const order = compareValues(low.value, high.value);
  const bounds = `lower bound operand: ${boundText(low.value)}, upper bound operand: ${boundText(high.value)}`;
  if (order === undefined) {
    throw new ExpressionError(`The BETWEEN operator requires same data type for lower and upper bounds; ${bounds}`);
  }
  if (order > 0) {
    throw new ExpressionError(
      `The BETWEEN operator requires upper bound to be greater than or equal to lower bound; ${bounds}`,
    );
  }
}

const TYPE_NAMES = new Set(['B', 'NULL', 'SS', 'BOOL', 'L', 'BS', 'N', 'NS', 'S', 'M']);

function checkCall(name: string, args: readonly BoundOperand[]): void {
  checkCount(name, name.startsWith('attribute_') && name.endsWith('exists') ? 1 : 2, args);
  checkDistinct(name, args);
  const [first, second] = args;
  if (name === 'attribute_exists' || name === 'attribute_not_exists') {
    if (!('path' in first!)) throw needsPath(name);
  } else if (name === 'begins_with') {
    for (const arg of args) {
      const type = staticType(arg);
      if (type !== undefined && type !== 'S' && type !== 'B') throw wrongType(name, type);
    }
  } else if (name === 'attribute_type') {
    const type = staticType(second!);
    if (type !== 'S') throw wrongType(name, type ?? `{${[...TYPE_NAMES].join(',')}}`);
    const wanted = 'value' in second! ? (second.value.S ?? '') : '';
    if (!TYPE_NAMES.has(wanted)) {
      throw new ExpressionError(
        `Invalid attribute type name found; type: ${wanted}, valid types: {${[...TYPE_NAMES].join(',')}}`,
      );
    }
  }
}

/** Puts names and values into a parsed condition and checks what then can be checked, in the order of the text. */
export function bindCondition(condition: Condition, bindings: Bindings): BoundCondition {
  switch (condition.kind) {
    case 'and':
    case 'or': {
      const left = bindCondition(condition.left, bindings);
      return { kind: condition.kind, left, right: bindCondition(condition.right, bindings) };
    }
    case 'not':
      return { kind: 'not', condition: bindCondition(condition.condition, bindings) };
    default: {
      const args = condition.args.map((arg) => bindOperand(arg, bindings));
      if (condition.kind === 'compare') {
        checkDistinct(condition.operator, args);
        if (condition.operator !== '=' && condition.operator !== '<>') checkOrdered(condition.operator, args);
        return { kind: condition.operator, args };
      }
      if (condition.kind === 'between') {
        checkDistinct('BETWEEN', args);
        checkBetween(args);
        return { kind: 'between', args };
      }
      if (condition.kind === 'in') {
        checkDistinct('IN', args);
        return { kind: 'in', args };
      }
      checkCall(condition.name, args);
      return { kind: condition.name as 'contains', args };
    }
  }
}

/** What stands at a path in an item. */
export function valueAt(path: Path, item: Item): AttributeValue | undefined {
  let value = item[path[0] as string];
  for (let i = 1; i < path.length && value !== undefined; i++) {
    const part = path[i]!;
    value = typeof part === 'number' ? value.L?.[part] : value.M?.[part];
  }
  return value;
}

import type { Json } from '../../cloud.ts';
import { invalid, invalidValue, unreadable } from '../errors.ts';
import { beginsWith, compareValues, containsValue, sameValue } from '../value/compare.ts';
import { type AttributeValue, type Item, readValue, typeOf } from '../value/value.ts';
import type { BoundAction } from './bind-update.ts';
import type { KeyOperator, KeyRequirement, KeyRequirements } from './key-condition.ts';

/** The parameters from before expressions: Expected, QueryFilter, ScanFilter, KeyConditions, AttributeUpdates. */
const ARGUMENTS: Readonly<Record<string, readonly [number, number]>> = {
  NULL: [0, 0],
  NOT_NULL: [0, 0],
  EQ: [1, 1],
  NE: [1, 1],
  LE: [1, 1],
  LT: [1, 1],
  GE: [1, 1],
  GT: [1, 1],
  CONTAINS: [1, 1],
  NOT_CONTAINS: [1, 1],
  BEGINS_WITH: [1, 1],
  IN: [1, Number.POSITIVE_INFINITY],
  BETWEEN: [2, 2],
};

const SCALARS = ['S', 'N', 'B'];
const TYPES: Readonly<Record<string, readonly string[]>> = {
  LE: SCALARS,
  LT: SCALARS,
  GE: SCALARS,
  GT: SCALARS,
  CONTAINS: SCALARS,
  NOT_CONTAINS: SCALARS,
  BEGINS_WITH: ['S', 'B'],
  IN: SCALARS,
  BETWEEN: SCALARS,
};

interface Check {
  readonly name: string;
  readonly operator: string;
  readonly values: readonly AttributeValue[];
}

function checkArguments({ operator, values }: Check): void {
  const allowed = ARGUMENTS[operator];
  if (allowed === undefined) throw invalid(`Unknown ComparisonOperator: ${operator}`);
  if (values.length < allowed[0] || values.length > allowed[1]) {
    throw invalidValue(`Invalid number of argument(s) for the ${operator} ComparisonOperator`);
  }
  const [first] = values;
  if (first === undefined) return;
  if (values.some((value) => typeOf(value) !== typeOf(first))) {
    throw invalidValue('AttributeValues inside AttributeValueList must be of same type');
  }
  for (const value of values) {
    if (TYPES[operator]?.includes(typeOf(value)) === false) {
      throw invalidValue(`ComparisonOperator ${operator} is not valid for ${typeOf(value)} AttributeValue type`);
    }
  }
  if (operator === 'BETWEEN' && (compareValues(first, values[1]!) ?? 0) > 0) {
    throw invalid('The BETWEEN condition was provided a range where the lower bound is greater than the upper bound');
  }
}

function readList(raw: Json): readonly AttributeValue[] {
  if (raw === undefined || raw === null) return [];
  if (!Array.isArray(raw)) throw unreadable('Unexpected field type');
  return raw.map((value) => readValue(value));
}

function passes({ operator, values }: Check, found: AttributeValue | undefined): boolean {
  const [first, second] = values;
  if (operator === 'NULL') return found === undefined;
  if (operator === 'NE') return found === undefined || !sameValue(found, first!);
  if (operator === 'NOT_CONTAINS') return found === undefined || !containsValue(found, first!);
  if (found === undefined) return false;
  const order = () => compareValues(found, first!);
  switch (operator) {
    case 'NOT_NULL':
      return true;
    case 'EQ':
      return sameValue(found, first!);
    case 'LE':
      return (order() ?? 1) <= 0;
    case 'LT':
      return (order() ?? 1) < 0;
    case 'GE':
      return (order() ?? -1) >= 0;
    case 'GT':
      return (order() ?? -1) > 0;
    case 'CONTAINS':
      return containsValue(found, first!);
    case 'BEGINS_WITH':
      return beginsWith(found, first!);
    case 'IN':
      return values.some((value) => sameValue(found, value));
    default:
      return (order() ?? -1) >= 0 && (compareValues(found, second!) ?? 1) <= 0;
  }
}

export type Predicate = (item: Item) => boolean;

function toPredicate(checks: readonly Check[], operator: Json): Predicate {
  if (operator !== undefined && operator !== null && operator !== 'AND' && operator !== 'OR') {
    throw invalid(`ConditionalOperator must be AND or OR, not ${operator}`);
  }
  if (operator === 'OR') return (item) => checks.some((check) => passes(check, item[check.name]));
  return (item) => checks.every((check) => passes(check, item[check.name]));
}

function readChecks(raw: Json): readonly Check[] {
  return Object.keys(raw).map((name) => {
    const check = { name, operator: raw[name].ComparisonOperator, values: readList(raw[name].AttributeValueList) };
    checkArguments(check);
    return check;
  });
}

export interface LegacyFilter {
  readonly names: readonly string[];
  readonly matches: Predicate;
}

/** QueryFilter and ScanFilter. */
export function readFilter(raw: Json, operator: Json): LegacyFilter {
  const checks = readChecks(raw);
  return { names: checks.map(({ name }) => name), matches: toPredicate(checks, operator) };
}

function readExpectation(name: string, raw: Json): Check {
  const { ComparisonOperator: operator, AttributeValueList: list, Exists: exists, Value: single } = raw;
  if (list !== undefined && single !== undefined) {
    throw invalidValue(`Value and AttributeValueList cannot be used together for Attribute: ${name}`);
  }
  if (operator !== undefined) {
    if (exists !== undefined) {
      throw invalidValue(`Exists and ComparisonOperator cannot be used together for Attribute: ${name}`);
    }
    if (operator !== 'NULL' && operator !== 'NOT_NULL' && list === undefined && single === undefined) {
      throw invalidValue(
        `Value or AttributeValueList must be used with ComparisonOperator: ${operator} for Attribute: ${name}`,
      );
    }
    const check = { name, operator, values: single === undefined ? readList(list) : [readValue(single)] };
    checkArguments(check);
    return check;
  }
  if (list !== undefined) {
    throw invalidValue(`AttributeValueList can only be used with a ComparisonOperator for Attribute: ${name}`);
  }
  if (exists === false) {
    if (single !== undefined) throw invalidValue(`Value cannot be used when Exists is false for Attribute: ${name}`);
    return { name, operator: 'NULL', values: [] };
  }
  if (single === undefined) {
    throw invalidValue(`Value must be provided when Exists is ${exists ?? 'null'} for Attribute: ${name}`);
  }
  return { name, operator: 'EQ', values: [readValue(single)] };
}

/** The Expected parameter of a write. */
export function readExpected(raw: Json, operator: Json): Predicate {
  return toPredicate(
    Object.keys(raw).map((name) => readExpectation(name, raw[name])),
    operator,
  );
}

const KEY_OPERATORS: Readonly<Record<string, KeyOperator>> = {
  EQ: '=',
  LT: '<',
  LE: '<=',
  GT: '>',
  GE: '>=',
  BETWEEN: 'between',
  BEGINS_WITH: 'begins_with',
};

/** The KeyConditions parameter of a query. */
export function readKeyConditions(raw: Json): KeyRequirements {
  const requirements = new Map<string, KeyRequirement>();
  for (const { name, operator, values } of readChecks(raw)) {
    requirements.set(name, { operator: KEY_OPERATORS[operator] ?? 'unsupported', values });
  }
  if (requirements.size !== 1 && requirements.size !== 2) throw invalid('Conditions can be of length 1 or 2 only');
  return requirements;
}

const SETS = ['SS', 'NS', 'BS'];

/** The AttributeUpdates parameter of UpdateItem. */
export function readAttributeUpdates(raw: Json): readonly BoundAction[] {
  return Object.keys(raw).map((name): BoundAction => {
    const { Action: action = 'PUT', Value: written } = raw[name];
    if (!['PUT', 'ADD', 'DELETE'].includes(action)) {
      throw invalid(
        `1 validation error detected: Value '${action}' at 'attributeUpdates.${name}.member.action' failed to satisfy constraint: Member must satisfy enum value set: [ADD, PUT, DELETE]`,
      );
    }
    if (written === undefined) {
      if (action !== 'DELETE') throw invalidValue('Only DELETE action is allowed when no attribute value is specified');
      return { kind: 'remove', path: [name] };
    }
    const value = readValue(written);
    const type = typeOf(value);
    if (action === 'DELETE') {
      if (!SETS.includes(type)) throw invalidValue(`DELETE action with value is not supported for the type ${type}`);
      return { kind: 'delete', path: [name], value };
    }
    if (action === 'ADD') {
      if (type !== 'N' && type !== 'L' && !SETS.includes(type)) {
        throw invalidValue(`ADD action is not supported for the type ${type}`);
      }
      return { kind: 'add', path: [name], value };
    }
    return { kind: 'set', path: [name], value: { kind: 'value', value } };
  });
}

import type { Json } from '../../cloud.ts';
import { invalid, invalidValue, unreadable } from '../errors.ts';
import { normalizeNumber } from './number.ts';
import { sortMembers } from './order.ts';

/** An attribute's value in the wire's shape, checked and normalized; exactly one member is set. Never changed once made. */
export interface AttributeValue {
  readonly S?: string;
  readonly N?: string;
  /** Base64. */
  readonly B?: string;
  readonly BOOL?: boolean;
  readonly NULL?: true;
  readonly SS?: readonly string[];
  readonly NS?: readonly string[];
  readonly BS?: readonly string[];
  readonly L?: readonly AttributeValue[];
  readonly M?: Item;
}

export type AttributeType = keyof AttributeValue;

/** Attributes by name. Its prototype is empty, so that an attribute called `constructor` or `__proto__` is like any other. */
export interface Item {
  [name: string]: AttributeValue;
}

const Attributes = function Attributes() {} as unknown as { new (): Item };
Attributes.prototype = Object.create(null);

export function newItem(): Item {
  return new Attributes();
}

export function copyItem(item: Item): Item {
  const copy = new Attributes();
  for (const name in item) copy[name] = item[name]!;
  return copy;
}

export const ATTRIBUTE_TYPES: ReadonlySet<string> = new Set([
  'S',
  'N',
  'B',
  'BOOL',
  'NULL',
  'SS',
  'NS',
  'BS',
  'L',
  'M',
]);

export function typeOf(value: AttributeValue): AttributeType {
  for (const type in value) return type as AttributeType;
  throw new Error('an attribute value without a type');
}

/** "DynamoDB supports nested attributes up to 32 levels deep": the item's own map is the first. */
const MAX_DEPTH = 32;

function readString(raw: Json): string {
  if (typeof raw === 'string') return raw;
  if (typeof raw === 'number') throw unreadable('NUMBER_VALUE cannot be converted to String');
  if (typeof raw === 'boolean') throw unreadable(`${raw ? 'TRUE' : 'FALSE'}_VALUE cannot be converted to String`);
  throw unreadable('Start of structure or map found where not expected.');
}

function readBlob(raw: Json): string {
  if (typeof raw !== 'string') throw unreadable('only base-64-encoded strings are convertible to bytes');
  if (raw.length % 4 !== 0) {
    throw unreadable(`Base64 encoded length is expected a multiple of 4 bytes but found: ${raw.length}`);
  }
  if (Buffer.from(raw, 'base64').toString('base64') !== raw) {
    throw unreadable('Invalid last non-pad Base64 character dectected');
  }
  return raw;
}

function readList(raw: Json): readonly Json[] {
  if (Array.isArray(raw)) return raw;
  throw unreadable('Unexpected field type');
}

function readSet(type: 'SS' | 'NS' | 'BS', raw: Json): AttributeValue {
  const list = readList(raw);
  if (list.length === 0) {
    if (type === 'BS') throw invalidValue('Binary sets should not be empty');
    throw invalidValue(`An ${type === 'SS' ? 'string' : 'number'} set  may not be empty`);
  }
  const members = list.map((member) => {
    if (type === 'SS') return readString(member);
    return type === 'NS' ? normalizeNumber(readString(member)) : readBlob(member);
  });
  if (new Set(members).size < members.length) {
    if (type === 'NS') throw invalid('Input collection contains duplicates');
    const of = type === 'BS' ? 'of type BS ' : ' ';
    throw invalidValue(`Input collection [${members.join(', ')}]${of}contains duplicates.`);
  }
  return { [type]: sortMembers(type, members) };
}

function readOne(type: string, raw: Json, depth: number): AttributeValue {
  switch (type) {
    case 'S':
      return { S: readString(raw) };
    case 'N':
      return { N: normalizeNumber(readString(raw)) };
    case 'B':
      return { B: readBlob(raw) };
    case 'BOOL':
      if (typeof raw !== 'boolean') throw unreadable('Unexpected token received from parser');
      return { BOOL: raw };
    case 'NULL':
      if (raw !== true) throw invalidValue('Null attribute value types must have the value of true');
      return { NULL: true };
    case 'SS':
    case 'NS':
    case 'BS':
      return readSet(type, raw);
    case 'L':
      return { L: readList(raw).map((member) => readValue(member, depth + 1)) };
    case 'M':
      return { M: readAttributes(raw, depth + 1) };
    default:
      throw unreadable(`${type} is no attribute type`);
  }
}

/** Reads one value from the wire: checked, copied, numbers normalized. `depth` counts the maps and lists around it. */
export function readValue(raw: Json, depth = 0): AttributeValue {
  if (typeof raw !== 'object' || raw === null) throw unreadable('Unexpected value type in payload');
  if (Array.isArray(raw)) {
    throw unreadable('Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue');
  }
  let value: AttributeValue | undefined;
  let types = 0;
  for (const type in raw) {
    if (raw[type] === null || raw[type] === undefined) continue;
    types++;
    if ((type === 'L' || type === 'M') && depth + 1 > MAX_DEPTH) {
      throw invalid(
        'Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit',
      );
    }
    value = readOne(type, raw[type], depth);
  }
  if (value === undefined) {
    throw invalid('Supplied AttributeValue is empty, must contain exactly one of the supported datatypes');
  }
  if (types > 1) {
    throw invalid(
      'Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes',
    );
  }
  return value;
}

function readAttributes(raw: Json, depth: number): Item {
  if (typeof raw !== 'object' || raw === null) throw unreadable('Unexpected field type');
  if (Array.isArray(raw)) {
    throw unreadable(
      'Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>',
    );
  }
  const item = newItem();
  for (const name in raw) item[name] = readValue(raw[name], depth);
  return item;
}

/** Reads an item, a key or any other map of attributes from the wire. The item's own map is the first of 32 levels. */
export function readItem(raw: Json): Item {
  const item = readAttributes(raw, 1);
  for (const name in item) {
    // "An attribute name must be at least one character long and no greater than 64 KB" (developer guide, naming rules).
    if (name === '') throw invalidValue('Empty attribute name');
    if (name.length > 21_845 && Buffer.byteLength(name) > 65_535) {
      throw invalidValue(`Attribute name is too large, must be less than 65536 bytes`);
    }
  }
  return item;
}

/** The deepest level that a value reaches; a scalar is at 0. */
export function depthOf(value: AttributeValue): number {
  let deepest = 0;
  if (value.L !== undefined) for (const member of value.L) deepest = Math.max(deepest, depthOf(member));
  else if (value.M !== undefined) for (const name in value.M) deepest = Math.max(deepest, depthOf(value.M[name]!));
  else return 0;
  return deepest + 1;
}

export function checkDepth(item: Item): void {
  for (const name in item) {
    if (depthOf(item[name]!) + 1 > MAX_DEPTH) throw invalid('Nesting Levels have exceeded supported limits');
  }
}

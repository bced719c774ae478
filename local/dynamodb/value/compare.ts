import { compareNumbers, numberOrderText } from './number.ts';
import { bytesOrderText, compareTexts, utf8OrderText } from './order.ts';
import type { AttributeValue, Item } from './value.ts';
import { typeOf } from './value.ts';

/** A text for a key's value that sorts by code unit as DynamoDB sorts the values, equal exactly for equal values. */
export function orderText(value: AttributeValue): string {
  if (value.S !== undefined) return utf8OrderText(value.S);
  if (value.N !== undefined) return numberOrderText(value.N);
  if (value.B !== undefined) return bytesOrderText(value.B);
  throw new Error('only strings, numbers and binaries have an order');
}

/** The order of two values of one scalar type; undefined when they are of different types or have no order. */
export function compareValues(a: AttributeValue, b: AttributeValue): number | undefined {
  if (a.N !== undefined) return b.N === undefined ? undefined : compareNumbers(a.N, b.N);
  if (a.S !== undefined) return b.S === undefined ? undefined : compareTexts(utf8OrderText(a.S), utf8OrderText(b.S));
  if (a.B !== undefined) return b.B === undefined ? undefined : compareTexts(orderText(a), orderText(b));
  return undefined;
}

function sameMembers(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  const members = new Set(a);
  return b.every((member) => members.has(member));
}

export function sameItem(a: Item, b: Item): boolean {
  let names = 0;
  for (const name in a) {
    const other = b[name];
    if (other === undefined || !sameValue(a[name]!, other)) return false;
    names++;
  }
  for (const _ in b) names--;
  return names === 0;
}

/** Equality as `=` has it: same type, same value, sets in any order. */
export function sameValue(a: AttributeValue, b: AttributeValue): boolean {
  if (a === b) return true;
  const type = typeOf(a);
  if (b[type] === undefined) return false;
  switch (type) {
    case 'SS':
    case 'NS':
    case 'BS':
      return sameMembers(a[type]!, b[type]!);
    case 'L': {
      const [left, right] = [a.L!, b.L!];
      return left.length === right.length && left.every((member, i) => sameValue(member, right[i]!));
    }
    case 'M':
      return sameItem(a.M!, b.M!);
    default:
      return a[type] === b[type];
  }
}

/** `contains`: a substring, or a member of a set or list. */
export function containsValue(whole: AttributeValue, part: AttributeValue): boolean {
  if (whole.S !== undefined) return part.S !== undefined && whole.S.includes(part.S);
  if (whole.B !== undefined) return part.B !== undefined && orderText(whole).includes(orderText(part));
  if (whole.SS !== undefined) return part.S !== undefined && whole.SS.includes(part.S);
  if (whole.NS !== undefined) return part.N !== undefined && whole.NS.includes(part.N);
  if (whole.BS !== undefined) return part.B !== undefined && whole.BS.includes(part.B);
  if (whole.L !== undefined) return whole.L.some((member) => sameValue(member, part));
  return false;
}

/** `begins_with`, for strings and binaries. */
export function beginsWith(whole: AttributeValue, part: AttributeValue): boolean {
  if (whole.S !== undefined) return part.S !== undefined && whole.S.startsWith(part.S);
  if (whole.B !== undefined) return part.B !== undefined && orderText(whole).startsWith(orderText(part));
  return false;
}

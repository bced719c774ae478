import { numberSize } from './number.ts';
import type { AttributeValue, Item } from './value.ts';

/** "The maximum item size in DynamoDB is 400 KB, which includes both attribute name and attribute value" lengths. */
export const MAX_ITEM_BYTES = 400 * 1024;

function bytesOfBase64(text: string): number {
  if (text.length === 0) return 0;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return (text.length / 4) * 3 - padding;
}

/** UTF-8 bytes. Names and keys are short and plain: those are counted without leaving JavaScript. */
export function bytesOf(text: string): number {
  const { length } = text;
  if (length > 64) return Buffer.byteLength(text);
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) > 127) return Buffer.byteLength(text);
  return length;
}

/** Bytes of one value, by the developer guide's page "DynamoDB item sizes and formats". */
export function valueSize(value: AttributeValue): number {
  if (value.S !== undefined) return bytesOf(value.S);
  if (value.N !== undefined) return numberSize(value.N);
  if (value.B !== undefined) return bytesOfBase64(value.B);
  if (value.BOOL !== undefined || value.NULL !== undefined) return 1;
  let size = 0;
  if (value.SS !== undefined) for (const member of value.SS) size += bytesOf(member);
  else if (value.NS !== undefined) for (const member of value.NS) size += numberSize(member);
  else if (value.BS !== undefined) for (const member of value.BS) size += bytesOfBase64(member);
  // "An attribute of type List or Map requires 3 bytes of overhead, regardless of its contents", and each element 1 byte.
  else if (value.L !== undefined) {
    size = 3;
    for (const member of value.L) size += 1 + valueSize(member);
  } else if (value.M !== undefined) {
    size = 3;
    for (const name in value.M) size += 1 + bytesOf(name) + valueSize(value.M[name]!);
  }
  return size;
}

/** Bytes of an item: "the sum of the lengths of its attribute names and values". */
export function itemSize(item: Item): number {
  let size = 0;
  for (const name in item) size += bytesOf(name) + valueSize(item[name]!);
  return size;
}

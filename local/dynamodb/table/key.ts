import { invalid, invalidValue } from '../errors.ts';
import { orderText } from '../value/compare.ts';
import { valueSize } from '../value/size.ts';
import { type AttributeValue, type Item, newItem, typeOf } from '../value/value.ts';
import type { AttributeDefinition, KeyElement } from './definition.ts';

export type KeyType = 'S' | 'N' | 'B';

export interface KeyAttribute {
  readonly name: string;
  readonly type: KeyType;
}

/** The key of a table or an index. */
export interface Key {
  readonly hash: KeyAttribute;
  readonly range: KeyAttribute | undefined;
  readonly attributes: readonly KeyAttribute[];
}

export function readKeySchema(schema: readonly KeyElement[], definitions: readonly AttributeDefinition[]): Key {
  const attributes = schema.map(({ AttributeName: name }) => {
    const type = definitions.find((definition) => definition.AttributeName === name)?.AttributeType;
    if (type === undefined) throw new Error(`the key attribute ${name} has no definition`);
    return { name, type };
  });
  const [hash, range] = attributes;
  if (hash === undefined) throw new Error('a key without attributes');
  return { hash, range, attributes };
}

/** Where an item lies: the hash key's text finds its partition, the range key's text its place there. */
export interface RowKey {
  readonly hash: string;
  readonly order: string;
}

export function rowKey(key: Key, item: Item): RowKey {
  const range = key.range === undefined ? undefined : item[key.range.name];
  return { hash: orderText(item[key.hash.name]!), order: range === undefined ? '' : orderText(range) };
}

/** "Partition key: 1 to 2048 bytes; sort key: 1 to 1024 bytes" (developer guide, quotas). */
export function checkKeyLength(value: AttributeValue, isHash: boolean): void {
  if (value.N !== undefined) return;
  const size = valueSize(value);
  if (isHash && size > 2048) {
    throw invalidValue('Size of hashkey has exceeded the maximum size limit of2048 bytes');
  }
  if (!isHash && size > 1024) {
    throw invalidValue('Aggregated size of all range keys has exceeded the size limit of 1024 bytes');
  }
}

export function isEmpty(value: AttributeValue): boolean {
  return value.S === '' || value.B === '';
}

function emptyKey(name: string, type: KeyType): Error {
  const kind = type === 'S' ? 'string' : 'binary';
  return invalid(
    `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty ${kind} value. Key: ${name}`,
  );
}

/** One attribute of a Key parameter. */
export function checkKeyAttribute({ name, type }: KeyAttribute, value: AttributeValue | undefined, isHash: boolean) {
  if (value?.[type] === undefined) throw invalid('The provided key element does not match the schema');
  if (isEmpty(value)) throw emptyKey(name, type);
  checkKeyLength(value, isHash);
}

/** A Key parameter: exactly the table's key attributes, of their types. */
export function checkKey(key: Key, given: Item): void {
  let names = 0;
  for (const _ in given) names++;
  if (names !== key.attributes.length) throw invalid('The provided key element does not match the schema');
  for (const attribute of key.attributes) {
    checkKeyAttribute(attribute, given[attribute.name], attribute === key.hash);
  }
}

/** The key attributes of an item that is to be put. */
export function checkItemKey(key: Key, item: Item): void {
  for (const { name, type } of key.attributes) {
    const value = item[name];
    if (value === undefined) throw invalidValue(`Missing the key ${name} in the item`);
    if (value[type] === undefined) {
      throw invalidValue(`Type mismatch for key ${name} expected: ${type} actual: ${typeOf(value)}`);
    }
    if (isEmpty(value)) throw emptyKey(name, type);
    checkKeyLength(value, name === key.hash.name);
  }
}

/** Only these attributes of an item, those that it has. */
export function pick(item: Item, names: readonly string[]): Item {
  const picked = newItem();
  for (const name of names) {
    const value = item[name];
    if (value !== undefined) picked[name] = value;
  }
  return picked;
}

export function keyNames(key: Key): readonly string[] {
  return key.attributes.map(({ name }) => name);
}

import { invalid, invalidValue } from '../errors.ts';
import { orderText } from '../value/compare.ts';
import { itemSize } from '../value/size.ts';
import { type Item, typeOf } from '../value/value.ts';
import type { AttributeDefinition, IndexDefinition } from './definition.ts';
import { checkKeyLength, isEmpty, type Key, keyNames, pick, type RowKey, readKeySchema } from './key.ts';
import { hashOf, type Row, Rows } from './rows.ts';

/** Where an item lies in an index, and what the index shows of it. */
export interface IndexEntry {
  readonly hash: string;
  readonly row: Row;
}

export class SecondaryIndex {
  readonly name: string;
  readonly kind: 'global' | 'local';
  readonly key: Key;
  readonly rows = new Rows();
  readonly definition: IndexDefinition;
  /** Every attribute that the index keeps; undefined when it keeps all. */
  readonly projected: ReadonlySet<string> | undefined;
  readonly #table: Key;

  constructor(
    kind: 'global' | 'local',
    definition: IndexDefinition,
    table: Key,
    attributes: readonly AttributeDefinition[],
  ) {
    this.kind = kind;
    this.name = definition.IndexName;
    this.definition = definition;
    this.key = readKeySchema(definition.KeySchema, attributes);
    this.#table = table;
    const { ProjectionType: type, NonKeyAttributes: others = [] } = definition.Projection;
    if (type !== 'ALL') this.projected = new Set([...keyNames(table), ...keyNames(this.key), ...others]);
  }

  /** The text that tells items of equal index keys apart. */
  tie(item: Item, { hash, order }: RowKey): string {
    return `${hashOf(item[this.#table.hash.name]!)}${hash}\u0000${order}`;
  }

  /** An item is in the index only when it has all of the index's key attributes. */
  entry(item: Item, key: RowKey, size: number): IndexEntry | undefined {
    const hash = item[this.key.hash.name];
    if (hash === undefined) return undefined;
    const range = this.key.range === undefined ? undefined : item[this.key.range.name];
    if (this.key.range !== undefined && range === undefined) return undefined;
    const shown = this.projected === undefined ? item : pick(item, [...this.projected]);
    const row: Row = {
      order: range === undefined ? '' : orderText(range),
      tie: this.tie(item, key),
      item: shown,
      size: shown === item ? size : itemSize(shown),
    };
    return { hash: orderText(hash), row };
  }

  put(entry: IndexEntry): void {
    this.rows.set(entry.hash, entry.row.item[this.key.hash.name]!, entry.row);
  }

  delete({ hash, row }: IndexEntry): void {
    this.rows.delete(hash, row.order, row.tie);
  }

  /** An index's key attribute may be missing, but not of another type, empty or too long. */
  checkPut(item: Item): void {
    for (const { name, type } of this.key.attributes) {
      const value = item[name];
      if (value === undefined) continue;
      if (value[type] === undefined) {
        throw invalidValue(
          `Type mismatch for Index Key ${name} Expected: ${type} Actual: ${typeOf(value)} IndexName: ${this.name}`,
        );
      }
      if (isEmpty(value)) {
        const kind = type === 'S' ? 'string' : 'binary';
        throw invalid(
          `One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty ${kind} value. IndexName: ${this.name}, IndexKey: ${name}`,
        );
      }
      checkKeyLength(value, name === this.key.hash.name);
    }
  }

  /** The same for an update, which AWS words differently. */
  checkUpdate(old: Item | undefined, item: Item): void {
    for (const { name, type } of this.key.attributes) {
      const value = item[name];
      if (value === undefined || value === old?.[name]) continue;
      if (value[type] === undefined) {
        throw invalid('The update expression attempted to update the secondary index key to unsupported type');
      }
      if (isEmpty(value)) {
        const kind = type === 'S' ? 'string' : 'binary';
        throw invalid(
          `One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty ${kind} value.`,
        );
      }
      try {
        checkKeyLength(value, name === this.key.hash.name);
      } catch {
        throw invalid('The update expression attempted to update the secondary index key beyond allowed size limits.');
      }
    }
  }
}

import type { Item } from '../value/value.ts';
import type { TableDefinition } from './definition.ts';
import { type Key, type RowKey, readKeySchema, rowKey } from './key.ts';
import { type Row, Rows } from './rows.ts';
import { SecondaryIndex } from './secondary-index.ts';

/** One change of one item. */
export interface Write {
  readonly table: Table;
  readonly key: RowKey;
  readonly old: Row | undefined;
  /** The item after it; undefined when it is deleted. */
  readonly item: Item | undefined;
  /** Its bytes; 0 when it is deleted. */
  readonly size: number;
  /** Deleted by the time to live, not by a caller. */
  readonly expired?: boolean;
}

/** A table's definition, its items and its indexes. */
export class Table {
  readonly arn: string;
  readonly key: Key;
  readonly rows = new Rows();
  #definition: TableDefinition;
  #indexes = new Map<string, SecondaryIndex>();

  constructor(definition: TableDefinition, arn: string) {
    this.arn = arn;
    this.#definition = definition;
    this.key = readKeySchema(definition.keySchema, definition.attributes);
    this.#makeIndexes();
  }

  get name(): string {
    return this.#definition.name;
  }

  get definition(): TableDefinition {
    return this.#definition;
  }

  get indexes(): ReadonlyMap<string, SecondaryIndex> {
    return this.#indexes;
  }

  /** Changes the definition; indexes that are new are filled, those that are gone forgotten. */
  redefine(definition: TableDefinition): void {
    this.#definition = definition;
    this.#makeIndexes();
  }

  #makeIndexes(): void {
    const indexes = new Map<string, SecondaryIndex>();
    const { globalIndexes, localIndexes, attributes } = this.#definition;
    for (const [kind, definitions] of [['local', localIndexes] as const, ['global', globalIndexes] as const]) {
      for (const definition of definitions) {
        const known = this.#indexes.get(definition.IndexName);
        const same = known !== undefined && known.definition.KeySchema === definition.KeySchema;
        const index = same ? known : new SecondaryIndex(kind, definition, this.key, attributes);
        indexes.set(index.name, index);
        if (!same) this.#fill(index);
      }
    }
    this.#indexes = indexes;
  }

  #fill(index: SecondaryIndex): void {
    for (const partition of this.rows.partitions) {
      for (const row of partition.rows) {
        // An item whose attribute has another type than a new index's key stays out of it.
        const fits = index.key.attributes.every(({ name, type }) => row.item[name]?.[type] !== undefined);
        const entry = fits ? index.entry(row.item, rowKey(this.key, row.item), row.size) : undefined;
        if (entry !== undefined) index.put(entry);
      }
    }
  }

  find(key: RowKey): Row | undefined {
    return this.rows.get(key.hash, key.order, '');
  }

  /** Makes the change in the table and its indexes. */
  apply({ key, old, item, size }: Write): void {
    const row = item === undefined ? undefined : { order: key.order, tie: '', item, size };
    for (const index of this.#indexes.values()) {
      const before = old === undefined ? undefined : index.entry(old.item, key, old.size);
      const after = row === undefined ? undefined : index.entry(row.item, key, row.size);
      const moved = before?.hash !== after?.hash || before?.row.order !== after?.row.order;
      if (before !== undefined && moved) index.delete(before);
      if (after !== undefined) index.put(after);
    }
    if (row === undefined) this.rows.delete(key.hash, key.order, '');
    else this.rows.set(key.hash, row.item[this.key.hash.name]!, row);
  }
}

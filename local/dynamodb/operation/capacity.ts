import type { Json } from '../../cloud.ts';
import type { Row } from '../table/rows.ts';
import type { Table, Write } from '../table/table.ts';
import { sameItem } from '../value/compare.ts';

/** "One write request unit represents one write for an item up to 1 KB in size" (developer guide). */
export function writeUnits(size: number): number {
  return Math.max(1, Math.ceil(size / 1024));
}

/** "One strongly consistent read … or two eventually consistent reads per second, for an item up to 4 KB in size". */
export function readUnits(size: number, consistent: boolean): number {
  return Math.max(1, Math.ceil(size / 4096)) * (consistent ? 1 : 0.5);
}

/** Units that one operation, or one of a batch, used in a table and in each of its indexes. */
export class Capacity {
  readonly #table: Table;
  #units = 0;
  readonly #indexes = new Map<string, number>();

  constructor(table: Table) {
    this.#table = table;
  }

  add(units: number): void {
    this.#units += units;
  }

  addIndex(name: string, units: number): void {
    this.#indexes.set(name, (this.#indexes.get(name) ?? 0) + units);
  }

  /** A write costs the larger of the old and the new item, and each index what changes in it. */
  addWrite({ table, key, old, item, size }: Write, factor = 1): void {
    this.add(factor * writeUnits(Math.max(size, old?.size ?? 0)));
    for (const index of table.indexes.values()) {
      const before = old === undefined ? undefined : index.entry(old.item, key, old.size);
      const after = item === undefined ? undefined : index.entry(item, key, size);
      if (before !== undefined && after !== undefined) {
        if (before.hash === after.hash && before.row.order === after.row.order) {
          if (sameItem(before.row.item, after.row.item)) continue;
          this.addIndex(index.name, factor * writeUnits(Math.max(before.row.size, after.row.size)));
          continue;
        }
      }
      for (const entry of [before, after]) {
        if (entry !== undefined) this.addIndex(index.name, factor * writeUnits(entry.row.size));
      }
    }
  }

  addRead(row: Row | undefined, consistent: boolean): void {
    this.add(readUnits(row?.size ?? 0, consistent));
  }

  /** ConsumedCapacity, in the detail that was asked for; undefined for NONE. */
  describe(detail: Json): Json {
    if (detail !== 'TOTAL' && detail !== 'INDEXES') return undefined;
    const total = [...this.#indexes.values()].reduce((sum, units) => sum + units, this.#units);
    const capacity: Json = { TableName: this.#table.name, CapacityUnits: total };
    if (detail === 'TOTAL') return capacity;
    capacity.Table = { CapacityUnits: this.#units };
    for (const [name, units] of this.#indexes) {
      const kind = this.#table.indexes.get(name)?.kind === 'local' ? 'LocalSecondaryIndexes' : 'GlobalSecondaryIndexes';
      capacity[kind] ??= {};
      capacity[kind][name] = { CapacityUnits: units };
    }
    return capacity;
  }
}

/** One Capacity per table, in the order in which they were asked for. */
export class Capacities {
  readonly #tables = new Map<Table, Capacity>();

  of(table: Table): Capacity {
    let capacity = this.#tables.get(table);
    if (capacity === undefined) {
      capacity = new Capacity(table);
      this.#tables.set(table, capacity);
    }
    return capacity;
  }

  describe(detail: Json): Json {
    if (detail !== 'TOTAL' && detail !== 'INDEXES') return undefined;
    return [...this.#tables.values()].map((capacity) => capacity.describe(detail));
  }
}

import * as crypto from 'node:crypto';
import type { AttributeValue, Item } from '../value/value.ts';
import { SortedList } from './sorted-list.ts';

/** One item of a table or of an index: `order` is its range key's, `tie` tells an index's items of equal keys apart. */
export interface Row {
  readonly order: string;
  readonly tie: string;
  /** The table's item; an index shows only what it projects. */
  readonly item: Item;
  /** Bytes of what the table or the index keeps. */
  readonly size: number;
}

/** All items of one hash key. `order` is the key's hash: DynamoDB keeps partitions in no order that a user chose. */
export interface Partition {
  readonly order: string;
  readonly tie: string;
  readonly rows: SortedList<Row>;
}

/** The hash that places a partition: a scan goes through these, and a segment of a parallel scan is a range of them. */
export function hashOf(key: AttributeValue): string {
  const text = key.S ?? key.N;
  // `crypto.hash` is twice as fast, and not in the oldest Node 20.
  if (text !== undefined && crypto.hash !== undefined) return crypto.hash('md5', `Outliers${text}`, 'hex').slice(0, 8);
  const hash = crypto.createHash('md5').update('Outliers');
  if (key.B !== undefined) hash.update(Buffer.from(key.B, 'base64'));
  else hash.update(text ?? '', 'utf8');
  return hash.digest('hex').slice(0, 8);
}

/** The items of a table or an index, found by hash key, sorted by range key within one. */
export class Rows {
  readonly #byHash = new Map<string, Partition>();
  readonly #ordered = new SortedList<Partition>();
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get partitions(): SortedList<Partition> {
    return this.#ordered;
  }

  partition(hash: string): Partition | undefined {
    return this.#byHash.get(hash);
  }

  get(hash: string, order: string, tie: string): Row | undefined {
    return this.#byHash.get(hash)?.rows.get(order, tie);
  }

  set(hash: string, key: AttributeValue, row: Row): void {
    let partition = this.#byHash.get(hash);
    if (partition === undefined) {
      partition = { order: hashOf(key), tie: hash, rows: new SortedList() };
      this.#byHash.set(hash, partition);
      this.#ordered.set(partition);
    }
    const old = partition.rows.get(row.order, row.tie);
    partition.rows.set(row);
    this.#count += old === undefined ? 1 : 0;
    this.#bytes += row.size - (old?.size ?? 0);
  }

  delete(hash: string, order: string, tie: string): void {
    const partition = this.#byHash.get(hash);
    const old = partition?.rows.get(order, tie);
    if (partition === undefined || old === undefined) return;
    partition.rows.delete(order, tie);
    this.#count--;
    this.#bytes -= old.size;
    if (partition.rows.size > 0) return;
    this.#byHash.delete(hash);
    this.#ordered.delete(partition.order, partition.tie);
  }
}

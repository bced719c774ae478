import { type RowKey, rowKey } from './table/key.ts';
import type { Row } from './table/rows.ts';
import type { SecondaryIndex } from './table/secondary-index.ts';
import type { Table, Write } from './table/table.ts';

/** A change that some reads do not see yet. Times are in milliseconds since the epoch. */
interface Pending {
  readonly old: Row | undefined;
  /** Until then the item's transaction goes on: Query, Scan and BatchGetItem still see the old item. */
  readonly committedAt: number;
  /** Until then eventually consistent reads still see the old item. */
  readonly settledAt: number;
}

/** `committed`: a strongly consistent Query, Scan or BatchGetItem; `eventual`: any read that is not strongly consistent. */
export type ReadMode = 'committed' | 'eventual';

/** Gives what a read sees in place of a row; undefined when it sees nothing there. */
export type View = (row: Row) => Row | undefined;

/**
 * What reads may see of the past while a simulation spreads transactions over time or lets replicas lag. "Query … is
 * read-committed" against TransactWriteItems: it may see some of a transaction's items and not others, while GetItem is
 * serializable (developer guide, Isolation levels). Items that were deleted are not shown again.
 */
export class Visibility {
  readonly #pending = new Map<Table, Map<string, Pending>>();

  hide({ table, key, old }: Write, committedAt: number, settledAt: number): void {
    let items = this.#pending.get(table);
    if (items === undefined) {
      items = new Map();
      this.#pending.set(table, items);
    }
    items.set(`${key.hash}\u0000${key.order}`, { old, committedAt, settledAt: Math.max(committedAt, settledAt) });
  }

  #find(table: Table, { hash, order }: RowKey, now: number): Pending | undefined {
    const items = this.#pending.get(table);
    if (items === undefined) return undefined;
    const text = `${hash}\u0000${order}`;
    const pending = items.get(text);
    if (pending === undefined || pending.settledAt > now) return pending;
    items.delete(text);
    if (items.size === 0) this.#pending.delete(table);
    return undefined;
  }

  /** Is a transaction on this item still going on? */
  isOngoing(table: Table, key: RowKey, now: number): boolean {
    const pending = this.#find(table, key, now);
    return pending !== undefined && pending.committedAt > now;
  }

  /** The table's row at a key, as a read of this mode sees it. */
  see(table: Table, key: RowKey, mode: ReadMode, now: number): Row | undefined {
    const pending = this.#find(table, key, now);
    if (pending === undefined || (mode === 'committed' && pending.committedAt <= now)) return table.find(key);
    return pending.old;
  }

  /** How a read of many sees the rows of a table or an index; undefined when it sees them as they are. */
  view(table: Table, index: SecondaryIndex | undefined, mode: ReadMode, now: number): View | undefined {
    if (!this.#pending.has(table)) return undefined;
    return (row) => {
      const key = rowKey(table.key, row.item);
      const seen = this.see(table, key, mode, now);
      if (seen === undefined || index === undefined) return seen;
      const entry = index.entry(seen.item, key, seen.size)?.row;
      return entry?.order === row.order && entry.tie === row.tie ? entry : undefined;
    };
  }

  forget(table: Table): void {
    this.#pending.delete(table);
  }
}

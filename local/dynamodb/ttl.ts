import type { Kernel, Timer } from '../kernel/kernel.ts';
import { rowKey } from './table/key.ts';
import { SortedList } from './table/sorted-list.ts';
import type { Table, Write } from './table/table.ts';
import type { AttributeValue, Item } from './value/value.ts';

/** "Items with a TTL older than five years are not deleted" (developer guide, Time to Live). */
const OLDEST_SECONDS = 5 * 365 * 24 * 3600;
/** Node's timers cannot wait for longer than about 24 days. */
const LONGEST_WAIT_MS = 20 * 24 * 3600 * 1000;

interface Due {
  /** The second, padded, so that texts sort as numbers do. */
  readonly order: string;
  readonly tie: string;
  readonly second: number;
  readonly table: Table;
  readonly key: Item;
}

function expiryOf(table: Table, item: Item | undefined): number | undefined {
  const name = table.definition.timeToLive;
  const value: AttributeValue | undefined = name === undefined ? undefined : item?.[name];
  if (value?.N === undefined) return undefined;
  const second = Math.floor(Number(value.N));
  return Number.isFinite(second) && second > 0 && second < 1e12 ? second : undefined;
}

/**
 * Deletes items once their time has come. AWS deletes "within a few days of their expiration"; here it happens at once,
 * so that what hangs on it can be seen, in a simulation as in real time.
 */
export class Expiry {
  readonly #kernel: Kernel;
  readonly #expire: (table: Table, key: Item) => void;
  readonly #due = new SortedList<Due>();
  readonly #watched = new Map<Table, string>();
  #timer: { readonly at: number; readonly timer: Timer } | undefined;

  constructor(kernel: Kernel, expire: (table: Table, key: Item) => void) {
    this.#kernel = kernel;
    this.#expire = expire;
  }

  /** Begins or ends watching a table, as its definition says. */
  watch(table: Table): void {
    const { timeToLive } = table.definition;
    if (this.#watched.get(table) === timeToLive) return;
    this.forget(table);
    if (timeToLive === undefined) return;
    this.#watched.set(table, timeToLive);
    for (const partition of table.rows.partitions) for (const { item } of partition.rows) this.#add(table, item);
    this.#schedule();
  }

  forget(table: Table): void {
    if (!this.#watched.delete(table)) return;
    for (const due of [...this.#due]) if (due.table === table) this.#due.delete(due.order, due.tie);
  }

  /** Takes in what a write changed. */
  note({ table, old, item }: Write): void {
    if (!this.#watched.has(table)) return;
    const before = expiryOf(table, old?.item);
    if (before !== undefined) this.#remove(table, old!.item, before);
    if (item === undefined || !this.#add(table, item)) return;
    this.#schedule();
  }

  #place(table: Table, item: Item, second: number): { order: string; tie: string } {
    const { hash, order } = rowKey(table.key, item);
    return { order: String(second).padStart(13, '0'), tie: `${table.name} ${hash}\u0000${order}` };
  }

  #add(table: Table, item: Item): boolean {
    const second = expiryOf(table, item);
    if (second === undefined || second < this.#kernel.clock.now() / 1000 - OLDEST_SECONDS) return false;
    const key: Item = Object.fromEntries(table.key.attributes.map(({ name }) => [name, item[name]!]));
    this.#due.set({ ...this.#place(table, item, second), second, table, key });
    return true;
  }

  #remove(table: Table, item: Item, second: number): void {
    const { order, tie } = this.#place(table, item, second);
    this.#due.delete(order, tie);
  }

  #schedule(): void {
    const next = this.#due.at(this.#due.start());
    if (next === undefined) return;
    const now = this.#kernel.clock.now();
    // An item has expired once "the current time is greater than" its attribute's.
    const at = Math.min(next.second * 1000 + 1000, now + LONGEST_WAIT_MS);
    if (this.#timer !== undefined && this.#timer.at <= at) return;
    this.#timer?.timer.cancel();
    this.#timer = { at, timer: this.#kernel.scheduler.after(Math.max(0, at - now), () => this.#sweep()) };
  }

  #sweep(): void {
    this.#timer = undefined;
    const second = Math.floor(this.#kernel.clock.now() / 1000);
    for (;;) {
      const next = this.#due.at(this.#due.start());
      if (next === undefined || next.second >= second) break;
      this.#due.delete(next.order, next.tie);
      this.#expire(next.table, next.key);
    }
    this.#schedule();
  }
}

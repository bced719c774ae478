/** The port to the positions of one feed's consumers. `Item` is what the table's transactions are made of. */
export interface PositionTable<Item = never> {
  /** Consistent; an absent one (0) is left out. */
  read(consumer: string, aggregates: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Raises a position, never lowers it. */
  raise(consumer: string, aggregate: string, to: number): Promise<void>;
  /**
   * One transaction: the effect's items, and the position from `from` (0: absent) to `to`. False when the position is not
   * `from`, and then nothing was written.
   */
  commit(move: PositionMove, items: readonly Item[]): Promise<boolean>;
}

export interface PositionMove {
  readonly consumer: string;
  readonly aggregate: string;
  readonly from: number;
  readonly to: number;
}

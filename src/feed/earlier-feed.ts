import type { Adoption, Cursor } from './cursor-table.ts';

/** What the tables hold of another feed: where its aggregates and its consumers stand. */
export interface EarlierFeed {
  /** How it began itself, when it was adopted. */
  adoption(): Promise<Adoption | undefined>;
  /** Has its reconciler ever looked at the table? Then it was a feed, even if it brought nothing. */
  hasRun(): Promise<boolean>;
  /** Its cursors, a page at a time, in no promised order. A page may be empty. */
  cursors(after?: string): Promise<EarlierPage<{ readonly aggregate: string; readonly cursor: Cursor }>>;
  /** Its consumers' positions, likewise. */
  positions(after?: string): Promise<EarlierPage<EarlierPosition>>;
  /** Gives a position to the feed that goes on, only where it has none. */
  keep(position: EarlierPosition): Promise<boolean>;
}

export interface EarlierPage<T> {
  readonly entries: readonly T[];
  /** Give it back to get the next page; absent when there is none. */
  readonly next?: string;
}

export interface EarlierPosition {
  readonly consumer: string;
  readonly aggregate: string;
  readonly position: number;
  /** What else is kept with it, such as that its aggregate is parked: opaque. */
  readonly rest?: unknown;
}

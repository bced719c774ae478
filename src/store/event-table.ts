import type { StoredEvent } from '../event/stored-event.ts';

/** Inclusive at both ends; an absent end is open. */
export interface VersionRange {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

export interface QueryOptions extends VersionRange {
  readonly reverse?: boolean | undefined;
  /** Exactly how many events at the most, not a page size. */
  readonly limit?: number | undefined;
  /** Default true. */
  readonly consistent?: boolean | undefined;
  /** Told of what lies under the aggregate's key at no version, such as `2.5`. */
  readonly onStray?: ((version: string) => void) | undefined;
}

/** The events to be written at once, and the predecessors that must be there for it (checked in the same transaction). */
export interface Commit {
  readonly commitId: string;
  readonly events: readonly StoredEvent[];
  /** Versions that must exist already; only those that the caller has not itself read. */
  readonly predecessors?: readonly { readonly aggregateUuid: string; readonly version: number }[];
}

export type PutOutcome =
  | { readonly outcome: 'written' }
  /** A retry after a lost answer: every event of this very commit is already there. */
  | { readonly outcome: 'alreadyWritten' }
  /** Another commit holds this version. */
  | {
      readonly outcome: 'conflict';
      readonly aggregateUuid: string;
      readonly version: number;
      readonly found: StoredEvent | undefined;
    }
  /** A predecessor is missing: writing would have made a hole. */
  | { readonly outcome: 'hole'; readonly aggregateUuid: string; readonly version: number };

/** How far an aggregate has come. */
export type Head = Pick<StoredEvent, 'version' | 'aggregateType'>;

export interface AggregatePage {
  readonly aggregateUuids: readonly string[];
  /** Give it back to get the next page; absent when there is none. */
  readonly next?: string;
}

/** The port to hot storage: an append-only table of events. */
export interface EventTable {
  put(commit: Commit): Promise<PutOutcome>;
  /** One consistent read of one event. */
  get(aggregateUuid: string, version: number): Promise<StoredEvent | undefined>;
  /**
   * Pages of one aggregate's events in version order. It may show part of a commit: the store above it mends that. What lies
   * at no version (a whole number from 1) belongs to nobody's history: it is passed, and only told.
   */
  query(aggregateUuid: string, options: QueryOptions): AsyncIterable<readonly StoredEvent[]>;
  /** The newest version, and the type of the aggregate, by one consistent read of little; undefined where there is no event. */
  head(aggregateUuid: string): Promise<Head | undefined>;
  /** Every aggregate (of one type, when told), a page at a time, in no promised order; or a part of them. */
  aggregates(options: {
    readonly type?: string;
    /** From 0 to 15: of one type the aggregates of that bucket; of all types a sixteenth that the table chooses. The sixteen are all, each once. */
    readonly part?: number;
    readonly after?: string;
    readonly limit?: number;
  }): Promise<AggregatePage>;
}

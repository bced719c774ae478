/** The port to the positions of one feed's consumers. `Item` is what the table's transactions are made of. */
export interface PositionTable<Item = never> {
  /** Consistent; an absent one (0) is left out. */
  read(consumer: string, aggregates: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Raises a position, never lowers it. */
  raise(consumer: string, aggregate: string, to: number): Promise<void>;
  /** Consistent: all that is known of where a consumer stands; an aggregate that it never met is left out. */
  standings(consumer: string, aggregates: readonly string[]): Promise<ReadonlyMap<string, Standing>>;
  /**
   * One transaction: the effect's items, and the position from `from` (0: absent) to `to`; attempts are forgotten. False when
   * the position is not `from`, another holds the lease, the aggregate is parked (unless `parked` says that this is
   * known), or another transaction is in the way: then nothing was written.
   */
  commit(move: PositionMove, items: readonly Item[]): Promise<boolean>;
  /** Makes `holder` the only one to act on the aggregate, until `until`. Undefined while another is. */
  lease(lease: Lease): Promise<Standing | undefined>;
  /** Gives the lease back, if it is still this holder's. */
  release(lease: Pick<Lease, 'consumer' | 'aggregate' | 'holder'>): Promise<void>;
  /**
   * Notes that the version behind `to` failed: one attempt more, or with `park` no further ones. The position moves to
   * `to`, for what stands before the failure is done. False under the same conditions as `commit`.
   */
  fail(move: PositionMove, park?: Parking): Promise<boolean>;
  /**
   * Lets a version wait behind a parked one: whoever ends the parking goes on at least up to it. Answers with where the
   * aggregate stands; when it is not parked (any more), nothing was noted.
   */
  wait(consumer: string, aggregate: string, version: number): Promise<Standing>;
  /** Ends the parking, only when the position is `from` and nothing waits above it. */
  unpark(move: Omit<PositionMove, 'to'>): Promise<boolean>;
}

export interface PositionMove {
  readonly consumer: string;
  readonly aggregate: string;
  readonly from: number;
  readonly to: number;
  /** Only while this one holds the lease. */
  readonly holder?: string;
  /** The lease is given back with it. */
  readonly release?: boolean;
  /** The aggregate may be parked: a redrive. */
  readonly parked?: boolean;
}

export interface Lease {
  readonly consumer: string;
  readonly aggregate: string;
  readonly holder: string;
  /** Milliseconds since the epoch, as `now`. */
  readonly until: number;
  readonly now: number;
}

/** Where a consumer stands with one aggregate. */
export interface Standing {
  /** The last version that is done; 0 for none. */
  readonly position: number;
  /** How often the version behind the position has failed. */
  readonly attempts: number;
  readonly parked?: Parking;
}

/** Why an aggregate waits for a person. */
export interface Parking {
  /** The version that failed. */
  readonly version: number;
  /** The highest version that is known to wait behind it, itself included. */
  readonly waiting: number;
  /** Since when: ISO 8601. */
  readonly since: string;
  /** Our error's code, or the name of anybody else's. */
  readonly code: string;
  /** What went wrong, without any payload. */
  readonly message: string;
  /** The function that gave up, which is the one to redrive it. */
  readonly function: string;
}

/** A parked aggregate as an operator lists it. */
export interface ParkedAggregate extends Parking {
  readonly consumer: string;
  readonly aggregate: string;
  readonly position: number;
  readonly attempts: number;
}

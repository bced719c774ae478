/** What is known of one aggregate in one feed. Versions; instants are milliseconds since the epoch. */
export interface Cursor {
  /** The highest version that a reader of the feed has seen in the feed; 0: none. Only a read of the feed raises it. */
  readonly confirmed: number;
  /** The commit of the confirmed version, as the feed brought it: a table that was restored has another event there. Absent: not known. */
  readonly commit?: string;
  /** The versions up to this one were there before the feed began and are not on it; absent: 0. Written with `confirmed`, once. */
  readonly base?: number;
  /** The highest version that Confirm was told of and did not carry on itself: under a lease, or behind a hole. */
  readonly head?: number;
  /** The last version of the envelope that was put last by Confirm or the reconciler, and when. A lease, no more. */
  readonly offered?: number;
  readonly offeredAt?: number;
  /** A version that was missing in the table; over as soon as `confirmed` reaches it. */
  readonly holed?: number;
  /** Since when, and how often the reconciler has looked again. */
  readonly holedAt?: number;
  readonly attempts?: number;
}

export const NO_CURSOR: Cursor = { confirmed: 0 };

/** What became of a cursor that was to be raised. */
export interface Raised {
  readonly raised: boolean;
  /** `confirmed` as it was before. */
  readonly before: number;
  /** The cursor after it. */
  readonly cursor: Cursor;
}

export interface Hole {
  readonly version: number;
  readonly since: number;
  readonly attempts: number;
}

/** Where the reconciler stands in its round over all aggregates. */
export interface Checkpoint {
  /** The place in the table's list of aggregates; absent at a round's start. */
  readonly after?: string;
  /** When the round began. */
  readonly startedAt: number;
}

/** How a feed begins over a table that may have events already, and how far that is. */
export interface Adoption {
  /** `now`: what is there is its past. `start`: nothing is. Anything else: the id of the feed that it goes on from. */
  readonly from: string;
  /** When it was begun; milliseconds since the epoch. */
  readonly since: number;
  /** Where it stands; absent at its beginning. */
  readonly after?: string;
  /** When it was done: from then on nothing about it changes. */
  readonly doneAt?: number;
}

/** Where a person's look at the whole feed stands. */
export interface StatusRound {
  readonly startedAt: number;
  /** The place in the table's list of aggregates; absent at the round's end. */
  readonly after?: string;
  /** Aggregates looked at, those not on the feed as a whole, and their events that are not. */
  readonly looked: number;
  readonly behind: number;
  readonly events: number;
  /** The last round that was complete. */
  readonly last?: Omit<StatusRound, 'after' | 'last'> & { readonly endedAt: number };
}

/** The port to the cursors of one feed. */
export interface CursorTable {
  /**
   * Eventually consistent by default: safe, `confirmed` only grows, so an older one is a lower bound. Absent ones are left
   * out.
   */
  readMany(
    aggregates: readonly string[],
    options?: { readonly consistent?: boolean },
  ): Promise<ReadonlyMap<string, Cursor>>;
  /** Consistent. */
  read(aggregate: string): Promise<Cursor>;
  /**
   * With `from ≤ to`: raises `confirmed` to `to` only if `from ≤ confirmed + 1` and `to > confirmed`, in one conditional write.
   * `commit`: of the event `to`.
   */
  raise(aggregate: string, from: number, to: number, commit?: string): Promise<Raised>;
  /** Begins an aggregate at `confirmed`, what is up to `base` being its past: only while it has no `confirmed`. */
  begin(aggregate: string, start: { readonly confirmed: number; readonly base: number }): Promise<boolean>;
  /** Records an offer, after its envelope was put. */
  offer(aggregate: string, to: number, at: number): Promise<void>;
  /** Keeps `head` for the next continuation, only if it is higher than the one there. The cursor is the one after it. */
  noteHead(aggregate: string, head: number): Promise<Cursor>;
  /** Marks the version `confirmed + 1` as missing, only while it is that. The cursor is the one after it. */
  markHole(aggregate: string, hole: Hole): Promise<{ readonly marked: boolean; readonly cursor: Cursor }>;
  checkpoint(): Promise<Checkpoint | undefined>;
  saveCheckpoint(checkpoint: Checkpoint): Promise<void>;
  /** Consistent. */
  adoption(): Promise<Adoption | undefined>;
  /** Notes how the feed begins, only while nothing is noted; answers with what is noted then. */
  noteAdoption(from: string, since: number): Promise<Adoption>;
  /** Keeps how far it is, or that it is done. */
  saveAdoption(place: { readonly after: string } | { readonly doneAt: number }): Promise<void>;
  statusRound(): Promise<StatusRound | undefined>;
  saveStatusRound(round: StatusRound): Promise<void>;
}

/** Is a version that was put by Confirm or the reconciler still on its way? Clocks of two functions may differ either way. */
export function hasOpenOffer(cursor: Cursor, now: number): boolean {
  if (cursor.offered === undefined || cursor.offeredAt === undefined) return false;
  return cursor.offered > cursor.confirmed && Math.abs(now - cursor.offeredAt) < OFFER_LEASE_MS;
}

/** Longer than Confirm usually takes to read an offer (0.4 to 1.1 s), so that a burst is not put on the feed many times. */
export const OFFER_LEASE_MS = 5_000;

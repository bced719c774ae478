import type { Backoff, Pauses } from './backoff.ts';
import type { EventArchive } from './event-archive.ts';
import type { EventTable } from './event-table.ts';
import type { SnapshotPolicy, SnapshotStore } from './snapshots.ts';

/** What the verbs of one store share. */
export interface StoreContext {
  readonly table: EventTable;
  readonly snapshots: SnapshotStore | undefined;
  readonly archive: EventArchive | undefined;
  readonly snapshotPolicy: SnapshotPolicy;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly newCommitId: () => string;
  /** New commit ids are random UUIDs, not the application's: one that is found is of this very attempt. */
  readonly uniqueCommitIds: boolean;
  /** The trace context of what is under way; undefined where there is none. */
  readonly trace: () => string | undefined;
  readonly pauses: Pauses;
  readonly conflictBackoff: Backoff;
  /** The heads that this store has itself read: only they need no further check before an append. */
  readonly heads: WeakMap<object, Head>;
  readonly counts: { -readonly [K in keyof StoreCounts]: StoreCounts[K] };
}

/** The last event of an aggregate, as far as the next append needs it. */
export interface Head {
  readonly version: number;
  /** '' before the first event. */
  readonly recordedAt: string;
  /** '' before the first event. */
  readonly commitId: string;
}

/** Of an aggregate without events. */
export const BEFORE_FIRST: Head = { version: 0, recordedAt: '', commitId: '' };

/** What went wrong without failing a command, since the store was made. */
export interface StoreCounts {
  /** Snapshots that were corrupt, of another fold, ahead of the table or of another history: the events were read instead. */
  readonly snapshotsIgnored: number;
  /** Snapshots that could not be read, written, or said as JSON. */
  readonly snapshotsFailed: number;
}

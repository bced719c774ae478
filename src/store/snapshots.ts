/** A fold's result at a version, kept apart from the events. */
export interface Snapshot {
  readonly aggregateUuid: string;
  /** `<aggregate type>@<fold version>`: a changed fold has another name, and never reads an older fold's state. */
  readonly fold: string;
  /** The last version that the state includes. */
  readonly version: number;
  /** The commit of that version: a table restored to an earlier time, with another history since, has another one there. */
  readonly commitId: string;
  /** JSON text. */
  readonly state: string;
}

/** The port to snapshots. Losing one, or all, costs time and nothing else. */
export interface SnapshotStore {
  get(aggregateUuid: string, fold: string): Promise<Snapshot | undefined>;
  /** Keeps it unless a snapshot of a higher version is there. */
  put(snapshot: Snapshot): Promise<void>;
}

/**
 * When a load writes a snapshot: after folding so many events, or so many bytes of data, beyond the last one; or never.
 * Default: every 100 events.
 */
export type SnapshotPolicy = { readonly everyEvents: number } | { readonly everyBytes: number } | 'never';

export const DEFAULT_SNAPSHOT_POLICY: SnapshotPolicy = { everyEvents: 100 };

export function foldName(aggregate: { readonly type: string; readonly foldVersion: number }): string {
  return `${aggregate.type}@${aggregate.foldVersion}`;
}

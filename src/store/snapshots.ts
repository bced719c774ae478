import { createHash } from 'node:crypto';
import type { AnyAggregate } from '../event/aggregate-definition.ts';
import type { Upcast } from '../event/upcast.ts';

/** A fold's result at a version, kept apart from the events. */
export interface Snapshot {
  readonly aggregateUuid: string;
  /** `foldName` of the aggregate: a changed fold has another name, and never reads an older fold's state. */
  readonly fold: string;
  /** The last version that the state includes. */
  readonly version: number;
  /** The commit of that version: a table restored to an earlier time, with another history since, has another one there. */
  readonly commitId: string;
  /** JSON text. */
  readonly state: string;
  /** Of all the above: what was damaged on the way is not taken for a state. */
  readonly checksum: string;
}

/** A snapshot that can be told from a damaged one. */
export function withChecksum(snapshot: Omit<Snapshot, 'checksum'>): Snapshot {
  return { ...snapshot, checksum: checksumOf(snapshot) };
}

export function isWhole(snapshot: Snapshot): boolean {
  return snapshot.checksum === checksumOf(snapshot);
}

function checksumOf({ aggregateUuid, fold, version, commitId, state }: Omit<Snapshot, 'checksum'>): string {
  return hash(JSON.stringify([aggregateUuid, fold, version, commitId, state]));
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
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

const names = new WeakMap<AnyAggregate, string>();

/**
 * The name that snapshots of a fold go by: `<aggregate type>@<fold version>`, and without a fold version
 * `<aggregate type>@<hash of its source>`. A hash that changes without need (another bundler) costs one load of all events;
 * it does not see functions that the fold only calls.
 */
export function foldName(aggregate: AnyAggregate): string {
  let name = names.get(aggregate);
  if (name === undefined) {
    name = `${aggregate.type}@${aggregate.foldVersion ?? hash(sourceOf(aggregate))}`;
    names.set(aggregate, name);
  }
  return name;
}

/** Everything of a definition that says which state events make. */
function sourceOf({ initialState, evolve, events }: AnyAggregate): string {
  const source = (upcast: Upcast) => (upcast.rule === undefined ? String(upcast) : JSON.stringify(upcast.rule));
  const upcasts = events.map((event) => [event.type, event.schemaVersion, ...Object.values(event.upcasts).map(source)]);
  return JSON.stringify([String(initialState), String(evolve), upcasts]);
}

import type { Snapshot, SnapshotStore } from '../store/snapshots.ts';

/**
 * Snapshots in memory, for tests.
 *
 * @example
 * const store = createEventStore({ table: memoryEventTable(), snapshots: memorySnapshots() });
 */
export function memorySnapshots(): SnapshotStore {
  const kept = new Map<string, Snapshot>();
  const keyOf = (aggregateUuid: string, fold: string) => JSON.stringify([aggregateUuid, fold]);
  return {
    async get(aggregateUuid, fold) {
      return kept.get(keyOf(aggregateUuid, fold));
    },
    async put(snapshot) {
      const key = keyOf(snapshot.aggregateUuid, snapshot.fold);
      if ((kept.get(key)?.version ?? 0) <= snapshot.version) kept.set(key, snapshot);
    },
  };
}

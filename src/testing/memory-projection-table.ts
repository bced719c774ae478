import { bucketOf } from '../event/bucket.ts';
import type { BuildPointer, ProjectionItem, ProjectionTable } from '../projection/projection-table.ts';

/** A projection table in memory, with the same contract as the one in DynamoDB. */
export interface MemoryProjectionTable extends ProjectionTable {
  setPointer(projection: string, pointer: BuildPointer, version?: number): void;
  /** Removes a build's states of one bucket. */
  remove(projection: string, build: string, bucket: string): void;
}

/**
 * Projections in memory, for tests.
 *
 * @example
 * const projections = memoryProjectionTable();
 */
export function memoryProjectionTable(): MemoryProjectionTable {
  const items = new Map<string, ProjectionItem>();
  const pointers = new Map<string, BuildPointer>();
  const keyOf = (projection: string, build: string, aggregateUuid: string) =>
    JSON.stringify([projection, build, aggregateUuid]);
  return {
    async get(projection, build, aggregateUuid) {
      return items.get(keyOf(projection, build, aggregateUuid));
    },
    async getMany(projection, build, aggregateUuids) {
      return aggregateUuids.flatMap((aggregateUuid) => items.get(keyOf(projection, build, aggregateUuid)) ?? []);
    },
    async advance(projection, build, item, from) {
      const key = keyOf(projection, build, item.aggregateUuid);
      if ((items.get(key)?.position ?? 0) !== from) return false;
      items.set(key, item);
      return true;
    },
    async store(projection, build, item) {
      const key = keyOf(projection, build, item.aggregateUuid);
      if ((items.get(key)?.position ?? 0) >= item.position) return false;
      items.set(key, item);
      return true;
    },
    async *list(projection, build, bucket, after = '') {
      const found = [...items].filter(([key, item]) => {
        const [ofProjection, ofBuild] = JSON.parse(key) as [string, string];
        return (
          ofProjection === projection &&
          ofBuild === build &&
          bucketOf(item.aggregateUuid) === bucket &&
          item.aggregateUuid > after
        );
      });
      const inOrder = found.map(([, item]) => item).sort((a, b) => (a.aggregateUuid < b.aggregateUuid ? -1 : 1));
      if (inOrder.length > 0) yield inOrder;
    },
    async pointer(projection, version) {
      return pointers.get(`${projection}@${version}`) ?? {};
    },
    remove(projection, build, bucket) {
      for (const [key, item] of items) {
        const [ofProjection, ofBuild] = JSON.parse(key) as [string, string];
        if (ofProjection === projection && ofBuild === build && bucketOf(item.aggregateUuid) === bucket)
          items.delete(key);
      }
    },
    setPointer(projection, pointer, version = 1) {
      pointers.set(`${projection}@${version}`, pointer);
    },
  };
}

import { bucketOf } from '../event/bucket.ts';
import type { BuildPointer, ProjectionItem, ProjectionTable } from '../projection/projection-table.ts';

/** A projection table in memory, with the same contract as the one in DynamoDB. */
export interface MemoryProjectionTable extends ProjectionTable {
  setPointer(projection: string, pointer: BuildPointer, version?: number): void;
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
    async *list(projection, build, bucket) {
      const found = [...items].filter(([key, item]) => {
        const [ofProjection, ofBuild] = JSON.parse(key) as [string, string];
        return ofProjection === projection && ofBuild === build && bucketOf(item.aggregateUuid) === bucket;
      });
      yield found.map(([, item]) => item);
    },
    async pointer(projection, version) {
      return pointers.get(`${projection}@${version}`) ?? {};
    },
    async begin(projection, build, version) {
      const key = `${projection}@${version}`;
      const pointer = pointers.get(key) ?? {};
      if (pointer.building !== undefined) return pointer.building;
      pointers.set(key, { ...pointer, building: build, phase: 'folding' });
      return build;
    },
    setPointer(projection, pointer, version = 1) {
      pointers.set(`${projection}@${version}`, pointer);
    },
  };
}

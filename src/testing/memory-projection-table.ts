import { bucketOf } from '../event/bucket.ts';
import {
  type BuildPointer,
  LIVE_PART,
  type ProjectionItem,
  type ProjectionTable,
  type RollupValue,
} from '../projection/projection-table.ts';

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
  /** By projection, build and bucket, then by key and part. */
  const values = new Map<string, Map<string, RollupValue>>();
  const pointers = new Map<string, BuildPointer>();
  const bucketValues = (projection: string, build: string, bucket: string) => {
    const name = JSON.stringify([projection, build, bucket]);
    const known = values.get(name) ?? new Map<string, RollupValue>();
    values.set(name, known);
    return known;
  };
  const keyOf = (projection: string, build: string, aggregateUuid: string) =>
    JSON.stringify([projection, build, aggregateUuid]);
  return {
    async get(projection, build, aggregateUuid) {
      return items.get(keyOf(projection, build, aggregateUuid));
    },
    async getMany(projection, build, aggregateUuids) {
      return aggregateUuids.flatMap((aggregateUuid) => items.get(keyOf(projection, build, aggregateUuid)) ?? []);
    },
    async advance(projection, build, item, from, changes = []) {
      const key = keyOf(projection, build, item.aggregateUuid);
      if ((items.get(key)?.position ?? 0) !== from) return false;
      const held = bucketValues(projection, build, bucketOf(item.aggregateUuid));
      const named = changes.map(({ from: before, ...value }) => ({ name: `${value.key}#${LIVE_PART}`, before, value }));
      if (named.some(({ name, before }) => (held.get(name)?.entries ?? 0) !== before)) return false;
      for (const { name, value } of named) held.set(name, value);
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
    async liveValues(projection, build, bucket, keys) {
      const held = bucketValues(projection, build, bucket);
      return keys.flatMap((key) => held.get(`${key}#${LIVE_PART}`) ?? []);
    },
    async storePartial(projection, build, bucket, part, value, replace = false) {
      const held = bucketValues(projection, build, bucket);
      const name = `${value.key}#${part}`;
      if (replace || !held.has(name)) held.set(name, value);
    },
    async *values(projection, build, bucket, key) {
      const all = [...bucketValues(projection, build, bucket)].sort(([a], [b]) => (a < b ? -1 : 1));
      const found = all.map(([, value]) => value).filter((value) => key === undefined || value.key === key);
      if (found.length > 0) yield found;
    },
    async pointer(projection, version) {
      return pointers.get(`${projection}@${version}`) ?? {};
    },
    remove(projection, build, bucket) {
      bucketValues(projection, build, bucket).clear();
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

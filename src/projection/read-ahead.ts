import { bucketOf } from '../event/bucket.ts';
import type { ProjectionItem, ProjectionTable, RollupValue } from './projection-table.ts';

/** A projection table with items and values at hand, read together or known from what was just written. */
export interface ReadAhead {
  readonly table: ProjectionTable;
  /** Reads the items of these aggregates in as few calls as there can be. */
  fetch(projection: string, build: string, aggregateUuids: readonly string[]): Promise<void>;
}

/**
 * Saves one read per aggregate and projection. An item that another writer has changed meanwhile costs a refused put and a read
 * of its own, never a wrong state: every effect is conditional on the position that it was made from.
 */
export function readAhead(table: ProjectionTable): ReadAhead {
  const known = new Map<string, ProjectionItem | undefined>();
  const values = new Map<string, RollupValue>();
  const valueKey = (projection: string, build: string, bucket: string, key: string) =>
    `${projection}/${build}/${bucket}/${key}`;
  const keyOf = (projection: string, build: string, aggregateUuid: string) => `${projection}/${build}/${aggregateUuid}`;
  return {
    table: {
      ...table,
      async get(projection, build, aggregateUuid) {
        const key = keyOf(projection, build, aggregateUuid);
        if (!known.has(key)) known.set(key, await table.get(projection, build, aggregateUuid));
        return known.get(key);
      },
      async advance(projection, build, item, from, changes = []) {
        const key = keyOf(projection, build, item.aggregateUuid);
        const bucket = bucketOf(item.aggregateUuid);
        known.delete(key);
        for (const change of changes) values.delete(valueKey(projection, build, bucket, change.key));
        const advanced = await table.advance(projection, build, item, from, changes);
        if (!advanced) return false;
        known.set(key, item);
        for (const { from: _, ...value } of changes) {
          values.set(valueKey(projection, build, bucket, value.key), value);
        }
        return true;
      },
      async liveValues(projection, build, bucket, keys) {
        const unknown = keys.filter((key) => !values.has(valueKey(projection, build, bucket, key)));
        for (const value of unknown.length === 0 ? [] : await table.liveValues(projection, build, bucket, unknown)) {
          values.set(valueKey(projection, build, bucket, value.key), value);
        }
        return keys.flatMap((key) => values.get(valueKey(projection, build, bucket, key)) ?? []);
      },
    },
    async fetch(projection, build, aggregateUuids) {
      const items = await table.getMany(projection, build, aggregateUuids);
      for (const aggregateUuid of aggregateUuids) known.set(keyOf(projection, build, aggregateUuid), undefined);
      for (const item of items) known.set(keyOf(projection, build, item.aggregateUuid), item);
    },
  };
}

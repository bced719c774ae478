import type { ProjectionItem, ProjectionTable } from './projection-table.ts';

/** A projection table with items at hand that were read together. */
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
  const keyOf = (projection: string, build: string, aggregateUuid: string) => `${projection}/${build}/${aggregateUuid}`;
  return {
    table: {
      ...table,
      async get(projection, build, aggregateUuid) {
        const key = keyOf(projection, build, aggregateUuid);
        if (!known.has(key)) known.set(key, await table.get(projection, build, aggregateUuid));
        return known.get(key);
      },
      async advance(projection, build, item, from) {
        const key = keyOf(projection, build, item.aggregateUuid);
        known.delete(key);
        const advanced = await table.advance(projection, build, item, from);
        if (advanced) known.set(key, item);
        return advanced;
      },
    },
    async fetch(projection, build, aggregateUuids) {
      const items = await table.getMany(projection, build, aggregateUuids);
      for (const aggregateUuid of aggregateUuids) known.set(keyOf(projection, build, aggregateUuid), undefined);
      for (const item of items) known.set(keyOf(projection, build, item.aggregateUuid), item);
    },
  };
}

import type { StoredEvent } from '../../src/event/stored-event.ts';
import type { Adoption, Cursor, CursorTable, StatusRound } from '../../src/feed/cursor-table.ts';
import type { Parking, PositionMove, PositionTable, Standing } from '../../src/feed/position-table.ts';
import type { EventTable } from '../../src/store/event-table.ts';

/** The tables behind the feed's ports, in memory: what DynamoDB promises of one item, and nothing of many. */

export interface MemoryEvents {
  readonly table: Pick<EventTable, 'query' | 'get' | 'aggregates'>;
  put(event: StoredEvent): void;
  all(aggregate: string): ReadonlyMap<number, StoredEvent>;
}

/** `pageSize` events to a page, at most; `staleMs` and `now`: how far an eventually consistent read may lag. */
export function memoryEvents(
  options: { readonly pageSize?: number; readonly now?: () => number; readonly staleMs?: () => number } = {},
): MemoryEvents {
  const { pageSize = 3, now = () => 0, staleMs = () => 0 } = options;
  const byAggregate = new Map<string, Map<number, StoredEvent & { readonly seenAt: number }>>();
  const all = (aggregate: string) => byAggregate.get(aggregate) ?? new Map<number, StoredEvent>();
  return {
    all,
    put(event) {
      const versions = byAggregate.get(event.aggregateUuid) ?? new Map();
      byAggregate.set(event.aggregateUuid, versions);
      versions.set(event.version, { ...event, seenAt: now() });
    },
    table: {
      async get(aggregate, version) {
        return byAggregate.get(aggregate)?.get(version);
      },
      async *query(aggregate, { from = 1, to = Number.MAX_SAFE_INTEGER, reverse, limit, consistent = true }) {
        const horizon = consistent ? Number.POSITIVE_INFINITY : now() - staleMs();
        const events = [...(byAggregate.get(aggregate)?.values() ?? [])]
          .filter(({ version, seenAt }) => version >= from && version <= to && seenAt <= horizon)
          .sort((a, b) => (reverse ? b.version - a.version : a.version - b.version))
          .slice(0, limit);
        for (let i = 0; i < events.length; i += pageSize) yield events.slice(i, i + pageSize);
      },
      async aggregates({ after, limit = 100 }) {
        // The index holds version-1 items only.
        const ids = [...byAggregate.keys()].filter((id) => byAggregate.get(id)!.has(1)).sort();
        const rest = after === undefined ? ids : ids.filter((id) => id > after);
        const page = rest.slice(0, limit);
        return { aggregateUuids: page, ...(rest.length > page.length && { next: page.at(-1)! }) };
      },
    },
  };
}

export interface MemoryCursors extends CursorTable {
  readonly items: ReadonlyMap<string, Cursor>;
}

/** `stale` gives the state of which an eventually consistent read tells; undefined: the present one. */
export function memoryCursors(stale: (aggregate: string) => Cursor | undefined = () => undefined): MemoryCursors {
  const items = new Map<string, Cursor>();
  let place: Awaited<ReturnType<CursorTable['checkpoint']>>;
  let adoption: Adoption | undefined;
  let status: StatusRound | undefined;
  const of = (aggregate: string): Cursor => items.get(aggregate) ?? { confirmed: 0 };
  const set = (aggregate: string, cursor: Cursor) => {
    items.set(aggregate, cursor);
    return cursor;
  };
  return {
    items,
    async readMany(aggregates, { consistent = false } = {}) {
      const found = new Map<string, Cursor>();
      for (const aggregate of aggregates) {
        const cursor = (consistent ? undefined : stale(aggregate)) ?? items.get(aggregate);
        if (cursor !== undefined) found.set(aggregate, cursor);
      }
      return found;
    },
    async read(aggregate) {
      return of(aggregate);
    },
    async raise(aggregate, from, to, commit) {
      const { holed: _, holedAt: __, attempts: ___, commit: ____, ...rest } = of(aggregate);
      if (from > rest.confirmed + 1 || to <= rest.confirmed)
        return { raised: false, before: rest.confirmed, cursor: of(aggregate) };
      const after = { ...rest, confirmed: to, ...(commit !== undefined && { commit }) };
      return { raised: true, before: rest.confirmed, cursor: set(aggregate, after) };
    },
    async begin(aggregate, { confirmed, base }) {
      if (of(aggregate).confirmed > 0) return false;
      set(aggregate, { ...of(aggregate), confirmed, ...(base > 0 && { base }) });
      return true;
    },
    async offer(aggregate, offered, offeredAt) {
      set(aggregate, { ...of(aggregate), offered, offeredAt });
    },
    async noteHead(aggregate, head) {
      const cursor = of(aggregate);
      return (cursor.head ?? 0) < head ? set(aggregate, { ...cursor, head }) : cursor;
    },
    async markHole(aggregate, { version, since, attempts }) {
      const cursor = of(aggregate);
      if (cursor.confirmed !== version - 1) return { marked: false, cursor };
      return { marked: true, cursor: set(aggregate, { ...cursor, holed: version, holedAt: since, attempts }) };
    },
    async checkpoint() {
      return place;
    },
    async saveCheckpoint(checkpoint) {
      place = checkpoint;
    },
    async adoption() {
      return adoption;
    },
    async statusRound() {
      return status;
    },
    async saveStatusRound(round) {
      status = round;
    },
    async noteAdoption(from, since) {
      adoption ??= { from, since };
      return adoption;
    },
    async saveAdoption(step) {
      adoption = { ...adoption!, ...step };
    },
  };
}

export interface MemoryPositions<Item> extends PositionTable<Item> {
  readonly items: ReadonlyMap<string, number>;
  readonly parked: ReadonlyMap<string, Parking>;
}

/** `apply` is what a transaction does with an effect's items. */
export function memoryPositions<Item>(apply: (item: Item) => void = () => {}): MemoryPositions<Item> {
  const items = new Map<string, number>();
  const attempts = new Map<string, number>();
  const parked = new Map<string, Parking>();
  const leases = new Map<string, { readonly holder: string; readonly until: number }>();
  const keyOf = ({ consumer, aggregate }: { consumer: string; aggregate: string }) => `${consumer}|${aggregate}`;
  const standingAt = (key: string): Standing => {
    const standing = { position: items.get(key) ?? 0, attempts: attempts.get(key) ?? 0 };
    const parking = parked.get(key);
    return parking === undefined ? standing : { ...standing, parked: parking };
  };
  const allows = (move: Omit<PositionMove, 'to'>): boolean => {
    const key = keyOf(move);
    if ((items.get(key) ?? 0) !== move.from) return false;
    if (move.holder !== undefined && leases.get(key)?.holder !== move.holder) return false;
    return move.parked === true || !parked.has(key);
  };
  const giveBack = (move: Omit<PositionMove, 'to'>) => {
    if (move.release === true) leases.delete(keyOf(move));
  };
  return {
    items,
    parked,
    async read(consumer, aggregates) {
      const known = aggregates.filter((aggregate) => items.has(keyOf({ consumer, aggregate })));
      return new Map(known.map((aggregate) => [aggregate, items.get(keyOf({ consumer, aggregate }))!]));
    },
    async standings(consumer, aggregates) {
      return new Map(aggregates.map((aggregate) => [aggregate, standingAt(keyOf({ consumer, aggregate }))]));
    },
    async raise(consumer, aggregate, to) {
      const key = keyOf({ consumer, aggregate });
      items.set(key, Math.max(to, items.get(key) ?? 0));
    },
    async commit(move, effect) {
      if (!allows(move)) return false;
      for (const item of effect) apply(item);
      items.set(keyOf(move), move.to);
      attempts.delete(keyOf(move));
      giveBack(move);
      return true;
    },
    async lease({ holder, until, now, ...of }) {
      const lease = leases.get(keyOf(of));
      if (lease !== undefined && lease.until > now && lease.holder !== holder) return undefined;
      leases.set(keyOf(of), { holder, until });
      return standingAt(keyOf(of));
    },
    async release({ holder, ...of }) {
      if (leases.get(keyOf(of))?.holder === holder) leases.delete(keyOf(of));
    },
    async fail(move, park) {
      if (!allows(move)) return false;
      const key = keyOf(move);
      if (move.to > 0) items.set(key, move.to);
      attempts.set(key, move.to > move.from ? 1 : (attempts.get(key) ?? 0) + 1);
      if (park !== undefined)
        parked.set(key, { ...park, waiting: Math.max(parked.get(key)?.waiting ?? park.waiting, park.version) });
      giveBack(move);
      return true;
    },
    async wait(consumer, aggregate, version) {
      const key = keyOf({ consumer, aggregate });
      const parking = parked.get(key);
      if (parking !== undefined && parking.waiting < version) parked.set(key, { ...parking, waiting: version });
      return standingAt(key);
    },
    async unpark(move) {
      const key = keyOf(move);
      if (!allows({ ...move, parked: true }) || (parked.get(key)?.waiting ?? Infinity) > move.from) return false;
      parked.delete(key);
      attempts.delete(key);
      giveBack(move);
      return true;
    },
  };
}

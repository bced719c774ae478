import { bucketOf } from '../event/bucket.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import type { Commit, EventTable, PutOutcome, QueryOptions } from '../store/event-table.ts';

export interface MemoryEventTableOptions {
  /** Events per page of a query; default 1000. Small ones bring page boundaries into a test. */
  readonly pageSize?: number;
  /**
   * How many pages of an aggregate show only a part of its last commit (at least one event), as DynamoDB allows it for a
   * transaction being written. Default 0.
   */
  readonly halfVisible?: number;
  /** Chance in [0, 1): which part is seen; default Math.random. */
  readonly random?: () => number;
}

/** An EventTable in memory, for tests: the same contract as DynamoDB's, nothing kept beyond the process. */
export interface MemoryEventTable extends EventTable {
  /** Every event, by aggregate and version. */
  all(): StoredEvent[];
}

interface Kept {
  /** In the order of their versions. */
  readonly events: StoredEvent[];
  /** How many more pages do not show these versions. */
  hidden: { readonly versions: ReadonlySet<number>; left: number } | undefined;
}

/**
 * An event table in memory.
 *
 * @example
 * const store = createEventStore({ table: memoryEventTable() });
 */
export function memoryEventTable(options: MemoryEventTableOptions = {}): MemoryEventTable {
  const { pageSize = 1000, halfVisible = 0, random = Math.random } = options;
  const aggregates = new Map<string, Kept>();

  function find(aggregateUuid: string, version: number): StoredEvent | undefined {
    const events = aggregates.get(aggregateUuid)?.events ?? [];
    const found = events[firstFrom(events, version)];
    return found?.version === version ? found : undefined;
  }

  function check({ commitId, events, predecessors = [] }: Commit): PutOutcome | undefined {
    for (const { aggregateUuid, version } of predecessors) {
      if (find(aggregateUuid, version) === undefined) return { outcome: 'hole', aggregateUuid, version };
    }
    for (const { aggregateUuid, version } of events) {
      const found = find(aggregateUuid, version);
      if (found === undefined) continue;
      if (found.commitId === commitId) return { outcome: 'alreadyWritten' };
      return { outcome: 'conflict', aggregateUuid, version, found };
    }
    return undefined;
  }

  function keep(event: StoredEvent): void {
    let kept = aggregates.get(event.aggregateUuid);
    if (kept === undefined) {
      kept = { events: [], hidden: undefined };
      aggregates.set(event.aggregateUuid, kept);
    }
    kept.events.splice(firstFrom(kept.events, event.version), 0, Object.freeze({ ...event }));
  }

  function hideSome(events: readonly StoredEvent[]): void {
    for (const aggregateUuid of new Set(events.map((event) => event.aggregateUuid))) {
      const versions = events.filter((event) => event.aggregateUuid === aggregateUuid).map((event) => event.version);
      const seen = versions[Math.floor(random() * versions.length)];
      const hidden = new Set(versions.filter((version) => version !== seen && random() < 0.5));
      aggregates.get(aggregateUuid)!.hidden = { versions: hidden, left: halfVisible };
    }
  }

  /** What one page shows: each is a read of its own, as in DynamoDB. */
  function page(aggregateUuid: string, { from = 1, to = LAST, reverse }: QueryOptions, most: number): StoredEvent[] {
    const kept = aggregates.get(aggregateUuid);
    if (kept === undefined) return [];
    const { events, hidden } = kept;
    if (hidden !== undefined && --hidden.left <= 0) kept.hidden = undefined;
    const [first, end] = [firstFrom(events, from), firstFrom(events, to + 1)];
    const found: StoredEvent[] = [];
    for (let i = 0; i < end - first && found.length < most; i++) {
      const event = events[reverse === true ? end - 1 - i : first + i]!;
      if (hidden?.versions.has(event.version) !== true) found.push(event);
    }
    return found;
  }

  return {
    async put(commit) {
      const refused = check(commit);
      if (refused !== undefined) return refused;
      for (const event of commit.events) keep(event);
      if (halfVisible > 0 && commit.events.length > 1) hideSome(commit.events);
      return { outcome: 'written' };
    },
    async get(aggregateUuid, version) {
      return find(aggregateUuid, version);
    },
    async *query(aggregateUuid, query) {
      let rest: QueryOptions = query;
      for (let left = query.limit ?? Number.POSITIVE_INFINITY; left > 0; ) {
        const most = Math.min(left, pageSize);
        const found = page(aggregateUuid, rest, most);
        if (found.length > 0) yield found;
        if (found.length < most) return;
        left -= most;
        const { version } = found.at(-1)!;
        rest = query.reverse === true ? { ...query, to: version - 1 } : { ...query, from: version + 1 };
      }
    },
    async head(aggregateUuid) {
      return page(aggregateUuid, { reverse: true }, 1)[0];
    },
    async aggregates({ type, part, after, limit }) {
      const uuids = [...aggregates]
        .filter(
          ([, { events }]) =>
            type === undefined || (events[0]?.version === 1 ? events[0].aggregateType : undefined) === type,
        )
        .map(([aggregateUuid]) => aggregateUuid)
        .filter((aggregateUuid) => part === undefined || bucketOf(aggregateUuid) === part.toString(16))
        .sort();
      const start = after === undefined ? 0 : uuids.findIndex((uuid) => uuid > after);
      const page = start < 0 ? [] : uuids.slice(start, start + Math.min(limit ?? pageSize, pageSize));
      const last = page.at(-1);
      return { aggregateUuids: page, ...(last !== undefined && last !== uuids.at(-1) && { next: last }) };
    },
    all() {
      return [...aggregates.values()].flatMap(({ events }) => events);
    },
  };
}

const LAST = Number.MAX_SAFE_INTEGER;

/** Where the events from a version on start: by halves, they are in order. */
function firstFrom(events: readonly StoredEvent[], version: number): number {
  let low = 0;
  let high = events.length;
  // Most are asked for, or put, at the end.
  if (high === 0 || events[high - 1]!.version < version) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle]!.version < version) low = middle + 1;
    else high = middle;
  }
  return low;
}

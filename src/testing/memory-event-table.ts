import type { StoredEvent } from '../event/stored-event.ts';
import type { Commit, EventTable, PutOutcome, QueryOptions } from '../store/event-table.ts';

export interface MemoryEventTableOptions {
  /** Events per page of a query; default 1000. Small ones bring page boundaries into a test. */
  readonly pageSize?: number;
  /**
   * How many queries of an aggregate see only a part of its last commit (at least one event), as DynamoDB allows it for a
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
  readonly events: Map<number, StoredEvent>;
  /** How many more queries do not see these versions. */
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

  const find = (aggregateUuid: string, version: number) => aggregates.get(aggregateUuid)?.events.get(version);

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

  function keep(event: StoredEvent): Kept {
    let kept = aggregates.get(event.aggregateUuid);
    if (kept === undefined) {
      kept = { events: new Map(), hidden: undefined };
      aggregates.set(event.aggregateUuid, kept);
    }
    kept.events.set(event.version, Object.freeze({ ...event }));
    return kept;
  }

  function hideSome(events: readonly StoredEvent[]): void {
    for (const aggregateUuid of new Set(events.map((event) => event.aggregateUuid))) {
      const versions = events.filter((event) => event.aggregateUuid === aggregateUuid).map((event) => event.version);
      const seen = versions[Math.floor(random() * versions.length)];
      const hidden = new Set(versions.filter((version) => version !== seen && random() < 0.5));
      aggregates.get(aggregateUuid)!.hidden = { versions: hidden, left: halfVisible };
    }
  }

  function visible(aggregateUuid: string): StoredEvent[] {
    const kept = aggregates.get(aggregateUuid);
    if (kept === undefined) return [];
    const { hidden } = kept;
    if (hidden !== undefined) hidden.left--;
    const unseen = hidden?.versions;
    if (hidden !== undefined && hidden.left <= 0) kept.hidden = undefined;
    const events = [...kept.events.values()].filter((event) => unseen?.has(event.version) !== true);
    return events.sort((a, b) => a.version - b.version);
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
      yield* pagesOf(select(visible(aggregateUuid), query), pageSize);
    },
    async aggregates({ type, after, limit }) {
      const uuids = [...aggregates]
        .filter(([, { events }]) => type === undefined || events.get(1)?.aggregateType === type)
        .map(([aggregateUuid]) => aggregateUuid)
        .sort();
      const start = after === undefined ? 0 : uuids.findIndex((uuid) => uuid > after);
      const page = start < 0 ? [] : uuids.slice(start, start + Math.min(limit ?? pageSize, pageSize));
      const last = page.at(-1);
      return { aggregateUuids: page, ...(last !== undefined && last !== uuids.at(-1) && { next: last }) };
    },
    all() {
      return [...aggregates.values()].flatMap(({ events }) => [...events.values()]);
    },
  };
}

function select(events: readonly StoredEvent[], { from = 1, to, reverse, limit }: QueryOptions): StoredEvent[] {
  const range = events.filter(({ version }) => version >= from && (to === undefined || version <= to));
  if (reverse === true) range.reverse();
  return limit === undefined ? range : range.slice(0, limit);
}

function* pagesOf(events: readonly StoredEvent[], pageSize: number): Generator<readonly StoredEvent[]> {
  for (let i = 0; i < events.length; i += pageSize) yield events.slice(i, i + pageSize);
}

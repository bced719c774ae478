import type { StoredEvent } from '../event/stored-event.ts';
import type { Backoff } from '../store/backoff.ts';
import { createEventStore, type EventStore } from '../store/event-store.ts';
import type { Commit, EventTable } from '../store/event-table.ts';
import type { SnapshotPolicy, SnapshotStore } from '../store/snapshots.ts';
import { type Faults, faultyEventTable } from './faulty-event-table.ts';
import { memoryEventTable } from './memory-event-table.ts';
import { findBreaches } from './race-breaches.ts';
import { seededRandom } from './seeded-random.ts';
import { seededTurns, type Turns } from './turns.ts';

/** One of those that race: does what it likes with a store of its own, as if in a process of its own. */
export type Writer = (store: EventStore, about: { readonly index: number; readonly random: () => number }) => unknown;

export interface RaceOptions {
  /** Decides who goes on after each call to the table, what fails, and what the clocks say. A failure names it. */
  readonly seed: number;
  readonly writers: readonly Writer[];
  /** Calls that fail; default none. A writer meets an `InjectedFault` where the store cannot tell what came of a call. */
  readonly faults?: Omit<Faults, 'random'>;
  /** Default: one in memory, with small pages, whose transactions are half visible for a while. */
  readonly table?: EventTable;
  readonly snapshots?: SnapshotStore;
  readonly snapshotPolicy?: SnapshotPolicy;
  readonly conflictBackoff?: Backoff;
}

/** What a race came to. */
export interface Raced {
  readonly seed: number;
  /** Every event of the aggregates that were written to, those before the race too, by aggregate and version. */
  readonly events: readonly StoredEvent[];
  /** How many commits the race wrote. */
  readonly commits: number;
  /** How often the table was called. */
  readonly calls: number;
  /** A store that nothing interferes with, to look at what the race left. */
  readonly store: EventStore;
}

/**
 * Lets writers race on one table, with a seed that decides who goes on at every call to it: a race that fails, fails again
 * with its seed. Afterwards each commit must be there exactly once, as its writer was told; no version missing, none
 * overwritten, no time of recording below its predecessor's, though the writers' clocks go backwards. Throws what a writer
 * throws, and a `RaceError` for what is wrong in the table.
 *
 * @example
 * const deposits = async (store: EventStore) => {
 *   for (let n = 0; n < 10; n++) await store.handle(Account, 'bob', () => deposited(1));
 * };
 * const { store } = await raceWriters({ seed: 1, writers: [deposits, deposits], faults: { lostAnswers: 0.1 } });
 * expect((await store.load(Account, 'bob')).state.balance).toBe(20);
 */
export async function raceWriters(options: RaceOptions): Promise<Raced> {
  const { seed, writers, faults = {}, snapshots, snapshotPolicy, conflictBackoff } = options;
  const random = seededRandom(seed);
  const turns = seededTurns(random);
  const pageSize = 1 + Math.floor(random() * 8);
  const table = options.table ?? memoryEventTable({ pageSize, halfVisible: 2, random });
  const told: Told = {
    commits: new Map(),
    put: new Map(),
    inDoubt: new Set(),
    attempted: new Set(),
    commitsNamed: 0,
    calls: 0,
  };
  const shared = {
    ...(snapshots !== undefined && { snapshots: snapshotsByTurns(snapshots, turns) }),
    ...(snapshotPolicy !== undefined && { snapshotPolicy }),
    ...(conflictBackoff !== undefined && { conflictBackoff }),
  };
  const work = writers.map(async (writer, index) => {
    const own = createEventStore({
      table: tableByTurns(faultyEventTable(watch(table, told), { ...faults, random }), turns, told),
      // Each writer's clock goes its own way, backwards too.
      clock: { now: () => START + turns.now() + Math.floor((random() - 0.5) * 4000) },
      newCommitId: () => `commit-${++told.commitsNamed}`,
      random,
      sleep: (ms) => turns.turn(ms),
      ...shared,
    });
    await writer(listen(own, told), { index, random });
  });
  const thrown = await turns.run(work);
  const events = await everyEvent(table, told);
  const [breach] = findBreaches(events, told);
  // What is wrong in the table explains what a writer met.
  if (breach !== undefined) throw inRace(seed, breach, thrown?.reason);
  if (thrown !== undefined) throw inRace(seed, String(thrown.reason), thrown.reason);
  return {
    seed,
    events,
    commits: new Set(events.flatMap(({ commitId }) => (told.attempted.has(commitId) ? commitId : []))).size,
    calls: told.calls,
    store: createEventStore({ table }),
  };
}

const START = Date.UTC(2026, 0, 1);

/** What was seen on the way, to compare what is in the table with. */
export interface Told {
  /** Commits that a writer was told of, with the versions of each aggregate. */
  readonly commits: Map<string, readonly { readonly aggregateUuid: string; readonly version: number }[]>;
  /** The events that the table said it took, by aggregate and version: the first that was taken. */
  readonly put: Map<string, StoredEvent>;
  /** Commits whose writer was given an error and does not know. */
  readonly inDoubt: Set<string>;
  /** Commits of the race; what the table held before is nobody's here. */
  readonly attempted: Set<string>;
  commitsNamed: number;
  calls: number;
}

export function keyOf({ aggregateUuid, version }: { aggregateUuid: string; version: number }): string {
  return `${version} of ${JSON.stringify(aggregateUuid)}`;
}

/** Between the faults and the table: what was really written. */
function watch(table: EventTable, told: Told): EventTable {
  return {
    ...table,
    async put(commit) {
      const outcome = await table.put(commit);
      if (outcome.outcome === 'written') {
        for (const event of commit.events) if (!told.put.has(keyOf(event))) told.put.set(keyOf(event), event);
      }
      return outcome;
    },
  };
}

/** Between the store and the faults: every call waits for its turn, before and after. */
function tableByTurns(table: EventTable, turns: Turns, told: Told): EventTable {
  const byTurn = async <T>(call: () => Promise<T>): Promise<T> => {
    told.calls++;
    await turns.turn();
    try {
      return await call();
    } finally {
      await turns.turn();
    }
  };
  return {
    async put(commit: Commit) {
      told.attempted.add(commit.commitId);
      try {
        return await byTurn(() => table.put(commit));
      } catch (error) {
        told.inDoubt.add(commit.commitId);
        throw error;
      }
    },
    get: (aggregateUuid, version) => byTurn(() => table.get(aggregateUuid, version)),
    async *query(aggregateUuid, options) {
      const pages = table.query(aggregateUuid, options)[Symbol.asyncIterator]();
      for (;;) {
        const page = await byTurn(() => pages.next());
        if (page.done === true) return;
        yield page.value;
      }
    },
    head: (aggregateUuid) => byTurn(() => table.head(aggregateUuid)),
    aggregates: (options) => byTurn(() => table.aggregates(options)),
  };
}

function snapshotsByTurns(snapshots: SnapshotStore, turns: Turns): SnapshotStore {
  return {
    async get(aggregateUuid, fold) {
      await turns.turn();
      return await snapshots.get(aggregateUuid, fold);
    },
    async put(snapshot) {
      await turns.turn();
      await snapshots.put(snapshot);
    },
  };
}

/** The writer's store: what its verbs say was written, must be. */
function listen(store: EventStore, { commits }: Told): EventStore {
  return {
    ...store,
    async append(target, events, options) {
      const appended = await store.append(target, events, options);
      commits.set(appended.commitId, versionsOf(appended));
      return appended;
    },
    async transact(entries, options) {
      const appended = await store.transact(entries, options);
      for (const { commitId } of appended) commits.set(commitId, appended.flatMap(versionsOf));
      return appended;
    },
    async handle(aggregate, aggregateUuid, decide, ...rest) {
      const handled = await store.handle(aggregate, aggregateUuid, decide, ...rest);
      const [first] = handled.events;
      if (first !== undefined) commits.set(first.commitId, handled.events);
      return handled;
    },
  };
}

function versionsOf({ aggregateUuid, from, version }: { aggregateUuid: string; from: number; version: number }) {
  return Array.from({ length: version - from + 1 }, (_, i) => ({ aggregateUuid, version: from + i }));
}

/** Of every aggregate that was written to, as the table gives them: not mended by the store's reader. */
async function everyEvent(table: EventTable, told: Told): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (const aggregateUuid of new Set([...told.put.values()].map((event) => event.aggregateUuid))) {
    // A table may go on showing half of a transaction for some reads more.
    for (let attempt = 1; ; attempt++) {
      const found: StoredEvent[] = [];
      for await (const page of table.query(aggregateUuid, {})) found.push(...page);
      const last = found.at(-1);
      const whole = found.every((event, i) => event.version === i + 1) && last?.version === last?.commitLast;
      if (!whole && attempt < 10) continue;
      events.push(...found);
      break;
    }
  }
  return events;
}

/** Something that a race must not come to; the message names the seed that brings it about again. */
export class RaceError extends Error {
  override readonly name = 'RaceError';
}

function inRace(seed: number, what: string, cause?: unknown): RaceError {
  return new RaceError(
    `${what} (seed ${seed}: the same race runs again with it)`,
    cause === undefined ? {} : { cause },
  );
}

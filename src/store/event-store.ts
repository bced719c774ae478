import './errors.ts';
import { randomUUID } from 'node:crypto';
import { DaybookError } from '../errors.ts';
import type { AnyAggregate, EventsOf, StateOf } from '../event/aggregate-definition.ts';
import type { AnyEvent, EventOf, NewEventOf } from '../event/event-definition.ts';
import type { RecordedEvent } from '../event/recorded-event.ts';
import { isTraceparent } from '../event/traceparent.ts';
import { type Appended, type AppendOptions, append } from './append.ts';
import { type Backoff, realPauses } from './backoff.ts';
import { checkAggregateUuid, checkCommitId, checkOptions } from './check-input.ts';
import type { StoreContext, StoreCounts } from './context.ts';
import type { EventArchive } from './event-archive.ts';
import type { EventTable } from './event-table.ts';
import { type Handled, type HandleOptions, handle } from './handle.ts';
import { type ListOptions, list } from './list.ts';
import { type LoadedAggregate, type LoadOptions, load } from './load.ts';
import { type Occasion, type ReadOptions, read, type StateAt, type StateAtPoint, stateAt, when } from './read.ts';
import type { ReadAllOptions } from './read-all.ts';
import { DEFAULT_SNAPSHOT_POLICY, type SnapshotPolicy, type SnapshotStore } from './snapshots.ts';
import type { EventsFor, Target } from './target.ts';

export interface EventStoreOptions {
  /** Where events are kept: `dynamoEventTable(…)`, or `memoryEventTable()` of `daybook/testing`. */
  readonly table: EventTable;
  /** Where snapshots are kept; default nowhere, each load reads all events. */
  readonly snapshots?: SnapshotStore;
  /** Cold storage, for `readAll`: `s3EventArchive(…)` of `daybook/archive`. Default none. */
  readonly archive?: EventArchive;
  /** Default `{ everyEvents: 100 }`. */
  readonly snapshotPolicy?: SnapshotPolicy;
  /** The writer's clock, in milliseconds since the epoch; default the system's. */
  readonly clock?: { now(): number };
  /** Default a random UUID. */
  readonly newCommitId?: () => string;
  /**
   * The trace context of what is under way, a W3C `traceparent`: it goes into the metadata of every event that is appended,
   * unless the caller gave one or the event's metadata schema has no room for it. Default none; in Lambda `lambdaTrace`.
   */
  readonly trace?: () => string | undefined;
  /** How `handle`, and `append` with `'any'`, go on after losing a race; default 30 attempts, 5 ms to 500 ms with full jitter. */
  readonly conflictBackoff?: Backoff;
  /** Chance in [0, 1) for the jitter; default Math.random. */
  readonly random?: () => number;
  /** Waits so many milliseconds; default a timer. */
  readonly sleep?: (ms: number) => Promise<void>;
}

const OPTIONS: readonly (keyof EventStoreOptions)[] = [
  'table',
  'snapshots',
  'archive',
  'snapshotPolicy',
  'clock',
  'newCommitId',
  'trace',
  'conflictBackoff',
  'random',
  'sleep',
];

const CONFLICT_BACKOFF: Backoff = { attempts: 30, baseMs: 5, capMs: 500 };

/** The verbs of an event store. Each refuses bad input with a `DaybookError` before anything is written. */
export interface EventStore {
  /**
   * Folds all events of an aggregate. One without events is at version 0, in its initial state.
   *
   * @example
   * const account = await store.load(Account, 'account-1');
   * account.state.balance;
   */
  load<A extends AnyAggregate>(aggregate: A, aggregateUuid: string, options?: LoadOptions): Promise<LoadedAggregate<A>>;

  /**
   * Writes 1–100 events of one aggregate, all or none, behind the version that was loaded or is said. Throws
   * `append.versionConflict`, with the events that came between, when another writer was faster.
   *
   * @example
   * await store.append(account, [{ type: 'MoneyDeposited', data: { amount: 100 } }]);
   * await store.append({ aggregate: Account, aggregateUuid: 'account-2', expectedVersion: 0 }, [opened]);
   */
  append<const T extends Target>(
    target: T,
    events: readonly EventsFor<T>[],
    options?: AppendOptions,
  ): Promise<Appended>;

  /**
   * Writes events of several aggregates, at most 100 in all, all or none.
   *
   * @example
   * await store.transact([
   *   { target: from, events: [{ type: 'MoneyWithdrawn', data: { amount: 50 } }] },
   *   { target: to, events: [{ type: 'MoneyDeposited', data: { amount: 50 } }] },
   * ]);
   */
  transact<const T extends readonly Target[]>(
    entries: { readonly [K in keyof T]: { readonly target: T[K]; readonly events: readonly EventsFor<T[K]>[] } },
    options?: AppendOptions,
  ): Promise<readonly Appended[]>;

  /**
   * Loads, decides, appends; loads and decides again when another writer was faster. Throws `append.contended` after too
   * many attempts, and whatever `decide` throws.
   *
   * @example
   * const account = await store.handle(Account, 'account-1', (state, amount: number) => {
   *   if (state.balance < amount) throw new Error('not enough money');
   *   return { type: 'MoneyWithdrawn', data: { amount } };
   * }, 50);
   */
  handle<A extends AnyAggregate, const E extends NewEventOf<EventsOf<A>>, Command = undefined>(
    aggregate: A,
    aggregateUuid: string,
    decide: (state: StateOf<A>, command: Command) => E | readonly E[],
    ...rest: [Command] extends [undefined]
      ? [command?: undefined, options?: HandleOptions]
      : [command: Command, options?: HandleOptions]
  ): Promise<Handled<A>>;

  /**
   * The events of an aggregate, by version, time or both, either way round, page by page. Never a hole, never part of a
   * commit that is not wholly visible yet. With `aggregate` the events are upcast and typed.
   *
   * @example
   * for await (const event of store.read('account-1', { from: 2, to: 9, limit: 5 })) console.log(event.type);
   */
  read<A extends AnyAggregate>(
    aggregateUuid: string,
    options: ReadOptions & { readonly aggregate: A },
  ): AsyncIterable<EventOf<EventsOf<A>>>;
  read(aggregateUuid: string, options?: ReadOptions): AsyncIterable<RecordedEvent>;

  /**
   * The state after a version, or at a time: as things had happened (`occurred`, the default), or as was known (`recorded`).
   *
   * @example
   * const { state } = await store.stateAt(Account, 'account-1', { time: '2026-01-31T23:59:59Z' });
   */
  stateAt<A extends AnyAggregate>(aggregate: A, aggregateUuid: string, point: StateAtPoint): Promise<StateAt<A>>;

  /**
   * The first event after which something held; undefined when it never did.
   *
   * @example
   * const overdrawn = await store.when(Account, 'account-1', (state) => state.balance < 0);
   */
  when<A extends AnyAggregate>(
    aggregate: A,
    aggregateUuid: string,
    predicate: (state: StateOf<A>, event: EventOf<EventsOf<A>>) => boolean,
    options?: Pick<ReadOptions, 'from' | 'to'>,
  ): Promise<Occasion<A> | undefined>;

  /**
   * The ids of aggregates, of one type when told, in no promised order.
   *
   * @example
   * for await (const aggregateUuid of store.list({ type: 'Account' })) console.log(aggregateUuid);
   */
  list(options?: ListOptions): AsyncIterable<string>;

  /**
   * The events of all aggregates, by time and type, from the archive with the table behind it: the large part is read where it
   * burdens no writer. Each event once; an aggregate's in version order and after each other, the aggregates in no promised
   * order. It gives everything that was there when it began, and may give what came later. Both ends of the range are
   * included. Memory stays flat; a sixteenth of the archive is copied to this machine's disk at a time, and the table is asked
   * once for each aggregate. With definitions as `types` the events are upcast and typed.
   *
   * @example
   * const store = createEventStore({ table, archive: s3EventArchive({ s3, bucket, athena, database }) });
   * for await (const event of store.readAll({ from: '2026-01-01T00:00:00Z', types: [MoneyDeposited] })) sum += event.data.amount;
   */
  readAll<D extends AnyEvent>(options: ReadAllOptions<D> & { readonly types: readonly D[] }): AsyncIterable<EventOf<D>>;
  readAll(options?: ReadAllOptions<string>): AsyncIterable<RecordedEvent>;

  /** What went wrong without failing a command, since the store was made. */
  readonly counts: StoreCounts;
}

/**
 * Makes an event store over a table.
 *
 * @example
 * const store = createEventStore({ table: dynamoEventTable({ client: new DynamoDBClient(), tableName: 'events' }) });
 */
export function createEventStore(options: EventStoreOptions): EventStore {
  checkOptions('createEventStore', options, OPTIONS);
  const snapshotPolicy = options.snapshotPolicy ?? DEFAULT_SNAPSHOT_POLICY;
  checkSnapshotPolicy(snapshotPolicy);
  const context: StoreContext = {
    table: options.table,
    snapshots: options.snapshots,
    archive: options.archive,
    snapshotPolicy,
    now: options.clock === undefined ? Date.now : options.clock.now.bind(options.clock),
    uniqueCommitIds: options.newCommitId === undefined,
    newCommitId: options.newCommitId === undefined ? randomUUID : checkedIds(options.newCommitId),
    trace: traceOf(options.trace),
    pauses: { random: options.random ?? realPauses.random, sleep: options.sleep ?? realPauses.sleep },
    conflictBackoff: options.conflictBackoff ?? CONFLICT_BACKOFF,
    heads: new WeakMap(),
    counts: { snapshotsIgnored: 0, snapshotsFailed: 0 },
  };
  return {
    async load(aggregate, aggregateUuid, loadOptions = {}) {
      checkAggregate('load', aggregate);
      checkAggregateUuid(aggregateUuid);
      checkOptions('load', loadOptions, ['validate']);
      return await load(context, aggregate, aggregateUuid, loadOptions);
    },
    async append(target, events, appendOptions = {}) {
      const [appended] = await append(context, [{ target, events }], appendOptions);
      return appended!;
    },
    async transact(entries, appendOptions = {}) {
      return await append(context, checkEntryShapes(entries), appendOptions);
    },
    async handle(aggregate, aggregateUuid, decide, ...[command, handleOptions = {}]) {
      checkAggregate('handle', aggregate);
      checkAggregateUuid(aggregateUuid);
      // Without a command, Command is undefined.
      return await handle(context, aggregate, aggregateUuid, decide, command as never, handleOptions);
    },
    // The overload with `aggregate` yields its events; the body is the same for both.
    read: ((aggregateUuid: string, readOptions: ReadOptions = {}) =>
      read(context, aggregateUuid, readOptions)) as EventStore['read'],
    async stateAt(aggregate, aggregateUuid, point) {
      checkAggregate('stateAt', aggregate);
      checkAggregateUuid(aggregateUuid);
      return await stateAt(context, aggregate, aggregateUuid, point);
    },
    async when(aggregate, aggregateUuid, predicate, whenOptions = {}) {
      checkAggregate('when', aggregate);
      return await when(context, aggregate, aggregateUuid, predicate, whenOptions);
    },
    list: (listOptions = {}) => list(context, listOptions),
    // As for read: the overload says what it yields.
    readAll: ((readAllOptions: ReadAllOptions = {}) => {
      const { archive, table, pauses } = context;
      if (archive === undefined) throw new DaybookError('store.noArchive', {});
      return archive.readAll({ table, pauses }, readAllOptions);
    }) as EventStore['readAll'],
    counts: context.counts,
  };
}

/** What is no trace context, or fails to say one, leaves no trace: it must not stop an append. */
function traceOf(trace: EventStoreOptions['trace']): () => string | undefined {
  if (trace === undefined) return () => undefined;
  return () => {
    try {
      const found = trace();
      return isTraceparent(found) ? found : undefined;
    } catch {
      return undefined;
    }
  };
}

function checkedIds(newCommitId: () => string): () => string {
  return () => {
    const commitId = newCommitId();
    checkCommitId(commitId);
    return commitId;
  };
}

function checkAggregate(verb: string, given: AnyAggregate): void {
  if (given?.kind === 'aggregate') return;
  const allowed = 'what defineAggregate made';
  throw new DaybookError('option.notAllowed', { verb, option: 'aggregate', given: typeof given, allowed });
}

function checkEntryShapes<T extends readonly { target: unknown; events: unknown }[]>(entries: unknown): T {
  const allowed = 'a list of { target, events }, at least one';
  if (!Array.isArray(entries) || entries.length === 0 || entries.some((entry) => typeof entry !== 'object' || !entry)) {
    throw new DaybookError('option.notAllowed', { verb: 'transact', option: 'entries', given: entries, allowed });
  }
  for (const entry of entries) checkOptions('transact', entry, ['target', 'events']);
  return entries as unknown as T;
}

function checkSnapshotPolicy(policy: SnapshotPolicy): void {
  const every = policy === 'never' ? 1 : 'everyEvents' in policy ? policy.everyEvents : policy.everyBytes;
  if (Number.isSafeInteger(every) && every >= 1) return;
  const allowed = "{ everyEvents: n }, { everyBytes: n } with n from 1, or 'never'";
  throw new DaybookError('option.notAllowed', {
    verb: 'createEventStore',
    option: 'snapshotPolicy',
    given: policy,
    allowed,
  });
}

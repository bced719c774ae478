import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { AnyProjection, ProjectionDefinition, RollupDefinition } from './definition.ts';
import {
  BUCKETS,
  currentBuild,
  type ProjectionItem,
  type ProjectionTable,
  type RollupValue,
} from './projection-table.ts';

/** A projection's state of one aggregate, with the build and the version that it reflects. */
export interface Projected<State> {
  readonly aggregateUuid: string;
  readonly state: State;
  /** The aggregate's last version in this state. */
  readonly position: number;
  readonly build: string;
}

export interface ReadOptions {
  /** A build's or a report's name. Default: the one that is live. */
  readonly build?: string;
}

// biome-ignore lint/suspicious/noExplicitAny: a projection of whatever events
type ProjectionOf<State> = ProjectionDefinition<string, any, State>;
// biome-ignore lint/suspicious/noExplicitAny: a rollup of whatever events
type RollupOf<Value> = RollupDefinition<string, any, Value>;

type Named = Pick<AnyProjection, 'name' | 'version'>;

/**
 * The state of one aggregate in a projection; undefined when none of its events has arrived there.
 *
 * @example
 * const bob = await readProjected(projections, balances, bobsAccount);
 * console.log(bob?.state.balance, 'as of version', bob?.position);
 */
export async function readProjected<State>(
  table: ProjectionTable,
  projection: ProjectionOf<State>,
  aggregateUuid: string,
  options: ReadOptions = {},
): Promise<Projected<State> | undefined> {
  const build = await buildOf(table, projection, options);
  const item = await table.get(projection.name, build, aggregateUuid);
  return item && { aggregateUuid, state: JSON.parse(item.state) as State, position: item.position, build };
}

export interface WaitOptions extends ReadOptions {
  /** In milliseconds. @default 5000 */
  readonly timeout?: number;
  /** How long to wait between two looks, in milliseconds. @default 100 */
  readonly interval?: number;
}

/**
 * Waits until a projection reflects a version of an aggregate, and reads it then: a user sees what they have just written.
 * Throws `projection.notYet` when it does not in time.
 *
 * @example
 * const { version } = await store.append(account, [{ type: 'MoneyDeposited', data: { amount: 100 } }]);
 * const { state } = await waitForProjected(projections, balances, account.aggregateUuid, version);
 */
export async function waitForProjected<State>(
  table: ProjectionTable,
  projection: ProjectionOf<State>,
  aggregateUuid: string,
  version: number,
  options: WaitOptions = {},
): Promise<Projected<State>> {
  const { build, position, state } = await waitForItem(table, projection, aggregateUuid, version, options);
  return { aggregateUuid, state: JSON.parse(state) as State, position, build };
}

async function waitForItem(
  table: ProjectionTable,
  projection: Named,
  aggregateUuid: string,
  version: number,
  { timeout = 5000, interval = 100, ...options }: WaitOptions,
): Promise<ProjectionItem & { readonly build: string }> {
  const started = Date.now();
  for (;;) {
    const build = await buildOf(table, projection, options); // another one may be promoted meanwhile
    const item = await table.get(projection.name, build, aggregateUuid);
    if (item !== undefined && item.position >= version) return { ...item, build };
    const waitedMs = Date.now() - started;
    if (waitedMs >= timeout) {
      const position = item?.position ?? 0;
      const of = { projection: projection.name, build, aggregateUuid, version, position, waitedMs };
      throw new DaybookError('projection.notYet', of);
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(interval, timeout - waitedMs)));
  }
}

async function buildOf(table: ProjectionTable, { name, version }: Named, { build }: ReadOptions): Promise<string> {
  return build ?? currentBuild(await table.pointer(name, version), version);
}

/**
 * The states of all aggregates in a projection, in no promised order, with flat memory.
 *
 * @example
 * for await (const { aggregateUuid, state } of readAllProjected(projections, balances)) console.log(aggregateUuid, state);
 */
export async function* readAllProjected<State>(
  table: ProjectionTable,
  projection: ProjectionOf<State>,
  options: ReadOptions = {},
): AsyncIterable<Projected<State>> {
  const build = await buildOf(table, projection, options);
  for (const bucket of BUCKETS) {
    for await (const page of table.list(projection.name, build, bucket)) {
      for (const { aggregateUuid, state, position } of page) {
        yield { aggregateUuid, state: JSON.parse(state) as State, position, build };
      }
    }
  }
}

/** A rollup's values, with the build that they are of. */
export interface RolledUp<Value> {
  readonly values: ReadonlyMap<string, Value>;
  readonly build: string;
  /** How many entries the values were combined from. */
  readonly entries: number;
}

/** The same, as far as one aggregate is in it. */
export interface RolledUpTo<Value> extends RolledUp<Value> {
  readonly aggregateUuid: string;
  /** The values have every one of the aggregate's versions up to this, and may have later ones. */
  readonly position: number;
}

export interface ReadRollupOptions extends ReadOptions {
  /** Only this key: it costs sixteen small queries, however many keys there are. Default: all. */
  readonly key?: string;
}

/**
 * A rollup's values by key, combined across all aggregates when they are read: of each of the sixteen buckets what slices of a
 * replay came to, and what live events have added. Each event is in them once or not yet; of one that adds to several keys,
 * a read at that moment may see the one and not the other.
 *
 * @example
 * const { values, build } = await readRollup(projections, depositsByMonth);
 * console.log(values.get('2026-01')?.count, 'in', build);
 */
export async function readRollup<Value>(
  table: ProjectionTable,
  rollup: RollupOf<Value>,
  options: ReadRollupOptions = {},
): Promise<RolledUp<Value>> {
  const build = await buildOf(table, rollup, options);
  return { ...(await combined(table, rollup, build, options.key)), build };
}

/**
 * Waits until a rollup has a version of an aggregate, and reads it then: a user sees what they have just written.
 * Throws `projection.notYet` when it has not in time.
 *
 * @example
 * const { version } = await store.append(account, [{ type: 'MoneyDeposited', data: { amount: 100 } }]);
 * const { values } = await waitForRollup(projections, depositsByMonth, account.aggregateUuid, version);
 */
export async function waitForRollup<Value>(
  table: ProjectionTable,
  rollup: RollupOf<Value>,
  aggregateUuid: string,
  version: number,
  options: WaitOptions & ReadRollupOptions = {},
): Promise<RolledUpTo<Value>> {
  const { build, position } = await waitForItem(table, rollup, aggregateUuid, version, options);
  // Read after the position: what that has, they have.
  return { ...(await combined(table, rollup, build, options.key)), build, aggregateUuid, position };
}

async function combined<Value>(
  table: ProjectionTable,
  rollup: RollupOf<Value>,
  build: string,
  only: string | undefined,
): Promise<{ values: ReadonlyMap<string, Value>; entries: number }> {
  const buckets = await Promise.all(
    BUCKETS.map(async (bucket) => {
      const pages: (readonly RollupValue[])[] = [];
      for await (const page of table.values(rollup.name, build, bucket, only)) pages.push(page);
      return pages;
    }),
  );
  const values = new Map<string, Value>();
  let entries = 0;
  for (const { key, value, entries: more } of buckets.flat(2)) {
    const read = JSON.parse(value) as Value;
    values.set(key, values.has(key) ? rollup.combine(values.get(key) as Value, read) : read);
    entries += more;
  }
  return { values, entries };
}

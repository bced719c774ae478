import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { ProjectionDefinition, RollupDefinition } from './definition.ts';
import { BUCKETS, currentBuild, type ProjectionTable } from './projection-table.ts';

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
  const build =
    options.build ?? currentBuild(await table.pointer(projection.name, projection.version), projection.version);
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
  { timeout = 5000, interval = 100, ...options }: WaitOptions = {},
): Promise<Projected<State>> {
  const started = Date.now();
  for (;;) {
    const found = await readProjected(table, projection, aggregateUuid, options);
    if (found !== undefined && found.position >= version) return found;
    const waitedMs = Date.now() - started;
    if (waitedMs + interval > timeout) {
      const build = found?.build ?? options.build ?? 'its live build';
      const position = found?.position ?? 0;
      throw new DaybookError('projection.notYet', {
        projection: projection.name,
        build,
        aggregateUuid,
        version,
        position,
        waitedMs,
      });
    }
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
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
  const build =
    options.build ?? currentBuild(await table.pointer(projection.name, projection.version), projection.version);
  for (const bucket of BUCKETS) {
    for await (const page of table.list(projection.name, build, bucket)) {
      for (const { aggregateUuid, state, position } of page) {
        yield { aggregateUuid, state: JSON.parse(state) as State, position, build };
      }
    }
  }
}

/**
 * A rollup's values by key, combined across all aggregates.
 *
 * @example
 * const deposits = await readRollup(projections, depositsByMonth);
 * console.log(deposits.get('2026-01')?.count);
 */
export async function readRollup<Value>(
  table: ProjectionTable,
  rollup: RollupOf<Value>,
  options: ReadOptions = {},
): Promise<ReadonlyMap<string, Value>> {
  const build = options.build ?? currentBuild(await table.pointer(rollup.name, rollup.version), rollup.version);
  const values = new Map<string, Value>();
  for (const bucket of BUCKETS) {
    for await (const page of table.list(rollup.name, build, bucket)) {
      for (const { state } of page) {
        for (const [key, value] of Object.entries(JSON.parse(state) as Record<string, Value>)) {
          values.set(key, values.has(key) ? rollup.combine(values.get(key) as Value, value) : value);
        }
      }
    }
  }
  return values;
}

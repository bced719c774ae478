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

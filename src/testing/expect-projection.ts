import type { AnyAggregate } from '../event/aggregate-definition.ts';
import { bucketOf } from '../event/bucket.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import type { AnyProjection, RollupDefinition } from '../projection/definition.ts';
import { advanceTo, itemOf, keptValue } from '../projection/project.ts';
import { liveBuild } from '../projection/projection-table.ts';
import { readAllProjected, readRollup } from '../projection/read.ts';
import { createRunner, type Runner } from '../projection/runner.ts';
import { expectCombines } from './expect-combines.ts';
import { expectEqual, fail, type GivenEvent, storedEvents, text, withPureUpcasts } from './given-events.ts';
import { memoryEventTable } from './memory-event-table.ts';
import { memoryProjectionTable } from './memory-projection-table.ts';

/** What happened to one aggregate. */
export interface History<A extends AnyAggregate = AnyAggregate> {
  readonly aggregate: A;
  readonly aggregateUuid: string;
  readonly events: readonly GivenEvent<A>[];
}

/** What is expected: of a projection the states by aggregate id, of a rollup the values by key. */
export type Expected<P extends AnyProjection> = Readonly<
  Record<
    string,
    P extends { initialState(): infer State }
      ? State
      : P extends { combine(a: infer Value, b: never): unknown }
        ? Value
        : never
  >
>;

/**
 * Specifies a projection or a rollup without AWS: however the events reach it, once, each twice, the last alone after a lost
 * batch, or in a replay that live events run into, the outcome is the one that is expected.
 *
 * @example
 * await expectProjection(balances, [
 *   { aggregate: Account, aggregateUuid: 'bob', events: [{ type: 'MoneyDeposited', data: { amount: 5 } }] },
 * ], { bob: { balance: 5 } });
 */
export async function expectProjection<P extends AnyProjection, const Aggregates extends readonly AnyAggregate[]>(
  projection: P,
  histories: { readonly [K in keyof Aggregates]: History<Aggregates[K]> },
  expected: Expected<P>,
): Promise<void> {
  const strict = { ...projection, events: withPureUpcasts(projection.events) } as P;
  const all = histories.map(({ aggregate, aggregateUuid, events }) => storedEvents(aggregate, aggregateUuid, events));
  for (const [way, run] of WAYS) {
    expectEqual(`what ${projection.name} makes of the events, ${way},`, await outcomeOf(strict, all, run), expected);
  }
  if (projection.kind === 'rollup') {
    const values = await valuesOf(strict as RollupDefinition, all);
    for (const ofKey of values) expectCombines(projection, ofKey);
  }
}

/** By key, the values that single events come to. */
async function valuesOf(
  rollup: RollupDefinition,
  histories: readonly (readonly StoredEvent[])[],
): Promise<Iterable<readonly unknown[]>> {
  const byKey = new Map<string, unknown[]>();
  const runner = createRunner({
    ...rollup,
    map(event) {
      const entries = rollup.map(event);
      for (const { key, value } of entries) byKey.set(key, [...(byKey.get(key) ?? []), value]);
      return entries;
    },
  });
  for (const event of histories.flat()) runner.apply(runner.start(), event, true);
  return byKey.values();
}

type Deliver = (to: number, events?: readonly StoredEvent[]) => Promise<unknown>;
interface Delivery {
  readonly events: readonly StoredEvent[];
  readonly last: number;
  readonly deliver: Deliver;
  /** As a slice of a replay does it: the first half, folded from cold storage and stored. */
  replay(): Promise<unknown>;
}

const WAYS: readonly [string, (delivery: Delivery) => Promise<void>][] = [
  [
    'once and in order',
    async ({ events, last, deliver }) => {
      await deliver(last, events);
    },
  ],
  [
    'each twice, and then all again',
    async ({ events, last, deliver }) => {
      for (const event of events) for (let n = 0; n < 2; n++) await deliver(event.version, [event]);
      for (let n = 0; n < 2; n++) await deliver(last, events);
    },
  ],
  [
    'only the last, the others lost on the way',
    async ({ events, last, deliver }) => {
      await deliver(last, events.slice(-1));
    },
  ],
  [
    'in a replay, twice, that live events run into',
    async ({ events, last, deliver, replay }) => {
      for (let n = 0; n < 2; n++) await replay();
      await deliver(last, events.slice(1));
      await replay();
      await deliver(last, events);
    },
  ],
];

async function outcomeOf(
  projection: AnyProjection,
  histories: readonly (readonly StoredEvent[])[],
  run: (delivery: Delivery) => Promise<void>,
): Promise<object> {
  const table = memoryProjectionTable();
  const events = memoryEventTable({ pageSize: 2 });
  const runner = createRunner(projection);
  const build = liveBuild(projection.version);
  for (const history of histories) {
    const [first] = history;
    if (first === undefined) continue;
    for (const event of history) await events.put({ commitId: event.commitId, events: [event] });
    if (!runner.concerns(first.aggregateType)) continue;
    const { aggregateUuid } = first;
    await run({
      events: history,
      last: history.length,
      deliver: (to, atHand = []) => advanceTo({ table, events }, runner, build, { aggregateUuid, to, events: atHand }),
      replay: async () => {
        const fold = runner.start();
        for (const event of history.slice(0, Math.ceil(history.length / 2))) runner.apply(fold, event, true);
        await table.store(projection.name, build, itemOf(aggregateUuid, fold));
        for (const [key, added] of fold.added ?? []) {
          const value = keptValue(projection.name, key, added);
          await table.storePartial(projection.name, build, bucketOf(aggregateUuid), aggregateUuid, value);
        }
      },
    });
  }
  return await readOutcome(table, projection, runner);
}

async function readOutcome(
  table: ReturnType<typeof memoryProjectionTable>,
  projection: AnyProjection,
  { projection: { name } }: Runner,
): Promise<object> {
  if (projection.kind === 'rollup') return Object.fromEntries((await readRollup(table, projection)).values);
  const states: Record<string, unknown> = {};
  for await (const { aggregateUuid, state } of readAllProjected(table, projection)) {
    if (state === undefined) fail(`the state of ${aggregateUuid} in ${name} is no JSON: ${text(state)}`);
    states[aggregateUuid] = state;
  }
  return states;
}

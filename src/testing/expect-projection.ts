import type { AnyAggregate } from '../event/aggregate-definition.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import type { AnyProjection } from '../projection/definition.ts';
import { advanceTo, foldOf, itemOf } from '../projection/project.ts';
import { liveBuild } from '../projection/projection-table.ts';
import { readAllProjected, readRollup } from '../projection/read.ts';
import { createRunner, type Runner } from '../projection/runner.ts';
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
    const backwards = { ...projection, combine: (a: unknown, b: unknown) => projection.combine(b, a) } as P;
    const reversed = await outcomeOf(backwards, all, WAYS[0]![1]);
    expectEqual(`what ${projection.name} makes of the values, combined the other way round,`, reversed, expected);
  }
}

type Deliver = (to: number, events?: readonly StoredEvent[]) => Promise<unknown>;
interface Delivery {
  readonly events: readonly StoredEvent[];
  readonly last: number;
  readonly deliver: Deliver;
  /** As a replay does it: folded from cold storage, then stored. */
  replay(to: number): Promise<unknown>;
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
      const half = Math.ceil(last / 2);
      for (let n = 0; n < 2; n++) await replay(half);
      await deliver(last, events.slice(1));
      await replay(last);
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
      replay: async (to) => {
        const found = await table.get(projection.name, build, aggregateUuid);
        const fold = found === undefined ? runner.start() : foldOf(found);
        for (const event of history) {
          if (event.version > fold.position && event.version <= to) runner.apply(fold, event, true);
        }
        await table.store(projection.name, build, itemOf(aggregateUuid, fold));
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
  if (projection.kind === 'rollup') return Object.fromEntries(await readRollup(table, projection));
  const states: Record<string, unknown> = {};
  for await (const { aggregateUuid, state } of readAllProjected(table, projection)) {
    if (state === undefined) fail(`the state of ${aggregateUuid} in ${name} is no JSON: ${text(state)}`);
    states[aggregateUuid] = state;
  }
  return states;
}

import { defineEvent } from '../../src/event/event-definition.ts';
import type { BusEvent, EventBus } from '../../src/feed/event-bus.ts';
import type { EventTable } from '../../src/store/event-table.ts';
import type { SimulatedFeed } from './feed.ts';
import type { CodeUnderTest } from './load-code.ts';
import { memoryPositions } from './memory-ports.ts';
import { readFeed } from './reader.ts';
import { deliveredEvent } from './records.ts';
import { type Gate, gated, gatedTable, invocation, type World } from './world.ts';

/** Who reads the feed besides Confirm, and what each one has seen, by name and aggregate. */
export interface Consumers {
  /** The last version of which each consumer has all versions up to it. */
  reached(aggregate: string): ReadonlyMap<string, number>;
}

const Deposited = defineEvent({ type: 'MoneyDeposited', data: { type: 'object' } });
const MAX_BUS_BYTES = 2_000;

type Table = Pick<EventTable, 'query'>;

export function createConsumers(world: World, code: CodeUnderTest, feed: SimulatedFeed, table: Table): Consumers {
  const { consumers, pollMs } = world.plan;
  const views: View[] = [];
  const reading = (name: string) => ({ name, pollMs, batchSize: world.pick(1, 10), loses: true });
  if (consumers.kinesis) {
    const view = createView(world, 'kinesis consumer', 'once');
    views.push(view);
    const handle = kit(world, code, table, view);
    readFeed(world, feed, { ...reading(view.name), handle });
  }
  if (consumers.outside) {
    const view = createView(world, 'outside consumer', 'repeats');
    views.push(view);
    const handle = kit(world, code, table, view);
    readFeed(world, feed, { ...reading(view.name), handle });
  }
  if (consumers.bus !== undefined) {
    const published = createView(world, 'bus', 'any');
    const subscriber = createView(world, 'rule subscriber', 'once');
    views.push(published, subscriber);
    const deliver = createDelivery(world, kit(world, code, table, subscriber), consumers.bus);
    readFeed(world, feed, { ...reading('publisher'), handle: publisher(world, code, table, published, deliver) });
  }
  return { reached: (aggregate) => new Map(views.map((view) => [view.name, view.reached(aggregate)])) };
}

interface View {
  readonly name: string;
  readonly acts: 'once' | 'repeats' | 'any';
  see(aggregate: string, version: number): void;
  reached(aggregate: string): number;
}

/** What a consumer has done. `once`: exactly 1, 2, 3 …; `repeats`: known versions may come again; `any`: a bus has no order. */
function createView(world: World, name: string, acts: View['acts']): View {
  const seen = new Map<string, Set<number>>();
  const reached = (aggregate: string) => {
    let k = 0;
    while (seen.get(aggregate)?.has(k + 1)) k++;
    return k;
  };
  return {
    name,
    acts,
    reached,
    see(aggregate, version) {
      world.note(`${name}: ${aggregate}:${version}`);
      const versions = seen.get(aggregate) ?? new Set();
      seen.set(aggregate, versions);
      const last = reached(aggregate);
      if (acts === 'once' && version !== last + 1)
        world.violate(`${name} acts on ${aggregate}:${version} after ${last}`);
      if (acts === 'repeats' && version > last + 1)
        world.violate(`${name} acts on ${aggregate}:${version} after ${last}`);
      versions.add(version);
    },
  };
}

interface Item {
  readonly aggregate: string;
  readonly version: number;
}

/** A handler of the consumer kit, made anew for each invocation, for one may crash and another not. */
function kit(world: World, code: CodeUnderTest, table: Table, view: View) {
  const positions = memoryPositions<Item>(({ aggregate, version }) => view.see(aggregate, version));
  return (event: unknown) =>
    invocation(world, view.name, (gate) =>
      code.consumeEvents({
        name: view.name,
        feed: world.feed,
        events: [Deposited],
        positions: gated(positions, gate),
        table: gatedTable(table, gate),
        ...(view.acts === 'once'
          ? { effect: ({ aggregateUuid: aggregate, version }) => [{ aggregate, version }] }
          : { act: ({ aggregateUuid: aggregate, version }) => view.see(aggregate, version) }),
        clock: world,
        pauses: { random: () => world.plan.random.next(), sleep: world.sleep },
      })(event, { getRemainingTimeInMillis: () => 3_000 }),
    );
}

function publisher(
  world: World,
  code: CodeUnderTest,
  table: Table,
  view: View,
  deliver: (event: BusEvent, aggregate: string, version: number) => void,
) {
  const kept = memoryPositions();
  const positions = {
    ...kept,
    async raise(consumer: string, aggregate: string, to: number) {
      const reached = view.reached(aggregate);
      if (to > reached) world.violate(`the publisher's position for ${aggregate} is ${to}, on the bus are ${reached}`);
      await kept.raise(consumer, aggregate, to);
    },
  };
  const busFor = (gate: Gate): EventBus => ({
    maxEvents: 10,
    maxBytes: MAX_BUS_BYTES,
    put: (events) =>
      gate('PutEvents', async () => {
        if (events.length > 10) world.violate(`PutEvents is given ${events.length} events`);
        return events.map((event) => {
          const { aggregateUuid, version } = JSON.parse(event.detail) as { aggregateUuid: string; version: number };
          if (world.strikes('busRefuses', 0.15)) return { reason: 'InternalFailure' };
          world.count('eventsOnBus');
          view.see(aggregateUuid, version);
          deliver(event, aggregateUuid, version);
          return undefined;
        });
      }),
  });
  return (event: unknown) =>
    invocation(world, 'publisher', (gate) =>
      code.createFeedToBus({
        feed: world.feed,
        publisher: 'bus',
        positions: gated(positions, gate),
        table: gatedTable(table, gate),
        bus: busFor(gate),
      })(event),
    );
}

/** A rule's delivery: to the function itself, or through a queue, at least once, in any order. */
function createDelivery(world: World, handle: (event: unknown) => Promise<unknown>, by: 'direct' | 'queue') {
  const queue: { messageId: string; body: string }[] = [];
  let draining = false;
  let id = 0;

  const invoke = async (event: unknown): Promise<void> => {
    for (;;) {
      try {
        return void (await handle(event));
      } catch {
        await world.sleep(world.pick(100, 1000));
      }
    }
  };
  const drain = async () => {
    while (queue.length > 0) {
      const batch = queue.splice(0, world.pick(1, 5));
      let failed: readonly { itemIdentifier: string }[];
      try {
        failed = ((await handle({ Records: batch })) as { batchItemFailures: typeof failed }).batchItemFailures;
      } catch {
        failed = batch.map(({ messageId }) => ({ itemIdentifier: messageId }));
      }
      queue.push(...batch.filter(({ messageId }) => failed.some(({ itemIdentifier }) => itemIdentifier === messageId)));
      if (failed.length > 0) await world.sleep(200);
    }
    draining = false;
  };

  return (event: BusEvent, aggregate: string, version: number) => {
    const shuffled = world.plan.faults.has('busShuffles');
    const times = world.strikes('busShuffles', 0.3) ? 2 : 1;
    for (let i = 0; i < times; i++) {
      world.later(world.pick(5, shuffled ? 4000 : 50), () => {
        world.note(`bus → rule: ${aggregate}:${version}`);
        const delivered = deliveredEvent(event.detailType, event.detail, String(++id));
        if (by === 'direct') return invoke(delivered);
        queue.push({ messageId: String(id), body: JSON.stringify(delivered) });
        if (draining) return;
        draining = true;
        return drain();
      });
    }
  };
}

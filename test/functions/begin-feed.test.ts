import { expect, test } from 'vitest';
import { createFeedToBus } from '../../functions/feed-to-bus.ts';
import { toItem } from '../../src/aws/event-item.ts';
import { defineEvent } from '../../src/event/event-definition.ts';
import { consumeEvents } from '../../src/feed/consume/consume-events.ts';
import type { Envelope } from '../../src/feed/envelope.ts';
import type { BusEvent } from '../../src/feed/event-bus.ts';
import { kinesisEvent, storedEvent, streamRecord } from '../simulation/records.ts';
import { feedsOnDynamo, tailsOf } from './feed-on-dynamo.ts';

const MINUTE = 60_000;
const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);
const Deposited = defineEvent({ type: 'MoneyDeposited', data: { type: 'object' } });

type World = Awaited<ReturnType<typeof feedsOnDynamo>>;

async function append(world: World, aggregate: string, ...versions: number[]) {
  const events = versions.map((version) => storedEvent(aggregate, version));
  for (const event of events) await world.put(toItem(event));
  return events.map((event) => streamRecord(event));
}

/** A publisher and a consumer of one feed; what they do is kept in lists that outlive it. */
function readersOf(world: World, feed: string, onBus: string[], effects: string[]) {
  const bus = {
    maxEvents: 10,
    maxBytes: 10_000,
    put: async (events: readonly BusEvent[]) => {
      for (const { detail } of events) {
        const { aggregateUuid, version } = JSON.parse(detail) as { aggregateUuid: string; version: number };
        onBus.push(`${aggregateUuid}:${version}`);
      }
      return events.map(() => undefined);
    },
  };
  const positions = world.positionsOf(feed);
  const publish = createFeedToBus({ feed, publisher: 'bus', positions, table: world.table, bus });
  const consume = consumeEvents({
    name: 'fees',
    feed,
    events: [Deposited],
    positions,
    table: world.table,
    effect: ({ aggregateUuid, version }) => {
      effects.push(`${aggregateUuid}:${version}`);
      return [];
    },
  });
  return {
    publish: async (log: readonly Envelope[]) =>
      expect((await publish(kinesisEvent(log))).batchItemFailures).toEqual([]),
    consume: async (log: readonly Envelope[]) =>
      expect((await consume(kinesisEvent(log)))?.batchItemFailures).toEqual([]),
  };
}

const all = (heads: Readonly<Record<string, readonly number[]>>) =>
  Object.entries(heads)
    .flatMap(([id, versions]) => versions.map((version) => `${id}:${version}`))
    .sort();

test('a table of many events is adopted: the past has no effect, everything after it has one, new aggregates from 1', async () => {
  const world = await feedsOnDynamo();
  const ids = upTo(30).map((i) => `a${i}`);
  for (const id of ids) await append(world, id, ...upTo(8));
  const feed = world.feed('feed-1', 'now');
  // The pipe begins before the adoption: its batch waits, and holds some of the past too.
  const waiting = [
    ...(await append(world, 'a1', 9)),
    ...upTo(8).map((version) => streamRecord(storedEvent('a2', version))),
    ...(await append(world, 'new', 1)),
  ];
  await expect(feed.enrich(waiting)).rejects.toThrow(/^feed.notAdopted/);
  await feed.reconcile(); // adopts: what is there now is the past, `a1:9` and `new:1` too
  const later = [
    ...(await append(world, 'a1', 10)),
    ...(await append(world, 'a2', 9)),
    ...(await append(world, 'newer', 1, 2)),
  ];
  feed.log.push(...(await feed.enrich(waiting)), ...(await feed.enrich(later)));
  await feed.confirm();
  const [onBus, effects]: [string[], string[]] = [[], []];
  const { publish, consume } = readersOf(world, 'feed-1', onBus, effects);
  await publish(feed.log);
  await consume(feed.log);
  const expected = all({ a1: [10], a2: [9], newer: [1, 2] });
  expect([...onBus].sort()).toEqual(expected);
  expect([...effects].sort()).toEqual(expected);
  // Idle for ever, an aggregate is silent: nothing is left to deliver.
  world.clock.now += MINUTE;
  const before = feed.log.length;
  await feed.reconcile();
  expect(feed.log.length).toBe(before);
  expect(feed.counted('Breaches')).toBe(0);
});

test('a feed is recreated in mid-traffic: every effect once, none lost, of idle aggregates neither', async () => {
  const world = await feedsOnDynamo();
  const [onBus, effects]: [string[], string[]] = [[], []];
  const old = world.feed('feed-1');
  const ids = ['busy', 'idle', 'ahead', 'behind'];
  for (const id of ids) old.log.push(...(await old.enrich(await append(world, id, ...upTo(4)))));
  while ((await old.confirm()) > 0);
  const reading = readersOf(world, 'feed-1', onBus, effects);
  await reading.publish(old.log);
  await reading.consume(old.log.filter(({ aggregate }) => aggregate !== 'idle')); // it never got to that one
  // One envelope more, which the publisher has read, Confirm not, the consumer not.
  const [last] = await old.enrich(await append(world, 'ahead', 5, 6));
  await reading.publish([last!]);
  // One that only Confirm has read.
  old.log.push(...(await old.enrich(await append(world, 'behind', 5))));
  while ((await old.confirm()) > 0);

  // The stream is gone, with everything that was not read.
  const feed = world.feed('feed-2', 'feed-1');
  const traffic = await append(world, 'busy', 5);
  await expect(feed.enrich(traffic)).rejects.toThrow(/^feed.notAdopted/);
  await feed.reconcile();
  await expect(feed.enrich(traffic)).rejects.toThrow(/^feed.notAdopted/); // the old readers may still be at it
  world.clock.now += 5 * MINUTE;
  await feed.reconcile();
  feed.log.push(...(await feed.enrich(traffic)));
  for (let round = 0; round < 3; round++) {
    while ((await feed.confirm()) > 0);
    world.clock.now += MINUTE;
    await feed.reconcile();
  }
  const again = readersOf(world, 'feed-2', onBus, effects);
  await again.publish(feed.log);
  await again.consume(feed.log);
  const expected = all({ busy: upTo(5), idle: upTo(4), ahead: upTo(6), behind: upTo(5) });
  expect([...onBus].sort()).toEqual(expected);
  expect([...effects].sort()).toEqual(expected);
  expect(feed.log.every(({ feed: of }) => of === 'feed-2')).toBe(true);
  expect([...tailsOf(feed.log.map((each) => ({ ...each, from: 1, events: [] })))].sort()).toEqual([
    ['ahead', 6],
    ['behind', 5],
    ['busy', 5],
    ['idle', 4],
  ]);
  expect(feed.counted('Breaches')).toBe(0);
});

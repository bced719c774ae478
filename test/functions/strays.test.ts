import { describe, expect, test } from 'vitest';
import { createFeedToBus } from '../../functions/feed-to-bus.ts';
import { toItem } from '../../src/aws/event-item.ts';
import { consumeEvents } from '../../src/feed/consume/consume-events.ts';
import { filledEnvelope, toEnvelopeEvent } from '../../src/feed/envelope.ts';
import type { BusEvent } from '../../src/feed/event-bus.ts';
import type { Observed } from '../../src/feed/observed.ts';
import { lastOf } from '../../src/feed/read-run.ts';
import { createEventStore } from '../../src/index.ts';
import { Account, deposited, opened } from '../contract/bank.ts';
import { kinesisEvent, storedEvent, streamRecord } from '../simulation/records.ts';
import { MoneyDeposited } from '../src/feed/consume/crashing.ts';
import { feedOnDynamo, tailsOf } from './feed-on-dynamo.ts';

/** What the key takes and no aggregate has: DynamoDB's numbers have 38 digits and a sign. */
const AT = ['2.5', '2.00000000000000000001', '0', '-7', '0.5', '99999999999999999999'];

const strays = (aggregate: string, like: 'events' | 'notes') =>
  AT.map((N) => {
    const item = toItem(storedEvent(aggregate, 3));
    if (like === 'events') return { ...item, Version: { N } };
    return { AggregateUuid: item.AggregateUuid!, Version: { N }, Note: { S: 'somebody put this' } };
  });

describe.each(['events', 'notes'] as const)('items at no version that look like %s', (like) => {
  async function setup() {
    const feed = await feedOnDynamo();
    for (let version = 1; version <= 4; version++) await feed.put(toItem(storedEvent('a', version)));
    for (const item of strays('a', like)) await feed.put(item);
    return feed;
  }
  const last = kinesisEvent([filledEnvelope('feed-1', 'a', 4, 4, [toEnvelopeEvent(storedEvent('a', 4))])]);

  test('are passed by a consumer that fills a gap, and counted', async () => {
    const feed = await setup();
    const done: number[] = [];
    const seen: Observed[] = [];
    const handler = consumeEvents({
      name: 'ledger',
      feed: 'feed-1',
      events: [MoneyDeposited],
      positions: feed.positionsOf('feed-1'),
      table: feed.table,
      attempts: 1,
      report: (observed) => seen.push(observed),
      effect({ version }) {
        done.push(version);
        return [];
      },
    });
    expect(await handler(last)).toEqual({ batchItemFailures: [] });
    expect(done).toEqual([1, 2, 3, 4]);
    expect(seen[0]!.counts.get('Poison')).toBe(2);
    expect(seen[0]!.notes).toContainEqual({ what: 'notAVersion', aggregate: 'a', version: '2.5' });
  });

  test('are passed by the publisher', async () => {
    const feed = await setup();
    const sent: string[] = [];
    const bus = {
      maxEvents: 10,
      maxBytes: 100_000,
      async put(events: readonly BusEvent[]) {
        sent.push(...events.map(({ detail }) => String(JSON.parse(detail).version)));
        return events.map(() => undefined);
      },
    };
    const positions = feed.positionsOf('feed-1');
    const handler = createFeedToBus({ feed: 'feed-1', publisher: 'bus', positions, table: feed.table, bus });
    expect(await handler(last)).toEqual({ batchItemFailures: [] });
    expect(sent).toEqual(['1', '2', '3', '4']);
  });

  test('ring no bell, and are passed by who reads runs for the feed', async () => {
    const feed = await setup();
    const bells = strays('a', like).map((NewImage) => {
      const { AggregateUuid, Version } = NewImage;
      return { eventName: 'INSERT', dynamodb: { Keys: { AggregateUuid, Version }, NewImage } };
    });
    expect(await feed.enrich(bells)).toEqual([]);
    expect(feed.counted('Poison')).toBe(AT.length);
    feed.log.push(...(await feed.enrich([streamRecord(storedEvent('a', 4))])));
    expect(tailsOf(feed.log)).toEqual(new Map([['a', 4]]));
    expect(feed.log[0]!.events.map(({ version }) => version)).toEqual([1, 2, 3, 4]);
    expect(await lastOf(feed.table, 'a')).toBe(4);
  });

  test('are passed by the store: a load, a read both ways, and the next append', async () => {
    const feed = await feedOnDynamo();
    const store = createEventStore({ table: feed.table });
    await store.append({ aggregate: Account, aggregateUuid: 'b', expectedVersion: 0 }, [opened('alice'), deposited(5)]);
    await store.append({ aggregate: Account, aggregateUuid: 'b', expectedVersion: 2 }, [deposited(6), deposited(7)]);
    for (const item of strays('b', like)) await feed.put(item);
    const loaded = await store.load(Account, 'b');
    expect(loaded).toMatchObject({ version: 4, state: { balance: 18 } });
    for (const reverse of [false, true]) {
      const versions: number[] = [];
      for await (const { version } of store.read('b', { reverse, limit: 4 })) versions.push(version);
      expect(versions).toEqual(reverse ? [4, 3, 2, 1] : [1, 2, 3, 4]);
    }
    await store.append(loaded, [deposited(1)]);
    expect((await store.load(Account, 'b')).version).toBe(5);
  });
});

import { expect, test } from 'vitest';
import { seededRandom } from '../../local/kernel/kernel.ts';
import { toItem } from '../../src/aws/event-item.ts';
import { storedEvent, streamRecord } from '../simulation/records.ts';
import { feedOnDynamo, tailsOf } from './feed-on-dynamo.ts';

const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);
const AGGREGATES = upTo(12).map((i) => `a${i}`);
const EACH = 6;

test.each(upTo(6))(
  'throttled reads and writes of cursors, events and checkpoints lose nothing: seed %d',
  async (seed) => {
    const { next: random } = seededRandom(seed);
    const feed = await feedOnDynamo();
    const events = AGGREGATES.flatMap((id) => upTo(EACH).map((version) => storedEvent(id, version)));
    for (const event of events) await feed.put(toItem(event));
    events.sort(() => random() - 0.5);
    const throttled = new Set<string>();
    feed.throttle((operation) => {
      const throttle = random() < (operation === 'BatchGetItem' ? 0.5 : 0.25);
      if (throttle) throttled.add(operation);
      return throttle;
    });
    const again = async (work: () => Promise<unknown>) => {
      for (let attempt = 0; attempt < 50; attempt++) {
        try {
          return await work();
        } catch (error) {
          if (!/slow down|throttled/.test((error as Error).message)) throw error;
        }
      }
      throw new Error('never');
    };
    for (let i = 0; i < events.length; i += 6) {
      const records = events.slice(i, i + 6).map((event) => streamRecord(event));
      // The pipe brings the batch until its enrichment has answered; a part of the answer may not land.
      await again(async () => feed.log.push(...(await feed.enrich(records)).filter(() => random() < 0.8)));
      if (random() < 0.5) await again(feed.confirm);
    }
    const whole = () => AGGREGATES.every((id) => tailsOf(feed.log).get(id) === EACH);
    for (let round = 0; round < 40 && !(whole() && (await again(feed.confirm)) === 0); round++) {
      feed.clock.now += 60_000;
      await again(feed.reconcile);
      while (((await again(feed.confirm)) as number) > 0);
    }
    feed.throttle(() => false);
    for (const operation of ['BatchGetItem', 'UpdateItem', 'Query']) expect(throttled).toContain(operation);
    expect(tailsOf(feed.log)).toEqual(new Map(AGGREGATES.map((id) => [id, EACH])));
    const cursors = await feed.cursors.readMany(AGGREGATES);
    expect([...cursors.values()].map(({ confirmed }) => confirmed)).toEqual(AGGREGATES.map(() => EACH));
    expect(feed.counted('Breaches')).toBe(0);
    expect(feed.counted('EventsConfirmed')).toBe(events.length);
    // Then it is silent.
    const before = feed.log.length;
    feed.clock.now += 60_000;
    await feed.reconcile();
    await feed.confirm();
    expect(feed.log.length).toBe(before);
  },
  60_000,
);

test('keys that are left unread for good are never taken for none', async () => {
  const feed = await feedOnDynamo();
  await feed.cursors.raise('a', 1, 3);
  await feed.cursors.raise('b', 1, 3);
  const records = ['a', 'b'].map((id) => streamRecord(storedEvent(id, 3)));
  feed.throttle((operation) => operation === 'BatchGetItem');
  await expect(feed.enrich(records)).rejects.toThrow(/confirmed left 1 keys unread 6 times: it is throttled/);
  let calls = 0;
  feed.throttle((operation) => operation === 'BatchGetItem' && calls++ < 3);
  expect(await feed.enrich(records)).toEqual([]);
});

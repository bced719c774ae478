import { expect, test } from 'vitest';
import { type EventItem, toItem } from '../../src/aws/event-item.ts';
import { storedEvent, streamRecord } from '../simulation/records.ts';
import { feedOnDynamo, tailsOf } from './feed-on-dynamo.ts';

/** 300 KB in the table, and six bytes for each once they are escaped: no envelope holds it. */
const HUGE = '\u0001'.repeat(300_000);

const POISON = {
  noEvent: ({ AggregateUuid, Version }: EventItem) => ({
    AggregateUuid: AggregateUuid!,
    Version: Version!,
    Note: { S: 'written by hand' },
  }),
  format: (item: EventItem) => ({ ...item, Format: { N: '9' } }),
  encrypted: (item: EventItem) => ({ ...item, Encryption: { M: {} } }),
  huge: (item: EventItem) => ({ ...item, Data: { S: HUGE } }),
};

test('poison stops its aggregate, counted and named; everything else goes on, and it is mended in place', async () => {
  const feed = await feedOnDynamo();
  const records: object[] = [
    { eventName: 'INSERT', dynamodb: { Keys: { Id: { S: 'of another table' } } } },
    streamRecord(storedEvent('good', 1), 'MODIFY'),
    streamRecord(storedEvent('good', 2), 'REMOVE'),
  ];
  for (const aggregate of ['good', ...Object.keys(POISON)]) {
    for (const version of [1, 2, 3]) {
      const made = toItem(storedEvent(aggregate, version));
      const poison = version === 2 ? POISON[aggregate as keyof typeof POISON] : undefined;
      const item = poison?.(made) ?? made;
      await feed.put(item);
      const { dynamodb, ...record } = streamRecord(storedEvent(aggregate, version));
      records.push({ ...record, dynamodb: { ...dynamodb, NewImage: item } });
    }
  }
  feed.log.push(...(await feed.enrich(records)));
  for (let round = 0; round < 3; round++) {
    while ((await feed.confirm()) > 0);
    await feed.reconcile();
    feed.clock.now += 10_000;
  }
  const stuck = Object.keys(POISON);
  expect(tailsOf(feed.log)).toEqual(new Map([...stuck.map((id) => [id, 1] as const), ['good', 3]]));
  expect(feed.counted('Poison')).toBe(1 + 3); // a record that is none, and three images; the huge one is an event
  expect(feed.counted('ImmutabilityBreaches')).toBe(2);
  for (const id of stuck) {
    const what = id === 'huge' ? 'tooLarge' : 'unreadable';
    expect(feed.notes()).toContainEqual(expect.objectContaining({ what, aggregate: id, version: 2 }));
  }
  expect(JSON.stringify(feed.notes())).not.toContain('by hand');
  const before = feed.log.length;
  await feed.reconcile();
  expect(feed.log.length).toBe(before);

  // A person puts the event there that belongs there.
  for (const id of stuck) await feed.put(toItem(storedEvent(id, 2)));
  feed.clock.now += 3_600_000;
  await feed.reconcile();
  while ((await feed.confirm()) > 0);
  expect(tailsOf(feed.log)).toEqual(new Map([...stuck, 'good'].map((id) => [id, 3])));
});

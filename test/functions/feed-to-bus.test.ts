import { expect, test } from 'vitest';
import { createFeedToBus } from '../../functions/feed-to-bus.ts';
import { toBusEvent, toBusReference } from '../../src/feed/bus-event.ts';
import { BUS_SOURCE, type BusEvent } from '../../src/feed/event-bus.ts';
import { memoryEvents, memoryPositions } from '../simulation/memory-ports.ts';
import { storedEvent } from '../simulation/records.ts';
import { ALICE, BOB, FEED, payload } from './payloads.ts';
import { expectSchema } from './schemas.ts';

test('a Kinesis batch becomes bus events, as the schema says', async () => {
  const sent: BusEvent[] = [];
  const positions = memoryPositions();
  for (const maxBytes of [10_000, 100]) {
    const bus = {
      maxEvents: 10,
      maxBytes,
      put: async (events: readonly BusEvent[]) => {
        sent.push(...events);
        return events.map(() => undefined);
      },
    };
    const publisher = `bus-${maxBytes}`;
    const handler = createFeedToBus({ feed: FEED, publisher, positions, table: memoryEvents().table, bus });
    expect(await handler(payload('kinesis'))).toEqual({ batchItemFailures: [] });
    expect(positions.items.get(`${publisher}|${ALICE}`)).toBe(2);
    expect(positions.items.get(`${publisher}|${BOB}`)).toBe(1);
  }
  expect(sent).toHaveLength(6);
  const based = toBusEvent(FEED, storedEvent(ALICE, 3), 2);
  const reference = toBusReference(FEED, storedEvent(ALICE, 3), 'tooLarge', 2);
  for (const { detailType, detail } of [...sent, based, reference]) {
    expectSchema('bus-event', { source: BUS_SOURCE, 'detail-type': detailType, detail: JSON.parse(detail) });
  }
  expect(sent[0]?.detail).toContain('"data":{"amount":100}');
  expect(sent[3]?.detail).toContain('"reference":{"reason":"tooLarge"');
});

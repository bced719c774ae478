import { expect, test } from 'vitest';
import { DaybookError } from '../../../src/errors.ts';
import '../../../src/event/errors.ts';
import { toEnvelopeEvent } from '../../../src/feed/envelope.ts';
import { jsonBytes } from '../../../src/feed/envelope-size.ts';
import { missingEvents } from '../../../src/feed/missing-events.ts';
import { readRun } from '../../../src/feed/read-run.ts';
import type { EventTable } from '../../../src/store/event-table.ts';
import { storedEvent } from '../../simulation/records.ts';

/** As DynamoDB's: a page that holds the item that is no event gives nothing at all. */
const tableWith = (unreadable: number, pageSize: number): Pick<EventTable, 'query'> => ({
  async *query(aggregate, { from = 1, to = 9 }) {
    for (let at = from; at <= to; at += pageSize) {
      const versions = Array.from({ length: Math.min(pageSize, to - at + 1) }, (_, i) => at + i);
      if (versions.includes(unreadable)) {
        throw new DaybookError('event.unknownFormat', { aggregateUuid: aggregate, version: unreadable, format: '9' });
      }
      yield versions.map((version) => storedEvent(aggregate, version));
    }
  },
});

test('what stands before an item that is no event is given, wherever pages end, and the failure names its version', async () => {
  for (let pageSize = 1; pageSize <= 10; pageSize++) {
    for (let from = 1; from <= 4; from++) {
      for (let unreadable = from; unreadable <= 9; unreadable++) {
        const given: number[] = [];
        const reading = async () => {
          for await (const page of missingEvents(tableWith(unreadable, pageSize), 'a', from, 9)) {
            given.push(...page.map(({ version }) => version));
          }
        };
        await expect(reading()).rejects.toMatchObject({
          code: 'event.unknownFormat',
          details: { version: unreadable },
        });
        expect(given).toEqual(Array.from({ length: unreadable - from }, (_, i) => from + i));
      }
    }
  }
});

test('a run that ends before an item that is no event is no larger than its room, wherever pages end', async () => {
  const sizes = Array.from({ length: 8 }, (_, i) => jsonBytes(toEnvelopeEvent(storedEvent('a', i + 1))) + 1);
  for (let pageSize = 1; pageSize <= 10; pageSize++) {
    for (let fitting = 1; fitting <= 8; fitting++) {
      const room = sizes.slice(0, fitting).reduce((sum, size) => sum + size);
      for (let unreadable = 1; unreadable <= 9; unreadable++) {
        const { events, bytes, end } = await readRun(tableWith(unreadable, pageSize), 'a', 1, 9, room);
        const least = Math.min(fitting, unreadable - 1);
        expect(events.map(({ version }) => version)).toEqual(Array.from({ length: least }, (_, i) => i + 1));
        expect(bytes).toBe(sizes.slice(0, least).reduce((sum, size) => sum + size, 0));
        expect(end).toBe(fitting < unreadable - 1 ? 'full' : 'unreadable');
      }
    }
  }
});

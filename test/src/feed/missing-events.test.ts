import { expect, test } from 'vitest';
import { DaybookError } from '../../../src/errors.ts';
import '../../../src/event/errors.ts';
import { missingEvents } from '../../../src/feed/missing-events.ts';
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

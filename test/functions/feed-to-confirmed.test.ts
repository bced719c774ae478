import { expect, test } from 'vitest';
import { createFeedToConfirmed } from '../../functions/feed-to-confirmed.ts';
import type { Envelope } from '../../src/feed/envelope.ts';
import { memoryCursors, memoryEvents } from '../simulation/memory-ports.ts';
import { storedEvent } from '../simulation/records.ts';
import { ALICE, BOB, FEED, payload } from './payloads.ts';
import { expectSchema } from './schemas.ts';

test('a Kinesis batch raises confirmed and continues what has a higher head', async () => {
  const cursors = memoryCursors();
  const events = memoryEvents();
  for (const version of [1, 2, 3, 4, 5]) events.put(storedEvent(ALICE, version));
  const put: Envelope[] = [];
  const writer = {
    put: async (envelopes: readonly Envelope[]) => {
      put.push(...envelopes);
      return [];
    },
  };
  const handler = createFeedToConfirmed({ feed: FEED, cursors, table: events.table, writer, now: () => 1 });
  expect(await handler(payload('kinesis'))).toEqual({ batchItemFailures: [] });
  expect(cursors.items.get(ALICE)).toEqual({ confirmed: 2, commit: expect.any(String), offered: 5, offeredAt: 1 });
  expect(cursors.items.get(BOB)).toEqual({ confirmed: 1, commit: expect.any(String) });
  expect(put.map(({ aggregate, from, to, head }) => [aggregate, from, to, head])).toEqual([[ALICE, 3, 5, 5]]);
  for (const envelope of put) expectSchema('envelope', envelope);
});

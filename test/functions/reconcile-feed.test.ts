import { expect, test } from 'vitest';
import { createReconcileFeed } from '../../functions/reconcile-feed.ts';
import type { Envelope } from '../../src/feed/envelope.ts';
import { memoryCursors, memoryEvents } from '../simulation/memory-ports.ts';
import { storedEvent } from '../simulation/records.ts';
import { FEED, payload } from './payloads.ts';

function setup(aggregates: number) {
  const events = memoryEvents();
  for (let i = 0; i < aggregates; i++) events.put(storedEvent(`a${i}`, 1));
  const put: Envelope[] = [];
  const writer = {
    put: async (envelopes: readonly Envelope[]) => {
      put.push(...envelopes);
      return [];
    },
  };
  const now = () => Date.UTC(2026, 0, 2, 4);
  return {
    put,
    handler: createReconcileFeed({ feed: FEED, cursors: memoryCursors(), table: events.table, writer, now }),
  };
}

const plenty = { getRemainingTimeInMillis: () => 300_000 };
const none = { getRemainingTimeInMillis: () => 1_000 };

test('a schedule makes a round', async () => {
  const { handler, put } = setup(3);
  expect(await handler({ reason: 'schedule' }, plenty)).toEqual({ batchItemFailures: [] });
  expect(put).toHaveLength(3);
});

test('a dead letter of the pipe is done when a whole round has answered it', async () => {
  const { handler, put } = setup(150);
  const letter = payload('pipe-dead-letter');
  expect(await handler(letter, none)).toEqual({
    batchItemFailures: [{ itemIdentifier: '2e1424d4-f796-459a-8184-9c92662be6da' }],
  });
  expect(put).toHaveLength(100);
  expect(await handler(letter, none)).toEqual({ batchItemFailures: [] });
  expect(put).toHaveLength(150);
});

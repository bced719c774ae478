import { expect, test } from 'vitest';
import { createTableToFeed } from '../../functions/table-to-feed.ts';
import { emptyEnvelope } from '../../src/feed/envelope.ts';
import { createReport } from '../../src/feed/metrics.ts';
import { memoryCursors, memoryEvents } from '../simulation/memory-ports.ts';
import { ALICE, BOB, FEED, payload } from './payloads.ts';
import { expectSchema } from './schemas.ts';

test('a pipe’s batch becomes one envelope per aggregate, as the schema says', async () => {
  const lines: string[] = [];
  const report = createReport({
    namespace: 'Daybook',
    feed: FEED,
    function: 'table-to-feed',
    write: (line) => lines.push(line),
    now: () => 7,
  });
  const handler = createTableToFeed({ feed: FEED, cursors: memoryCursors(), table: memoryEvents().table }, report);
  const envelopes = await handler(payload('pipe-table-stream'));
  for (const envelope of [...envelopes, emptyEnvelope(FEED, ALICE, 3, 9, 2)]) expectSchema('envelope', envelope);
  expect(envelopes.map(({ aggregate, from, to, head }) => [aggregate, from, to, head])).toEqual([
    [BOB, 1, 1, 1],
    [ALICE, 1, 3, 3],
  ]);
  const [first, , third] = envelopes[1]!.events;
  expect(first).not.toHaveProperty('commitFirst');
  expect(third).toMatchObject({ commitFirst: 2, metadata: '{"user":"u-7"}', data: '{"amount":300}' });
  expect(envelopes[0]!.events[0]).toMatchObject({ occurredAt: '2019-05-06T07:08:09.010Z' });

  const [note, metrics] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(note).toEqual({
    level: 'WARN',
    function: 'table-to-feed',
    feed: FEED,
    what: 'immutabilityBreach',
    change: 'MODIFY',
    aggregate: BOB,
    version: 1,
  });
  expect(metrics).toMatchObject({ Feed: FEED, ImmutabilityBreaches: 1, Envelopes: 2, EventsFed: 4 });
  expect(metrics?._aws).toMatchObject({
    Timestamp: 7,
    CloudWatchMetrics: [{ Namespace: 'Daybook', Dimensions: [['Feed']] }],
  });
  expect(lines.join()).not.toContain('amount');
});

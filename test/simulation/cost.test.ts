import { expect, test } from 'vitest';
import { createFeedToConfirmed } from '../../functions/feed-to-confirmed.ts';
import { createTableToFeed } from '../../functions/table-to-feed.ts';
import type { Envelope } from '../../src/feed/envelope.ts';
import { memoryCursors } from './memory-ports.ts';
import { kinesisEvent, storedEvent, streamRecord } from './records.ts';

interface Load {
  readonly events: number;
  /** Of one event's data. */
  readonly bytes: number;
  /** Appended per second; undefined: all at once. */
  readonly rate?: number;
  /** What the pipe takes for one batch, and how long it gathers. */
  readonly batchMs: number;
  readonly windowMs: number;
  /** How often Confirm reads: 1.1 s by standard polling, 0.4 s by enhanced fan-out. */
  readonly confirmMs: number;
}

/** One aggregate through a pipe and Confirm, without faults: what its events cost on the feed. */
async function feed(load: Load): Promise<{ fedPerByte: number; repeats: number; seconds: number }> {
  const data = JSON.stringify({ text: 'x'.repeat(load.bytes) });
  const all = Array.from({ length: load.events }, (_, i) => storedEvent('account', i + 1, { data }));
  let now = 0;
  let visible = 0;
  const table = {
    async *query(_: string, { from = 1, to = load.events }: { from?: number; to?: number }) {
      const end = Math.min(to, visible);
      for (let at = from; at <= end; at += 500) yield all.slice(at - 1, Math.min(at + 499, end));
    },
  };
  const cursors = memoryCursors();
  const log: Envelope[] = [];
  const writer = {
    put: async (envelopes: readonly Envelope[]) => {
      log.push(...envelopes);
      return [];
    },
  };
  const enrich = createTableToFeed({ feed: 'f', cursors, table });
  const confirm = createFeedToConfirmed({ feed: 'f', cursors, table, writer, now: () => now });
  let rung = 0;
  let read = 0;
  let nextBatch = 0;
  let nextConfirm = load.confirmMs;
  for (; (cursors.items.get('account')?.confirmed ?? 0) < load.events && now < 600_000; now += 10) {
    visible = Math.min(load.events, load.rate === undefined ? load.events : Math.floor((now / 1000) * load.rate));
    if (now >= nextBatch && rung < visible) {
      const batch = all.slice(rung, Math.min(visible, rung + 100));
      log.push(...(await enrich(batch.map((event) => streamRecord(event)))));
      rung += batch.length;
      nextBatch = now + load.batchMs + (batch.length < 100 ? load.windowMs : 0);
    }
    if (now < nextConfirm) continue;
    const unread = log.slice(read);
    read = log.length;
    for (let i = 0; i < unread.length; i += 100) await confirm(kinesisEvent(unread.slice(i, i + 100)));
    nextConfirm = now + load.confirmMs;
  }
  const once = all.reduce((sum, event) => sum + JSON.stringify(event.data).length + 150, 0);
  const fed = log.reduce((sum, envelope) => sum + JSON.stringify(envelope).length, 0);
  const repeats = log.reduce((sum, { events }) => sum + events.length, 0) / load.events - 1;
  return { fedPerByte: fed / once, repeats, seconds: now / 1000 };
}

test.each([
  { bytes: 100, batchMs: 50, confirmMs: 1100 },
  { bytes: 100, batchMs: 150, confirmMs: 1100 },
  { bytes: 100, batchMs: 250, confirmMs: 1100 }, // four batches between two reads of Confirm: each was sent again with the next
  { bytes: 300, batchMs: 350, confirmMs: 1100 },
  { bytes: 1000, batchMs: 50, confirmMs: 400 },
])('a burst is fed for at most 1.5 of its bytes: %o', async (load) => {
  const { fedPerByte, seconds } = await feed({ events: 6_000, windowMs: 0, ...load });
  expect(fedPerByte).toBeLessThanOrEqual(1.5);
  expect(seconds).toBeLessThan(30);
});

test('20 events a second and a window of a second: at most 1.1 repeats, with fan-out hardly any', async () => {
  const load = { events: 600, bytes: 100, rate: 20, batchMs: 50, windowMs: 1000 };
  expect((await feed({ ...load, confirmMs: 1100 })).repeats).toBeLessThanOrEqual(1.1);
  expect((await feed({ ...load, confirmMs: 400 })).repeats).toBeLessThanOrEqual(0.05);
});

import assert from 'node:assert/strict';
import { createFeedToBus } from '../../../functions/feed-to-bus.ts';
import { createFeedToConfirmed } from '../../../functions/feed-to-confirmed.ts';
import { createReconcileFeed } from '../../../functions/reconcile-feed.ts';
import { consumeEvents } from '../../../src/feed/consume/index.ts';
import type { Envelope } from '../../../src/feed/envelope.ts';
import type { EventTable } from '../../../src/store/event-table.ts';
import { memoryCursors, memoryPositions } from '../../simulation/memory-ports.ts';
import { kinesisEvent } from '../../simulation/records.ts';
import { defineBench } from '../figure.ts';
import { MoneyReceived, MoneySent, storedTransfer } from '../ledger.ts';
import { liveMegabytes } from '../live-memory.ts';

const AGGREGATES = 1000;
/** Of an event's data beyond the ledger's: with 1,000 versions an aggregate is more than one envelope, and Confirm carries it on. */
const REMARK = 'x'.repeat(800);
/** Events to a page of the table: 1 MB. */
const PAGE = 800;
/** How much the feed holds before its readers come to it. */
const UNREAD_BYTES = 4_000_000;
/** "Up to 6 MB" an invocation, base64. */
const BATCH_BYTES = 4_400_000;
/** Confirm, the publisher and the consumer come once a second. */
const POLL_MS = 1000;
/** Live memory is read this often, so the reading costs each event the same. */
const EVERY_EVENTS = 25_000;

/**
 * Everything in the table, nothing on the feed: the reconciler finds it, Confirm carries it on, the publisher and a consumer
 * of the kit take it. The real handlers; tables and feed are in memory and make the events as they are asked for, so that
 * what grows is the handlers' own.
 */
export default defineBench({
  name: 'catch-up',
  rounds: 3,
  warmUp: 0,
  figures: [
    {
      name: 'catch-up-linear',
      what: 'catching up with 1,000,000 events of 1,000 aggregates ÷ with 100,000, CPU per event',
      formula: { kind: 'ratio', of: 'million', to: 'tenth', by: 'cpu' },
      budget: { atMost: 1.2 },
    },
    {
      name: 'catch-up-linear-third',
      what: 'with 300,000 ÷ with 100,000, CPU per event',
      formula: { kind: 'ratio', of: 'third', to: 'tenth', by: 'cpu' },
      budget: { atMost: 1.2 },
    },
    {
      name: 'catch-up-memory',
      what: 'live memory above the start while catching up with 1,000,000, at its most',
      formula: { kind: 'reading', of: 'million', by: 'live', unit: 'MB' },
      budget: { atMost: 50 },
    },
    {
      name: 'catch-up-memory-tenth',
      what: 'the same with 100,000',
      formula: { kind: 'reading', of: 'tenth', by: 'live', unit: 'MB' },
    },
    {
      name: 'catch-up-rate',
      what: 'events per second of CPU, all four handlers together, 1,000,000',
      formula: { kind: 'rate', of: 'million', by: 'cpu' },
    },
    {
      name: 'catch-up-repeats',
      what: 'repeats on the feed per event, 1,000,000',
      formula: { kind: 'reading', of: 'million', by: 'repeats', unit: 'per event' },
    },
    {
      name: 'catch-up-requests',
      what: 'pages read, envelopes put, cursors and positions read and written, calls to the bus, per event, 1,000,000',
      formula: { kind: 'reading', of: 'million', by: 'requests', unit: 'per event' },
    },
  ],
  prepare() {
    const side = (events: number) => {
      let taken: Taken;
      return {
        count: events,
        async run() {
          taken = await catchUp(events / AGGREGATES);
        },
        // Readings are taken per operation; this one is of the whole.
        readings: () => ({ ...taken, live: taken.live * events }),
      };
    };
    return { sides: { tenth: side(100_000), third: side(300_000), million: side(1_000_000) } };
  },
});

interface Taken extends Record<string, number> {
  readonly live: number;
  readonly repeats: number;
  readonly requests: number;
}

async function catchUp(versions: number): Promise<Taken> {
  const feed = 'feed';
  let now = Date.UTC(2026, 0, 1);
  let requests = 0;
  let fed = 0;
  const counted = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (typeof value !== 'function') return value;
        return (...given: unknown[]) => {
          requests++;
          return value.apply(target, given) as unknown;
        };
      },
    });

  const table: Pick<EventTable, 'query' | 'get' | 'aggregates'> = {
    async get(aggregate, version) {
      requests++;
      return version > versions ? undefined : transferOf(aggregate, version);
    },
    async *query(aggregate, { from = 1, to = versions, reverse = false, limit = Number.POSITIVE_INFINITY }) {
      const last = Math.min(to, versions);
      if (reverse) {
        assert.equal(limit, 1);
        requests++;
        yield [transferOf(aggregate, last)];
        return;
      }
      const end = Math.min(last, from + limit - 1);
      for (let next = from; next <= end; next += PAGE) {
        requests++;
        const page = Math.min(PAGE, end - next + 1);
        yield Array.from({ length: page }, (_, i) => transferOf(aggregate, next + i));
      }
    },
    async aggregates({ after, limit = 100 }) {
      requests++;
      const begin = after === undefined ? 0 : Number(after);
      const ids = Array.from({ length: Math.min(limit, AGGREGATES - begin) }, (_, i) => `ledger-${begin + i}`);
      return { aggregateUuids: ids, ...(begin + limit < AGGREGATES && { next: String(begin + limit) }) };
    },
  };
  const memory = memoryCursors();
  const cursors = counted(memory);

  let unread: string[] = [];
  let unreadBytes = 0;
  const put = async (envelopes: readonly Envelope[]) => {
    requests++;
    for (const envelope of envelopes) {
      const data = JSON.stringify(envelope);
      fed += envelope.events.length;
      unread.push(data);
      unreadBytes += data.length;
    }
    return [];
  };
  let published = 0;
  const bus = {
    maxEvents: 10,
    maxBytes: 256 * 1024 - 2048,
    async put(events: readonly unknown[]) {
      requests++;
      published += events.length;
      return events.map(() => undefined);
    },
  };
  let consumed = 0;
  const positions = counted(memoryPositions());
  const readers = [
    createFeedToConfirmed({ feed, cursors, table, writer: { put }, now: () => now }),
    createFeedToBus({ feed, publisher: 'bus', positions, table, bus }),
    consumeEvents({
      name: 'fees',
      feed,
      events: [MoneyReceived, MoneySent],
      positions,
      table,
      effect() {
        consumed++;
        return [];
      },
    }),
  ];

  const before = liveMegabytes();
  let live = 0;
  let watched = 0;
  /** A poll of each reader: all that is on the feed now, in batches. */
  const read = async () => {
    const records = unread;
    unread = [];
    unreadBytes = 0;
    now += POLL_MS;
    for (let begin = 0; begin < records.length; ) {
      let end = begin;
      for (let bytes = 0; end < records.length && end - begin < 100; end++) {
        bytes += records[end]!.length;
        if (bytes > BATCH_BYTES && end > begin) break;
      }
      const event = kinesisEvent(records.slice(begin, end));
      for (const reader of readers) assert.deepEqual(await reader(event), { batchItemFailures: [] });
      begin = end;
    }
    if (consumed - watched < EVERY_EVENTS) return;
    watched = consumed;
    live = Math.max(live, liveMegabytes() - before);
  };
  let reading: Promise<void> | undefined;
  // The readers come while the reconciler is at work: what it puts does not heap up.
  const reconcile = createReconcileFeed({
    feed,
    cursors,
    table,
    writer: {
      async put(envelopes) {
        const refused = await put(envelopes);
        if (unreadBytes > UNREAD_BYTES) {
          reading ??= read().finally(() => {
            reading = undefined;
          });
        }
        await reading;
        return refused;
      },
    },
    now: () => now,
  });
  await reconcile({}, { getRemainingTimeInMillis: () => 300_000 });
  while (unread.length > 0) await read();
  live = Math.max(live, liveMegabytes() - before);

  const all = versions * AGGREGATES;
  for (const { confirmed } of memory.items.values()) assert.equal(confirmed, versions);
  assert.deepEqual(
    { aggregates: memory.items.size, published, consumed },
    { aggregates: AGGREGATES, published: all, consumed: all },
  );
  return { live, requests, repeats: fed - all };
}

const transferOf = (aggregate: string, version: number) => {
  const event = storedTransfer(version, aggregate);
  return { ...event, data: `${event.data.slice(0, -1)},"remark":"${REMARK}"}` };
};

import { describe, expect, test } from 'vitest';
import { DaybookError } from '../../../src/errors.ts';
import type { StoredEvent } from '../../../src/event/stored-event.ts';
import type { Envelope } from '../../../src/feed/envelope.ts';
import { nextLookAt, reconcile } from '../../../src/feed/reconcile.ts';
import { memoryCursors, memoryEvents } from '../../simulation/memory-ports.ts';
import { storedEvent } from '../../simulation/records.ts';

const MINUTE = 60_000;

function setup(heads: Readonly<Record<string, readonly number[]>>) {
  const events = memoryEvents({ pageSize: 100 });
  const cursors = memoryCursors();
  const clock = { now: 1_000 * MINUTE };
  const put: Envelope[] = [];
  for (const [aggregate, versions] of Object.entries(heads)) {
    for (const version of versions) events.put(storedEvent(aggregate, version));
  }
  const ports = {
    feed: 'feed-1',
    cursors,
    table: events.table,
    now: () => clock.now,
    writer: {
      put: async (envelopes: readonly Envelope[]) => {
        put.push(...envelopes);
        return [] as readonly Envelope[];
      },
    },
  };
  const run = async (isLate = () => false, since?: number) => {
    put.length = 0;
    const { complete, seen } = await reconcile(ports, { isLate, ...(since !== undefined && { since }) });
    return { complete, counts: Object.fromEntries(seen.counts), notes: seen.notes, put: put.map(brief) };
  };
  return { events, cursors, clock, ports, run };
}

const brief = ({ aggregate, from, to, head }: Envelope) => `${aggregate} [${from}..${to}] ${head}`;

test('puts the next envelope of every aggregate that lags, and of no other', async () => {
  const { cursors, run } = setup({ a: [1, 2, 3], b: [1, 2], c: [1] });
  await cursors.raise('a', 1, 1);
  await cursors.raise('b', 1, 2);
  const { put, counts, complete } = await run();
  expect(put.sort()).toEqual(['a [2..3] 3', 'c [1..1] 1']);
  expect(counts).toMatchObject({ AggregatesReconciled: 3, Lagging: 2, Offers: 2, ReconcileRounds: 1 });
  expect(complete).toBe(true);
  expect(cursors.items.get('a')).toMatchObject({ confirmed: 1, offered: 3 });
});

test('says how many events are not on the feed, and the age of the oldest, of holed aggregates and open offers too', async () => {
  const { cursors, clock, ports } = setup({ a: [1, 2, 3], b: [1, 2], c: [1, 3], d: [1] });
  await cursors.raise('b', 1, 2);
  await cursors.raise('c', 1, 1);
  clock.now = Date.parse(storedEvent('a', 2).recordedAt) + 90_000;
  const run = async () => {
    const { seen } = await reconcile(ports, { isLate: () => false });
    return { events: seen.counts.get('UnpublishedEvents'), age: seen.highest.get('UnpublishedAge') };
  };
  const first = Date.parse(storedEvent('a', 1).recordedAt);
  expect(await run()).toEqual({ events: 3 + 2 + 1, age: clock.now - first });
  clock.now += 1_000; // under the leases of the offers, and within the pause of the hole
  expect(await run()).toEqual({ events: 3 + 2 + 1, age: clock.now - first });
  for (const [id, to] of Object.entries({ a: 3, d: 1 })) await cursors.raise(id, 1, to);
  expect(await run()).toEqual({ events: 2, age: 1_000 });
  await cursors.raise('c', 1, 3);
  expect(await run()).toEqual({ events: undefined, age: 0 });
});

test('a table that was restored under a feed that goes on is told each time, with nothing or another event where confirmed is', async () => {
  const { cursors, events, run } = setup({
    ended: [1, 2],
    rewritten: [1, 2, 3],
    longer: [1, 2, 3, 4],
    same: [1, 2],
    unknown: [1],
  });
  await cursors.raise('ended', 1, 3, 'commit-3');
  await cursors.raise('rewritten', 1, 3, 'another');
  await cursors.raise('longer', 1, 3, 'another');
  await cursors.raise('same', 1, 2, 'commit-2');
  await cursors.raise('unknown', 1, 1);
  const { counts, notes, put } = await run();
  expect(counts.OtherHistories).toBe(3);
  expect(
    notes.filter(({ what }) => what === 'otherHistory').map(({ aggregate, version }) => [aggregate, version]),
  ).toEqual(
    expect.arrayContaining([
      ['ended', 3],
      ['rewritten', 3],
      ['longer', 3],
    ]),
  );
  expect(put).toEqual(['longer [4..4] 4']);
  expect((await run()).counts.OtherHistories).toBe(3);
  for (const id of ['rewritten', 'longer']) await cursors.raise(id, 1, 4, 'commit-4');
  events.put(storedEvent('rewritten', 4));
  events.put(storedEvent('ended', 3));
  expect((await run()).counts.OtherHistories).toBeUndefined();
});

test('half of a transaction that a Query shows is no other history, nor is an item that is no event', async () => {
  const { ports, cursors, run, events } = setup({ a: [1, 2], b: [1, 2, 3] });
  await cursors.raise('a', 1, 2, 'commit-2');
  await cursors.raise('b', 1, 2, 'commit-2');
  ports.table = {
    ...events.table,
    async *query(aggregate, options) {
      for await (const page of events.table.query(aggregate, options)) {
        if (aggregate === 'b' && page.some(({ version }) => version === 3))
          throw new DaybookError('event.encrypted', { aggregateUuid: aggregate, version: 3 });
        yield page.filter(({ version }) => aggregate !== 'a' || version < 2);
      }
    },
  };
  expect((await run()).counts).not.toHaveProperty('OtherHistories');
});

test('nothing is put while an offer is open, and again when its lease is over', async () => {
  const { clock, run } = setup({ a: [1] });
  expect((await run()).put).toEqual(['a [1..1] 1']);
  expect((await run()).put).toEqual([]);
  clock.now += 5_000;
  expect((await run()).put).toEqual(['a [1..1] 1']);
});

test('a run on a schedule looks at no more aggregates than it is told, and the next one goes on from there', async () => {
  const heads = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`a${i}`, [1]]));
  const { ports } = setup(heads);
  const counts: number[] = [];
  for (let run = 0; run < 3; run++) {
    const { seen } = await reconcile(ports, { isLate: () => false, most: 100 });
    counts.push(seen.counts.get('AggregatesReconciled') ?? 0);
  }
  expect(counts).toEqual([100, 100, 50]);
});

test('a page of the list may be empty and not the last one', async () => {
  const { ports, events, run } = setup({ a: [1], b: [1] });
  ports.table = {
    ...events.table,
    aggregates: async ({ after }) =>
      after === undefined
        ? { aggregateUuids: ['a'], next: 'a' }
        : after === 'a'
          ? { aggregateUuids: [], next: 'aa' }
          : { aggregateUuids: ['b'] },
  };
  expect((await run()).counts).toMatchObject({ AggregatesReconciled: 2, ReconcileRounds: 1 });
});

test('what consumers have parked is told, and what cannot be counted stops no repair', async () => {
  const { ports } = setup({ a: [1] });
  const told = await reconcile({ ...ports, countParked: async () => 3 }, { isLate: () => false });
  expect(told.seen.counts.get('ParkedAggregates')).toBe(3);
  const countParked = () => Promise.reject(new Error('throttled'));
  const { seen } = await reconcile({ ...ports, countParked }, { isLate: () => false });
  expect(seen.notes).toContainEqual(expect.objectContaining({ what: 'parkedNotCounted' }));
  expect(seen.counts.get('AggregatesReconciled')).toBe(1);
});

test('a run that is late stops after a page; the next one goes on from there', async () => {
  const heads = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`a${String(i).padStart(3, '0')}`, [1]]));
  const { cursors, run } = setup(heads);
  const first = await run(() => true);
  expect(first).toMatchObject({ complete: false, counts: { AggregatesReconciled: 100 } });
  expect(await cursors.checkpoint()).toMatchObject({ after: 'a099' });
  expect((await run(() => true)).put[0]).toContain('a100');
  const last = await run(() => true);
  expect(last).toMatchObject({ complete: true, counts: { AggregatesReconciled: 50 } });
  expect((await cursors.checkpoint())?.after).toBeUndefined();
});

test('an order since an instant is done when a round that began after it is complete', async () => {
  const heads = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`a${String(i).padStart(3, '0')}`, [1]]));
  const { clock, run } = setup(heads);
  await run(() => true); // a part of a round: the pages that this run adds to it make it no younger
  clock.now += MINUTE;
  const { complete, counts } = await run(() => false, clock.now);
  expect(complete).toBe(true);
  expect(counts).toMatchObject({ AggregatesReconciled: 150 + 250, ReconcileRounds: 2 });
  clock.now += MINUTE;
  // A sender's clock that runs ahead does not make it go on for ever, and a round that has not begun yet is late enough.
  const ahead = await run(() => false, clock.now + 60 * MINUTE);
  expect(ahead).toMatchObject({ complete: true, counts: { AggregatesReconciled: 250, ReconcileRounds: 1 } });
});

describe('holes', () => {
  test('are looked at with growing pauses, counted each time, and never fed', async () => {
    const { cursors, clock, run } = setup({ a: [1, 3] });
    await cursors.raise('a', 1, 1);
    const start = clock.now;
    const looks: number[] = [];
    for (let minute = 0; minute <= 40; minute++) {
      clock.now = start + minute * MINUTE;
      const { put, counts, notes } = await run();
      expect(put).toEqual([]);
      expect(counts.Holes).toBe(1);
      if (notes.some(({ what }) => what === 'hole')) looks.push(minute);
    }
    expect(looks).toEqual([0, 1, 3, 7, 15, 31]);
    expect(cursors.items.get('a')).toMatchObject({ holed: 2, holedAt: start, attempts: 5, head: 3 });
  });

  test('one that is filled is fed at the next look', async () => {
    const { events, cursors, clock, run } = setup({ a: [1, 3] });
    await cursors.raise('a', 1, 1);
    await run();
    events.put(storedEvent('a', 2));
    clock.now += MINUTE;
    expect((await run()).put).toEqual(['a [2..3] 3']);
  });

  test('what is confirmed while it is looked at is no hole', async () => {
    const { ports, cursors, run } = setup({ a: [1, 3] });
    await cursors.raise('a', 1, 1);
    ports.cursors = { ...cursors, markHole: async () => ({ marked: false, cursor: { confirmed: 3 } }) };
    const { counts, notes } = await run();
    expect([counts.Holes, notes]).toEqual([undefined, []]);
  });

  test('the longest pause is an hour', () => {
    const looks = Array.from({ length: 40 }, (_, attempts) => nextLookAt({ confirmed: 0, holedAt: 0, attempts }));
    const pauses = looks.slice(1).map((at, i) => at - looks[i]!);
    expect(Math.max(...pauses)).toBe(60 * MINUTE);
    expect(Math.min(...pauses)).toBe(2 * MINUTE);
    expect(looks[0]).toBe(MINUTE);
  });

  test('an item that is no event is one too: what stands before it is fed', async () => {
    const { ports, events, run } = setup({ a: [1, 2, 3] });
    ports.table = {
      ...events.table,
      query: async function* (aggregate, options): AsyncGenerator<readonly StoredEvent[]> {
        for await (const page of events.table.query(aggregate, options)) {
          if (page.some(({ version }) => version === 3)) {
            throw new DaybookError('event.encrypted', { aggregateUuid: aggregate, version: 3 });
          }
          yield page;
        }
      },
    };
    await ports.cursors.noteHead('a', 3);
    expect((await run()).put).toEqual(['a [1..2] 3']);
    await ports.cursors.raise('a', 1, 2);
    const { put, notes } = await run();
    expect(put).toEqual([]);
    expect(notes).toContainEqual(expect.objectContaining({ what: 'unreadable', aggregate: 'a', version: 3 }));
  });
});

describe('failures', () => {
  test('one aggregate’s does not stop the round', async () => {
    const { ports, events } = setup({ a: [1], b: [1], c: [1] });
    const table: typeof ports.table = {
      ...events.table,
      query: (aggregate, options) => {
        if (aggregate === 'b') throw new Error('odd');
        return events.table.query(aggregate, options);
      },
    };
    const { seen, complete } = await reconcile({ ...ports, table }, { isLate: () => false });
    expect(complete).toBe(true);
    expect(seen.counts.get('ReconcileFailures')).toBe(1);
    expect(seen.counts.get('Offers')).toBe(2);
  });

  test('when most fail, the run fails and its page is for the next one', async () => {
    const { ports, cursors } = setup({ a: [1], b: [1] });
    const writer = { put: async (envelopes: readonly Envelope[]) => envelopes };
    await expect(reconcile({ ...ports, writer }, { isLate: () => false })).rejects.toThrow(/^feed.putRefused/);
    expect(await cursors.checkpoint()).toBeUndefined();
  });
});

test('an aggregate whose id no partition key holds is a hole, and keeps nobody', async () => {
  const { ports, cursors, run } = setup({ ['i'.repeat(257)]: [1, 2] });
  ports.writer.put = async () => Promise.reject(new Error('ValidationException'));
  const { complete, counts, notes } = await run();
  expect(complete).toBe(true);
  expect(counts).toMatchObject({ Holes: 1, ReconcileRounds: 1 });
  expect(notes).toMatchObject([{ what: 'unreadable', version: 1 }]);
  expect(cursors.items.get('i'.repeat(257))).toMatchObject({ holed: 1 });
});

import { describe, expect, test } from 'vitest';
import { DaybookError } from '../../../src/errors.ts';
import type { StoredEvent } from '../../../src/event/stored-event.ts';
import { confirm } from '../../../src/feed/confirm.ts';
import { type Cursor, OFFER_LEASE_MS } from '../../../src/feed/cursor-table.ts';
import { type Envelope, emptyEnvelope, filledEnvelope, toEnvelopeEvent } from '../../../src/feed/envelope.ts';
import { ENVELOPE_BYTES, jsonBytes } from '../../../src/feed/envelope-size.ts';
import { memoryCursors, memoryEvents } from '../../simulation/memory-ports.ts';
import { kinesisEvent, storedEvent } from '../../simulation/records.ts';

const NOW = 1_000_000;

function setup(versions: readonly number[], more: Partial<StoredEvent> = {}) {
  const events = memoryEvents({ pageSize: 100 });
  const cursors = memoryCursors();
  const put: Envelope[] = [];
  const steps: string[] = [];
  for (const version of versions) events.put(storedEvent('a', version, more));
  const ports = {
    feed: 'feed-1',
    now: () => NOW,
    table: events.table,
    cursors: {
      ...cursors,
      offer: (aggregate: string, to: number, at: number) => {
        steps.push('offer');
        return cursors.offer(aggregate, to, at);
      },
    },
    writer: {
      put: async (envelopes: readonly Envelope[]) => {
        steps.push('put');
        put.push(...envelopes);
        return [] as readonly Envelope[];
      },
    },
  };
  const run = async (...envelopes: readonly (Envelope | string)[]) => {
    put.length = 0;
    const { answer, seen } = await confirm(kinesisEvent(envelopes), ports);
    return {
      failures: answer.batchItemFailures,
      counts: Object.fromEntries(seen.counts),
      notes: seen.notes,
      put: put.map(brief),
    };
  };
  const cursor = (): Cursor => cursors.items.get('a') ?? { confirmed: 0 };
  return { events, cursors, cursor, ports, run, steps };
}

const brief = ({ aggregate, from, to, head }: Envelope) => `${aggregate} [${from}..${to}] ${head}`;
const full = (from: number, to: number, head = to, aggregate = 'a', feed = 'feed-1') =>
  filledEnvelope(
    feed,
    aggregate,
    from,
    head,
    Array.from({ length: to - from + 1 }, (_, i) => toEnvelopeEvent(storedEvent(aggregate, from + i))),
  );
const empty = (from: number, head: number) => emptyEnvelope('feed-1', 'a', from, head);
const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

describe('confirmed', () => {
  test('is raised to the end of a run that begins at confirmed + 1 or before', async () => {
    const { run, cursor } = setup([]);
    const { counts, failures } = await run(full(1, 2), full(1, 3), full(2, 2));
    expect(cursor().confirmed).toBe(3);
    expect(cursor().commit).toBe('commit-3');
    expect(counts).toMatchObject({ EnvelopesConfirmed: 2 });
    expect(failures).toEqual([]);
  });

  test('counts each event once as confirmed, however often it comes', async () => {
    const { run } = setup([]);
    expect((await run(full(1, 3), full(2, 5), full(1, 2))).counts).toMatchObject({
      EventsConfirmed: 5,
      EventsRepeated: 4,
    });
    expect((await run(full(4, 6))).counts).toMatchObject({ EventsConfirmed: 1, EventsRepeated: 2 });
    expect((await run(full(1, 6))).counts).toMatchObject({ EventsRepeated: 6 });
    expect((await run(full(1, 4))).counts).toEqual({ EnvelopesRepeated: 1, EventsRepeated: 4 });
    expect((await run(full(9, 9))).counts).not.toHaveProperty('EventsRepeated');
    expect((await run(empty(7, 7))).counts).toEqual({});
  });

  test('a continuation of an adopted aggregate says its base', async () => {
    const { cursors, ports } = setup(upTo(9));
    const put: Envelope[] = [];
    const writer = {
      put: async (envelopes: readonly Envelope[]) => {
        put.push(...envelopes);
        return [];
      },
    };
    await cursors.begin('a', { confirmed: 5, base: 5 });
    await confirm(kinesisEvent([{ ...full(6, 7, 9), base: 5 }]), { ...ports, writer });
    expect(put).toMatchObject([{ from: 8, to: 9, base: 5 }]);
  });

  test('is not raised by a run that begins later: a breach, counted', async () => {
    const { run, cursor } = setup([]);
    const { counts, notes } = await run(full(1, 2), full(4, 5));
    expect(cursor().confirmed).toBe(2);
    expect(counts.Breaches).toBe(1);
    expect(notes).toContainEqual({ what: 'breach', aggregate: 'a', from: 4, to: 5, confirmed: 2 });
  });

  test('an empty envelope beyond confirmed + 1 is a breach too', async () => {
    const { counts } = await setup([]).run(empty(4, 5));
    expect(counts.Breaches).toBe(1);
  });

  test('another feed’s envelope raises nothing and stops nothing', async () => {
    const { run, cursor } = setup([]);
    const { counts, notes, failures } = await run(full(1, 9, 9, 'a', 'feed-0'), full(1, 1));
    expect(cursor().confirmed).toBe(1);
    expect(counts.EnvelopesRefused).toBe(1);
    expect(notes[0]).toMatchObject({ what: 'envelopeRefused', code: 'feed.envelopeForeign', sequenceNumber: '1' });
    expect(failures).toEqual([]);
  });

  test.each([
    ['an unknown format', JSON.stringify({ ...full(1, 1), format: 2 }), 'feed.envelopeFormatUnknown'],
    ['no JSON', '{', 'feed.envelopeInvalid'],
    [
      'a run with a hole',
      JSON.stringify({ ...full(1, 3), events: [full(1, 1).events[0], ...full(3, 3).events] }),
      'feed.envelopeInvalid',
    ],
    [
      'events in the wrong order',
      JSON.stringify({ ...full(1, 2), events: [...full(1, 2).events].reverse() }),
      'feed.envelopeInvalid',
    ],
    ['a head below its end', JSON.stringify({ ...full(1, 2), head: 1 }), 'feed.envelopeInvalid'],
  ])('%s is refused with a code', async (_, record, code) => {
    const { run, cursor } = setup([]);
    const { notes, failures } = await run(record);
    expect(cursor().confirmed).toBe(0);
    expect(notes[0]).toMatchObject({ code });
    expect(failures).toEqual([]);
  });
});

describe('continuation', () => {
  test('puts the next envelope whenever the head is higher, and then records the offer', async () => {
    const { run, cursor, steps } = setup(upTo(6));
    expect((await run(full(1, 2, 6))).put).toEqual(['a [3..6] 6']);
    expect(cursor()).toMatchObject({ confirmed: 2, offered: 6, offeredAt: NOW });
    expect(steps).toEqual(['put', 'offer']);
  });

  test('also for an envelope that advanced nothing, and for an empty one', async () => {
    const first = setup(upTo(6));
    await first.cursors.raise('a', 1, 2);
    expect((await first.run(full(1, 2, 6))).put).toEqual(['a [3..6] 6']);
    const second = setup(upTo(6));
    expect((await second.run(empty(1, 6))).put).toEqual(['a [1..6] 6']);
  });

  test('at most once per aggregate and invocation, to the highest head', async () => {
    const { run } = setup(upTo(9));
    expect((await run(full(1, 1, 4), full(1, 2, 9), empty(2, 5))).put).toEqual(['a [3..9] 9']);
  });

  test('not while an earlier offer is open; what was told meanwhile goes on from there', async () => {
    const { run, cursor, cursors } = setup(upTo(9));
    await run(full(1, 2, 5));
    expect((await run(empty(3, 9))).put).toEqual([]);
    expect(cursor().head).toBe(9);
    // The offer itself knows nothing of version 9.
    expect((await run(full(3, 5, 5))).put).toEqual(['a [6..9] 9']);
    expect(cursors.items.size).toBe(1);
  });

  test('what is told under an offer is kept once: told again, nothing is written', async () => {
    const { run, ports, cursors } = setup(upTo(9));
    const noted: number[] = [];
    ports.cursors.noteHead = (aggregate, head) => {
      noted.push(head);
      return cursors.noteHead(aggregate, head);
    };
    await run(full(1, 2, 5));
    for (let i = 0; i < 3; i++) await run(empty(3, 9));
    expect(noted).toEqual([9]);
  });

  test('an offer that is read while a higher head is noted under it goes on from there', async () => {
    const { run, ports, cursors } = setup(upTo(9));
    await run(full(1, 2, 5));
    ports.cursors.noteHead = async (aggregate, head) => {
      await cursors.raise(aggregate, 3, 5);
      return cursors.noteHead(aggregate, head);
    };
    expect((await run(empty(3, 9))).put).toEqual(['a [6..9] 9']);
  });

  test('a cursor that moves each time fails the record: the batch comes again', async () => {
    const { run, ports, cursor } = setup([1, 3]);
    ports.cursors.markHole = async () => ({ marked: false, cursor: cursor() });
    expect((await run(full(1, 1, 3))).failures).toEqual([{ itemIdentifier: '1' }]);
  });

  test('again when the lease is over, whoever’s clock is ahead', async () => {
    for (const at of [NOW - OFFER_LEASE_MS, NOW + OFFER_LEASE_MS]) {
      const { run, cursors } = setup(upTo(5));
      await cursors.offer('a', 5, at);
      expect((await run(empty(1, 5))).put).toEqual(['a [1..5] 5']);
    }
  });

  test('as much as an envelope holds', async () => {
    const { run } = setup(upTo(100), { data: JSON.stringify('x'.repeat(50_000)) });
    const { put } = await run(empty(1, 100));
    expect(put).toEqual(['a [1..17] 100']);
  });

  test('what is around the events counts too', async () => {
    const size = (of: number) =>
      jsonBytes(toEnvelopeEvent(storedEvent('a', 1, { data: JSON.stringify('x'.repeat(of)) }))) + 1;
    const two = Math.floor((ENVELOPE_BYTES - 2 * size(0)) / 2);
    const { run } = setup(upTo(2), { data: JSON.stringify('x'.repeat(two)) });
    expect(2 * size(two)).toBeLessThanOrEqual(ENVELOPE_BYTES);
    expect((await run(empty(1, 2))).put).toEqual(['a [1..1] 2']);
  });

  test('of a burst of 20,000 versions each is fed once', async () => {
    const { run } = setup(upTo(20_000), { data: JSON.stringify('x'.repeat(400)) });
    let next = empty(1, 20_000);
    let fed = 0;
    for (let i = 0; i < 100; i++) {
      const { put } = await run(next);
      const [, from, to] = /\[(\d+)\.\.(\d+)\]/.exec(put[0] ?? '') ?? [];
      if (from === undefined) break;
      fed += Number(to) - Number(from) + 1;
      next = full(Number(from), Number(to), 20_000);
    }
    expect(fed).toBe(20_000);
  });

  test('a refused put fails the record that told of more; the batch brings it again', async () => {
    const { ports } = setup(upTo(5));
    const writer = { put: async (envelopes: readonly Envelope[]) => envelopes };
    const { answer, seen } = await confirm(kinesisEvent([full(1, 1, 5), full(1, 2, 3)]), { ...ports, writer });
    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: '1' }]);
    expect(seen.notes[0]).toMatchObject({ what: 'recordFailed', code: 'feed.putRefused' });
  });

  test('an offer that cannot be recorded does not fail the batch: its envelope is on the feed', async () => {
    const { ports } = setup(upTo(5));
    const cursors = { ...ports.cursors, offer: () => Promise.reject(new Error('throttled')) };
    const { answer, seen } = await confirm(kinesisEvent([empty(1, 5)]), { ...ports, cursors });
    expect(answer.batchItemFailures).toEqual([]);
    expect(seen.counts.get('OffersNotRecorded')).toBe(1);
  });
});

describe('holes', () => {
  test('the prefix before one is put; then the aggregate is marked, and never an empty envelope', async () => {
    const { run, cursor } = setup([1, 2, 4, 5]);
    expect((await run(empty(1, 5))).put).toEqual(['a [1..2] 5']);
    const { put, counts, notes } = await run(full(1, 2, 5));
    expect(put).toEqual([]);
    expect(cursor()).toMatchObject({ confirmed: 2, holed: 3, holedAt: NOW, attempts: 0, head: 5 });
    expect(counts.Holes).toBe(1);
    expect(notes).toContainEqual({ what: 'hole', aggregate: 'a', version: 3, head: 5 });
  });

  test('is counted once, however often it is met', async () => {
    const { run } = setup([2]);
    await run(empty(1, 2));
    const { counts, put } = await run(empty(1, 2), empty(1, 2));
    expect(counts.Holes).toBeUndefined();
    expect(put).toEqual([]);
  });

  test('what is told at one that is known is kept, and leaves its looks as they were', async () => {
    const { run, cursors, cursor } = setup([2, 3]);
    await run(empty(1, 2));
    await cursors.markHole('a', { version: 1, since: 7, attempts: 3 });
    const { counts, put } = await run(empty(1, 3));
    expect(cursor()).toMatchObject({ holed: 1, holedAt: 7, attempts: 3, head: 3 });
    expect([counts.Holes, put]).toEqual([undefined, []]);
  });

  test('one that is known and confirmed while a head is noted at it: the run goes on', async () => {
    const { run, cursors, ports, events } = setup([2, 3]);
    await run(empty(1, 2));
    ports.cursors.noteHead = async (aggregate, head) => {
      events.put(storedEvent('a', 1));
      await cursors.raise('a', 1, 1);
      return cursors.noteHead(aggregate, head);
    };
    expect((await run(empty(1, 3))).put).toEqual(['a [2..3] 3']);
  });

  test('an item that is no event is one, and so is an event that no envelope holds', async () => {
    const unreadable = setup([1]);
    unreadable.ports.table.query = async function* (aggregateUuid) {
      yield [];
      throw new DaybookError('event.encrypted', { aggregateUuid, version: 1 });
    };
    const tooLarge = setup([1], { data: JSON.stringify('x'.repeat(ENVELOPE_BYTES)) });
    for (const { run, cursor } of [unreadable, tooLarge]) {
      expect(await run(empty(1, 1))).toMatchObject({ put: [], failures: [], counts: { Holes: 1 } });
      expect(cursor().holed).toBe(1);
    }
  });

  test('when it is filled, whoever reads it goes on to the head that was told', async () => {
    const { run, events, cursor } = setup([1, 3, 4]);
    await run(full(1, 1, 4));
    events.put(storedEvent('a', 2));
    expect((await run(full(2, 2, 2))).put).toEqual(['a [3..4] 4']);
    expect(cursor().holed).toBeUndefined();
  });

  test('when it is filled and confirmed while it is being marked, the run goes on', async () => {
    const { run, events, cursors, ports, cursor } = setup([1, 3]);
    const { markHole } = cursors;
    ports.cursors.markHole = async (aggregate, hole) => {
      events.put(storedEvent('a', 2));
      await cursors.raise('a', 2, 2);
      return markHole(aggregate, hole);
    };
    expect((await run(full(1, 1, 3))).put).toEqual(['a [3..3] 3']);
    expect(cursor().holed).toBeUndefined();
  });
});

describe('failures', () => {
  test('the aggregate stops there and all its records come again; others go on', async () => {
    const { ports, cursors } = setup([]);
    const raise: typeof cursors.raise = (aggregate, from, to) =>
      aggregate === 'b' && to === 2 ? Promise.reject(new Error('throttled')) : cursors.raise(aggregate, from, to);
    const envelopes = [full(1, 1), full(1, 1, 1, 'b'), full(2, 2, 2, 'b'), full(2, 2), full(3, 3, 3, 'b')];
    const { answer, seen } = await confirm(kinesisEvent(envelopes), { ...ports, cursors: { ...ports.cursors, raise } });
    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: '2' }]);
    expect(cursors.items.get('a')?.confirmed).toBe(2);
    expect(cursors.items.get('b')?.confirmed).toBe(1);
    // Whose message it is not known: its name and place have to do.
    expect(seen.notes[0]).toMatchObject({ what: 'recordFailed', aggregate: 'b', code: 'Error' });
    expect(JSON.stringify(seen.notes)).not.toContain('throttled');
  });

  test('an event of another source is refused with a code', async () => {
    const { ports } = setup([]);
    await expect(confirm({ Records: [{ body: 'x' }] }, ports)).rejects.toThrow(/^feed.notABatch/);
    await expect(confirm({}, ports)).rejects.toThrow(/^feed.notABatch/);
  });
});

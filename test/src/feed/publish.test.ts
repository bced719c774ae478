import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StoredEvent } from '../../../src/event/stored-event.ts';
import { busEventBytes, toBusEvent } from '../../../src/feed/bus-event.ts';
import { emptyEnvelope, filledEnvelope, toEnvelopeEvent } from '../../../src/feed/envelope.ts';
import type { BusEvent, BusRefusal } from '../../../src/feed/event-bus.ts';
import { publish } from '../../../src/feed/publish.ts';
import { memoryEvents, memoryPositions } from '../../simulation/memory-ports.ts';
import { kinesisEvent, storedEvent } from '../../simulation/records.ts';

interface Detail {
  readonly aggregateUuid: string;
  readonly version: number;
  readonly data?: unknown;
  readonly reference?: unknown;
}

function setup(refuse: (detail: Detail, call: number) => string | undefined = () => undefined) {
  const events = memoryEvents({ pageSize: 100 });
  const positions = memoryPositions();
  const sent: Detail[] = [];
  const calls: BusEvent[][] = [];
  const ports = {
    feed: 'feed-1',
    publisher: 'bus',
    positions,
    table: events.table,
    bus: {
      maxEvents: 10,
      maxBytes: 10_000,
      put: async (batch: readonly BusEvent[]): Promise<readonly (BusRefusal | undefined)[]> => {
        calls.push([...batch]);
        return batch.map(({ detail }) => {
          let parsed: Detail;
          try {
            parsed = JSON.parse(detail) as Detail;
          } catch {
            return { reason: 'MalformedDetail' };
          }
          const reason = refuse(parsed, calls.length);
          if (reason === undefined) sent.push(parsed);
          return reason === undefined ? undefined : { reason };
        });
      },
    },
  };
  const run = async (...envelopes: Parameters<typeof kinesisEvent>[0]) => {
    sent.length = 0;
    calls.length = 0;
    const { answer, seen } = await publish(kinesisEvent(envelopes), ports);
    const onBus = sent.map(({ aggregateUuid, version }) => `${aggregateUuid}:${version}`);
    return { failures: answer.batchItemFailures, counts: Object.fromEntries(seen.counts), notes: seen.notes, onBus };
  };
  return { events, positions, ports, run, sent, calls };
}

const full = (aggregate: string, from: number, to: number, more: Partial<StoredEvent> = {}, base = 0) =>
  filledEnvelope(
    'feed-1',
    aggregate,
    from,
    to,
    Array.from({ length: to - from + 1 }, (_, i) => toEnvelopeEvent(storedEvent(aggregate, from + i, more))),
    base,
  );

describe('a bus event', () => {
  test('holds the stored JSON text as it is, so that rules can match within', () => {
    const event = storedEvent('a', 7, {
      data: '{"amount": 12345678901234567890.10}',
      metadata: '{"traceparent":"00-1"}',
      occurredAt: '2020-01-01T00:00:00.000Z',
    });
    const { detailType, detail } = toBusEvent('feed-1', event);
    expect(detailType).toBe('MoneyDeposited');
    expect(detail).toBe(
      '{"feed":"feed-1","aggregateUuid":"a","aggregateType":"Account","version":7,"type":"MoneyDeposited",' +
        '"schemaVersion":1,"commitId":"commit-7","recordedAt":"2026-01-02T03:04:05.678Z",' +
        '"occurredAt":"2020-01-01T00:00:00.000Z","data":{"amount": 12345678901234567890.10},' +
        '"metadata":{"traceparent":"00-1"}}',
    );
  });

  test('parses to the event, whatever its text holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'grapheme' }), (data, id) => {
        const detail = JSON.parse(toBusEvent('f', storedEvent(id, 1, { data: JSON.stringify(data) })).detail) as Detail;
        expect(detail.aggregateUuid).toBe(id);
        expect(JSON.stringify(detail.data)).toBe(JSON.stringify(data));
      }),
    );
  });

  test('is counted in bytes of UTF-8, its source and type included', () => {
    expect(busEventBytes({ detailType: 'ü', detail: '"ü"' })).toBe('daybook'.length + 2 + 4);
  });
});

describe('publish', () => {
  test('one bus event per event, ten to a call, in order', async () => {
    const { run, calls, positions } = setup();
    const { onBus, failures, counts } = await run(full('a', 1, 12), full('b', 1, 2));
    expect(onBus).toEqual([...Array.from({ length: 12 }, (_, i) => `a:${i + 1}`), 'b:1', 'b:2']);
    expect(calls.map((call) => call.length)).toEqual([10, 4]);
    expect(failures).toEqual([]);
    expect(counts.EventsPublished).toBe(14);
    expect(Object.fromEntries(positions.items)).toEqual({ 'bus|a': 12, 'bus|b': 2 });
  });

  test('repeats on the feed are none on the bus', async () => {
    const { run } = setup();
    await run(full('a', 1, 3));
    expect((await run(full('a', 1, 3), full('a', 2, 4), full('a', 1, 4))).onBus).toEqual(['a:4']);
  });

  test('a call holds no more bytes than the bus takes', async () => {
    const { run, calls, ports } = setup();
    const { onBus } = await run(full('a', 1, 8, { data: JSON.stringify('x'.repeat(3000)) }));
    expect(onBus).toHaveLength(8);
    expect(calls.map((call) => call.length)).toEqual([3, 3, 2]);
    for (const call of calls) {
      expect(call.reduce((sum, event) => sum + busEventBytes(event), 0)).toBeLessThanOrEqual(ports.bus.maxBytes);
    }
  });

  test('an event too large for the bus goes as a reference, in its place', async () => {
    const { run, sent, calls } = setup();
    const large = full('a', 2, 2, { data: JSON.stringify('x'.repeat(20_000)) });
    const { onBus, counts } = await run(full('a', 1, 1), large, full('a', 3, 3));
    expect(onBus).toEqual(['a:1', 'a:2', 'a:3']);
    expect(calls).toHaveLength(1); // what is counted is the reference, not what it stands for
    expect(sent[1]).toMatchObject({
      version: 2,
      type: 'MoneyDeposited',
      reference: { reason: 'tooLarge', bytes: 20_002 },
    });
    expect(sent[1]).not.toHaveProperty('data');
    expect(counts.BusReferences).toBe(1);
  });

  test('data that is no JSON goes as a reference too, and stops nothing', async () => {
    const { run, sent, positions } = setup();
    const { failures, counts } = await run(full('a', 1, 1, { data: '{broken' }), full('a', 2, 2));
    expect(sent.find(({ version }) => version === 1)).toMatchObject({ reference: { reason: 'notJson' } });
    expect(failures).toEqual([]);
    expect(counts).toMatchObject({ Poison: 1, EventsPublished: 2 });
    expect(positions.items.get('bus|a')).toBe(2);
  });

  test.each([
    ['data', { data: '{},"version":77,"aggregateUuid":"victim"' }],
    ['metadata', { metadata: '{},"version":88' }],
  ])('%s that is no JSON but would be in a bus event says nothing of another version or aggregate', async (_, more) => {
    const { run, sent } = setup();
    const { onBus, counts } = await run(full('a', 1, 1, more), full('a', 2, 2));
    expect(onBus).toEqual(['a:1', 'a:2']);
    expect(sent[0]).toMatchObject({ reference: { reason: 'notJson' } });
    expect(counts).toMatchObject({ Poison: 1, EventsPublished: 2 });
  });

  test('data that is no JSON and whose reference the bus refuses too stops its aggregate there', async () => {
    const { run, positions } = setup(({ version }) => (version === 2 ? 'ThrottlingException' : undefined));
    const { failures, onBus, notes } = await run(full('a', 1, 1), full('a', 2, 2, { data: '{broken' }));
    expect([onBus, failures]).toEqual([['a:1'], [{ itemIdentifier: '2' }]]);
    expect(notes[0]).toMatchObject({ code: 'feed.busRefused', message: expect.stringContaining('Throttling') });
    expect(positions.items.get('bus|a')).toBe(1);
  });

  test('a bus that answers for fewer events than it was given has taken none', async () => {
    const { ports, positions } = setup();
    const bus = { ...ports.bus, put: async () => [undefined] };
    const { answer } = await publish(kinesisEvent([full('a', 1, 2)]), { ...ports, bus });
    expect([answer.batchItemFailures.length, positions.items.size]).toEqual([1, 0]);
  });

  test('on a long way the position is kept now and then, and at its end', async () => {
    const { run, events, positions, ports } = setup();
    const kept: number[] = [];
    const { raise } = positions;
    ports.positions = {
      ...positions,
      raise: (consumer, aggregate, to) => {
        kept.push(to);
        return raise(consumer, aggregate, to);
      },
    };
    for (let version = 1; version <= 500; version++) events.put(storedEvent('a', version));
    expect((await run(full('a', 501, 501))).onBus).toHaveLength(501);
    expect(kept).toEqual([500, 501]);
  });

  test('what did not come is read from the table', async () => {
    const { run, events } = setup();
    for (let version = 1; version <= 250; version++) events.put(storedEvent('a', version));
    const { onBus } = await run(full('a', 251, 252));
    expect(onBus).toHaveLength(252);
    expect(onBus.at(-1)).toBe('a:252');
  });

  test('an empty envelope says what is in the feed before it', async () => {
    const { run, events } = setup();
    events.put(storedEvent('a', 1));
    events.put(storedEvent('a', 2));
    expect((await run(emptyEnvelope('feed-1', 'a', 2, 2))).onBus).toEqual(['a:1']);
    expect((await run(emptyEnvelope('feed-1', 'a', 1, 2))).onBus).toEqual([]);
  });

  test('a gap that the table cannot fill stops the aggregate, not the others', async () => {
    const { run, events, positions } = setup();
    events.put(storedEvent('a', 1));
    const { onBus, failures, notes } = await run(full('a', 4, 4), full('b', 1, 1));
    expect(onBus).toEqual(['a:1', 'b:1']);
    expect(failures).toEqual([{ itemIdentifier: '1' }]);
    expect(notes[0]).toMatchObject({ code: 'feed.gapUnfilled', aggregate: 'a' });
    expect(positions.items.get('bus|a')).toBe(1);
  });

  test('a gap that stays is no gap of this feed: after a minute its record is passed, and what the feed brings is sent', async () => {
    const { ports, events, positions, sent } = setup();
    events.put(storedEvent('a', 1));
    const clock = { now: 0 };
    const waiting = { ...ports, gaps: { since: new Map<string, number>(), now: () => clock.now } };
    const foreign = kinesisEvent([full('a', 4, 4), full('b', 1, 1)]);
    for (clock.now of [0, 59_999]) {
      const { answer } = await publish(foreign, waiting);
      expect(answer.batchItemFailures).toEqual([{ itemIdentifier: '1' }]);
    }
    clock.now = 60_000;
    const { answer, seen } = await publish(foreign, waiting);
    expect(answer.batchItemFailures).toEqual([]);
    expect(seen.counts.get('GapsPassed')).toBe(1);
    expect(seen.notes).toMatchObject([{ what: 'gapPassed', code: 'feed.gapUnfilled', aggregate: 'a', from: 4 }]);
    expect(positions.items.get('bus|a')).toBe(1);
    for (const version of [2, 3, 4]) events.put(storedEvent('a', version));
    await publish(kinesisEvent([full('a', 2, 4)]), waiting);
    expect(sent.map(({ aggregateUuid, version }) => `${aggregateUuid}:${version}`)).toEqual([
      'a:1',
      'b:1',
      'a:2',
      'a:3',
      'a:4',
    ]);
  });
});

describe('failures', () => {
  test('a refused entry stops its aggregate there; what was taken after it is sent again in its turn', async () => {
    let refusing = true;
    const { run, positions } = setup(({ aggregateUuid, version }) =>
      refusing && aggregateUuid === 'a' && version === 2 ? 'ThrottlingException' : undefined,
    );
    const envelopes = [full('a', 1, 3), full('b', 1, 1), full('a', 4, 4)];
    const first = await run(...envelopes);
    expect(first.failures).toEqual([{ itemIdentifier: '1' }]);
    expect(first.notes[0]).toMatchObject({
      code: 'feed.busRefused',
      message: expect.stringContaining('ThrottlingException'),
    });
    expect(Object.fromEntries(positions.items)).toEqual({ 'bus|a': 1, 'bus|b': 1 });
    refusing = false;
    expect((await run(...envelopes)).onBus).toEqual(['a:2', 'a:3', 'a:4']);
  });

  test('the answer names the first of several', async () => {
    const { run } = setup(({ aggregateUuid }) => (aggregateUuid === 'a' ? undefined : 'InternalFailure'));
    const { failures } = await run(full('a', 1, 1), full('c', 1, 1), full('b', 1, 1));
    expect(failures).toEqual([{ itemIdentifier: '2' }]);
  });

  test('a call that fails wholly fails its aggregates; later calls send nothing of them', async () => {
    const { ports, positions, calls } = setup();
    const put = ports.bus.put;
    ports.bus.put = async (batch) => {
      if (calls.length > 0) return put(batch);
      calls.push([]);
      throw new Error('no network');
    };
    const { answer } = await publish(kinesisEvent([full('a', 1, 25), full('b', 1, 1)]), ports);
    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: '1' }]);
    expect(Object.fromEntries(positions.items)).toEqual({ 'bus|b': 1 });
  });

  test('the flush that makes room for an event may refuse an earlier one of its aggregate: it does not go then', async () => {
    const { run, positions, calls } = setup(({ aggregateUuid, version }) =>
      aggregateUuid === 'a' && version === 10 ? 'ThrottlingException' : undefined,
    );
    // a:11 finds the first call full: it is sent, its last entry refused, and only then is there room.
    const { onBus, failures } = await run(full('a', 1, 11), full('b', 1, 1));
    expect(onBus).toEqual([...Array.from({ length: 9 }, (_, i) => `a:${i + 1}`), 'b:1']);
    expect(calls.map((batch) => batch.length)).toEqual([10, 1]);
    expect(failures).toEqual([{ itemIdentifier: '1' }]);
    expect(Object.fromEntries(positions.items)).toEqual({ 'bus|a': 9, 'bus|b': 1 });
  });

  test('a call that fails stops every aggregate that it held something of', async () => {
    const { run, ports } = setup();
    const { put } = ports.bus;
    let calls = 0;
    ports.bus.put = (batch) => (calls++ === 0 ? Promise.reject(new Error('no answer')) : put(batch));
    const { failures, onBus } = await run(full('a', 1, 9), full('b', 1, 1), full('b', 2, 3), full('c', 1, 1));
    expect(onBus).toEqual(['c:1']);
    expect(failures).toEqual([{ itemIdentifier: '1' }]);
    expect([...(await ports.positions.read('bus', ['a', 'b', 'c']))]).toEqual([['c', 1]]);
  });

  test('a position that cannot be kept gives back the first record, whatever failed behind it', async () => {
    const { run, ports } = setup(({ version }) => (version === 4 ? 'ThrottlingException' : undefined));
    ports.positions = { ...ports.positions, raise: () => Promise.reject(new Error('throttled')) };
    const { failures, onBus } = await run(full('a', 1, 2), full('a', 3, 4));
    expect(onBus).toEqual(['a:1', 'a:2', 'a:3']);
    expect(failures).toEqual([{ itemIdentifier: '1' }]);
  });

  test('a position that cannot be kept fails the record: it is published again', async () => {
    const { ports, sent } = setup();
    ports.positions = { ...ports.positions, raise: () => Promise.reject(new Error('throttled')) };
    const { answer } = await publish(kinesisEvent([full('a', 1, 1), full('a', 2, 2)]), ports);
    expect(sent).toHaveLength(2);
    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: '1' }]);
  });

  test('whatever is refused, nothing is lost, and a position never passes what is on the bus', async () => {
    const chance = fc.infiniteStream(fc.integer({ min: 0, max: 3 }));
    await fc.assert(
      fc.asyncProperty(chance, fc.integer({ min: 1, max: 30 }), async (dice, length) => {
        const { ports, positions, sent } = setup(() => (dice.next().value === 0 ? 'ThrottlingException' : undefined));
        const batch = kinesisEvent(['a', 'b', 'c'].map((aggregate) => full(aggregate, 1, length)));
        for (let attempt = 0; attempt < 500; attempt++) {
          const { answer } = await publish(batch, ports);
          for (const aggregate of ['a', 'b', 'c']) {
            const onBus = new Set(
              sent.filter((each) => each.aggregateUuid === aggregate).map(({ version }) => version),
            );
            for (let v = 1; v <= (positions.items.get(`bus|${aggregate}`) ?? 0); v++) expect(onBus.has(v)).toBe(true);
          }
          if (answer.batchItemFailures.length === 0) break;
        }
        expect(new Set(sent.map(({ aggregateUuid, version }) => `${aggregateUuid}:${version}`)).size).toBe(3 * length);
      }),
      { numRuns: 25 },
    );
  });
});

test('once time is short it sends no more, remembers what it sent, and names the record that comes first again', async () => {
  const { ports, positions, sent } = setup();
  const batch = [full('a', 1, 15), full('b', 1, 15), full('c', 1, 2)];
  let asked = 0;
  const { answer } = await publish(kinesisEvent(batch), ports, () => ++asked > 20);
  expect(sent.map(({ aggregateUuid, version }) => `${aggregateUuid}:${version}`)).toEqual([
    ...Array.from({ length: 15 }, (_, i) => `a:${i + 1}`),
    ...Array.from({ length: 5 }, (_, i) => `b:${i + 1}`),
  ]);
  expect([positions.items.get('bus|a'), positions.items.get('bus|b'), positions.items.get('bus|c')]).toEqual([
    15,
    5,
    undefined,
  ]);
  const all = kinesisEvent(batch) as { Records: { kinesis: { sequenceNumber: string } }[] };
  expect(answer.batchItemFailures).toEqual([{ itemIdentifier: all.Records[1]!.kinesis.sequenceNumber }]);
  sent.length = 0;
  expect((await publish(kinesisEvent(batch.slice(1)), ports)).answer.batchItemFailures).toEqual([]);
  expect(sent).toHaveLength(12);
});

test('up to four calls are under way at once, each aggregate’s events in one after the other', async () => {
  const { ports } = setup();
  const seen = new Map<string, number>();
  let underWay = 0;
  let most = 0;
  const put = async (batch: readonly BusEvent[]) => {
    most = Math.max(most, ++underWay);
    const events = batch.map(({ detail }) => JSON.parse(detail) as Detail);
    for (const { aggregateUuid, version } of events) {
      expect(version).toBe((seen.get(aggregateUuid) ?? 0) + 1);
      seen.set(aggregateUuid, version);
    }
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 3));
    underWay--;
    return batch.map(() => undefined);
  };
  const envelopes = ['a', 'b', 'c', 'd', 'e', 'f'].flatMap((id) => [full(id, 1, 15), full(id, 16, 30)]);
  const bus = { ...ports.bus, put };
  await publish(kinesisEvent([...envelopes].sort((a, b) => a.from - b.from)), { ...ports, bus });
  expect([...seen.values()]).toEqual([30, 30, 30, 30, 30, 30]);
  expect(most).toBe(4);
  most = 0;
  await publish(kinesisEvent(['g', 'h', 'i'].map((id) => full(id, 1, 5))), { ...ports, bus });
  expect(most).toBe(1); // so few are not worth more calls
});

describe('a feed that was adopted', () => {
  const past = (last: number) => Array.from({ length: last }, (_, i) => storedEvent('a', i + 1));

  test('what is up to the base is not published, though the table has it', async () => {
    const { events, positions, run, sent } = setup();
    for (const event of past(5)) events.put(event);
    expect((await run(full('a', 6, 7, {}, 5))).onBus).toEqual(['a:6', 'a:7']);
    expect(sent).toMatchObject([{ base: 5 }, { base: 5 }]);
    expect(positions.items.get('bus|a')).toBe(7);
    expect((await run(full('a', 6, 8, {}, 5))).onBus).toEqual(['a:8']);
  });

  test('what was missed after the base is', async () => {
    const { events, run } = setup();
    for (const event of past(8)) events.put(event);
    expect((await run(full('a', 8, 9, {}, 5))).onBus).toEqual(['a:6', 'a:7', 'a:8', 'a:9']);
    expect((await run(emptyEnvelope('feed-1', 'b', 6, 9, 5))).onBus).toEqual([]);
  });

  test('an envelope from before the adoption that comes with one from after it is the past too', async () => {
    const { positions, run } = setup();
    expect((await run(full('a', 1, 3), full('a', 6, 6, {}, 5))).onBus).toEqual(['a:6']);
    expect(positions.items.get('bus|a')).toBe(6);
  });

  test('what an event’s metadata say of its trace goes along, with a reference too', async () => {
    const { run, calls } = setup();
    const metadata = '{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}';
    await run(
      full('a', 1, 1, { metadata }),
      full('b', 1, 1, { metadata, data: JSON.stringify('x'.repeat(20_000)) }),
      full('c', 1, 1),
    );
    const traceHeader = 'Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1';
    expect(calls.flat().map((event) => event.traceHeader)).toEqual([traceHeader, traceHeader, undefined]);
  });

  test('a reference says the base as well', async () => {
    const { run, sent } = setup();
    await run(full('a', 6, 6, { data: JSON.stringify('x'.repeat(20_000)) }, 5));
    expect(sent).toMatchObject([{ base: 5, reference: { reason: 'tooLarge' } }]);
  });
});

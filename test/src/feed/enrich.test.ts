import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DaybookError } from '../../../src/errors.ts';
import type { StoredEvent } from '../../../src/event/stored-event.ts';
import { enrich } from '../../../src/feed/enrich.ts';
import { type Envelope, toEnvelopeEvent } from '../../../src/feed/envelope.ts';
import { headerBytesBound, jsonBytes } from '../../../src/feed/envelope-size.ts';
import { parseEnvelope } from '../../../src/feed/parse-envelope.ts';
import { memoryCursors, memoryEvents } from '../../simulation/memory-ports.ts';
import { type StreamRecord, storedEvent, streamRecord } from '../../simulation/records.ts';

const KB = 1_000;

function setup(stored: readonly StoredEvent[] = []) {
  const events = memoryEvents({ pageSize: 100 });
  for (const event of stored) events.put(event);
  const cursors = memoryCursors();
  const ports = { feed: 'feed-1', cursors, table: events.table };
  const run = async (records: readonly unknown[]) => {
    const { envelopes, seen } = await enrich(records, ports);
    for (const envelope of envelopes) parseEnvelope(Buffer.from(JSON.stringify(envelope)), 'feed-1');
    return { envelopes, counts: Object.fromEntries(seen.counts), notes: seen.notes };
  };
  return { events, cursors, ports, run };
}

const runOf = (aggregate: string, versions: readonly number[], more: Partial<StoredEvent> = {}) =>
  versions.map((version) => storedEvent(aggregate, version, more));
const brief = ({ aggregate, from, to, head }: Envelope) => `${aggregate} [${from}..${to}] ${head}`;
const versionsTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

test('another event under a version that is on the feed is told, and not fed', async () => {
  const { cursors, run } = setup();
  await cursors.raise('a', 1, 3, 'commit-3');
  const rung = [2, 3, 4].map((version) => streamRecord(storedEvent('a', version)));
  expect((await run(rung)).counts).not.toHaveProperty('OtherHistories');
  const other = [2, 3].map((version) => streamRecord(storedEvent('a', version, { commitId: 'another' })));
  const { envelopes, counts, notes } = await run(other);
  expect(envelopes).toEqual([]);
  expect(counts.OtherHistories).toBe(1);
  expect(notes).toEqual([{ what: 'otherHistory', aggregate: 'a', version: 3 }]);
});

describe('one envelope per aggregate, from confirmed + 1', () => {
  test('images in any order become a contiguous run, with nothing read from the table', async () => {
    const { run } = setup();
    const { envelopes, counts } = await run([3, 1, 2].map((version) => streamRecord(storedEvent('a', version))));
    expect(envelopes).toHaveLength(1);
    expect(envelopes[0]).toMatchObject({ format: 1, feed: 'feed-1', aggregate: 'a', from: 1, to: 3, head: 3 });
    expect(envelopes[0]!.events.map(({ version }) => version)).toEqual([1, 2, 3]);
    expect(counts.EventsReadFromTable).toBeUndefined();
  });

  test.each([
    { rung: [2, 1, 2, 1], read: undefined },
    { rung: [4, 1, 1, 4, 2], read: 1 },
  ])('a version that comes twice in a batch is sent once: $rung', async ({ rung, read }) => {
    const { run } = setup(runOf('a', versionsTo(4)));
    const { envelopes, counts } = await run(rung.map((version) => streamRecord(storedEvent('a', version))));
    expect(envelopes[0]!.events.map(({ version }) => version)).toEqual(versionsTo(Math.max(...rung)));
    expect(counts.EventsReadFromTable).toBe(read);
  });

  test('an event travels whole, its JSON text untouched', async () => {
    const event = storedEvent('a', 1, {
      data: '{ "big": 12345678901234567890, "text": "ä\\n\\u0000" }',
      metadata: '{"who":"me"}',
      occurredAt: '2019-05-06T07:08:09.010Z',
      commitLast: 3,
    });
    const { envelopes } = await setup().run([streamRecord(event)]);
    expect(envelopes[0]!.events).toEqual([
      {
        version: 1,
        aggregateType: 'Account',
        type: 'MoneyDeposited',
        schemaVersion: 1,
        commitId: 'commit-1',
        commitLast: 3,
        recordedAt: event.recordedAt,
        occurredAt: event.occurredAt,
        data: event.data,
        metadata: event.metadata,
      },
    ]);
  });

  test('missing versions come from the table, around the images', async () => {
    const { run } = setup(runOf('a', versionsTo(7)));
    const { envelopes, counts } = await run([6, 3].map((version) => streamRecord(storedEvent('a', version))));
    expect(envelopes.map(brief)).toEqual(['a [1..6] 6']);
    expect(envelopes[0]!.events.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(counts.EventsReadFromTable).toBe(4);
  });

  test('without images the table is read', async () => {
    const { run } = setup(runOf('a', [1, 2]));
    const { envelopes, counts } = await run([streamRecord(storedEvent('a', 2), 'INSERT', false)]);
    expect(envelopes.map(brief)).toEqual(['a [1..2] 2']);
    expect(counts.Poison).toBeUndefined();
  });

  test('what is confirmed is not sent, and nothing is sent when all is', async () => {
    const { cursors, run } = setup(runOf('a', versionsTo(5)));
    await cursors.raise('a', 1, 3);
    expect((await run(runOf('a', [5, 2]).map((event) => streamRecord(event)))).envelopes.map(brief)).toEqual([
      'a [4..5] 5',
    ]);
    expect((await run(runOf('a', [1, 3]).map((event) => streamRecord(event)))).envelopes).toEqual([]);
  });

  test('an adopted aggregate begins after its base, and every envelope of it says so', async () => {
    const { cursors, run } = setup(runOf('a', versionsTo(9)));
    await cursors.begin('a', { confirmed: 5, base: 5 });
    const ring = (version: number) => run([streamRecord(storedEvent('a', version))]);
    expect((await ring(5)).envelopes).toEqual([]);
    expect((await ring(7)).envelopes).toMatchObject([{ from: 6, to: 7, base: 5 }]);
    expect((await ring(9_000)).envelopes).toMatchObject([{ from: 6, to: 5, head: 9_000, base: 5 }]);
    await cursors.raise('a', 6, 8);
    expect((await ring(9)).envelopes).toMatchObject([{ from: 9, to: 9, base: 5 }]);
  });

  test('the cursor’s feed is another feed’s business: an absent one is 0', async () => {
    const { envelopes } = await setup().run([streamRecord(storedEvent('a', 1))]);
    expect(envelopes.map(brief)).toEqual(['a [1..1] 1']);
  });
});

describe('holes', () => {
  test('the prefix is sent with the head, at once', async () => {
    const { run } = setup(runOf('a', [1, 2, 4, 5]));
    const { envelopes, counts, notes } = await run(runOf('a', [5, 4]).map((event) => streamRecord(event)));
    expect(envelopes.map(brief)).toEqual(['a [1..2] 5']);
    expect(counts.HolesMet).toBe(1);
    expect(notes).toContainEqual(expect.objectContaining({ what: 'holeMet', aggregate: 'a', version: 3 }));
  });

  test('an empty prefix too', async () => {
    const { envelopes } = await setup().run([streamRecord(storedEvent('a', 4))]);
    expect(envelopes.map(brief)).toEqual(['a [1..0] 4']);
  });

  test('an item in the way that is no event is a hole as well, found among hundreds', async () => {
    const { ports, events } = setup(runOf('a', versionsTo(290)));
    const failing: typeof ports.table = {
      ...events.table,
      query: async function* (aggregate, options) {
        const inRange = (options.from ?? 1) <= 123 && (options.to ?? 123) >= 123;
        if (inRange)
          throw new DaybookError('event.unknownFormat', { aggregateUuid: aggregate, version: 123, format: '9' });
        yield* events.table.query(aggregate, options);
      },
    };
    const rung = runOf('a', versionsTo(250)).filter(({ version }) => version < 75 || version > 150);
    const records = rung.map((event) => streamRecord(event));
    const { envelopes } = await enrich(records, { ...ports, table: failing });
    expect(envelopes.map(brief)).toEqual(['a [1..122] 250']);
  });

  test('a table that does not answer fails the batch: the pipe brings it again', async () => {
    const { ports } = setup();
    const table = {
      // biome-ignore lint/correctness/useYield: it fails first
      query: async function* (): AsyncGenerator<readonly StoredEvent[]> {
        throw new Error('throttled');
      },
    };
    await expect(enrich([streamRecord(storedEvent('a', 2))], { ...ports, table })).rejects.toThrow('throttled');
  });
});

describe('poison', () => {
  test('MODIFY and REMOVE are counted with the old image’s key and feed nothing', async () => {
    const { run } = setup();
    const records = [streamRecord(storedEvent('a', 1), 'MODIFY'), streamRecord(storedEvent('a', 2), 'REMOVE')];
    const { envelopes, counts, notes } = await run(records);
    expect(envelopes).toEqual([]);
    expect(counts.ImmutabilityBreaches).toBe(2);
    expect(notes).toEqual([
      { what: 'immutabilityBreach', change: 'MODIFY', aggregate: 'a', version: 1 },
      { what: 'immutabilityBreach', change: 'REMOVE', aggregate: 'a', version: 2 },
    ]);
  });

  test.each<[string, unknown]>([
    ['null', null],
    ['text', 'record'],
    ['nothing in it', {}],
    ['no keys', { eventName: 'INSERT', dynamodb: {} }],
    ['a key of another table', { eventName: 'INSERT', dynamodb: { Keys: { Id: { S: 'x' } } } }],
    ['version 0', { eventName: 'INSERT', dynamodb: { Keys: { AggregateUuid: { S: 'x' }, Version: { N: '0' } } } }],
    ['version 1.5', { eventName: 'INSERT', dynamodb: { Keys: { AggregateUuid: { S: 'x' }, Version: { N: '1.5' } } } }],
    ['an id too long for a partition key', streamRecord(storedEvent('x'.repeat(257), 1))],
    ['an unknown event name', { ...streamRecord(storedEvent('x', 1)), eventName: 'TTL' }],
  ])('%s is counted, the others go on', async (_, record) => {
    const { envelopes, counts } = await setup().run([record, streamRecord(storedEvent('a', 1))]);
    expect(envelopes.map(brief)).toEqual(['a [1..1] 1']);
    expect(counts.Poison).toBe(1);
  });

  test('what lies at no version is named in the log by its key', async () => {
    const Keys = { AggregateUuid: { S: 'x' }, Version: { N: '-3' } };
    const { notes } = await setup().run([{ eventName: 'INSERT', dynamodb: { Keys } }]);
    expect(notes).toEqual([{ what: 'notAStreamRecordOfAnEvent', aggregate: 'x', version: '-3' }]);
  });

  test('a foreign image rings, is counted, and is not fed', async () => {
    const record = streamRecord(storedEvent('a', 2)) as { dynamodb: { Keys: unknown; NewImage: unknown } };
    record.dynamodb.NewImage = { ...(record.dynamodb.Keys as object), Something: { S: 'else' } };
    const { envelopes, counts } = await setup(runOf('a', [1])).run([record]);
    expect(envelopes.map(brief)).toEqual(['a [1..1] 2']);
    expect(counts.Poison).toBe(1);
  });

  test('an encrypted item and one of a newer format are not read as events', async () => {
    for (const more of [{ Encryption: { M: {} } }, { Format: { N: '2' } }]) {
      const record = streamRecord(storedEvent('a', 1)) as { dynamodb: { NewImage: object } };
      record.dynamodb.NewImage = { ...record.dynamodb.NewImage, ...more };
      expect((await setup().run([record])).envelopes.map(brief)).toEqual(['a [1..0] 1']);
    }
  });

  test('what is no array at all is refused with a code', async () => {
    const { ports } = setup();
    await expect(enrich({ Records: [] }, ports)).rejects.toThrow(/^feed.notABatch/);
  });
});

describe('sizes', () => {
  const bytes = (envelopes: readonly Envelope[]) => Buffer.byteLength(JSON.stringify(envelopes));
  const largest = (envelopes: readonly Envelope[]) => Math.max(...envelopes.map((each) => bytes([each]) - 2));
  /** Twice as long once it is escaped. */
  const quotes = (length: number) => `"${'\\"'.repeat(length / 2)}"`;

  test('an event of the item limit, all of it escaped, fits', async () => {
    const event = storedEvent('a'.repeat(256), 1, { data: `["${'\\"'.repeat(204_000 - 10)}"]` });
    const { envelopes } = await setup().run([streamRecord(event)]);
    expect(envelopes[0]!.events).toHaveLength(1);
    expect(largest(envelopes)).toBeLessThanOrEqual(900 * KB);
  });

  test('a run that overflows an envelope when escaped is sent empty, and Confirm carries it on', async () => {
    const records = runOf('a', [1, 2, 3, 4], { data: quotes(240 * KB) }).map((event) => streamRecord(event));
    const { envelopes } = await setup().run(records.slice(0, 2));
    expect(envelopes.map(brief)).toEqual(['a [1..0] 2']);
    const more = await setup().run(records.slice(0, 1));
    expect(more.envelopes.map(brief)).toEqual(['a [1..1] 1']);
  });

  test('so is a run of which the missing part overflows', async () => {
    const { run } = setup(runOf('a', versionsTo(40), { data: quotes(20 * KB) }));
    const { envelopes, counts } = await run([streamRecord(storedEvent('a', 40, { data: '1' }))]);
    expect(envelopes.map(brief)).toEqual(['a [1..0] 40']);
    expect(counts.EmptyEnvelopes).toBe(1);
  });

  test.each([
    { what: 'a burst’s second batch: what the first brought is on its way', rung: 100, sent: 0 },
    { what: 'a trickle, of which little is on its way', rung: 5, sent: 25 },
  ])('what rang before is sent again only where it is little: $what', async ({ rung, sent }) => {
    const before = rung === 100 ? 100 : 20;
    const { run } = setup(runOf('a', versionsTo(before + rung), { data: quotes(50) }));
    const batch = runOf('a', versionsTo(before + rung), { data: quotes(50) }).slice(before);
    const { envelopes, counts } = await run(batch.map((event) => streamRecord(event)));
    expect(envelopes.map(brief)).toEqual([`a [1..${sent}] ${before + rung}`]);
    expect(counts.EventsReadFromTable).toBe(sent === 0 ? undefined : before);
  });

  test('a lag of 100,000 versions is not even read', async () => {
    const { ports } = setup();
    let reads = 0;
    const table = {
      query: async function* (): AsyncGenerator<readonly StoredEvent[]> {
        reads++;
        yield [];
      },
    };
    const { envelopes } = await enrich([streamRecord(storedEvent('a', 100_000))], { ...ports, table });
    expect(envelopes.map(brief)).toEqual(['a [1..0] 100000']);
    expect(reads).toBe(0);
  });

  test('a hot aggregate starves nobody: the smallest runs are filled first', async () => {
    const hot = Array.from({ length: 6 }, (_, i) =>
      runOf(`hot${i}`, versionsTo(8), { data: quotes(50 * KB - 2000) }),
    ).flat();
    const cold = Array.from({ length: 50 }, (_, i) => storedEvent(`cold${i}`, 1, { data: quotes(4 * KB) }));
    const { envelopes } = await setup().run([...hot, ...cold].map((event) => streamRecord(event)));
    const filled = envelopes.filter(({ events }) => events.length > 0);
    expect(envelopes).toHaveLength(56);
    expect(filled.filter(({ aggregate }) => aggregate.startsWith('cold'))).toHaveLength(50);
    expect(filled.length).toBeGreaterThan(51);
    expect(filled.length).toBeLessThan(56);
    expect(bytes(envelopes)).toBeLessThanOrEqual(4_500 * KB);
    expect(largest(envelopes)).toBeLessThanOrEqual(900 * KB);
  });

  test.each([50, 51, 52])(
    'an answer is filled to its limit, counted only as far as it must be: %i runs',
    async (runs) => {
      const data = JSON.stringify('x'.repeat(4_300));
      const records = Array.from({ length: runs }, (_, i) => runOf(`run${i}`, versionsTo(20), { data })).flat();
      const { envelopes } = await setup().run(records.map((event) => streamRecord(event)));
      const [room, one] = [4_500 * KB, bytes(envelopes.slice(0, 1))];
      expect(envelopes.filter(({ events }) => events.length > 0)).toHaveLength(Math.min(runs, Math.floor(room / one)));
      expect(bytes(envelopes)).toBeLessThanOrEqual(room);
    },
  );

  test('a run whose events alone fill an envelope has no room for the commas between them', async () => {
    const escaped = '\u0001'; // six bytes for one unit, which is the most
    const more = { aggregateType: escaped, type: escaped, commitId: escaped, recordedAt: escaped };
    const event = (version: number, units: number) =>
      storedEvent('a', version, { ...more, data: escaped.repeat(units) });
    const filler = versionsTo(999).map((version) => event(version, 120));
    const sizeOf = (each: StoredEvent) => jsonBytes(toEnvelopeEvent(each));
    const left = 900 * KB - headerBytesBound('feed-1', 'a') - filler.reduce((sum, each) => sum + sizeOf(each), 0);
    const last = event(1000, Math.floor((left - sizeOf(event(1000, 0))) / 6));
    const { envelopes } = await setup().run([...filler, last].map((each) => streamRecord(each)));
    expect(envelopes.map(brief)).toEqual(['a [1..0] 1000']);
  });

  test('never more than 500 envelopes; the rest is counted and left to the reconciler', async () => {
    const records = Array.from({ length: 600 }, (_, i) => streamRecord(storedEvent(`a${i}`, 1)));
    const { envelopes, counts } = await setup().run(records);
    expect(envelopes).toHaveLength(500);
    expect(counts.Deferred).toBe(100);
  });

  test('whatever comes: contiguous from confirmed + 1, one per aggregate, within every limit', async () => {
    const event = fc.record({
      aggregate: fc.constantFrom('a', 'b', 'ü"\\'),
      version: fc.integer({ min: 1, max: 12 }),
      size: fc.constantFrom(10, 1000, 60 * KB, 390 * KB),
      letter: fc.constantFrom('x', '"', 'ü', '\\'),
      stored: fc.boolean(),
      ring: fc.boolean(),
      image: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 40 }), fc.nat(5), async (given, confirmed) => {
        const { events, cursors, run } = setup();
        if (confirmed > 0) await cursors.raise('a', 1, confirmed);
        const heads = new Map<string, number>();
        const rings: StreamRecord[] = [];
        for (const { aggregate, version, size, letter, stored, ring, image } of given) {
          const made = storedEvent(aggregate, version, { data: letter.repeat(letter === 'ü' ? size / 2 : size) });
          if (stored || ring) events.put(made);
          if (!ring) continue;
          rings.push(streamRecord(made, 'INSERT', image));
          heads.set(aggregate, Math.max(version, heads.get(aggregate) ?? 0));
        }
        const { envelopes } = await run(rings);
        expect(bytes(envelopes)).toBeLessThanOrEqual(4_500 * KB);
        expect(new Set(envelopes.map(({ aggregate }) => aggregate)).size).toBe(envelopes.length);
        for (const [aggregate, head] of heads) {
          const from = (aggregate === 'a' ? confirmed : 0) + 1;
          const envelope = envelopes.find((each) => each.aggregate === aggregate);
          if (head < from) expect(envelope).toBeUndefined();
          else expect(envelope).toMatchObject({ from, head });
        }
        if (envelopes.length > 0) expect(largest(envelopes)).toBeLessThanOrEqual(900 * KB);
      }),
      { numRuns: 60 },
    );
  });
});

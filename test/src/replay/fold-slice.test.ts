import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { defineEvent, defineProjection, type StoredEvent } from 'daybook';
import { memoryProjectionTable } from 'daybook/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { itemOf } from '../../../src/projection/project.ts';
import { createRunner } from '../../../src/projection/runner.ts';
import type { ArchiveFiles } from '../../../src/replay/archive-files.ts';
import { type FoldOptions, type FoldResult, foldSlice } from '../../../src/replay/fold.ts';
import type { Plan } from '../../../src/replay/plan.ts';
import { memoryBuilds } from '../../../src/testing/memory-builds.ts';
import { type CompactedOptions, writeCompacted } from '../archive/compacted-file.ts';
import { writeParquet } from '../archive/parquet-file.ts';
import { folderArchive } from './folder-archive.ts';

const Booked = defineEvent({
  type: 'Booked',
  schemaVersion: 2,
  data: {
    type: 'object',
    properties: {
      amount: { type: 'integer' },
      rate: { type: 'number' },
      note: { type: 'string' },
      final: { type: 'boolean' },
      at: { type: 'string', format: 'date-time' },
      tags: { type: 'array', items: { type: 'string' } },
    },
    required: ['amount'],
  },
  upcasts: {
    1: (data, { commitFirst }) => ({ amount: (data as { cents: number }).cents, note: `of commit ${commitFirst}` }),
  },
});
const Noted = defineEvent({
  type: 'Noted',
  data: { type: 'object', properties: { text: { type: 'string' }, lines: { type: 'integer' } }, required: ['text'] },
});

/** Keeps all that it sees, in order: nothing that a fold could tell apart is left out. */
const seeing = (fields?: {
  Booked: readonly ('amount' | 'rate' | 'note' | 'final' | 'at' | 'tags')[];
  Noted: ('text' | 'lines')[];
}) =>
  defineProjection({
    name: 'seen',
    events: [Booked, Noted],
    ...(fields !== undefined && { fields, clocks: ['occurred'] as const }),
    initialState: (): unknown[] => [],
    evolve: (seen, event) => [...seen, event],
  });

const total = defineProjection({
  name: 'total',
  events: [Booked],
  fields: { Booked: ['amount'] },
  initialState: () => 0,
  evolve: (sum, event) => sum + event.data.amount,
});

const number = fc.oneof(
  fc.integer(),
  fc.constantFrom(0, -1, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), 2 ** 63, 1e300, 0.1, 123456789.25),
);
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 16 }),
  fc.constantFrom('', 'twelve bytes', 'thirteen byte', 'ünïcode', '日本', '\u001f', '"\\\n'),
);
const booked = fc.record(
  {
    amount: fc.oneof({ weight: 5, arbitrary: number }, { weight: 1, arbitrary: fc.constant(null) }),
    rate: fc.oneof(number, fc.constant(null), text),
    note: fc.oneof(text, fc.constant(null), fc.integer()),
    final: fc.oneof(fc.boolean(), fc.constant('true')),
    at: fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z', '2026-01-01T01:00:00+01:00'),
    tags: fc.array(text, { maxLength: 2 }),
    other: fc.integer(),
  },
  { requiredKeys: ['amount'] },
);
const noted = fc.record({ text, lines: fc.nat() }, { requiredKeys: ['text'] });
const given = fc.oneof(
  { weight: 5, arbitrary: booked.map((data) => ({ type: 'Booked', schemaVersion: 2, data })) },
  { weight: 1, arbitrary: fc.record({ cents: number }).map((data) => ({ type: 'Booked', schemaVersion: 1, data })) },
  { weight: 1, arbitrary: noted.map((data) => ({ type: 'Noted', schemaVersion: 1, data })) },
  { weight: 1, arbitrary: fc.constant({ type: 'Ignored', schemaVersion: 7, data: {} as object }) },
);
const ids = fc.constantFrom(
  'a',
  'b',
  '6f1c2b1e-8d54-4c3e-9a57-1f0b3f9d2a11',
  '\u{1f600}',
  '\uffee',
  'an id of more than thirty-six characters',
);
/** Of each aggregate its events; and of each event where it lies: in which compacted file, or how often among the raw ones. */
const histories = fc.uniqueArray(
  fc.tuple(ids, fc.array(fc.tuple(given, fc.nat(2), fc.nat(2), fc.integer({ min: 0, max: 1e6 })), { maxLength: 12 })),
  { selector: ([id]) => id, minLength: 1, maxLength: 5 },
);

const START = Date.UTC(2026, 0, 1);

describe('a slice', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-fold-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function fold(
    projection: Parameters<typeof createRunner>[0],
    files: { compacted: readonly (readonly StoredEvent[])[]; raw: readonly (readonly StoredEvent[])[] },
    options: CompactedOptions & FoldOptions = {},
    request: Partial<Plan['request']> = {},
    archive: ArchiveFiles = folderArchive(folder),
  ) {
    const keys: string[] = [];
    for (const [i, events] of files.compacted.entries()) {
      const key = `compacted/files/bucket=0/${i}.parquet`;
      mkdirSync(dirname(join(folder, key)), { recursive: true });
      await writeCompacted(join(folder, key), events, { definitions: [Booked, Noted], ...options });
      keys.push(key);
    }
    for (const [i, events] of files.raw.entries()) {
      const key = `events/day=2026-01-01/bucket=0/${i}.parquet`;
      mkdirSync(dirname(join(folder, key)), { recursive: true });
      await writeParquet(join(folder, key), events);
      keys.push(key);
    }
    const manifest = 'replays/slice.json';
    mkdirSync(join(folder, 'replays'), { recursive: true });
    writeFileSync(
      join(folder, manifest),
      JSON.stringify([keys.map((key) => ({ key, bytes: statSync(join(folder, key)).size }))]),
    );
    const table = memoryProjectionTable();
    const plan = {
      build: 'b1',
      kind: request.range === undefined ? 'rebuild' : 'report',
      projection: projection.name,
      version: projection.version,
      request: { projection: projection.name, range: { kind: 'all' }, seed: 'initial', ...request },
      slices: [],
    } as unknown as Plan;
    const slice = { bucket: '0', files: keys.length, bytes: 0, passes: 1, generation: 'none', manifest };
    const ports = { files: archive, table, builds: memoryBuilds(table) };
    const { sparse } = options;
    const result = (await foldSlice(ports, createRunner(projection), plan, slice, {
      ...(sparse !== undefined && { sparse }),
    })) as FoldResult;
    return { result, get: (id: string) => table.get(projection.name, 'b1', id) };
  }

  const stored = (
    aggregateUuid: string,
    i: number,
    event: { type: string; schemaVersion: number; data: unknown },
    at = 0,
  ) => ({
    aggregateUuid,
    aggregateType: 'Ledger',
    version: i + 1,
    type: event.type,
    schemaVersion: event.schemaVersion,
    commitId: `commit-${i + 1}`,
    commitFirst: i + 1,
    commitLast: i + 1,
    recordedAt: new Date(START + i * 1000).toISOString(),
    occurredAt: new Date(START + i * 1000 - at).toISOString(),
    data: JSON.stringify(event.data),
    ...(i % 3 === 0 && { metadata: '{"who":"me"}' }),
  });

  const FIELDS = { Booked: ['amount', 'rate', 'note', 'final'], Noted: ['text', 'lines'] } as const;
  it.each([
    ['whole events', undefined, {}],
    ['declared fields', FIELDS, {}],
    ['declared fields of which only the columns are copied', FIELDS, { sparse: { from: 0, end: 8, gap: 0 } }],
    [
      'declared fields of which the columns and what lies between are copied',
      FIELDS,
      { sparse: { from: 0, end: 3000, gap: 500 } },
    ],
    ['fields of which some have no column', { Booked: ['amount', 'at', 'tags'], Noted: ['text'] }, {}],
    [
      'fields in a file that was written before they had columns',
      { Booked: ['amount', 'note'], Noted: [] },
      { has: ({ column }: { column: string }) => column !== 'booked__note', sparse: { from: 0, end: 8, gap: 0 } },
    ],
  ] as const)(
    'folds %s as they are one by one, whatever lies where, how often and in which order',
    async (_, fields, options) => {
      const projection = seeing(fields as Parameters<typeof seeing>[0]);
      await fc.assert(
        fc.asyncProperty(histories, async (aggregates) => {
          const compacted: StoredEvent[][] = [[], []];
          const raw: StoredEvent[][] = [[], []];
          for (const [id, events] of aggregates) {
            for (const [i, [event, file, copies, at]] of events.entries()) {
              const one = stored(id, i, event, at);
              if (file < 2) compacted[file]!.push(one);
              for (let n = file < 2 ? 1 : 0; n <= copies; n++) raw[n % 2]!.unshift(one);
            }
          }
          const filled = (files: StoredEvent[][]) => files.filter(({ length }) => length > 0);
          const { result, get } = await fold(projection, { compacted: filled(compacted), raw: filled(raw) }, options);
          const runner = createRunner(projection);
          for (const [id, events] of aggregates) {
            const expected = runner.start();
            for (const [i, [event, , , at]] of events.entries()) runner.apply(expected, stored(id, i, event, at), true);
            expect(await get(id)).toEqual(events.length === 0 ? undefined : itemOf(id, expected));
          }
          expect(result.events).toBe(aggregates.reduce((sum, [, events]) => sum + events.length, 0));
          rmSync(join(folder, 'compacted'), { recursive: true, force: true });
          rmSync(join(folder, 'events'), { recursive: true, force: true });
        }),
        { numRuns: 8 },
      );
    },
    120_000,
  );

  it('reads more rows than a chunk, a row group and a sort hold, over the borders of all of them', async () => {
    const amounts = (id: string, count: number) =>
      Array.from({ length: count }, (_, i) =>
        stored(id, i, { type: 'Booked', schemaVersion: i % 1000 === 7 ? 1 : 2, data: { amount: i, cents: i } }),
      );
    const [a, b, c] = [amounts('a', 5000), amounts('b', 2100), amounts('c', 6000)];
    const { result, get } = await fold(total, {
      compacted: [
        [...a.slice(0, 3000), ...b, ...c.slice(0, 4097)],
        [...a.slice(3000), ...c.slice(4097, 5000)],
      ],
      raw: [c.slice(4990)],
    });
    expect(result).toMatchObject({ aggregates: 3, events: 13_100, applied: 13_100, behindHole: 0 });
    const sum = (n: number) => JSON.stringify((n * (n - 1)) / 2);
    expect([await get('a'), await get('b'), await get('c')].map((item) => item?.state)).toEqual(
      [5000, 2100, 6000].map(sum),
    );
  }, 60_000);

  describe('whose events are seen by declared fields', () => {
    /** Rows of 10 row groups, with a text that nobody declares: half a megabyte, little of which is in the columns that are read. */
    const events = Array.from({ length: 20_000 }, (_, i) =>
      stored('a', i, {
        type: 'Booked',
        schemaVersion: 2,
        data: { amount: i, note: createHash('md5').update(`${i}`).digest('base64') },
      }),
    );
    const sparse = { from: 100_000, end: 4096, gap: 4096 };

    /** Counts what is copied, and lets something happen before one of the requests. */
    function watched(before: (request: number, key: string) => void = () => {}) {
      const archive = folderArchive(folder);
      const copied = { parts: 0, bytes: 0, whole: 0 };
      const files: ArchiveFiles = {
        ...archive,
        async copyPart(key, path, part, etag) {
          before(++copied.parts, key);
          copied.bytes += 'last' in part ? part.last : part.to - part.from;
          return await archive.copyPart(key, path, part, etag);
        },
        async download(key, path) {
          copied.whole++;
          return await archive.download(key, path);
        },
      };
      return { files, copied };
    }
    const foldTotal = (files: ArchiveFiles, rows = events) =>
      fold(total, { compacted: [rows], raw: [] }, { sparse }, {}, files);
    const size = () => statSync(join(folder, 'compacted/files/bucket=0/0.parquet')).size;

    it('copies the columns of them only', async () => {
      const { files, copied } = watched();
      const { result, get } = await foldTotal(files);
      expect(result).toMatchObject({ events: 20_000, applied: 20_000 });
      expect((await get('a'))!.state).toBe(JSON.stringify((20_000 * 19_999) / 2));
      expect(size()).toBeGreaterThan(500_000);
      expect(copied.whole).toBe(0);
      expect(copied.bytes).toBeLessThan(size() / 4);
    });

    it('copies the rest of a file when one of its events needs its text', async () => {
      const { files, copied } = watched();
      const late = events.map((event, i) => (i === 15_000 ? { ...event, data: '{"amount":0.5}' } : event));
      const { get } = await foldTotal(files, late);
      expect((await get('a'))!.state).toBe(JSON.stringify((20_000 * 19_999) / 2 - 15_000 + 0.5));
      expect(copied.bytes).toBeGreaterThan(size());
    });

    it.each([1, 2, 4])('tells of a file that is gone before its part %i is copied', async (at) => {
      const { files } = watched((request, key) => request === at && rmSync(join(folder, key)));
      expect((await foldTotal(files)).result).toEqual({ gone: 'compacted/files/bucket=0/0.parquet' });
    });

    it('tells of a file that was replaced while it was copied', async () => {
      const { files } = watched((request, key) => request === 3 && utimesSync(join(folder, key), 1, 1));
      expect((await foldTotal(files)).result).toEqual({ gone: 'compacted/files/bucket=0/0.parquet' });
    });

    it('names a file that cannot be read, though of others only some columns are there', async () => {
      const { files } = watched((request, key) => {
        if (request > 1) return;
        const path = join(folder, key);
        const bytes = readFileSync(path);
        writeFileSync(path, bytes.fill(0, 4, bytes.length - 20_000));
      });
      await expect(fold(total, { compacted: [events, events], raw: [] }, { sparse }, {}, files)).rejects.toMatchObject({
        code: 'archive.unreadable',
        details: { key: 'compacted/files/bucket=0/0.parquet' },
      });
    });
  });

  it('counts by clock and version what it knows by its fields only', async () => {
    const a = Array.from({ length: 9 }, (_, i) =>
      stored('a', i, { type: 'Booked', schemaVersion: 2, data: { amount: 1 } }, i === 8 ? 5000 : 0),
    );
    const amounts = defineProjection({
      name: 'amounts',
      events: [Booked],
      fields: { Booked: ['amount'] },
      initialState: (): number[] => [],
      evolve: (seen, { version }) => [...seen, version],
    });
    const range = {
      kind: 'times',
      from: new Date(START + 2000).toISOString(),
      to: new Date(START + 4000).toISOString(),
    } as const;
    const seen = async (clock: 'occurred' | 'recorded') => {
      rmSync(join(folder, 'compacted'), { recursive: true, force: true });
      const { get } = await fold(amounts, { compacted: [a], raw: [] }, {}, { range: { ...range, clock } });
      return JSON.parse((await get('a'))!.state);
    };
    expect(await seen('occurred')).toEqual([3, 4, 5, 9]);
    expect(await seen('recorded')).toEqual([3, 4, 5]);
  });

  it('refuses a fold that gives no state, and names the event', async () => {
    const of = (evolve: () => unknown) =>
      defineProjection({ name: 'bad', events: [Booked], initialState: (): unknown => 0, evolve });
    const a = [stored('a', 0, { type: 'Booked', schemaVersion: 2, data: { amount: 1 } })];
    for (const [found, evolve] of [
      ['undefined', () => undefined],
      ['a promise', async () => 1],
    ] as const) {
      await expect(fold(of(evolve), { compacted: [a], raw: [] })).rejects.toMatchObject({
        code: 'replay.foldFailed',
        details: {
          aggregateUuid: 'a',
          version: 1,
          type: 'Booked',
          reason: expect.stringContaining(`made ${found} of Booked`),
        },
      });
    }
  });

  it('names the one event whose text is no JSON, of those that are read together', async () => {
    const a = Array.from({ length: 9 }, (_, i) =>
      stored('a', i, { type: 'Booked', schemaVersion: 2, data: { amount: 1 } }),
    );
    const compacted = [a.map((event, i) => (i === 4 ? { ...event, data: '{"amount":1' } : event))];
    await expect(fold(seeing(), { compacted, raw: [] }, { definitions: [] })).rejects.toMatchObject({
      code: 'replay.foldFailed',
      details: { aggregateUuid: 'a', version: 5, type: 'Booked', reason: expect.stringContaining('event.corrupt') },
    });
  });
});

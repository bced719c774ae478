import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CompactedFile, manifestKey, NO_GENERATION } from '../../../src/archive/generation.ts';
import { createEventArchive } from '../../../src/archive/read-archive.ts';
import { bucketOf } from '../../../src/event/bucket.ts';
import type { StoredEvent } from '../../../src/event/stored-event.ts';
import { type BadEvent, createEventStore, defineEvent, type RecordedEvent } from '../../../src/index.ts';
import { memoryEventTable } from '../../../src/testing/memory-event-table.ts';
import { folderArchive } from '../replay/folder-archive.ts';
import { writeParquet } from './parquet-file.ts';
import { deposits } from './stored-events.ts';

let folder: string;
let archive: ReturnType<typeof folderArchive>;
let generation: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-read-all-'));
  archive = folderArchive(join(folder, 'archive'));
  generation = NO_GENERATION;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const pathOf = (key: string) => join(folder, 'archive', key);

async function setUp(hot: readonly StoredEvent[]) {
  const table = memoryEventTable();
  for (const event of hot) await table.put({ commitId: event.commitId, events: [event] });
  await mkdir(pathOf('events'), { recursive: true });
  await mkdir(join(folder, 'work'), { recursive: true });
  const cold = { files: archive, currentGeneration: async () => generation };
  const store = createEventStore({ table, archive: createEventArchive(cold, { folder: join(folder, 'work') }) });
  return { table, store };
}

/** One file for each bucket, and the switch to them; with `taken` the raw files go. */
async function compact(name: string, events: readonly StoredEvent[]): Promise<void> {
  const files: CompactedFile[] = [];
  for (const bucket of new Set(events.map(({ aggregateUuid }) => bucketOf(aggregateUuid)))) {
    const rows = events.filter(({ aggregateUuid }) => bucketOf(aggregateUuid) === bucket);
    const key = `compacted/files/bucket=${bucket}/${name}-00.parquet`;
    await mkdir(dirname(pathOf(key)), { recursive: true });
    await writeParquet(pathOf(key), rows);
    const at = rows[0]!.recordedAt;
    files.push({ key, bytes: 1, rows: rows.length, bucket, firstRecordedAt: at, lastRecordedAt: at, contentHash: '0' });
  }
  const manifest = {
    format: 1,
    generation: name,
    previous: NO_GENERATION,
    madeAt: '2026',
    events: events.length,
    files,
    taken: [],
  };
  await archive.writeText(manifestKey(name), JSON.stringify(manifest));
  generation = name;
}

const keyOf = ({ aggregateUuid, version }: { readonly aggregateUuid: string; readonly version: number }) =>
  `${aggregateUuid}/${version}`;

async function all<E>(events: AsyncIterable<E>): Promise<E[]> {
  const found: E[] = [];
  for await (const event of events) found.push(event);
  return found;
}

/** Each aggregate in one piece, its versions rising. */
function expectInOrder(events: readonly RecordedEvent[]): void {
  const done = new Set<string>();
  events.forEach((event, i) => {
    const before = events[i - 1];
    if (before?.aggregateUuid === event.aggregateUuid) expect(event.version).toBeGreaterThan(before.version);
    else {
      expect(done.has(event.aggregateUuid), `${event.aggregateUuid} came in pieces`).toBe(false);
      done.add(event.aggregateUuid);
    }
  });
}

const MoneyDeposited = defineEvent({
  type: 'MoneyDeposited',
  schemaVersion: 2,
  data: { type: 'object', properties: { cents: { type: 'integer' } }, required: ['cents'] },
  upcasts: { 1: (data) => ({ cents: (data as { amount: number }).amount * 100 }) },
});

describe('readAll', () => {
  const events = [...deposits('a', 120), ...deposits('b, "quoted"', 3), ...deposits('only hot', 60)];
  const archived = events.filter(({ aggregateUuid }) => aggregateUuid !== 'only hot');

  it('gives what the archive has and the table has beyond it, each event once, as it was written', async () => {
    const { store } = await setUp(events);
    await archive.deliver(archived.filter(({ version }) => version <= 50 && ![1, 7, 30, 31].includes(version)));
    await archive.deliver(archived.filter(({ version }) => version <= 10 && version !== 1));
    const found = await all(store.readAll());
    expectInOrder(found);
    expect(found.map(keyOf).sort()).toEqual(events.map(keyOf).sort());
    const expected = events.find(({ version }) => version === 3)!;
    expect(found.find(({ version, aggregateUuid }) => aggregateUuid === 'a' && version === 3)).toEqual({
      aggregateUuid: 'a',
      aggregateType: 'Account',
      version: 3,
      type: 'MoneyDeposited',
      data: { amount: 3 },
      metadata: undefined,
      schemaVersion: 1,
      recordedAt: expected.recordedAt,
      occurredAt: expected.occurredAt,
      commitId: 'commit-3',
    });
    expect(readdirSync(join(folder, 'work'))).toEqual([]);
  });

  it('reads an empty archive, and an archive of a table that is empty', async () => {
    expect(await all((await setUp([])).store.readAll())).toEqual([]);
    await archive.deliver(deposits('a', 3));
    expect((await all((await setUp([])).store.readAll())).map(keyOf)).toEqual(['a/1', 'a/2', 'a/3']);
  });

  it('by times, both ends included, of either clock; typed by definitions, upcast as a load does', async () => {
    const [first, second, third, fourth] = deposits('a', 4).map((event, i) => ({
      ...event,
      occurredAt: `202${i}-01-01T00:00:00.000Z`,
      ...(i === 3 && { type: 'Closed', data: '{}' }),
    }));
    const { store } = await setUp([first!, second!, third!, fourth!]);
    await archive.deliver([first!, second!]);
    const range = { from: '2021-01-01T01:00:00+01:00', to: new Date('2022-01-01T00:00:00Z') };
    const found = await all(store.readAll({ ...range, types: [MoneyDeposited] }));
    expect(found.map(({ version, data: { cents } }) => [version, cents])).toEqual([
      [2, 200],
      [3, 300],
    ]);
    expect((await all(store.readAll({ ...range, clock: 'recorded' }))).length).toBe(0);
    const recorded = await all(store.readAll({ from: second!.recordedAt, to: third!.recordedAt, clock: 'recorded' }));
    expect(recorded.map(({ version }) => version)).toEqual([2, 3]);
    expect((await all(store.readAll({ types: ['Closed'] }))).map(keyOf)).toEqual(['a/4']);
  });

  it('refuses what it does not take, before it reads', async () => {
    const { store } = await setUp([]);
    const bare = createEventStore({ table: memoryEventTable() });
    expect(() => bare.readAll()).toThrow('store.noArchive');
    expect(() => store.readAll({ from: 'today' })).toThrow('time.notAllowed: from is today');
    expect(() => store.readAll({ to: 'today' })).toThrow('time.notAllowed: to is today');
    expect(() => store.readAll({ from: '2026-02-01T00:00:00Z', to: '2026-01-01T00:00:00Z' })).toThrow('range.reversed');
    expect(() => store.readAll({ until: 1 } as object)).toThrow('option.unknown');
    expect(() => store.readAll({ types: [MoneyDeposited, 'x'] as never })).toThrow('option.notAllowed');
    expect(() => store.readAll({ types: ['x'], validate: true })).toThrow('option.notAllowed');
  });

  it('goes on past what cannot be an event when it is told so, and names each', async () => {
    const odd = deposits('a', 4).map((event, i) => ({
      ...event,
      ...(i === 1 && { data: '{"amount":' }),
      ...(i === 2 && { schemaVersion: 3 }),
      ...(i === 3 && { data: 'null' }),
    }));
    const { store } = await setUp(odd);
    await archive.deliver(odd.slice(0, 3));
    await expect(all(store.readAll({ types: [MoneyDeposited] }))).rejects.toThrow('event.corrupt');
    const bad: BadEvent[] = [];
    const options = { types: [MoneyDeposited], onBadEvent: (each: BadEvent) => void bad.push(each) };
    expect((await all(store.readAll(options))).map(keyOf)).toEqual(['a/1']);
    expect(bad.map(({ code, stored }) => [code, stored])).toEqual([
      ['event.corrupt', odd[1]],
      ['event.newerSchema', odd[2]],
      ['event.upcastFailed', odd[3]],
    ]);
    const stop = () => {
      throw new Error('enough');
    };
    await expect(all(store.readAll({ onBadEvent: stop }))).rejects.toThrow('enough');
    expect(() => store.readAll({ onBadEvent: 'skip' as never })).toThrow('option.notAllowed');
  });

  it('names a file that cannot be read', async () => {
    const { store } = await setUp(events);
    await archive.deliver(archived);
    writeFileSync(pathOf('events/day=2026-11-23/bucket=0/cut.parquet'), 'PAR1');
    await expect(all(store.readAll())).rejects.toThrow(
      "archive.unreadable: the archive's file events/day=2026-11-23/bucket=0/cut.parquet",
    );
    expect(readdirSync(join(folder, 'work'))).toEqual([]);
  });

  it('names a manifest that is gone, and ends', { timeout: 20_000 }, async () => {
    const { store } = await setUp(events);
    await compact('g1', archived);
    rmSync(pathOf(manifestKey('g1')));
    await expect(all(store.readAll())).rejects.toThrow('archive.manifestGone: compacted/generations/g1/manifest.json');
  });

  it('whatever is repeated, late, half compacted or appended while it reads: an oracle has the same', {
    timeout: 240_000,
  }, async () => {
    const ids = ['a', 'b', 'c', 'd'];
    const plan = fc.record({
      lengths: fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 4, maxLength: 4 }),
      /** For each event, in which of three deliveries it is: none is "late", several are repeats. */
      delivered: fc.infiniteStream(fc.integer({ min: 0, max: 7 })),
      compacted: fc.infiniteStream(fc.boolean()),
      /** Does the switch come before, while the files are downloaded (raw ones then go), or never? */
      when: fc.constantFrom('never', 'before', 'meanwhile'),
      growth: fc.array(fc.constantFrom(...ids), { maxLength: 6 }),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(plan, async ({ lengths, delivered, compacted, when, growth }) => {
        rmSync(folder, { recursive: true, force: true });
        archive = folderArchive(join(folder, 'archive'));
        generation = NO_GENERATION;
        const hot = ids.flatMap((id, i) => deposits(id, lengths[i]!));
        const { table, store } = await setUp(hot);
        const marks = hot.map(() => delivered.next().value);
        for (const bit of [1, 2, 4]) await archive.deliver(hot.filter((_, i) => (marks[i]! & bit) !== 0));
        const cold = hot.filter((_, i) => marks[i] !== 0);
        const taken = cold.filter(() => compacted.next().value);
        const name = `g${run++}`;
        if (when === 'before' && taken.length > 0) await compact(name, taken);
        const { download } = archive;
        let downloads = 0;
        const appended: StoredEvent[] = [];
        archive.download = async (key, path) => {
          if (downloads++ === 1) {
            for (const id of growth) {
              const mine = [...hot, ...appended].filter(({ aggregateUuid }) => aggregateUuid === id).length;
              const event = deposits(id, mine + 1).at(-1)!;
              appended.push(event);
              await table.put({ commitId: event.commitId, events: [event] });
            }
            if (when === 'meanwhile' && cold.length > 0) {
              await compact(name, cold);
              rmSync(pathOf('events'), { recursive: true });
              await mkdir(pathOf('events'));
            }
          }
          return await download(key, path);
        };
        const found = await all(store.readAll());
        expectInOrder(found);
        const keys = found.map(keyOf);
        expect(new Set(keys).size).toBe(keys.length);
        expect(keys).toEqual(expect.arrayContaining(hot.map(keyOf)));
        const known = new Set([...hot, ...appended].map(keyOf));
        expect(keys.filter((key) => !known.has(key))).toEqual([]);
        for (const event of found) expect(event.data).toEqual({ amount: event.version });
      }),
      { numRuns: 12 },
    );
  });
});

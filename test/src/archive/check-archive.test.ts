import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHECKER, CHECKPOINT, checkArchive, checkKey } from '../../../src/archive/check-archive.ts';
import { NO_GENERATION } from '../../../src/archive/generation.ts';
import type { StoredEvent } from '../../../src/event/stored-event.ts';
import { memoryEventTable } from '../../../src/testing/memory-event-table.ts';
import { folderArchive } from '../replay/folder-archive.ts';
import { deposits } from './stored-events.ts';

/** Of the day at which the folder's files arrive. */
const START = Date.UTC(2026, 10, 23, 12);
const MINUTE = 60_000;
let folder: string;
let archive: ReturnType<typeof folderArchive>;
let table: ReturnType<typeof memoryEventTable>;
let positions: Map<string, number>;
let downloads: string[];
let now: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'daybook-check-'));
  archive = folderArchive(join(folder, 'archive'));
  await mkdir(join(folder, 'archive/events'), { recursive: true });
  await mkdir(join(folder, 'work'));
  table = memoryEventTable();
  positions = new Map();
  downloads = [];
  now = START;
  const { download } = archive;
  archive.download = async (key, path) => {
    downloads.push(key);
    return await download(key, path);
  };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Events that were recorded a minute after each other, from `from` minutes before the start on. */
const recorded = (aggregate: string, count: number, from: number): StoredEvent[] =>
  deposits(aggregate, count).map((event, i) => ({
    ...event,
    recordedAt: new Date(START - (from - i) * MINUTE).toISOString(),
  }));

async function append(events: readonly StoredEvent[]): Promise<readonly StoredEvent[]> {
  for (const event of events) await table.put({ commitId: event.commitId, events: [event] });
  return events;
}

async function check(options: Partial<Parameters<typeof checkArchive>[1]> = {}) {
  downloads = [];
  const { check: result, seen } = await checkArchive(
    {
      table,
      positions: {
        read: async (consumer, aggregates) => {
          expect(consumer).toBe(CHECKER);
          return new Map(aggregates.flatMap((id) => (positions.has(id) ? [[id, positions.get(id)!]] : [])));
        },
        raise: async (_, aggregate, to) => {
          positions.set(aggregate, Math.max(to, positions.get(aggregate) ?? 0));
        },
      },
      cold: { files: archive, currentGeneration: async () => NO_GENERATION },
      now: () => now,
    },
    { folder: join(folder, 'work'), ...options },
  );
  return { ...result, counts: Object.fromEntries(seen.counts), notes: seen.notes };
}

describe('checkArchive', () => {
  it('proves what has arrived, and then only what came since; files are read once', async () => {
    const a = await append(recorded('a', 50, 300));
    const b = await append(recorded('b', 3, 200));
    await archive.deliver([...a, ...b]);
    const first = await check();
    expect(first).toMatchObject({
      proven: 53,
      missing: 0,
      aggregates: 2,
      files: 2,
      round_complete: true,
      newest_arrival: b[2]!.recordedAt,
    });
    expect(first.complete_up_to).toBe(new Date(START - MINUTE).toISOString());
    expect([...positions]).toEqual(
      expect.arrayContaining([
        ['a', 50],
        ['b', 3],
      ]),
    );
    expect(JSON.parse(await archive.readText(checkKey(first.checked_at)))).toMatchObject({ proven: 53 });

    now += 60 * MINUTE;
    expect(await check()).toMatchObject({ proven: 0, files: 0, complete_up_to: new Date(now - MINUTE).toISOString() });
    expect(downloads).toEqual([]);

    await archive.deliver(await append(recorded('b', 5, 5).slice(3)));
    now += 60 * MINUTE;
    expect(await check()).toMatchObject({ proven: 2, files: 1, missing: 0 });
    expect(readdirSync(join(folder, 'work'))).toEqual([]);
  });

  it('what was recorded a moment ago bounds what is complete, and is missing only when it stays away', async () => {
    const [first, second, third] = await append(recorded('a', 3, 10));
    await archive.deliver([first!]);
    const early = await check();
    expect(early).toMatchObject({ proven: 1, missing: 0, on_the_way: 1, round_complete: true });
    expect(early.complete_up_to).toBe(new Date(Date.parse(second!.recordedAt) - 1).toISOString());
    expect(early.counts.ArchiveMissing).toBeUndefined();

    now += 60 * MINUTE;
    const late = await check();
    expect(late).toMatchObject({ missing: 2, on_the_way: 0, complete_up_to: early.complete_up_to });
    expect(late.counts).toMatchObject({ ArchiveMissing: 2 });
    expect(late.notes).toContainEqual({
      what: 'archiveMissing',
      aggregate: 'a',
      version: 2,
      head: 3,
      since: second!.recordedAt,
    });

    await archive.deliver([second!, third!]);
    now += MINUTE;
    expect(await check()).toMatchObject({
      missing: 0,
      proven: 2,
      complete_up_to: new Date(now - MINUTE).toISOString(),
    });
  });

  it('an event whose later ones arrived first is found in the files that were read before', async () => {
    const [first, second, third] = await append(recorded('a', 3, 60));
    await archive.deliver([second!, third!]);
    expect(await check({ lagMs: 120 * MINUTE })).toMatchObject({ proven: 0, on_the_way: 1 });
    await archive.deliver([first!]);
    now += 60 * MINUTE;
    expect(await check()).toMatchObject({ proven: 3, missing: 0 });
    expect(positions.get('a')).toBe(3);
  });

  it('goes on where a run ended, and says no sooner that all is complete', async () => {
    for (let i = 0; i < 250; i++) await append(recorded(`id-${i}`, 1, 90));
    await archive.deliver([...Array(250).keys()].flatMap((i) => recorded(`id-${i}`, 1, 90)));
    const first = await check({ most: 100 });
    expect(first).toMatchObject({ aggregates: 100, round_complete: false, proven: 250 });
    expect(first.complete_up_to).toBeUndefined();
    now += 60 * MINUTE;
    expect(await check({ most: 100 })).toMatchObject({ aggregates: 100, round_complete: false });
    const last = await check({ most: 100 });
    expect(last).toMatchObject({
      aggregates: 50,
      round_complete: true,
      complete_up_to: new Date(START - MINUTE).toISOString(),
    });

    positions.clear();
    rmSync(join(folder, 'archive', CHECKPOINT));
    let asked = 0;
    const late = await check({ isLate: () => asked++ >= 3 });
    expect(late).toMatchObject({ files: 3, round_complete: false, aggregates: 0 });
    expect(late.complete_up_to).toBeUndefined();
    const rest = await check();
    expect(rest.files).toBe(13);
    expect(late.proven + rest.proven).toBe(250);
    expect(rest.round_complete).toBe(true);
  });

  it('counts what differs and what cannot be read, and does not take it for proven', async () => {
    const [first, second] = await append(recorded('a', 2, 90));
    await archive.deliver([first!, { ...second!, data: '{}' }]);
    writeFileSync(join(folder, 'archive/events/day=2026-11-23/bucket=0/cut.parquet'), 'PAR1');
    const found = await check();
    expect(found).toMatchObject({ proven: 1, unreadable: expect.any(Number), missing: 1, round_complete: true });
    expect(found.differing).toBeGreaterThan(0);
    expect(found.unreadable).toBeGreaterThan(0);
    expect(found.complete_up_to).toBe(new Date(Date.parse(second!.recordedAt) - 1).toISOString());
    expect(found.notes).toContainEqual({ what: 'archiveDiffers', aggregate: 'a', version: 2 });
    expect(found.notes.find(({ what }) => what === 'archiveFileUnreadable')).toMatchObject({
      key: 'events/day=2026-11-23/bucket=0/cut.parquet',
    });
  });
});

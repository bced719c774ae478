import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/archive/findings.ts';
import {
  type CompactedFile,
  filesListKey,
  filesLists,
  filesListText,
  keysKey,
  keysListKey,
  manifestKey,
  NO_GENERATION,
} from '../../../src/archive/generation.ts';
import { mendGeneration } from '../../../src/archive/mend-generation.ts';
import { type VerifyOptions, verify } from '../../../src/archive/verify.ts';
import { bucketOf } from '../../../src/event/bucket.ts';
import type { StoredEvent } from '../../../src/event/stored-event.ts';
import { memoryEventTable } from '../../../src/testing/memory-event-table.ts';
import { folderArchive } from '../replay/folder-archive.ts';
import { writeParquet } from './parquet-file.ts';
import { deposits } from './stored-events.ts';

const NOW = Date.UTC(2026, 5, 1);
let folder: string;
let archive: ReturnType<typeof folderArchive>;
let generation: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "daybook-verify-it's-"));
  archive = folderArchive(join(folder, 'archive'));
  generation = NO_GENERATION;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Compares the archive with these events, which are also what the table holds now unless `later` says more. */
async function run(
  events: readonly StoredEvent[],
  more: Partial<VerifyOptions> = {},
  later: readonly StoredEvent[] = [],
) {
  const table = memoryEventTable();
  for (const event of [...events, ...later]) await table.put({ commitId: event.commitId, events: [event] });
  const findings: Finding[] = [];
  const report = await verify(
    {
      cold: { files: archive, currentGeneration: async () => generation },
      hot: {
        async *pages() {
          for (let i = 0; i < events.length; i += 7) yield { events: events.slice(i, i + 7), unreadable: [] };
        },
      },
      table,
      now: () => NOW,
    },
    { folder: join(folder, 'work'), onFinding: (finding) => void findings.push(finding), ...more },
  );
  return { report, findings };
}

const rawKeys = () =>
  readdirSync(join(folder, 'archive'), { recursive: true, encoding: 'utf8' }).filter((key) => key.endsWith('.parquet'));
const pathOf = (key: string) => join(folder, 'archive', key);
const sha256Of = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

/** Compacted files, one for each bucket. */
async function compact(name: string, events: readonly StoredEvent[]): Promise<void> {
  const files: CompactedFile[] = [];
  for (const bucket of new Set(events.map(({ aggregateUuid }) => bucketOf(aggregateUuid)))) {
    const rows = events.filter(({ aggregateUuid }) => bucketOf(aggregateUuid) === bucket);
    const key = `compacted/files/bucket=${bucket}/20260101T000000000Z-${name}-00.parquet`;
    await mkdir(dirname(pathOf(key)), { recursive: true });
    await writeParquet(pathOf(key), rows);
    await mkdir(dirname(pathOf(keysKey(key))), { recursive: true });
    const keys = 'PAR1 keys PAR1';
    writeFileSync(pathOf(keysKey(key)), keys);
    const times = rows.map(({ recordedAt }) => recordedAt).sort();
    const bytes = readFileSync(pathOf(key)).length;
    files.push({
      key,
      bytes,
      rows: rows.length,
      bucket,
      firstRecordedAt: times[0]!,
      lastRecordedAt: times.at(-1)!,
      contentHash: '0',
      sha256: sha256Of(readFileSync(pathOf(key))),
      keysSha256: sha256Of(keys),
    });
  }
  await switchTo(name, files);
}

async function switchTo(name: string, files: readonly CompactedFile[]): Promise<void> {
  const events = files.reduce((sum, { rows }) => sum + rows, 0);
  const manifest = {
    format: 1,
    generation: name,
    previous: NO_GENERATION,
    madeAt: '2026-01-01',
    events,
    files,
    taken: [],
  };
  await archive.writeText(manifestKey(name), JSON.stringify(manifest));
  for (const list of files.flatMap(({ bucket }) => filesLists(name, files, bucket))) {
    await archive.writeText(list.key, filesListText(list, 'cold'));
  }
  generation = name;
}

/** What the file of keys says, and what the compacted file holds. */
async function comparisonOf(key: string) {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const of = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson();
  const read = (path: string) => `read_parquet('${pathOf(path).replaceAll("'", "''")}')`;
  const keys = await of(`SELECT aggregate_uuid, first_version, last_version FROM ${read(keysKey(key))}`);
  const rows = await of(
    `SELECT aggregate_uuid, min(version), max(version) FROM ${read(key)} GROUP BY 1 ORDER BY aggregate_uuid`,
  );
  connection.closeSync();
  instance.closeSync();
  return { keys, rows };
}

const compactedFiles = async () =>
  (JSON.parse(await archive.readText(manifestKey(generation))) as { readonly files: readonly CompactedFile[] }).files;

describe('verify', () => {
  const events = [...deposits('a', 40), ...deposits('b "quoted", ü', 30), ...deposits('c', 5)];

  it('finds nothing where everything is there, whatever is repeated, compacted or not', async () => {
    await archive.deliver(events.slice(0, 50));
    await archive.deliver(events.slice(20));
    expect(await run(events)).toMatchObject({
      findings: [],
      report: { complete: true, events: 75, aggregates: 3, archived: 75, repeats: 30, onTheWay: 0 },
    });
    await compact('g1', events.slice(0, 60));
    expect(await run(events)).toMatchObject({
      findings: [],
      report: { complete: true, generation: 'g1', archived: 75, repeats: 90 },
    });
  });

  it('names what is missing, as runs of versions with the time of the first', async () => {
    const lost = (event: StoredEvent) =>
      (event.aggregateUuid === 'a' && [3, 4, 5, 9].includes(event.version)) || event.aggregateUuid === 'c';
    await archive.deliver(events.filter((event) => !lost(event)));
    const { report, findings } = await run(events);
    expect(findings).toHaveLength(3);
    expect(findings).toEqual(
      expect.arrayContaining([
        { kind: 'missing', aggregate: 'a', from: 3, to: 5, since: '2026-01-01T02:00:00.000Z' },
        { kind: 'missing', aggregate: 'a', from: 9, to: 9, since: '2026-01-01T08:00:00.000Z' },
        { kind: 'missing', aggregate: 'c', from: 1, to: 5, since: '2026-01-01T00:00:00.000Z' },
      ]),
    );
    expect(report).toMatchObject({ complete: false, events: 75, archived: 66, found: { missing: 9 } });
  });

  it('what was recorded a moment ago is on its way, and what was appended meanwhile is not extra', async () => {
    const at = (ms: number) => new Date(NOW - ms).toISOString();
    const [first, second, third] = deposits('a', 3).map((event, i) => ({ ...event, recordedAt: at(1000 * (3 - i)) }));
    await archive.deliver([first!, third!]);
    const { report, findings } = await run([first!, second!], {}, [third!]);
    expect(findings).toEqual([]);
    expect(report).toMatchObject({ complete: true, onTheWay: 1 });
    expect((await run([first!, second!], { lagMs: 500 }, [third!])).findings).toMatchObject([
      { kind: 'missing', from: 2, to: 2 },
    ]);
  });

  it('names what the table does not have, and every copy that differs, by its file', async () => {
    await archive.deliver(events);
    const [event] = deposits('z', 1);
    await archive.deliver([event!, { ...events[1]!, data: '{"amount":3}' }]);
    await archive.deliver([
      { ...events[70]!, metadata: '{}' },
      { ...events[71]!, occurredAt: '2020-01-01T00:00:00.000Z' },
    ]);
    const { report, findings } = await run(events);
    expect(findings.map(({ key: _, ...rest }: Finding & { key?: string }) => rest)).toEqual(
      expect.arrayContaining([
        { kind: 'extra', aggregate: 'z', from: 1, to: 1, latest: '2026-01-01T00:00:00.000Z' },
        { kind: 'differing', aggregate: 'a', version: 2 },
        { kind: 'differing', aggregate: 'c', version: 1 },
        { kind: 'differing', aggregate: 'c', version: 2 },
      ]),
    );
    expect(findings).toHaveLength(4);
    expect(report).toMatchObject({ complete: false, found: { extra: 1, differing: 3 } });
    // The file that is named is the one with the other content.
    const named = findings.find((finding) => finding.kind === 'differing' && finding.aggregate === 'a');
    rmSync(pathOf((named as { key: string }).key));
    expect((await run(events)).findings.some((finding) => 'aggregate' in finding && finding.aggregate === 'a')).toBe(
      false,
    );
  });

  it('names files one by one: cut off, overwritten, copied, in another bucket', async () => {
    await archive.deliver(events.slice(0, 40)); // all of a
    await archive.deliver(events.slice(40, 70)); // all of b
    await archive.deliver(events.slice(70));
    const [a, b, c] = ['a', 'b "quoted", ü', 'c'].map(
      (id) => rawKeys().find((key) => key.includes(`bucket=${bucketOf(id)}/`))!,
    );
    truncateSync(pathOf(a!), 700);
    writeFileSync(pathOf(b!), 'nothing');
    const copy = c!.replace('.parquet', '-copy.parquet');
    copyFileSync(pathOf(c!), pathOf(copy));
    const elsewhere = 'events/day=2026-11-24/bucket=9/moved.parquet';
    expect(bucketOf('c')).not.toBe('9');
    await mkdir(dirname(pathOf(elsewhere)), { recursive: true });
    copyFileSync(pathOf(c!), pathOf(elsewhere));
    const { report, findings } = await run(events);
    const [kept, repeated] = [c!, copy].sort();
    expect(
      findings
        .filter(({ kind }) => kind !== 'missing')
        .sort((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1)),
    ).toEqual([
      { kind: 'misplaced', key: elsewhere, rows: 5 },
      { kind: 'repeated', key: expect.stringMatching(/^events/), of: expect.stringMatching(/^events/) },
      { kind: 'repeated', key: expect.stringMatching(/^events/), of: expect.stringMatching(/^events/) },
      { kind: 'unreadable', key: a, bytes: 700, reason: expect.stringContaining('No magic bytes found') },
      { kind: 'unreadable', key: b, bytes: 7, reason: expect.stringMatching(/the file.*(too small|No magic bytes)/) },
    ]);
    expect([kept, repeated, elsewhere]).toEqual(
      expect.arrayContaining(findings.flatMap((each) => (each.kind === 'repeated' ? [each.key, each.of] : []))),
    );
    expect(findings.filter(({ kind }) => kind === 'missing')).toHaveLength(2);
    expect(report).toMatchObject({ complete: false, found: { unreadable: 2, repeated: 2, misplaced: 5, missing: 70 } });
    expect(JSON.stringify(findings)).not.toContain('/work/');
  });

  it('a generation: a file of it that is gone or another than its manifest says, an event that is in it twice', async () => {
    await compact('g1', events);
    const [first, second, ...rest] = await compactedFiles();
    rmSync(pathOf(first!.key));
    await switchTo('g1', [first!, { ...second!, rows: 99 }, ...rest]);
    await archive.deliver(events.filter(({ aggregateUuid }) => bucketOf(aggregateUuid) === first!.bucket));
    const found = await run(events);
    expect(found.findings).toEqual([
      { kind: 'changed', key: second!.key, expected: '99 rows', actual: expect.stringMatching(/^\d+ rows$/) },
      { kind: 'gone', key: first!.key, bytes: first!.bytes },
    ]);
    expect(found.report).toMatchObject({ complete: false, archived: 75 });
    await compact('g2', [...events, events[3]!]);
    expect((await run(events)).findings).toMatchObject([{ kind: 'twice', aggregate: 'a', version: 4 }]);
  });

  it('a compacted file with other bytes and the same events, as when a typed column is altered', async () => {
    await compact('g1', events);
    const [first] = await compactedFiles();
    const bytes = readFileSync(pathOf(first!.key));
    // A letter of the footer's text that says who wrote the file.
    bytes.write('d', bytes.lastIndexOf('DuckDB'));
    writeFileSync(pathOf(first!.key), bytes);
    const { findings, report } = await run(events);
    expect(findings).toEqual([
      {
        kind: 'changed',
        key: first!.key,
        expected: `SHA-256 ${first!.sha256}`,
        actual: expect.stringMatching(/^SHA-256 [0-9a-f]{64}$/),
      },
    ]);
    expect(report.complete).toBe(false);
  });

  it('lists that name other files than the manifest, files of keys and a file that are gone or others: named, then mended', async () => {
    const many = 'abcdefghij'.split('').flatMap((id) => deposits(id, 3));
    await compact('g1', many);
    const [lost, second, third, fourth, fifth, ...rest] = await compactedFiles();
    const list = (bucket: string) => filesListKey('g1', bucket);
    const manifest = JSON.parse(await archive.readText(manifestKey('g1')));
    const taken = [lost!, second!].map(({ bucket }) => ({
      key: `events/day=2026-11-23/bucket=${bucket}/taken.parquet`,
      bytes: 1,
      etag: 'e',
    }));
    await archive.writeText(manifestKey('g1'), JSON.stringify({ ...manifest, taken }));
    rmSync(pathOf(lost!.key));
    const line = await archive.readText(list(second!.bucket));
    await archive.writeText(list(second!.bucket), line + line);
    rmSync(pathOf(list(third!.bucket)));
    rmSync(pathOf(keysKey(third!.key)));
    truncateSync(pathOf(keysKey(fourth!.key)), 3);
    writeFileSync(pathOf(keysKey(fifth!.key)), 'PAR1 other PAR1');
    const keysList = keysListKey('g1', fifth!.bucket);
    await archive.writeText(keysList, '');
    const { findings, report } = await run(many);
    expect(findings.filter(({ kind }) => kind !== 'missing')).toEqual([
      { kind: 'gone', key: lost!.key, bytes: lost!.bytes },
      { kind: 'changed', key: list(second!.bucket), expected: second!.key, actual: `${second!.key}, ${second!.key}` },
      { kind: 'gone', key: list(third!.bucket), bytes: 0 },
      { kind: 'changed', key: keysList, expected: keysKey(fifth!.key), actual: '' },
      { kind: 'gone', key: keysKey(third!.key), bytes: 0 },
      { kind: 'unreadable', key: keysKey(fourth!.key), bytes: 3, reason: 'it does not end as a Parquet file does' },
      {
        kind: 'changed',
        key: keysKey(fifth!.key),
        expected: `SHA-256 ${fifth!.keysSha256}`,
        actual: `SHA-256 ${sha256Of('PAR1 other PAR1')}`,
      },
    ]);
    expect(report.found.missing).toBe(lost!.rows);

    const files = {
      ...archive,
      upload: async (key: string, path: string) => copyFileSync(path, pathOf(key)),
      delete: async (key: string) => rmSync(pathOf(key)),
    };
    const ports = { files, currentGeneration: async () => 'g1', archiveBucket: 'cold', now: () => NOW };
    const mended = await mendGeneration(ports, findings, join(folder, 'work'));
    expect(mended.leftOut).toEqual([lost!.key]);
    expect([...mended.written].sort()).toEqual(
      [
        ...[lost!, second!, third!].map(({ bucket }) => list(bucket)),
        ...[keysListKey('g1', lost!.bucket), keysList],
        ...[third!, fourth!, fifth!].map(({ key }) => keysKey(key)),
      ].sort(),
    );
    const now = JSON.parse(await archive.readText(manifestKey('g1')));
    // Raw files of the bucket that are still there are compacted again.
    const written = { keysSha256: expect.stringMatching(/^[0-9a-f]{64}$/) };
    expect(now).toMatchObject({
      files: [second, ...[third, fourth, fifth].map((file) => ({ ...file, ...written })), ...rest],
      taken: [taken[1]],
    });
    expect(JSON.parse(await archive.readText('checks/manifests/g1-2026-06-01T00:00:00.000Z.json')).files).toHaveLength(
      manifest.files.length,
    );
    await archive.deliver(many.filter(({ aggregateUuid }) => bucketOf(aggregateUuid) === lost!.bucket));
    expect(await run(many)).toMatchObject({ findings: [], report: { complete: true } });
    const compared = await comparisonOf(third!.key);
    expect(compared.keys).toEqual(compared.rows);
  });

  it('a file that compaction takes away while it reads is no fault: its rows are in the new generation', async () => {
    await archive.deliver(events);
    const { download } = archive;
    let downloads = 0;
    archive.download = async (key, path) => {
      if (downloads++ === 1) {
        await compact('g1', events);
        for (const raw of rawKeys()) if (raw.startsWith('events/')) rmSync(pathOf(raw));
      }
      return await download(key, path);
    };
    expect(await run(events)).toMatchObject({
      findings: [],
      report: { complete: true, generation: 'g1', archived: 75 },
    });
  });

  it('holes of the table are named, and make the archive no less complete', async () => {
    const holed = events.filter(({ aggregateUuid, version }) => aggregateUuid !== 'a' || ![1, 7, 8].includes(version));
    await archive.deliver(holed);
    const table = run(holed);
    await expect(table).resolves.toMatchObject({
      findings: [
        { kind: 'hole', aggregate: 'a', from: 1, to: 1 },
        { kind: 'hole', aggregate: 'a', from: 7, to: 8 },
      ],
      report: { complete: true },
    });
  });

  it('looks only at a range of times when told, both ends included', async () => {
    await archive.deliver(events.filter(({ version }) => version % 2 === 0));
    const { report, findings } = await run(events, {
      from: '2026-01-01T02:00:00.000Z',
      to: '2026-01-01T04:00:00.000Z',
    });
    // Versions 3 to 5 of each: 3 and 5 are missing.
    expect(report).toMatchObject({ events: 9, archived: 3, found: { missing: 6 } });
    expect(findings).toHaveLength(6);
  });

  it('names what lies beside the archive’s files, and finds it complete all the same', async () => {
    await archive.deliver(events);
    await compact('g1', events);
    const strangers = [
      'compacted/files/bucket=9/mine.parquet',
      'compacted/keys/note.txt',
      // Queries and compactions pass over it: it is no file of the archive's to anybody.
      'events/day=2026-01-01/bucket=9/_note.parquet',
      'events/day=2026-1-1/bucket=9/a.parquet',
      'events/export.parquet',
    ];
    for (const key of strangers) await archive.writeText(key, 'mine');
    // Of a compaction that runs, or that was stopped.
    await archive.writeText('compacted/files/bucket=9/20260102T000000000Z-a-00-12345678.parquet', 'another run');
    const { findings, report } = await run(events);
    expect(findings.sort((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1))).toEqual(
      strangers.map((key) => ({ kind: 'stranger', key, bytes: 4 })),
    );
    expect(report).toMatchObject({ complete: true, found: { stranger: 5 } });
  });

  it('leaves nothing in its folder', async () => {
    await archive.deliver(events);
    await run(events);
    expect(readdirSync(join(folder, 'work'))).toEqual([]);
  });
});

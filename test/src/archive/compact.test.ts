import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compactBucket } from '../../../src/archive/compact-bucket.ts';
import { cleanUp } from '../../../src/archive/compact-clean.ts';
import { estimateCompaction } from '../../../src/archive/compact-estimate.ts';
import { type CompactionPlan, planCompaction } from '../../../src/archive/compact-plan.ts';
import { prepareSwitch } from '../../../src/archive/compact-switch.ts';
import { currentViewSql, type GlueTable, viewText } from '../../../src/archive/current-view.ts';
import { keysKey, manifestKey, NO_GENERATION, readGeneration } from '../../../src/archive/generation.ts';
import { restoreManifest } from '../../../src/archive/restore-manifest.ts';
import type { TypedColumn } from '../../../src/archive/typed-columns.ts';
import type { StoredEvent } from '../../../src/event/stored-event.ts';
import { type FolderBucket, folderBucket } from './folder-bucket.ts';
import { deposits } from './stored-events.ts';

const HOUR = 3_600_000;
let bucket: FolderBucket;
let table: GlueTable;
let now: number;
let runs: number;

beforeEach(() => {
  bucket = folderBucket(mkdtempSync(join(tmpdir(), 'daybook-compaction-')));
  now = Date.UTC(2026, 5, 1);
  runs = 0;
  table = {
    Name: 'events_current',
    VersionId: '0',
    TableType: 'VIRTUAL_VIEW',
    ViewOriginalText: viewText({
      originalSql: currentViewSql(['version'], 'none'),
      catalog: 'awsdatacatalog',
      schema: 'db',
      columns: [{ name: 'version', type: 'bigint' }],
    }),
    Parameters: { 'daybook.generation': 'none' },
  };
});
afterEach(() => rmSync(bucket.folder, { recursive: true }));

const columns: TypedColumn[] = [
  { eventType: 'MoneyDeposited', path: ['amount'], column: 'money_deposited__amount', type: 'bigint' },
];
const plan = (request: unknown = {}, most?: { bytes: number; files: number }) =>
  planCompaction(bucket, { table, request, execution: `run${runs++}`, nowMs: now }, most);
const slices = async (planned: CompactionPlan, more: object = {}) => {
  const results = [];
  for (const slice of planned.slices) results.push(await compactBucket(bucket, planned, slice, { columns, ...more }));
  return results;
};
/** As Glue does it: at the version that was read, or not at all. */
const update = (input: Record<string, unknown>, versionId: string): boolean => {
  if (versionId !== table.VersionId) return false;
  table = { ...input, VersionId: String(Number(versionId) + 1) };
  return true;
};
const switchTo = async (planned: CompactionPlan) => {
  const step = await prepareSwitch(bucket, planned, { table, archiveBucket: 'cold', nowMs: now });
  if (step.outcome === 'switch') update(step.tableInput, step.versionId);
  return step.outcome;
};
const compact = async (request?: unknown, more?: object) => {
  const planned = await plan(request);
  const results = await slices(planned, more);
  expect(await switchTo(planned)).toBe('switch');
  now += 1000;
  return { planned, results, generation: await readGeneration(bucket.readText, planned.generation) };
};
/** As a year is compacted that has outgrown one file. */
const byMonth = { yearBytes: 0 };
const clean = () => cleanUp(bucket, { table, keepMs: 2 * HOUR, nowMs: now });
const current = () => readGeneration(bucket.readText, table.Parameters?.['daybook.generation'] ?? 'none');

async function query(sql: (files: string) => string): Promise<unknown[]> {
  const { files } = await current();
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const list = `read_parquet([${files.map(({ key }) => `'${join(bucket.folder, key)}'`).join(', ')}])`;
  const rows = (await connection.runAndReadAll(sql(list))).getRowsJson();
  connection.closeSync();
  instance.closeSync();
  return rows;
}
/** What the files hold; the files of keys beside them must say the same, in runs without a hole. */
const keys = async () => {
  const rows = await query((files) => `SELECT aggregate_uuid, version::INT FROM ${files} ORDER BY ALL`);
  const said = await query(
    (files) =>
      `SELECT aggregate_uuid, unnest(range(first_version, last_version + 1))::INT FROM ${files.replaceAll('/compacted/files/', '/compacted/keys/')} ORDER BY ALL`,
  );
  expect(said).toEqual(rows);
  return rows;
};
const keysOf = (...histories: StoredEvent[][]) =>
  histories.flat().map(({ aggregateUuid, version }) => [aggregateUuid, version]);
/** The first whose bucket is 9, as md5('abc') says. */
const abc = deposits('abc', 3);

describe('a first compaction', () => {
  it('holds each event once, sorted, with its typed column and its arrival day', async () => {
    await bucket.deliver('2026-01-01', abc.slice(0, 2));
    await bucket.deliver('2026-01-02', abc.slice(1));
    const { generation, results } = await compact();
    expect(results[0]).toMatchObject({ bucket: '9', repeats: 1, conflicts: 0, excluded: [] });
    expect(generation).toMatchObject({ previous: 'none', events: 3, taken: [{}, {}] });
    expect(
      await query((files) => `SELECT version::INT, data, money_deposited__amount::INT, day FROM ${files}`),
    ).toEqual([
      [1, '{"amount":1}', 1, '2026-01-01'],
      [2, '{"amount":2}', 2, '2026-01-01'],
      [3, '{"amount":3}', 3, '2026-01-02'],
    ]);
    expect(
      readFileSync(join(bucket.folder, `compacted/generations/${generation.generation}/bucket=9/files.txt`), 'utf8'),
    ).toBe(`s3://cold/${generation.files[0]!.key}\n`);
    expect(
      readFileSync(
        join(bucket.folder, `compacted/generations/${generation.generation}/keys/bucket=9/files.txt`),
        'utf8',
      ),
    ).toBe(`s3://cold/${keysKey(generation.files[0]!.key)}\n`);
  });

  it('of an aggregate with holes says which versions it has, until they are filled', async () => {
    const long = deposits('abc', 200);
    const late = [1, 60, 61, 199, 200].map((version) => long[version - 1]!);
    await bucket.deliver(
      '2026-01-10',
      long.filter((event) => !late.includes(event)),
    );
    await compact();
    expect(await keys()).toHaveLength(195);
    await bucket.deliver('2026-01-11', late);
    await compact();
    expect(await keys()).toEqual(keysOf(long));
  });

  it('takes the days that are over, or those before the one that is asked for', async () => {
    await bucket.deliver('2026-05-31', abc.slice(0, 1));
    await bucket.deliver('2026-06-01', abc.slice(1));
    expect((await compact()).generation.events).toBe(1);
    expect((await compact({ before: '2026-06-02' })).generation.events).toBe(3);
  });

  it.each([
    [{ before: '2026-1-1' }],
    [{ before: '2026-02-30' }],
    [{ before: 5 }],
    [{ after: '2026-01-01' }],
    ['now'],
    [null],
  ])('refuses the request %j before anything is read', async (request) => {
    await expect(plan(request)).rejects.toMatchObject({ code: 'archive.badCompaction' });
    expect(bucket.all()).toEqual([]);
  });
});

describe('a later compaction', () => {
  it('rewrites the months that are touched and shares the others', async () => {
    const long = deposits('abc', 24 * 40); // 40 days from 1 January
    await bucket.deliver('2026-02-10', long.slice(0, -5));
    const first = await compact({}, byMonth);
    expect(first.generation.files).toHaveLength(2);
    await bucket.deliver('2026-02-11', long.slice(-5));
    const second = await compact({}, byMonth);
    const [january, february] = first.generation.files;
    expect(second.generation.files.map(({ key }) => key)).toContain(january!.key);
    expect(second.generation.files.map(({ key }) => key)).not.toContain(february!.key);
    expect(second.generation.events).toBe(24 * 40);
    expect(await keys()).toEqual(keysOf(long));
    // The raw files of the first are carried on unread, until they are deleted.
    expect(second.generation.taken).toHaveLength(2);
    expect(second.planned.slices[0]!.files).toBe(1);
  });

  it('puts many months apart, and finds each', async () => {
    const years = deposits('abc', 400).map((event, i) => {
      const at = new Date(Date.UTC(2024, i % 14, 1 + (i % 28))).toISOString();
      return { ...event, recordedAt: at, occurredAt: at };
    });
    await bucket.deliver('2026-01-01', [...years, ...years.slice(0, 50)]);
    const { results, generation } = await compact({}, byMonth);
    expect(results[0]).toMatchObject({ repeats: 50 });
    expect(generation.files).toHaveLength(14);
    expect(await keys()).toEqual(keysOf(years));
  });

  it('keeps a small year in one file, and makes months of it once it has grown: nothing lost, nothing twice', async () => {
    const long = deposits('abc', 24 * 70); // January to 11 March
    await bucket.deliver('2026-03-10', long.slice(0, -30));
    const small = await compact();
    expect(small.generation.files).toHaveLength(1);
    await bucket.deliver('2026-03-11', long.slice(-30, -20));
    const whole = await compact();
    expect(whole.generation.files).toHaveLength(1);
    expect(await keys()).toEqual(keysOf(long.slice(0, -20)));
    await bucket.deliver('2026-03-12', [...long.slice(-20, -10), ...long.slice(-40, -30)]);
    const split = await compact({}, byMonth);
    expect(split.results[0]).toMatchObject({ repeats: 10, conflicts: 0 });
    expect(split.generation.files.map((file) => file.firstRecordedAt.slice(0, 7)).sort()).toEqual([
      '2026-01',
      '2026-02',
      '2026-03',
    ]);
    expect(await keys()).toEqual(keysOf(long.slice(0, -10)));
    await bucket.deliver('2026-03-13', long.slice(-10));
    const later = await compact({}, byMonth);
    const shared = split.generation.files.filter((file) => !file.firstRecordedAt.startsWith('2026-03'));
    expect(later.generation.files).toEqual(expect.arrayContaining([...shared]));
    expect(await keys()).toEqual(keysOf(long));
    // And back, should the limit be raised.
    await bucket.deliver('2026-03-14', deposits('abc', 24 * 70 + 1).slice(-1));
    expect((await compact()).generation.files).toHaveLength(1);
    expect(await keys()).toEqual(keysOf(deposits('abc', 24 * 70 + 1)));
  });

  it('has a year for each year, and no file for a month of a grown year in which nothing was recorded', async () => {
    const at = (time: string) => ({ recordedAt: time, occurredAt: time });
    const [a, b, c, d] = deposits('abc', 4);
    const spread = [
      { ...a!, ...at('2024-12-31T23:59:59.999Z') },
      { ...b!, ...at('2025-01-01T00:00:00.000Z') },
      { ...c!, ...at('2025-12-31T23:59:59.999Z') },
    ];
    await bucket.deliver('2026-01-01', spread);
    const { generation } = await compact();
    expect(generation.files.map(({ rows }) => rows)).toEqual([1, 2]);
    await bucket.deliver('2026-01-02', [{ ...d!, ...at('2025-06-01T00:00:00.000Z') }]);
    const split = await compact({}, byMonth);
    expect(split.generation.files.map((file) => file.firstRecordedAt.slice(0, 7))).toEqual([
      '2024-12',
      '2025-01',
      '2025-06',
      '2025-12',
    ]);
    expect((await keys()).length).toBe(4);
  });

  it('leaves a month as it is when everything came again', async () => {
    await bucket.deliver('2026-01-01', abc);
    const first = await compact();
    await bucket.deliver('2026-01-09', abc);
    const second = await compact();
    expect(second.generation.files).toEqual(first.generation.files);
    expect(second.results[0]).toMatchObject({ repeats: 3, conflicts: 0 });
    expect(second.generation.taken).toHaveLength(2);
  });

  it('takes no more than its disk holds, and says how much it left', async () => {
    await bucket.deliver('2026-01-01', abc.slice(0, 1));
    await bucket.deliver('2026-01-02', abc.slice(1, 2));
    await bucket.deliver('2026-01-03', abc.slice(2));
    const planned = await plan({}, { bytes: 1, files: 10 });
    expect(planned).toMatchObject({ left: 2, slices: [{ files: 1 }] });
  });
});

it('is priced by listing: raw files that are not taken yet, and the compacted ones that they would be merged with', async () => {
  const estimate = async (request: unknown = {}) =>
    estimateCompaction(bucket, { generation: (await current()).generation, request, nowMs: now });
  expect(await estimate()).toMatchObject({ from: 'none', files: 0, seconds: 0, dollars: 0, before: '2026-06-01' });
  await bucket.deliver('2026-05-30', abc.slice(0, 1));
  await bucket.deliver('2026-05-31', deposits('other', 2));
  await bucket.deliver('2026-06-01', abc.slice(1, 2)); // not over yet
  const first = await estimate();
  expect(first).toMatchObject({ days: ['2026-05-30', '2026-05-31'], buckets: 2, files: 2, rewritten: 0 });
  expect(first.bytes).toBe(
    bucket
      .all('events/')
      .slice(0, 2)
      .reduce((sum, file) => sum + file.bytes, 0),
  );
  expect(first.seconds).toBeGreaterThan(0);
  expect(first.dollars).toBeLessThan(0.01);
  await compact();
  expect(await estimate()).toMatchObject({ files: 0, dollars: 0 });
  expect(await estimate({ before: '2026-06-02' })).toMatchObject({ files: 1, buckets: 1, rewritten: 1 });
  await expect(estimate({ before: 'soon' })).rejects.toMatchObject({ code: 'archive.badCompaction' });
});

describe('two copies of one event', () => {
  const other = (event: StoredEvent, more: Partial<StoredEvent> = {}) => ({
    ...event,
    data: '{"amount":999}',
    ...more,
  });

  it('of one run: the first that arrived wins, the other is kept and named', async () => {
    await bucket.deliver('2026-01-01', abc);
    const late = await bucket.deliver('2026-01-02', [other(abc[1]!)]);
    const { results, planned } = await compact();
    const at = `conflicts/${planned.generation}/bucket=9.jsonl`;
    expect(results[0]).toMatchObject({ repeats: 0, conflicts: 1, conflictsAt: at });
    expect(await query((files) => `SELECT data FROM ${files} WHERE version = 2`)).toEqual([['{"amount":2}']]);
    expect(JSON.parse(await bucket.readText(at))).toMatchObject({
      aggregate_uuid: 'abc',
      version: 2,
      data: '{"amount":999}',
      file: late,
    });
  });

  it('across runs and months: the generation came first', async () => {
    await bucket.deliver('2026-01-01', abc);
    const first = await compact();
    const march = '2026-03-05T00:00:00.000Z';
    await bucket.deliver('2026-03-05', [other(abc[1]!, { recordedAt: march }), deposits('abc', 4)[3]!]);
    const { results, generation } = await compact();
    expect(results[0]).toMatchObject({ conflicts: 1, repeats: 0 });
    expect(generation.events).toBe(4);
    expect(await query((files) => `SELECT version::INT, data FROM ${files} WHERE version = 2`)).toEqual([
      [2, '{"amount":2}'],
    ]);
    expect(JSON.parse(await bucket.readText(results[0]!.conflictsAt!)).winner).toBe(first.generation.files[0]!.key);
  });
});

describe('what is damaged', () => {
  it('a truncated raw file, one without events and one of another bucket are named and stay; the rest goes on', async () => {
    const cut = await bucket.deliver('2026-01-01', abc);
    truncateSync(join(bucket.folder, cut), 300);
    await bucket.deliver('2026-01-02', abc.slice(0, 2));
    const astray = await bucket.deliver('2026-01-03', deposits('other', 1)); // bucket 7
    await bucket.writeText(astray.replace(/bucket=./, 'bucket=9'), '');
    await bucket.upload(join(bucket.folder, astray), astray.replace(/bucket=./, 'bucket=9'), 0);
    const text = 'events/day=2026-01-04/bucket=9/text.parquet';
    await bucket.writeText(text, 'no parquet');
    const { results, generation } = await compact();
    const nine = results.find((result) => result.bucket === '9')!;
    expect(nine.excluded.map(({ key }) => key).sort()).toEqual(
      [cut, astray.replace(/bucket=./, 'bucket=9'), text].sort(),
    );
    expect(nine.excluded.every(({ reason }) => reason.length > 0)).toBe(true);
    expect(generation.taken.map(({ key }) => key)).not.toContain(cut);
    expect(generation.events).toBe(3);
    now += 3 * HOUR;
    await clean();
    expect(bucket.all('events/').map(({ key }) => key)).toContain(cut);
  });

  it('a file of the generation that is gone, or another one, stops the run by its name', async () => {
    await bucket.deliver('2026-01-01', abc);
    const { generation } = await compact();
    const key = generation.files[0]!.key;
    await bucket.deliver('2026-01-02', deposits('abc', 4).slice(3));
    const bytes = readFileSync(join(bucket.folder, key));
    await bucket.delete([key]);
    await expect(slices(await plan())).rejects.toMatchObject({ code: 'archive.compactedFile', details: { key } });
    writeFileSync(join(bucket.folder, key), bytes.subarray(0, 200));
    await expect(slices(await plan())).rejects.toMatchObject({ code: 'archive.compactedFile', details: { key } });
    const lessKey = await bucket.deliver('2026-01-02', abc.slice(0, 2));
    writeFileSync(join(bucket.folder, key), readFileSync(join(bucket.folder, lessKey)));
    await bucket.delete([lessKey]);
    await expect(slices(await plan())).rejects.toMatchObject({ code: 'archive.compactedFile', details: { key } });
    writeFileSync(join(bucket.folder, key), bytes);
    expect((await compact()).generation.events).toBe(4);
  });

  it('files that somebody copied or deleted by hand: a copy counts once, what is gone is named, nothing else is touched', async () => {
    const first = await bucket.deliver('2026-01-01', abc.slice(0, 2));
    const copy = first.replace('feed-', 'copy-of-feed-');
    await bucket.upload(join(bucket.folder, first), copy, 0);
    const gone = await bucket.deliver('2026-01-02', abc.slice(2));
    const planned = await plan();
    const kept = readFileSync(join(bucket.folder, gone));
    await bucket.delete([gone]);
    const [result] = await slices(planned);
    expect(result).toMatchObject({ repeats: 2, conflicts: 0, excluded: [{ key: gone, reason: 'it is gone' }] });
    expect(await switchTo(planned)).toBe('switch');
    expect(await keys()).toEqual(keysOf(abc.slice(0, 2)));
    // A copy of a compacted file is in no manifest: queries do not read it, and it goes with the cleaning.
    const { files } = await current();
    await bucket.upload(join(bucket.folder, files[0]!.key), files[0]!.key.replace('.parquet', '-copy.parquet'), 0);
    writeFileSync(join(bucket.folder, gone), kept); // put back
    now += 3 * HOUR;
    expect(await clean()).toMatchObject({ done: true, raw: 2, compacted: 1, changed: [] });
    expect(bucket.all('compacted/files/').map(({ key }) => key)).toEqual(files.map(({ key }) => key));
    expect(bucket.all('events/').map(({ key }) => key)).toEqual([gone]);
    expect((await compact()).generation.events).toBe(3);
    expect(await keys()).toEqual(keysOf(abc));
  });

  it('what is read back must be what was written', async () => {
    await bucket.deliver('2026-01-01', abc);
    const planned = await plan();
    const lossy = {
      ...bucket,
      upload: async (path: string, key: string, bytes: number) => {
        const source = key.startsWith('compacted/files/')
          ? join(bucket.folder, await bucket.deliver('2020-01-01', abc.slice(1)))
          : path;
        await bucket.upload(source, key, bytes);
      },
    };
    await expect(compactBucket(lossy, planned, planned.slices[0]!, { columns: [] })).rejects.toMatchObject({
      code: 'archive.notVerified',
      details: { bucket: '9', period: '2026' },
    });
  });
});

describe('the switch', () => {
  it('of two compactions at once one is superseded, and loses nothing', async () => {
    await bucket.deliver('2026-01-01', abc.slice(0, 1));
    const a = await plan();
    now += 1000;
    await bucket.deliver('2026-01-02', abc.slice(1));
    const b = await plan();
    await Promise.all([slices(a), slices(b)]);
    // Both read the table before either writes it.
    const stepA = await prepareSwitch(bucket, a, { table, archiveBucket: 'cold', nowMs: now });
    const stepB = await prepareSwitch(bucket, b, { table, archiveBucket: 'cold', nowMs: now });
    if (stepA.outcome !== 'switch' || stepB.outcome !== 'switch') throw new Error('both should try');
    expect(update(stepA.tableInput, stepA.versionId)).toBe(true);
    expect(update(stepB.tableInput, stepB.versionId)).toBe(false);
    expect(await switchTo(b)).toBe('superseded');
    expect(await switchTo(a)).toBe('switched');
    expect(await keys()).toEqual(keysOf(abc.slice(0, 1)));
    now += 1000;
    await compact();
    expect(await keys()).toEqual(keysOf(abc));
    now += 3 * HOUR;
    expect(await clean()).toMatchObject({ done: true, raw: 2 });
    expect(bucket.all('compacted/files/')).toHaveLength(1);
  });

  it('needs every slice', async () => {
    await bucket.deliver('2026-01-01', abc);
    await bucket.deliver('2026-01-01', deposits('other', 1));
    const planned = await plan();
    await compactBucket(bucket, planned, planned.slices[0]!, { columns });
    await expect(switchTo(planned)).rejects.toMatchObject({ code: 'archive.sliceMissing' });
    await slices(planned);
    expect(await switchTo(planned)).toBe('switch');
  });
});

it('a view that was made anew is no reason to forget a generation', async () => {
  await bucket.deliver('2026-01-01', abc.slice(0, 2));
  const unswitched = await plan();
  await slices(unswitched);
  await prepareSwitch(bucket, unswitched, { table, archiveBucket: 'cold', nowMs: now });
  now += 1000;
  const anew = table;
  const { generation } = await compact(); // what did not get to its switch is no obstacle
  now += 3 * HOUR;
  await clean();
  await bucket.deliver('2026-01-02', abc.slice(2));
  const switched = table;
  table = anew;
  await expect(plan()).rejects.toMatchObject({
    code: 'archive.generationLost',
    details: { generation: generation.generation },
  });
  table = switched;
  await compact();
  expect(await keys()).toEqual(keysOf(abc));
});

it('a view whose text and parameter were changed apart is told, and nothing is planned by it', async () => {
  await bucket.deliver('2026-01-01', abc.slice(0, 2));
  const { generation: first } = await compact();
  const before = table;
  await bucket.deliver('2026-01-02', abc.slice(2));
  const { generation: second } = await compact();
  const [older, newer] = [first.generation, second.generation];
  const made = table;
  const listed = bucket.all();
  const differs = (read: string, generation = newer) => ({
    code: 'archive.viewDiffers',
    details: { view: 'events_current', generation, read },
  });
  // The text of the run before; only the parameter of it; another condition; one of the two halves.
  const text = (sql: (made: string) => string): GlueTable => {
    const encoded = /View: (\S+) /.exec(made.ViewOriginalText!)![1]!;
    const definition = JSON.parse(Buffer.from(encoded, 'base64').toString());
    return { ...made, ViewOriginalText: viewText({ ...definition, originalSql: sql(definition.originalSql) }) };
  };
  table = { ...made, ViewOriginalText: before.ViewOriginalText! };
  await expect(plan()).rejects.toMatchObject(differs(older));
  await expect(plan()).rejects.toThrow(
    `reads ${older}, its parameter daybook.generation says ${newer}: one was changed by hand. Nothing was compacted`,
  );
  table = { ...made, Parameters: before.Parameters! };
  await expect(plan()).rejects.toMatchObject(differs(newer, older));
  table = text((sql) => `${sql} AND version < 9`);
  await expect(plan()).rejects.toMatchObject(differs('that in another way'));
  table = text((sql) => sql.replace(newer, older));
  await expect(plan()).rejects.toMatchObject(differs(`${older} and ${newer}`));
  table = { ...made, ViewOriginalText: 'SELECT 1' };
  await expect(plan()).rejects.toMatchObject({ code: 'archive.notTheView' });
  expect(bucket.all()).toEqual(listed);
  table = made;
  await expect(plan()).resolves.toMatchObject({ previous: newer, slices: [] });
});

describe('the cleaning', () => {
  it('waits for the queries that may be running, then deletes what was taken and the older files', async () => {
    await bucket.deliver('2026-01-01', abc.slice(0, 2));
    const first = await compact();
    await bucket.deliver('2026-01-02', abc.slice(2));
    const second = await compact();
    const before = bucket.all();
    now += 2 * HOUR - 2000;
    expect(await clean()).toMatchObject({ done: false, raw: 0, compacted: 0 });
    expect(bucket.all()).toEqual(before);
    now += 2000;
    expect(await clean()).toMatchObject({ done: true, raw: 2, changed: [] });
    expect(bucket.all('events/')).toEqual([]);
    expect(bucket.all('compacted/files/').map(({ key }) => key)).toEqual([second.generation.files[0]!.key]);
    expect(bucket.all().some(({ key }) => key.includes(first.planned.generation))).toBe(false);
    expect(await keys()).toEqual(keysOf(abc));
    expect(await clean()).toMatchObject({ done: true, raw: 0, compacted: 0 });
  });

  it('leaves raw files that were written again, and those that arrived since', async () => {
    const taken = await bucket.deliver('2026-01-01', abc.slice(0, 2));
    await compact();
    const later = await bucket.deliver('2026-01-01', abc.slice(2));
    writeFileSync(join(bucket.folder, taken), readFileSync(join(bucket.folder, later)));
    now += 3 * HOUR;
    expect(await clean()).toMatchObject({ raw: 0, changed: [taken] });
    expect(bucket.all('events/').map(({ key }) => key)).toEqual([taken, later]);
    await compact();
    expect(await keys()).toEqual(keysOf(abc));
  });

  it('leaves what a compaction that runs has written', async () => {
    await bucket.deliver('2026-01-01', abc.slice(0, 2));
    await compact();
    await bucket.deliver('2026-01-02', abc.slice(2));
    now += 3 * HOUR;
    const running = await plan();
    await slices(running);
    await clean();
    expect(await switchTo(running)).toBe('switch');
    expect(await keys()).toEqual(keysOf(abc));
  });
});

it('a month beyond the most bytes is cut between aggregates', async () => {
  // Ids of bucket 9, found by trying.
  const { bucketOf } = await import('../../../src/event/bucket.ts');
  const ids = Array.from({ length: 400 }, (_, i) => `account-${i}`)
    .filter((id) => bucketOf(id) === '9')
    .sort();
  const histories = ids.map((id) => deposits(id, 20));
  await bucket.deliver('2026-01-01', histories.flat());
  const { generation } = await compact({}, { mostBytes: 1500 });
  expect(generation.files.length).toBeGreaterThan(2);
  expect(
    await query(
      () =>
        `SELECT count(*)::INT FROM (SELECT aggregate_uuid FROM read_parquet('${bucket.folder}/compacted/files/*/*.parquet', filename = true) GROUP BY ALL HAVING count(DISTINCT filename) > 1)`,
    ),
  ).toEqual([[0]]);
  expect(await keys()).toEqual(keysOf(...histories));
});

describe('a manifest that is gone', () => {
  const generation = () => table.Parameters?.['daybook.generation'] ?? NO_GENERATION;
  const restore = () => restoreManifest(bucket, async () => generation());
  const manifest = () => join(bucket.folder, manifestKey(generation()));
  const left = (name: string) => join(bucket.folder, `compacted/runs/${generation()}/${name}`);
  /** Two generations: of the second a bucket was made anew, another's file is the first's; a raw file is carried on. */
  async function twice() {
    await bucket.deliver('2026-01-01', abc.slice(0, 2));
    await bucket.deliver('2026-01-01', deposits('alice', 2));
    await compact();
    await bucket.deliver('2026-01-02', abc.slice(2));
    await compact();
    const text = readFileSync(manifest(), 'utf8');
    rmSync(manifest());
    return text;
  }

  it('is made anew as it was, of the plan and the results; one that is there is left alone', async () => {
    expect(await restore()).toBeUndefined(); // no generation yet
    const text = await twice();
    expect(JSON.parse(text)).toMatchObject({ events: 5, files: [{}, {}], taken: [{}, {}, {}] });
    expect(await restore()).toBe(manifestKey(generation()));
    expect(readFileSync(manifest(), 'utf8')).toBe(text);
    writeFileSync(manifest(), '{}');
    expect(await restore()).toBeUndefined();
    expect(readFileSync(manifest(), 'utf8')).toBe('{}');
  });

  it('is not made anew of parts: each that is gone or damaged is named', async () => {
    await twice();
    const refused = async () => {
      const error = await restore().catch((thrown) => thrown);
      expect(error).toMatchObject({ code: 'archive.manifestLost' });
      expect(existsSync(manifest())).toBe(false);
      return (error.details.problems as string[]).map((problem) => problem.replaceAll(generation(), 'G'));
    };
    const [plan, result] = ['plan.json', 'results/9.json'].map((name) => readFileSync(left(name), 'utf8'));
    rmSync(left('plan.json'));
    writeFileSync(left('results/9.json'), result!.slice(0, -10));
    expect(await refused()).toEqual([
      'compacted/runs/G/plan.json is gone',
      'compacted/runs/G/results/9.json is no JSON',
    ]);
    writeFileSync(left('plan.json'), plan!);
    rmSync(left('results/9.json'));
    expect(await refused()).toEqual(['compacted/runs/G/results/9.json is gone']);
    writeFileSync(left('results/9.json'), '{}');
    expect(await refused()).toEqual([expect.stringMatching('^compacted/runs/G/ is not what a compaction wrote: ')]);
    // Another attempt of the slice left its result later: its files are not those that were switched to.
    const [, file] = /"key":"([^"]*bucket=9[^"]*)"/.exec(result!)!;
    writeFileSync(left('results/9.json'), result!.replaceAll(file!, `${file!.slice(0, -16)}12345678.parquet`));
    expect(await refused()).toEqual([
      `compacted/generations/G/bucket=9/files.txt names ${file}, which no result names`.replaceAll(generation(), 'G'),
    ]);
    writeFileSync(left('results/9.json'), result!);
    expect(await restore()).toBeDefined();
  });
});

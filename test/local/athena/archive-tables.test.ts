import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aggregatesView, eventsView, holesView } from '../../../src/archive/archive-views.ts';
import { currentViewSql, RUN_COLUMNS } from '../../../src/archive/current-view.ts';
import type { View } from '../../../src/archive/event-views.ts';
import { filesListKey, keysListKey } from '../../../src/archive/generation.ts';
import { SAVED_QUERIES, toNamedText } from '../../../src/archive/saved-queries.ts';
import { archiveColumns, eventColumns, prestoType, textOf } from '../../../stacks/constructs/archive-tables.ts';
import { type ColdStorage, openColdStorage } from './cold-storage.ts';

let cold: ColdStorage;
const columns = Object.fromEntries(archiveColumns().map(({ name, type }) => [name, type]));
const sql = (name: string) => toNamedText(SAVED_QUERIES.find((query) => query.name === name)!);
const event = (version: number, type: string, more: object = {}) => ({
  aggregate_uuid: 'abc',
  aggregate_type: 'Account',
  version,
  type,
  schema_version: 1,
  commit_id: `c${version}`,
  commit_first: version,
  commit_last: version,
  recorded_at: `2026-01-02 00:00:${String(version % 60).padStart(2, '0')}.000`,
  occurred_at: `2026-01-01 23:59:${String(version % 60).padStart(2, '0')}.000`,
  data: '{"amount":1}',
  ...more,
});

const createView = (view: View) =>
  cold.createTable(view.name, Object.fromEntries(view.columns.map(({ name, type }) => [name, type])), {
    TableType: 'VIRTUAL_VIEW',
    ViewOriginalText: textOf(view, 'db'),
  });
/** The next generation of one bucket: the events of a file, and the runs of versions that they are. */
const compact = async (bucket: string, events: object[], runs: object[]) => {
  await cold.putParquet('compacted/files/a.parquet', { ...columns, day: 'string' }, events);
  await cold.putParquet('compacted/keys/a.parquet', KEYS, runs);
  const lists = [
    [filesListKey('g1', bucket), 's3://cold/compacted/files/a.parquet'],
    [keysListKey('g1', bucket), 's3://cold/compacted/keys/a.parquet'],
  ] as const;
  for (const [Key, text] of lists) await cold.call('s3', 'PutObject', { Bucket: 'cold', Key, Body: Buffer.from(text) });
  return async () => {
    for (const [Key] of lists) await cold.call('s3', 'DeleteObject', { Bucket: 'cold', Key });
  };
};
const KEYS = { aggregate_uuid: 'string', first_version: 'bigint', last_version: 'bigint' };

beforeAll(async () => {
  cold = await openColdStorage();
  await cold.createTable('events_raw', columns, {
    Parameters: {
      'projection.enabled': 'true',
      'projection.day.type': 'date',
      'projection.day.format': 'yyyy-MM-dd',
      'projection.day.range': '2026-01-01,NOW+1DAYS',
      'projection.bucket.type': 'enum',
      'projection.bucket.values': [...'0123456789abcdef'].join(','),
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Athena's own placeholders
      'storage.location.template': 's3://cold/events/day=${day}/bucket=${bucket}/',
    },
    PartitionKeys: ['day', 'bucket'].map((Name) => ({ Name, Type: 'string' })),
  });
  const listed = (template: string) => ({
    Parameters: {
      'projection.enabled': 'true',
      'projection.generation.type': 'injected',
      'projection.bucket.type': 'enum',
      'projection.bucket.values': [...'0123456789abcdef'].join(','),
      'storage.location.template': template,
    },
    PartitionKeys: ['generation', 'bucket'].map((Name) => ({ Name, Type: 'string' })),
    StorageDescriptor: { InputFormat: 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat' },
  });
  const generation = `s3://cold/compacted/generations/\${generation}`;
  const ofBucket = `bucket=\${bucket}/`;
  await cold.createTable('events_compacted', { ...columns, day: 'string' }, listed(`${generation}/${ofBucket}`));
  await cold.createTable('compacted_keys', KEYS, listed(`${generation}/keys/${ofBucket}`));
  const names = eventColumns().map(({ name }) => name);
  const text = (name: string) => ({ name, type: 'string', comment: '' });
  await createView({
    name: 'events_current',
    description: '',
    columns: [text('kind'), ...eventColumns(), ...RUN_COLUMNS.map((name) => ({ ...text(name), type: 'bigint' }))],
    sql: currentViewSql(names, 'g1'),
  });
  for (const make of [eventsView, aggregatesView, holesView]) await createView(make(eventColumns()));
  // md5('abc') begins with 9. Version 2 came twice, on two days.
  await cold.putParquet('events/day=2026-01-02/bucket=9/a.parquet', columns, [
    event(1, 'Opened'),
    event(2, 'Deposited'),
  ]);
  // Firehose may append its own `yyyy/MM/dd/HH/` to a prefix without a timestamp.
  await cold.putParquet('events/day=2026-01-03/bucket=9/2026/01/03/07/b.parquet', columns, [
    event(2, 'Deposited'),
    event(3, 'Deposited'),
  ]);
  await cold.putParquet('events/day=2026-01-03/bucket=0/c.parquet', columns, [
    event(1, 'Opened', { aggregate_uuid: 'other' }),
  ]);
});
afterAll(() => cold.close());

it("the archive's view shows each event once", async () => {
  expect(await cold.rows('SELECT aggregate_uuid, version, day FROM events ORDER BY 1, 2')).toEqual([
    ['abc', '1', '2026-01-02'],
    ['abc', '2', '2026-01-02'],
    ['abc', '3', '2026-01-03'],
    ['other', '1', '2026-01-03'],
  ]);
});

it('its saved queries answer', async () => {
  expect(
    (await cold.rows(sql('history-of-aggregate'), "'abc'", "'abc'", '2', '3')).map(([version]) => version),
  ).toEqual(['2', '3']);
  expect(await cold.rows(sql('when-did-it-happen'), "'abc'", "'abc'", "'Opened'")).toEqual([
    ['1', '2026-01-01 23:59:01.000', '2026-01-02 00:00:01.000', '{"amount":1}'],
  ]);
  expect(
    await cold.rows(sql('events-per-type-and-day'), "CAST('2026-01-01' AS DATE)", "CAST('2026-01-31' AS DATE)"),
  ).toEqual([
    ['2026-01-01', 'Deposited', '2'],
    ['2026-01-01', 'Opened', '2'],
  ]);
  expect(await cold.rows(sql('holes'))).toEqual([]);
  expect(await cold.rows(sql('how-late-do-events-arrive'))).toEqual([
    ['Deposited', '2', '60', '60', '60', '1'],
    ['Opened', '2', '60', '60', '60', '1'],
  ]);
});

it('a query of one aggregate reads its bucket only', async () => {
  const execution = await cold.execute(sql('history-of-aggregate'), {
    ExecutionParameters: ["'nobody'", "'nobody'", '1', '9'],
  });
  expect(execution.Status.State).toBe('SUCCEEDED');
  expect(execution.Statistics.DataScannedInBytes).toBe(0);
});

describe('the view `events`', () => {
  const all = 'SELECT aggregate_uuid, version, day, data FROM events ORDER BY 1, 2';

  it('takes what is compacted from there, whatever of it is still raw, and the rest from the raw files', async () => {
    const before = await cold.rows(all);
    const back = await compact(
      '9',
      [1, 2, 4].map((version) => event(version, 'X', { day: '2026-01-02', data: '"compacted"' })),
      [
        { aggregate_uuid: 'abc', first_version: 1, last_version: 2 },
        { aggregate_uuid: 'abc', first_version: 4, last_version: 4 },
      ],
    );
    try {
      // Version 3 is raw only: it lies between two that are compacted.
      const compacted = (version: string) => ['abc', version, '2026-01-02', '"compacted"'];
      expect(await cold.rows(all)).toEqual([
        compacted('1'),
        compacted('2'),
        ...before.filter(([, version]) => version === '3'),
        compacted('4'),
        ...before.filter(([id]) => id === 'other'),
      ]);
      // Versions that come late, beside copies of what is compacted.
      await cold.putParquet('events/day=2026-01-09/bucket=9/late.parquet', columns, [
        event(1, 'X'),
        event(4, 'X'),
        event(6, 'Late'),
        event(6, 'Late'),
      ]);
      const late = await cold.rows('SELECT version, day, type FROM events WHERE version > 3 ORDER BY version');
      expect(late).toEqual([
        ['4', '2026-01-02', 'X'],
        ['6', '2026-01-09', 'Late'],
      ]);
      expect(await cold.rows('SELECT aggregate_uuid, missing_from, missing_to FROM holes')).toEqual([
        ['abc', '5', '5'],
      ]);
    } finally {
      await back();
      await cold.call('s3', 'DeleteObject', { Bucket: 'cold', Key: 'events/day=2026-01-09/bucket=9/late.parquet' });
    }
    expect(await cold.rows(all)).toEqual(before);
  });

  it('has columns of the types that the view is said to have', async () => {
    for (const make of [eventsView, aggregatesView, holesView]) {
      const view = make(eventColumns());
      const execution = await cold.execute(`SELECT * FROM ${view.name}`);
      const { ResultSet } = await cold.call('athena', 'GetQueryResults', {
        QueryExecutionId: execution.QueryExecutionId,
      });
      const found = ResultSet.ResultSetMetadata.ColumnInfo.map(({ Name, Type }: { Name: string; Type: string }) => [
        Name,
        Type,
      ]);
      const plain = (type: string) => prestoType(type).replace('(3)', '');
      expect(found).toEqual(view.columns.map(({ name, type }) => [name, plain(type)]));
    }
  });
});

it('`aggregates` has one row for each', async () => {
  expect(await cold.rows('SELECT * FROM aggregates ORDER BY aggregate_uuid')).toEqual([
    [
      'abc',
      'Account',
      '9',
      '3',
      '1',
      '3',
      '2026-01-02 00:00:01.000',
      '2026-01-02 00:00:03.000',
      '2026-01-01 23:59:01.000',
      '2026-01-01 23:59:03.000',
    ],
    [
      'other',
      'Account',
      '0',
      '1',
      '1',
      '1',
      '2026-01-02 00:00:01.000',
      '2026-01-02 00:00:01.000',
      '2026-01-01 23:59:01.000',
      '2026-01-01 23:59:01.000',
    ],
  ]);
});

it('`holes` is empty, or names what is missing, by ranges', async () => {
  expect(await cold.rows('SELECT * FROM holes')).toEqual([]);
  const Key = 'events/day=2026-01-04/bucket=9/holes.parquet';
  await cold.putParquet(
    Key,
    columns,
    [5, 6, 10].map((version) => event(version, 'Deposited')).concat(event(3, 'Deposited', { aggregate_uuid: 'x' })),
  );
  expect(await cold.rows('SELECT aggregate_uuid, missing_from, missing_to, bucket FROM holes ORDER BY 1, 2')).toEqual([
    ['abc', '4', '4', '9'],
    ['abc', '7', '9', '9'],
    ['x', '1', '2', '9'],
  ]);
  await cold.call('s3', 'DeleteObject', { Bucket: 'cold', Key });
});

describe('reads', () => {
  const day = (n: number) => `2026-01-${String(n).padStart(2, '0')}`;
  const text = JSON.stringify({ note: 'x'.repeat(2000) });
  const rows = (uuid: string, n: number) =>
    Array.from({ length: 200 }, (_, i) =>
      event(n * 200 + i + 1, 'Noted', { aggregate_uuid: uuid, data: text + (n * 200 + i) }),
    );
  const keys: string[] = [];
  const scanned = async (query: string) => (await cold.execute(query)).Statistics.DataScannedInBytes as number;

  beforeAll(async () => {
    for (let n = 0; n < 4; n++) {
      for (const [bucket, uuid] of [
        ['0', 'cfcd2'],
        ['9', 'abc'],
      ] as const) {
        keys.push(`events/day=${day(5 + n)}/bucket=${bucket}/scan.parquet`);
        await cold.putParquet(keys.at(-1)!, columns, rows(uuid, n));
      }
    }
  });
  afterAll(async () => {
    for (const Key of keys) await cold.call('s3', 'DeleteObject', { Bucket: 'cold', Key });
  });

  it('of raw rows a day’s files only, and of a bucket its files only', async () => {
    const all = await scanned('SELECT sum(length(data)) FROM events_raw');
    const one = await scanned(`SELECT sum(length(data)) FROM events_raw WHERE day = '${day(6)}'`);
    const both = await scanned(`SELECT sum(length(data)) FROM events_raw WHERE day = '${day(6)}' AND bucket = '9'`);
    expect(one).toBeGreaterThan(0);
    expect(one).toBeLessThan(all / 3);
    expect(both).toBeLessThan(one * 0.6);
    expect(await scanned("SELECT count(*) FROM events_raw WHERE day = '2026-01-20'")).toBe(0);
  });

  it('of `events` a day’s data, and of the other days no more than the keys', async () => {
    const all = await scanned('SELECT sum(length(data)) FROM events');
    const one = await scanned(`SELECT sum(length(data)) FROM events WHERE day = '${day(6)}'`);
    const keysOnly = await scanned('SELECT count(version), count(aggregate_uuid) FROM events_raw');
    expect(await cold.rows(`SELECT count(*), min(day), max(day) FROM events WHERE day = '${day(6)}'`)).toEqual([
      ['400', day(6), day(6)],
    ]);
    expect(one).toBeLessThan(all / 3 + 2 * keysOnly);
  });

  it('of `events` an aggregate’s bucket only, by the bucket’s expression', async () => {
    const bucket = "substr(lower(to_hex(md5(to_utf8('abc')))), 1, 1)";
    const all = await scanned('SELECT sum(length(data)) FROM events');
    const one = await scanned(
      `SELECT sum(length(data)) FROM events WHERE bucket = ${bucket} AND aggregate_uuid = 'abc'`,
    );
    expect(one).toBeGreaterThan(0);
    expect(one).toBeLessThan(all * 0.6);
    expect(await scanned("SELECT sum(length(data)) FROM events WHERE bucket = 'f'")).toBe(0);
  });
});

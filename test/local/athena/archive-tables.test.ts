import { afterAll, beforeAll, expect, it } from 'vitest';
import { SAVED_QUERIES, toNamedText } from '../../../src/archive/saved-queries.ts';
import { archiveColumns, eventsView } from '../../../stacks/constructs/archive-tables.ts';
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
  recorded_at: `2026-01-02 00:00:0${version}.000`,
  occurred_at: `2026-01-01 23:59:0${version}.000`,
  data: '{"amount":1}',
  ...more,
});

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
  const view = eventsView('db');
  await cold.createTable('events', columns, { TableType: 'VIRTUAL_VIEW', ViewOriginalText: view.text });
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

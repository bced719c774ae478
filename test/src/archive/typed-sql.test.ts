import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ColumnType } from '../../../src/archive/typed-columns.ts';
import { typedSelect } from '../../../src/archive/typed-sql.ts';

let instance: DuckDBInstance;
beforeAll(async () => {
  instance = await DuckDBInstance.create(':memory:');
});
afterAll(() => instance.closeSync());

/** What a column of this type holds of a text. */
async function held(type: ColumnType, path: readonly string[], data: string, eventType = 'x'): Promise<unknown> {
  const connection = await instance.connect();
  const { found, select } = typedSelect([{ eventType, path, column: 'held', type }]);
  const reader = await connection.runAndReadAll(
    `SELECT * EXCLUDE (type, data, found) ${select} FROM (SELECT *, ${found} AS found FROM (SELECT 'x' AS type, $data::VARCHAR AS data))`,
    { data },
  );
  connection.closeSync();
  return reader.getRowsJson()[0]![0];
}

it.each([
  ['bigint', '{"a":12}', '12'],
  ['bigint', '{"a":-9223372036854775808}', '-9223372036854775808'],
  ['bigint', '{"a":9223372036854775808}', null],
  ['bigint', '{"a":1.5}', null],
  ['bigint', '{"a":"12"}', null],
  ['varchar', '{"a":"text"}', 'text'],
  ['varchar', '{"a":""}', ''],
  ['varchar', '{"a":"a\\"\\\\\\u00e9 \\n"}', 'a"\\é \n'],
  ['varchar', '{"a":12}', null],
  ['varchar', '{"a":null}', null],
  ['double', '{"a":0.1}', 0.1],
  ['double', '{"a":0.30000000000000004}', 0.30000000000000004],
  ['double', '{"a":1e21}', 1e21],
  ['double', '{"a":9007199254740993}', null],
  ['double', '{"a":1e400}', null],
  ['double', '{"a":"1"}', null],
  ['boolean', '{"a":true}', true],
  ['boolean', '{"a":false}', false],
  ['boolean', '{"a":"true"}', null],
  ['timestamp', '{"a":"2026-01-01T00:00:00.123+02:00"}', '2025-12-31 22:00:00.123'],
  ['timestamp', '{"a":"2026-01-01T00:00:00Z"}', '2026-01-01 00:00:00'],
  ['timestamp', '{"a":"2026-01-01t00:00:00z"}', '2026-01-01 00:00:00'],
  ['timestamp', '{"a":"2026-01-01T00:00:00.1234Z"}', null],
  ['timestamp', '{"a":"2026-02-30T00:00:00Z"}', null],
  ['timestamp', '{"a":"2024-02-29T24:00:00Z"}', null],
  ['timestamp', '{"a":"2024-02-29T23:59:60Z"}', null],
  ['varchar', '{"a":"x\\ud800"}', null],
  ['varchar', '{"a":"\\udc00\\ud800","b":1}', null],
  ['bigint', '{"a":12,"b":"x\\ud800"}', '12'],
  ['timestamp', '{"a":"2026-01-01T00:00:00Z","\\uDFFF":{}}', '2026-01-01 00:00:00'],
  ['varchar', '{"a":"\\ud83d\\ude00\\n","b":"\\ud83d\\ud83d\\ude00"}', '😀\n'],
  ['varchar', '{"a":"\\\\ud800\\\\","b":"\\\\\\ud800"}', '\\ud800\\'],
  ['bigint', '{"a":12,"b":"\u0001\\ud800"}', null],
  ['varchar', '{"b":"other"}', null],
  ['varchar', 'no json', null],
] as const)('%s of %s', async (type, data, expected) => {
  expect(await held(type, ['a'], data)).toEqual(expected);
});

it('finds what is nested, whatever the names are, and the value itself', async () => {
  expect(await held('boolean', ['a', 'b.c/d~e"f'], JSON.stringify({ a: { 'b.c/d~e"f': true } }))).toBe(true);
  expect(await held('varchar', [], '"hello"')).toBe('hello');
});

it('is of its own event type only', async () => {
  expect(await held('varchar', ['a'], '{"a":"text"}', 'y')).toBe(null);
});

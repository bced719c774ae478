import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ColdStorage, openColdStorage } from './cold-storage.ts';

let cold: ColdStorage;

beforeAll(async () => {
  cold = await openColdStorage();
});
afterAll(() => cold.close());

/** One value of a SELECT without a table. */
const value = async (expression: string) => (await cold.rows(`SELECT ${expression}`))[0]![0];

// What Trino's documentation says that these give: https://trino.io/docs/current/functions.html
describe('means what Trino means', () => {
  it.each([
    ['7 / 2', '3'],
    ['-7 / 2', '-3'],
    ['7 % 3', '1'],
    ['7 / 2.0', '3.5'],
    ['7 / 2e0', '3.5'],
    ['try(1 / 0)', null],
    ["try(CAST('x' AS integer))", null],
    ["date_diff('day', timestamp '2026-01-01 23:00:00', timestamp '2026-01-02 01:00:00')", '0'],
    ["date_diff('second', timestamp '2026-01-01 00:00:00', timestamp '2026-01-01 00:01:01.5')", '61'],
    ["date_diff('month', date '2026-01-31', date '2026-03-01')", '1'],
    ["date_add('month', 1, date '2026-01-31')", '2026-02-28'],
    ["date_add('hour', -1, timestamp '2026-01-01 00:00:00')", '2025-12-31 23:00:00.000'],
    ["date '2026-01-31' + interval '1' day", '2026-02-01'],
    ["timestamp '2026-01-31 10:00:00' - interval '1' hour", '2026-01-31 09:00:00.000'],
    ["date_trunc('month', date '2026-01-31')", '2026-01-01'],
    ["date_trunc('hour', timestamp '2026-01-31 10:11:12')", '2026-01-31 10:00:00.000'],
    ["split_part('a,b', ',', 2)", 'b'],
    ["split_part('a,b', ',', 3)", null],
    ["day_of_week(date '2026-01-04')", '7'],
    ["extract(day_of_week FROM date '2026-01-04')", '7'],
    ["extract(year FROM date '2026-01-04')", '2026'],
    ["year_of_week(date '2027-01-01')", '2026'],
    ["date_parse('2026-01-02 03:04:05', '%Y-%m-%d %H:%i:%s')", '2026-01-02 03:04:05.000'],
    ["date_format(timestamp '2026-01-02 03:04:05', '%Y/%m %H:%i:%s %W')", '2026/01 03:04:05 Friday'],
    ["format_datetime(timestamp '2026-01-02 03:04:05.678', 'yyyy-MM-dd''T''HH:mm:ss.SSS')", '2026-01-02T03:04:05.678'],
    ["from_iso8601_timestamp('2026-01-02T03:04:05.678+01:00')", '2026-01-02 02:04:05.678 UTC'],
    ["from_iso8601_date('2026-01-02')", '2026-01-02'],
    ["to_iso8601(date '2026-01-02')", '2026-01-02'],
    ['from_unixtime(1767323045.5)', '2026-01-02 03:04:05.500 UTC'],
    ["to_unixtime(timestamp '1970-01-01 00:00:10')", '10.0'],
    ["timestamp '2026-01-01 00:00:00 America/New_York'", '2026-01-01 05:00:00.000 UTC'],
    ["at_timezone(timestamp '2026-01-01 00:00:00 UTC', 'America/New_York')", '2025-12-31 19:00:00.000'],
    ["substr(lower(to_hex(md5(to_utf8('abc')))), 1, 1)", '9'],
    ["to_hex(md5(to_utf8('abc')))", '900150983CD24FB0D6963F7D28E17F72'],
    ["md5(to_utf8('abc'))", '90 01 50 98 3c d2 4f b0 d6 96 3f 7d 28 e1 7f 72'],
    ["from_utf8(from_base64(to_base64(to_utf8('ü'))))", 'ü'],
    ['json_extract_scalar(\'{"a":{"b":"c"}}\', \'$.a.b\')', 'c'],
    ['json_extract_scalar(\'{"a":{"b":1.25}}\', \'$.a.b\')', '1.25'],
    ['json_extract_scalar(\'{"a":{"b":1}}\', \'$.a\')', null],
    ["json_extract_scalar('no json', '$.a')", null],
    ['json_extract_scalar(\'{"a b":1}\', \'$["a b"]\')', '1'],
    ["json_extract('{\"a\":[1,2]}', '$.a')", '[1,2]'],
    // Names that DuckDB keeps for itself.
    ['any + dec FROM (SELECT 1 any, 2 dec) WHERE any = ANY (SELECT 1)', '3'],
    ['1 dec', '1'],
    // Half a character: Jackson reads it, and Java writes a question mark for it.
    [`json_extract_scalar('{"a":"x\\ud800","b":12}', '$.b')`, '12'],
    [`json_extract_scalar('{"a":"x\\ud800","b":12}', '$.a')`, 'x?'],
    [`json_extract('{"a":["\\udfff"],"b":12}', '$.b')`, '12'],
    [`json_extract_scalar('{"a":"\\ud83d\\ude00 \\\\ud800","b":"\\ude00"}', '$.a')`, '😀 \\ud800'],
    [`json_extract_scalar('no json \\ud800', '$.a')`, null],
    [`json_format(json_parse('["\\ude2dau"]'))`, '["?au"]'],
    ['CAST(json_extract(\'{"a":"x"}\', \'$.a\') AS varchar)', 'x'],
    ["CAST(json_extract('{\"a\":5}', '$.a') AS bigint)", '5'],
    ["json_format(CAST('x' AS json))", '"x"'],
    ["json_array_length('[1,2,3]')", '3'],
    ["element_at(ARRAY['a', 'b'], 2)", 'b'],
    ["element_at(ARRAY['a', 'b'], 3)", null],
    ["element_at(MAP(ARRAY['k'], ARRAY[1]), 'k')", '1'],
    ['cardinality(ARRAY[1, 2])', '2'],
    ['contains(ARRAY[1, 2], 2)', 'true'],
    ["array_join(ARRAY['a', NULL, 'b'], '-', '?')", 'a-?-b'],
    ['transform(ARRAY[1, 2], x -> x * 10)', '[10, 20]'],
    ['filter(ARRAY[1, 2, 3], x -> x > 1)', '[2, 3]'],
    ['any_match(ARRAY[1, 2], x -> x > 1)', 'true'],
    ['none_match(ARRAY[1, 2], x -> x > 2)', 'true'],
    ["sequence(date '2026-01-01', date '2026-01-02')", '[2026-01-01, 2026-01-02]'],
    ["regexp_like('1a 2b', '\\d+b')", 'true'],
    ["regexp_extract('1a 2b', '\\d+([a-z])', 1)", 'a'],
    ["regexp_extract('x', '\\d')", null],
    ["regexp_replace('1a 2b', '(\\d)', '<$1>')", '<1>a <2>b'],
    ["concat('a', NULL)", null],
    ["concat('a', 'b', 'c')", 'abc'],
    ['greatest(1, NULL)', null],
    ['if(false, 1)', null],
    ["CAST(ROW(1, 'x') AS ROW(a integer, b varchar))", '{a=1, b=x}'],
    ["MAP(ARRAY['k'], ARRAY[1e0])", '{k=1.0}'],
    ["CAST('1,2' AS varchar)", '1,2'],
    ['CAST(ARRAY[1] AS array(varchar))', '[1]'],
    ["TRY_CAST('x' AS double)", null],
    ["X'6162'", '61 62'],
    ["'it''s'", "it's"],
    ['9007199254740993', '9007199254740993'],
    ['CAST(1 AS decimal(10,2))', '1.00'],
    ['true AND NULL', null],
    ["date '2026-01-02'", '2026-01-02'],
    ['1e10', '1.0E10'],
    ['12345678.9e0', '1.23456789E7'],
    ['0.00015e0', '1.5E-4'],
    ['1e-10', '1.0E-10'],
    ['0.1e0', '0.1'],
    ['-1e7', '-1.0E7'],
    ['nullif(1, 1)', null],
    ["coalesce(NULL, 'x')", 'x'],
    ["url_extract_host('https://example.org:80/a?b=c')", 'example.org'],
    ['current_date', '2026-01-10'],
    ['current_timestamp', '2026-01-10 12:00:00.000 UTC'],
    ["current_date - interval '1' day", '2026-01-09'],
  ])('%s', async (expression, expected) => {
    expect(await value(expression)).toBe(expected);
  });

  it('with an aggregate or a window where the type of an argument decides', async () => {
    const source = "(VALUES (timestamp '2026-01-02 03:04:05', 1), (timestamp '2026-02-03 04:05:06', 2)) AS v(t, n)";
    const rows = await cold.rows(
      `SELECT to_iso8601(min(t)), to_iso8601(CAST(max(t) AS date)), date_trunc('month', max(t)), date_add('day', 1, max(CAST(t AS date))),
         max(t) + interval '1' day, date_diff('day', min(t), max(t)) FROM ${source}`,
    );
    expect(rows).toEqual([
      [
        '2026-01-02T03:04:05.000',
        '2026-02-03',
        '2026-02-01 00:00:00.000',
        '2026-02-04',
        '2026-02-04 04:05:06.000',
        '32',
      ],
    ]);
    const windowed = `SELECT DISTINCT to_iso8601(min(t) OVER ()) FROM ${source}`;
    expect(await cold.rows(windowed)).toEqual([['2026-01-02T03:04:05.000']]);
    const grouped = `SELECT n, to_iso8601(max(t)) AS m FROM ${source} GROUP BY n HAVING to_iso8601(max(t)) > '2026-02' ORDER BY m`;
    expect(await cold.rows(grouped)).toEqual([['2', '2026-02-03T04:05:06.000']]);
  });

  it('in aggregates and windows', async () => {
    const from = "FROM (VALUES (1, 'a', 10), (2, 'a', 20), (3, 'b', NULL)) AS t(id, kind, n)";
    expect(
      await cold.rows(
        `SELECT kind, count(*), count(n), sum(n), avg(n), arbitrary(kind), approx_distinct(n) ${from} GROUP BY kind ORDER BY kind`,
      ),
    ).toEqual([
      ['a', '2', '2', '30', '15.0', 'a', '2'],
      ['b', '1', '0', null, null, 'b', '0'],
    ]);
    expect(
      await cold.rows(
        `SELECT id, row_number() OVER (PARTITION BY kind ORDER BY id DESC), lag(n) OVER (ORDER BY id) ${from} ORDER BY id`,
      ),
    ).toEqual([
      ['1', '2', null],
      ['2', '1', '10'],
      ['3', '1', '20'],
    ]);
    expect(
      await cold.rows(
        `SELECT listagg(kind, '|') WITHIN GROUP (ORDER BY id DESC), max_by(id, n), count_if(n > 10), count(*) FILTER (WHERE n IS NULL) ${from}`,
      ),
    ).toEqual([['b|a|a', '2', '1', '1']]);
    expect(
      await cold.rows(
        `SELECT t.id, u.x, u.i ${from} CROSS JOIN UNNEST(ARRAY['p', 'q']) WITH ORDINALITY AS u(x, i) WHERE id = 1 ORDER BY i`,
      ),
    ).toEqual([
      ['1', 'p', '1'],
      ['1', 'q', '2'],
    ]);
    expect(
      await cold.rows(
        'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n ORDER BY i',
      ),
    ).toEqual([['1'], ['2'], ['3']]);
  });
});

describe('refuses by name', () => {
  it.each([
    ["SELECT * FROM read_csv('/etc/passwd')", 'the table function read_csv'],
    ["SELECT * FROM glob('*')", 'the table function glob'],
    ["SELECT * FROM '/etc/passwd'", 'TABLE_NOT_FOUND'],
    ["SELECT getenv('HOME')", "Function 'getenv' not registered"],
    ["SELECT current_setting('threads')", "Function 'current_setting' not registered"],
    ['SELECT 1::varchar', "the operator '::'"],
    ['SELECT 7 // 2', "the operator '//'"],
    ['SELECT * EXCLUDE (a) FROM (SELECT 1 AS a)', 'EXCLUDE'],
    ["SELECT date_format(current_timestamp, '%D')", 'the format %D'],
    ['SELECT 1 / 0', 'DIVISION_BY_ZERO'],
    ["SELECT CAST('x' AS integer)", 'INVALID_CAST_ARGUMENT'],
    ['SELECT nope FROM (SELECT 1 AS a)', "Column 'nope' cannot be resolved"],
    ['SELECT * FROM nope', "Table 'awsdatacatalog.db.nope' does not exist"],
    ['SELECT * FROM hive.db.t', 'the catalog hive'],
    ['SELECT FROM', 'SYNTAX_ERROR'],
  ])('%s', async (sql, reason) => {
    expect(await cold.failure(sql)).toContain(reason);
  });

  it.each([
    ['INSERT INTO t VALUES (1)', 'INSERT INTO t VALUES'],
    ['ALTER TABLE t ADD COLUMNS (a int)', 'ALTER TABLE'],
    ['CREATE EXTERNAL TABLE t (a int)', 'CREATE EXTERNAL TABLE'],
    ['MSCK REPAIR TABLE t', 'MSCK REPAIR'],
    ["COPY (SELECT 1) TO '/tmp/x'", 'COPY'],
    ["ATTACH '/tmp/x'", 'ATTACH'],
    ['SET threads = 1', 'SET threads'],
    ['SELECT 1; SELECT 2', 'Only one sql statement'],
    ["SELECT 'open", 'a quote is not closed'],
    ['', 'QueryString is required'],
  ])('%s, at once', async (QueryString, reason) => {
    const started = cold.call('athena', 'StartQueryExecution', { QueryString, WorkGroup: 'group' });
    await expect(started).rejects.toMatchObject({
      code: 'InvalidRequestException',
      message: expect.stringContaining(reason),
    });
  });
});

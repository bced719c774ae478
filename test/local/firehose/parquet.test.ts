import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDuckDb, type DuckDb } from '../../../local/athena/duckdb.ts';
import { createCloud } from '../../../local/cloud.ts';
import { CannotConvert, type ConvertOptions, convertRecord } from '../../../local/firehose/convert.ts';
import { writeParquet } from '../../../local/firehose/parquet.ts';
import { parseHiveType } from '../../../local/glue/hive-type.ts';
import { virtualKernel } from '../../../local/kernel/virtual-kernel.ts';
import { createS3 } from '../../../local/s3/s3.ts';

let dir: string;
let duckdb: DuckDb;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'daybook-parquet-'));
  duckdb = createDuckDb(createS3(createCloud(virtualKernel({ seed: 1 })), { dir }));
});
afterAll(() => {
  duckdb.close();
  rmSync(dir, { recursive: true });
});

const optionsOf = (columns: Record<string, string>, more: Partial<ConvertOptions> = {}): ConvertOptions => ({
  columns: Object.entries(columns).map(([name, type]) => ({ name, type: parseHiveType(type) })),
  caseInsensitive: true,
  dotsToUnderscores: false,
  keyOfColumn: {},
  ...more,
});

/** What a record becomes, read back from the Parquet file. */
async function throughParquet(record: string, columns: Record<string, string>, more: Partial<ConvertOptions> = {}) {
  const options = optionsOf(columns, more);
  const lines = convertRecord(Buffer.from(record), options);
  const body = await writeParquet(duckdb, lines, {
    ...options,
    compression: 'snappy',
    version: 'V1',
    name: 't',
  });
  expect(body.toString('latin1', 0, 4)).toBe('PAR1');
  const path = join(duckdb.scratchDir, 'check.parquet');
  writeFileSync(path, body);
  const connection = await duckdb.connect();
  const rows = (await connection.runAndReadAll(`SELECT * FROM read_parquet('${path}')`)).getRowsJson();
  connection.closeSync();
  return rows;
}

describe('a record becomes rows of the table', () => {
  it('of every type, exactly', async () => {
    const columns = {
      text: 'string',
      small: 'smallint',
      whole: 'int',
      big: 'bigint',
      real: 'double',
      yes: 'boolean',
      at: 'timestamp',
      day: 'date',
      price: 'decimal(38,10)',
    };
    const record = `{"text":"ü \\"quoted\\" \\u00e9 \\n","small":-32768,"whole":"12","big":9007199254740993,"real":0.1,"yes":true,
      "at":"2026-01-02T03:04:05.678Z","day":"2026-01-02","price":1234567890123456789.0123456789}`;
    expect(await throughParquet(record, columns)).toEqual([
      [
        'ü "quoted" é \n',
        -32768,
        12,
        '9007199254740993',
        0.1,
        true,
        '2026-01-02 03:04:05.678',
        '2026-01-02',
        '1234567890123456789.0123456789',
      ],
    ]);
  });

  it('one per concatenated document; what is missing or null is null, what is unknown is left out', async () => {
    expect(await throughParquet('{"a":1}{"a":null,"b":"x"} \n {"B":"y","c":3}', { a: 'bigint', b: 'string' })).toEqual([
      ['1', null],
      [null, 'x'],
      [null, 'y'],
    ]);
  });

  it('with nested types', async () => {
    const columns = { s: 'struct<q:bigint,Name:string>', l: 'array<int>', m: 'map<string,array<string>>' };
    expect(
      await throughParquet('{"s":{"q":9007199254740993,"name":"n"},"l":[1,null,3],"m":{"K":["v"]}}', columns),
    ).toEqual([[{ q: '9007199254740993', Name: 'n' }, [1, null, 3], [{ key: 'K', value: ['v'] }]]]);
  });

  it('with numbers and objects in a text column as their JSON text', async () => {
    expect(await throughParquet('{"a":12.50,"b":{"x":[1, 2]}}', { a: 'string', b: 'string' })).toEqual([
      ['12.50', '{"x":[1, 2]}'],
    ]);
  });

  it.each([
    ['"2026-01-02T03:04:05Z"', '2026-01-02 03:04:05'],
    ['"2026-01-02T03:04:05.123456789Z"', '2026-01-02 03:04:05.123456'],
    ['"2026-1-2 03:04:05.5"', '2026-01-02 03:04:05.5'],
    ['1767323045', '2026-01-02 03:04:05'],
    ['1767323045678', '2026-01-02 03:04:05.678'],
    ['1767323045.678', '2026-01-02 03:04:05.678'],
  ])('with the timestamp %s', async (given, expected) => {
    expect(await throughParquet(`{"at":${given}}`, { at: 'timestamp' })).toEqual([[expected]]);
  });

  it('by the mapping of keys, when there is one', async () => {
    const more = { keyOfColumn: { ts: 'timestamp' }, dotsToUnderscores: true, caseInsensitive: false };
    expect(await throughParquet('{"timestamp":1,"a.b":2,"A":3}', { ts: 'int', a_b: 'int', a: 'int' }, more)).toEqual([
      [1, 2, null],
    ]);
  });
});

describe('a record that does not fit is refused whole', () => {
  const columns = {
    whole: 'int',
    big: 'bigint',
    at: 'timestamp',
    day: 'date',
    yes: 'boolean',
    price: 'decimal(4,2)',
    text: 'string',
    l: 'array<int>',
  };
  it.each([
    ['[{"whole":1}]', 'a JSON object was expected'],
    ['{"whole":1}{"whole":', 'not JSON'],
    ['{"whole":1} rest', 'a JSON object was expected'],
    ['{"whole":01}', 'not JSON'],
    ['{"whole":1.5}', 'whole: 1.5 is no int'],
    ['{"whole":2147483648}', 'is no int'],
    ['{"big":9223372036854775808}', 'is no bigint'],
    ['{"at":"2026-01-02T03:04:05+00:00"}', 'is no timestamp'],
    ['{"at":"2026-02-30T00:00:00Z"}', 'is no timestamp'],
    ['{"day":"2026-13-01"}', 'is no date'],
    ['{"yes":1}', 'is no boolean'],
    ['{"price":123.4}', 'is no decimal(4,2)'],
    ['{"l":[1,"x"]}', 'l[1]: "x" is no int'],
    ['{"text":"\\ud800"}', 'surrogate'],
  ])('%s', (record, reason) => {
    expect(() => convertRecord(Buffer.from(record), optionsOf(columns))).toThrow(CannotConvert);
    expect(() => convertRecord(Buffer.from(record), optionsOf(columns))).toThrow(reason);
  });

  it('and so is invalid UTF-8', () => {
    expect(() => convertRecord(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), optionsOf(columns))).toThrow(
      'UTF-8',
    );
  });
});

import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Json, ServiceError } from '../../../local/cloud.ts';
import { type ColdStorage, openColdStorage, START } from './cold-storage.ts';

const COLUMNS = { id: 'string', version: 'bigint', at: 'timestamp', data: 'string' };
/** As the archive's construct makes its table. */
const PROJECTED = {
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
  PartitionKeys: [
    { Name: 'day', Type: 'string' },
    { Name: 'bucket', Type: 'string' },
  ],
};
const row = (id: string, version: number, more: Json = {}) => ({
  id,
  version,
  at: '2026-01-02 03:04:05.678',
  data: 'x'.repeat(50),
  ...more,
});

let cold: ColdStorage;
let dir: string;
const put = (day: string, bucket: string, rows: Json[], name = 'f') =>
  cold.putParquet(`events/day=${day}/bucket=${bucket}/${name}.parquet`, COLUMNS, rows);
const scanned = async (sql: string, more: Json = {}): Promise<number> => {
  const execution = await cold.execute(sql, more);
  if (execution.Status.State !== 'SUCCEEDED') throw new Error(execution.Status.StateChangeReason);
  return execution.Statistics.DataScannedInBytes;
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'daybook-athena-'));
  cold = await openColdStorage(dir);
});
beforeEach(async () => {
  await cold.clear();
  await cold.createTable('events', COLUMNS, PROJECTED);
});
afterAll(() => {
  cold.close();
  rmSync(dir, { recursive: true, force: true });
});

describe('a projected table', () => {
  it('is empty, with all its columns, before anything was written', async () => {
    const execution = await cold.execute('SELECT * FROM events');
    const { ResultSet } = await cold.call('athena', 'GetQueryResults', {
      QueryExecutionId: execution.QueryExecutionId,
    });
    expect(ResultSet.Rows).toEqual([
      { Data: ['id', 'version', 'at', 'data', 'day', 'bucket'].map((VarCharValue) => ({ VarCharValue })) },
    ]);
    expect(ResultSet.ResultSetMetadata.ColumnInfo.map((one: Json) => one.Type)).toEqual([
      'varchar',
      'bigint',
      'timestamp',
      'varchar',
      'varchar',
      'varchar',
    ]);
    expect(execution.Statistics.DataScannedInBytes).toBe(0);
  });

  it('has the rows of every file in its range, with their partition values', async () => {
    await put('2026-01-02', 'a', [row('one', 1), row('one', 2)]);
    await put('2026-01-11', '0', [row('two', 1)]);
    await put('2025-12-31', 'a', [row('before the range', 1)]);
    await put('2026-01-12', 'a', [row('behind the range', 1)]);
    await put('2026-01-02', 'g', [row('no bucket', 1)]);
    await cold.call('s3', 'PutObject', {
      Bucket: 'cold',
      Key: 'events/day=2026-01-02/bucket=a/_hidden',
      Body: Buffer.from('no parquet'),
    });
    expect(await cold.rows('SELECT id, version, at, day, bucket FROM events ORDER BY id, version')).toEqual([
      ['one', '1', '2026-01-02 03:04:05.678', '2026-01-02', 'a'],
      ['one', '2', '2026-01-02 03:04:05.678', '2026-01-02', 'a'],
      ['two', '1', '2026-01-02 03:04:05.678', '2026-01-11', '0'],
    ]);
  });

  it('reads its days, its buckets and its columns only', async () => {
    const noise = () =>
      Array.from({ length: 200 }, (_one, i) =>
        row(`id${i}`, i, { data: Array.from({ length: 20 }, (_x, k) => String(i * 7919 * (k + 1))).join() }),
      );
    for (const day of ['2026-01-01', '2026-01-02', '2026-01-03', '2026-01-04'])
      for (const bucket of ['0', '9']) await put(day, bucket, noise());
    const all = await scanned('SELECT id, version, at, data FROM events');
    expect((await scanned("SELECT id, version, at, data FROM events WHERE day = '2026-01-02'")) / all).toBeCloseTo(
      1 / 4,
      2,
    );
    expect(
      (await scanned("SELECT id, version, at, data FROM events WHERE day BETWEEN '2026-01-02' AND '2026-01-03'")) / all,
    ).toBeCloseTo(1 / 2, 2);
    // The bucket expression of the saved queries: 'abc' is in bucket 9.
    const bucket = "bucket = substr(lower(to_hex(md5(to_utf8('abc')))), 1, 1)";
    expect((await scanned(`SELECT id, version, at, data FROM events WHERE ${bucket}`)) / all).toBeCloseTo(1 / 2, 2);
    expect(await scanned('SELECT version FROM events')).toBeLessThan(all / 4);
    expect(await scanned("SELECT count(*) FROM events WHERE day = '2026-01-02'")).toBe(0);
    const both = await scanned(
      "SELECT a.data FROM events a JOIN events b ON a.id = b.id WHERE a.day = '2026-01-01' AND b.day = '2026-01-02'",
    );
    expect(both).toBeLessThan(all);
    expect(both).toBeGreaterThan(all / 8);
  });

  it('leaves out row groups that cannot hold what is asked', async () => {
    const connection = await cold.duckdb.connect();
    const path = join(cold.duckdb.scratchDir, 'sorted.parquet');
    const rows =
      "SELECT printf('id%06d', i // 100) AS id, i AS version, repeat(md5(i::VARCHAR), 3) AS data FROM range(100000) AS t(i)";
    await connection.run(`COPY (${rows}) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 10000)`);
    connection.closeSync();
    await cold.call('s3', 'PutObject', {
      Bucket: 'cold',
      Key: 'events/day=2026-01-02/bucket=a/sorted.parquet',
      Body: readFileSync(path),
    });
    const all = await scanned('SELECT id, version, data FROM events');
    expect((await scanned("SELECT id, version, data FROM events WHERE id = 'id000500'")) / all).toBeCloseTo(1 / 10, 2);
    expect(
      (await scanned('SELECT id, version, data FROM events WHERE version BETWEEN 5000 AND 14999')) / all,
    ).toBeCloseTo(2 / 10, 2);
    expect(await scanned("SELECT id, version, data FROM events WHERE id = 'it''s AND not there'")).toBe(0);
    const latest =
      'SELECT data FROM (SELECT *, row_number() OVER (PARTITION BY id, version ORDER BY day) AS n FROM events) WHERE n = 1';
    expect((await scanned(`${latest} AND id = 'id000500'`)) / all).toBeLessThan(0.12);
  });

  it.each([
    ['JSON', 'org.openx.data.jsonserde.JsonSerDe', (n: number) => `{"n":${n},"word":"w"}\n`],
    ['CSV', 'org.apache.hadoop.hive.serde2.OpenCSVSerde', (n: number) => `${n},w\n`],
  ])('counts files of %s whole, of the partitions that are left', async (_, SerializationLibrary, line) => {
    const StorageDescriptor = { SerdeInfo: { SerializationLibrary } };
    const PartitionKeys = [{ Name: 'day', Type: 'string' }];
    await cold.createTable('lines', { n: 'int', word: 'string' }, { PartitionKeys, StorageDescriptor });
    const [first, second] = [line(1).repeat(30), line(2).repeat(70)];
    for (const [day, Body] of [
      ['2026-01-01', first],
      ['2026-01-02', second],
    ]) {
      await cold.call('s3', 'PutObject', { Bucket: 'cold', Key: `lines/day=${day}/f`, Body: Buffer.from(Body!) });
    }
    const all = first!.length + second!.length;
    expect(await scanned('SELECT n FROM lines')).toBe(all);
    expect(await scanned('SELECT count(*) FROM lines WHERE n = 1')).toBe(all);
    expect(await scanned('SELECT count(*) FROM lines')).toBe(all);
    expect(await scanned("SELECT n, word FROM lines WHERE day = '2026-01-01'")).toBe(first!.length);
    expect(await scanned("SELECT count(*) FROM lines WHERE day = '2026-01-02'")).toBe(second!.length);
    await put('2026-01-02', 'a', [row('one', 1)]);
    const joined = 'SELECT a.n FROM lines a JOIN lines b ON a.n = b.n JOIN events e ON e.version = a.n';
    expect(await scanned(joined)).toBe(2 * all + (await scanned('SELECT version FROM events')));
  });

  it('prunes with bound parameters as well', async () => {
    await put('2026-01-01', '9', [row('abc', 1)]);
    await put('2026-01-02', '0', [row('other', 1)]);
    const sql =
      'SELECT id FROM events WHERE bucket = substr(lower(to_hex(md5(to_utf8(?)))), 1, 1) AND id = ? AND version BETWEEN ? AND ?';
    const ExecutionParameters = ["'abc'", "'abc'", '1', '5'];
    expect(await cold.rows(sql, ...ExecutionParameters)).toEqual([['abc']]);
    expect(await scanned(sql, { ExecutionParameters })).toBeLessThan(await scanned('SELECT id, version FROM events'));
  });

  it('has null where a file lacks a column, and finds columns whatever their case', async () => {
    await cold.putParquet('events/day=2026-01-02/bucket=a/old.parquet', { ID: 'string', version: 'int' }, [
      { ID: 'old', version: 1 },
    ]);
    await put('2026-01-02', 'a', [row('new', 2)], 'new');
    expect(await cold.rows('SELECT Id, VERSION, data IS NULL FROM Events ORDER BY 2')).toEqual([
      ['old', '1', 'true'],
      ['new', '2', 'false'],
    ]);
  });

  it('says where a row is with "$path"', async () => {
    await put('2026-01-02', 'a', [row('one', 1)]);
    expect(await cold.rows('SELECT "$path" FROM events')).toEqual([
      ['s3://cold/events/day=2026-01-02/bucket=a/f.parquet'],
    ]);
  });

  it('fails on a file that is no Parquet', async () => {
    await cold.call('s3', 'PutObject', {
      Bucket: 'cold',
      Key: 'events/day=2026-01-02/bucket=a/x.parquet',
      Body: Buffer.from('not parquet at all'),
    });
    expect(await cold.failure('SELECT id FROM events')).toMatch(/^HIVE_/);
  });
});

describe('other tables', () => {
  it('by integer projection, by plain prefixes, as JSON lines and as CSV', async () => {
    await cold.createTable(
      'numbers',
      { n: 'int' },
      {
        Parameters: {
          'projection.enabled': 'true',
          'projection.p.type': 'integer',
          'projection.p.range': '1,5',
          'projection.p.interval': '2',
        },
        PartitionKeys: [{ Name: 'p', Type: 'int' }],
      },
    );
    for (const p of [1, 2, 3, 7]) await cold.putParquet(`numbers/p=${p}/f.parquet`, { n: 'int' }, [{ n: p * 10 }]);
    expect(await cold.rows('SELECT n, p FROM numbers WHERE p >= 1 ORDER BY p')).toEqual([
      ['10', '1'],
      ['30', '3'],
    ]);
    await cold.createTable('plain', { n: 'int' }, { PartitionKeys: [{ Name: 'country', Type: 'string' }] });
    await cold.putParquet('plain/country=New Zealand%2F1/f.parquet', { n: 'int' }, [{ n: 1 }]);
    expect(await cold.rows('SELECT n, country FROM plain')).toEqual([['1', 'New Zealand%2F1']]);
    const serde = (SerializationLibrary: string) => ({ StorageDescriptor: { SerdeInfo: { SerializationLibrary } } });
    await cold.createTable('lines', { a: 'int', b: 'string' }, serde('org.openx.data.jsonserde.JsonSerDe'));
    await cold.call('s3', 'PutObject', {
      Bucket: 'cold',
      Key: 'lines/1.json',
      Body: Buffer.from('{"a":1,"b":"x"}\n{"a":2}\n'),
    });
    expect(await cold.rows('SELECT a, b FROM lines ORDER BY a')).toEqual([
      ['1', 'x'],
      ['2', null],
    ]);
    await cold.createTable('csv', { a: 'string', b: 'string' }, serde('org.apache.hadoop.hive.serde2.OpenCSVSerde'));
    await cold.call('s3', 'PutObject', { Bucket: 'cold', Key: 'csv/1.csv', Body: Buffer.from('1,"x,y"\n2,z\n') });
    expect(await cold.rows('SELECT a, b FROM csv ORDER BY a')).toEqual([
      ['1', 'x,y'],
      ['2', 'z'],
    ]);
    await cold.createTable('orc', { a: 'int' }, serde('org.apache.hadoop.hive.ql.io.orc.OrcSerde'));
    expect(await cold.failure('SELECT a FROM orc')).toContain('the format of the table orc');
  });

  it('are not read without the grants', async () => {
    await put('2026-01-02', 'a', [row('one', 1)]);
    const caller = { principal: 'arn:aws:iam::000000000000:role/analyst' };
    cold.cloud.setAuthorize((who, service, operation, input) => {
      if (who.principal === caller.principal && service === 's3' && operation === 'HeadObject') {
        throw new ServiceError('AccessDeniedException', `not allowed to ${operation} ${input.Key}`);
      }
    });
    const { QueryExecutionId } = await cold.call(
      'athena',
      'StartQueryExecution',
      {
        QueryString: 'SELECT id FROM db.events',
        WorkGroup: 'group',
      },
      caller,
    );
    await cold.kernel.run(START + 1);
    await expect
      .poll(
        async () =>
          (await cold.call('athena', 'GetQueryExecution', { QueryExecutionId })).QueryExecution.Status
            .StateChangeReason,
      )
      .toContain('PERMISSION_DENIED');
  });
});

describe('views', () => {
  it('show each row once, and a view can read a view', async () => {
    await put('2026-01-02', 'a', [row('one', 1), row('one', 2)]);
    await put('2026-01-03', 'a', [row('one', 2, { data: 'again' })]);
    const once =
      'SELECT id, version, data, day FROM (SELECT *, row_number() OVER (PARTITION BY bucket, id, version ORDER BY day) AS copy FROM events) WHERE copy = 1';
    await cold.rows(`CREATE VIEW once AS ${once}`);
    await cold.rows('CREATE OR REPLACE VIEW latest AS SELECT id, max(version) AS version FROM once GROUP BY id');
    expect(await cold.rows('SELECT id, version, day FROM once ORDER BY version')).toEqual([
      ['one', '1', '2026-01-02'],
      ['one', '2', '2026-01-02'],
    ]);
    expect(
      await cold.rows("SELECT l.version, o.data <> 'again' FROM latest l JOIN db.once o ON l.version = o.version"),
    ).toEqual([['2', 'true']]);
    const { Table } = await cold.call('glue', 'GetTable', { DatabaseName: 'db', Name: 'latest' });
    expect([Table.TableType, Table.StorageDescriptor.Columns]).toEqual([
      'VIRTUAL_VIEW',
      [
        { Name: 'id', Type: 'string' },
        { Name: 'version', Type: 'bigint' },
      ],
    ]);
    expect(await cold.failure('CREATE VIEW once AS SELECT 1 AS a')).toContain('already exists');
    await cold.rows('DROP VIEW latest');
    expect(await cold.failure('SELECT * FROM latest')).toContain('TABLE_NOT_FOUND');
  });

  it('that read themselves fail', async () => {
    await cold.rows('CREATE VIEW a AS SELECT 1 AS x');
    await cold.rows('CREATE VIEW b AS SELECT x FROM a');
    expect(await cold.failure('CREATE OR REPLACE VIEW a AS SELECT x FROM missing')).toContain('TABLE_NOT_FOUND');
    await cold.rows('CREATE OR REPLACE VIEW a AS SELECT x FROM b');
    expect(await cold.failure('SELECT * FROM a')).toContain('VIEW_IS_RECURSIVE');
  });
});

describe('parameters', () => {
  it.each([
    ["'it''s'", "it's"],
    ['-5', '-5'],
    ["DATE '2026-01-02'", '2026-01-02'],
    ["TIMESTAMP '2026-01-02 00:00:00'", '2026-01-02 00:00:00.000'],
    ['NULL', null],
    ['true', 'true'],
    ['9007199254740993', '9007199254740993'],
  ])('%s', async (parameter, expected) => {
    expect(await cold.rows('SELECT x FROM (SELECT ? AS x) WHERE ? IS NULL OR true', parameter, parameter)).toEqual([
      [expected],
    ]);
  });

  it.each([
    'plain text',
    "'a' OR 1 = 1",
    '1) OR (1 = 1',
    "'a'; DROP TABLE events",
    '(SELECT 1)',
    'id',
    "'open",
    '1, 2',
    "'a' AS b",
    "'a' FROM events",
    "'a' UNION SELECT 'b'",
    '',
  ])('that are no literal are refused: %s', async (parameter) => {
    expect(await cold.failure('SELECT id FROM events WHERE id = ?', parameter)).toContain('is no literal');
  });

  it('must be as many as the question marks', async () => {
    expect(await cold.failure('SELECT id FROM events WHERE id = ? AND version = ?', "'a'")).toContain(
      'expected 2 but found 1',
    );
    expect(await cold.failure("SELECT id FROM events WHERE id = '?'", "'a'")).toContain('expected 0 but found 1');
  });
});

describe('results', () => {
  it('lie in the output location as Athena writes them', async () => {
    const execution = await cold.execute(
      "SELECT 'a\"b' AS quoted, CAST(NULL AS varchar) AS nothing, '' AS empty, 1 AS n, 'x\ny'",
    );
    const { OutputLocation } = execution.ResultConfiguration;
    expect(OutputLocation).toBe(`s3://cold/results/${execution.QueryExecutionId}.csv`);
    const { Body } = await cold.call('s3', 'GetObject', {
      Bucket: 'cold',
      Key: OutputLocation.slice('s3://cold/'.length),
    });
    expect(Body.toString()).toBe('"quoted","nothing","empty","n","_col4"\n"a""b",,"","1","x\ny"\n');
    const { ResultSet } = await cold.call('athena', 'GetQueryResults', {
      QueryExecutionId: execution.QueryExecutionId,
    });
    expect(ResultSet.Rows[1].Data).toEqual([
      { VarCharValue: 'a"b' },
      {},
      { VarCharValue: '' },
      { VarCharValue: '1' },
      { VarCharValue: 'x\ny' },
    ]);
    expect(ResultSet.ResultSetMetadata.ColumnInfo[3]).toMatchObject({
      Name: 'n',
      Label: 'n',
      Type: 'integer',
      Precision: 10,
      CatalogName: 'hive',
    });
  });

  it('come in pages of a thousand rows, the names first', async () => {
    const { QueryExecutionId } = await cold.execute('SELECT x FROM UNNEST(sequence(1, 2500)) AS t(x) ORDER BY x');
    const seen: string[] = [];
    const sizes: number[] = [];
    let NextToken: string | undefined;
    do {
      const page: Json = await cold.call('athena', 'GetQueryResults', {
        QueryExecutionId,
        ...(NextToken && { NextToken }),
      });
      sizes.push(page.ResultSet.Rows.length);
      for (const one of page.ResultSet.Rows) seen.push(one.Data[0].VarCharValue);
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    expect(sizes).toEqual([1000, 1000, 501]);
    expect([seen[0], seen[1], seen.at(-1)]).toEqual(['x', '1', '2500']);
  });

  it('are not there before the query is done, or when it failed', async () => {
    const { QueryExecutionId } = await cold.call('athena', 'StartQueryExecution', {
      QueryString: 'SELECT 1',
      WorkGroup: 'group',
    });
    const results = () => cold.call('athena', 'GetQueryResults', { QueryExecutionId });
    await expect(results()).rejects.toMatchObject({ message: 'Query has not yet finished. Current state: QUEUED' });
    await cold.call('athena', 'StopQueryExecution', { QueryExecutionId });
    await expect(results()).rejects.toMatchObject({
      message: 'Query did not finish successfully. Final query state: CANCELLED',
    });
    await expect(cold.call('athena', 'GetQueryExecution', { QueryExecutionId: 'none' })).rejects.toMatchObject({
      message: 'QueryExecution none was not found',
    });
  });
});

describe('UNLOAD', () => {
  beforeEach(() => put('2026-01-02', 'a', [row('one', 1), row('two', 2)]));

  it('writes Parquet and a manifest that names the files', async () => {
    const execution = await cold.execute(
      "UNLOAD (SELECT id, version, at FROM events WHERE version = ?) TO 's3://cold/out/' WITH (format = 'PARQUET', compression = 'ZSTD')",
      { ExecutionParameters: ['2'] },
    );
    expect(execution.Status).toMatchObject({ State: 'SUCCEEDED' });
    const manifest = execution.Statistics.DataManifestLocation;
    expect(manifest).toBe(`s3://cold/results/${execution.QueryExecutionId}-manifest.csv`);
    const { Body } = await cold.call('s3', 'GetObject', { Bucket: 'cold', Key: manifest.slice('s3://cold/'.length) });
    const [address, ...more] = Body.toString().trim().split('\n');
    expect(more).toEqual([]);
    expect(address).toMatch(/^s3:\/\/cold\/out\//);
    await cold.createTable('out', { id: 'string', version: 'bigint', at: 'timestamp' });
    expect(await cold.rows('SELECT id, version, at FROM out')).toEqual([['two', '2', '2026-01-02 03:04:05.678']]);
    const json = await cold.execute(
      "UNLOAD (SELECT id, version FROM events ORDER BY 2) TO 's3://cold/json/' WITH (format = 'JSON', compression = 'NONE')",
    );
    expect(json.Status).toMatchObject({ State: 'SUCCEEDED' });
    const [file] = cold.s3.filesBelow('cold', 'json/');
    expect(readFileSync(file!.path, 'utf8')).toBe('{"id":"one","version":1}\n{"id":"two","version":2}\n');
  });

  it('partitions, and refuses a place that is not empty', async () => {
    await cold.rows(
      "UNLOAD (SELECT version, id FROM events) TO 's3://cold/parts/' WITH (format = 'TEXTFILE', compression = 'NONE', partitioned_by = ARRAY['id'])",
    );
    const { Contents } = await cold.call('s3', 'ListObjectsV2', { Bucket: 'cold', Prefix: 'parts/' });
    expect(Contents.map((one: Json) => one.Key.replace(/[^/]*$/, ''))).toEqual(['parts/id=one/', 'parts/id=two/']);
    const { Body } = await cold.call('s3', 'GetObject', { Bucket: 'cold', Key: Contents[0].Key });
    expect(Body.toString()).toBe('1\n');
    expect(await cold.failure("UNLOAD (SELECT 1 AS x) TO 's3://cold/parts/' WITH (format = 'PARQUET')")).toContain(
      'HIVE_PATH_ALREADY_EXISTS',
    );
    expect(await cold.failure("UNLOAD (SELECT 1 AS x) TO 's3://cold/x/' WITH (format = 'ORC')")).toContain(
      'the format ORC',
    );
    expect(
      await cold.failure(
        "UNLOAD (SELECT x, x AS y FROM UNNEST(sequence(1, 101)) AS t(x)) TO 's3://cold/many/' WITH (format = 'PARQUET', partitioned_by = ARRAY['y'])",
      ),
    ).toContain('HIVE_TOO_MANY_OPEN_PARTITIONS');
  });
});

describe('CREATE TABLE AS', () => {
  it('makes a table of a query', async () => {
    await put('2026-01-02', 'a', [row('one', 1), row('two', 2)]);
    await cold.rows(
      "CREATE TABLE made WITH (format = 'PARQUET', write_compression = 'ZSTD', partitioned_by = ARRAY['id']) AS SELECT sum(version) AS total, max(at) AS at, id FROM events GROUP BY id",
    );
    expect(await cold.rows('SELECT id, total, at FROM made ORDER BY id')).toEqual([
      ['one', '1', '2026-01-02 03:04:05.678'],
      ['two', '2', '2026-01-02 03:04:05.678'],
    ]);
    expect(await cold.failure('CREATE TABLE made AS SELECT 1 AS x')).toContain("table 'db.made' already exists");
    expect(
      await cold.failure("CREATE TABLE made WITH (external_location = 's3://cold/events/') AS SELECT 1 AS x"),
    ).toContain("TABLE_ALREADY_EXISTS: line 1:1: Destination table 'db.made' already exists");
    await cold.rows('CREATE TABLE IF NOT EXISTS made AS SELECT 1 AS x');
    await cold.rows('CREATE TABLE bare AS SELECT 1 AS x WITH NO DATA');
    expect(await cold.rows('SELECT x FROM bare')).toEqual([]);
    await cold.rows('DROP TABLE bare');
    await cold.rows('DROP TABLE IF EXISTS bare');
    expect(await cold.failure('DROP VIEW made')).toContain('is a table');
  });
});

it('shows and describes what is in the catalog', async () => {
  const lines = async (sql: string) => {
    const { QueryExecutionId } = await cold.execute(sql);
    return (await cold.call('athena', 'GetQueryResults', { QueryExecutionId })).ResultSet.Rows.map((one: Json) =>
      one.Data[0].VarCharValue.trim(),
    );
  };
  expect(await lines('SHOW TABLES')).toEqual(['events']);
  expect(await lines("SHOW TABLES IN db 'x*'")).toEqual([]);
  expect(await lines('SHOW DATABASES')).toEqual(['db']);
  const done = async (sql: string) => (await cold.execute(sql)).Status.State;
  expect(await done("CREATE DATABASE IF NOT EXISTS Other COMMENT 'more' LOCATION 's3://cold/other/'")).toBe(
    'SUCCEEDED',
  );
  expect(await done('CREATE SCHEMA IF NOT EXISTS other')).toBe('SUCCEEDED');
  expect(await cold.failure('CREATE DATABASE other')).toContain('AlreadyExistsException');
  expect(await lines('SHOW DATABASES')).toEqual(['db', 'other']);
  expect((await cold.call('glue', 'GetDatabase', { Name: 'other' })).Database).toMatchObject({
    Description: 'more',
    LocationUri: 's3://cold/other/',
  });
  expect(await done('CREATE TABLE other.t AS SELECT 1 AS n')).toBe('SUCCEEDED');
  expect(await cold.failure('DROP DATABASE other')).toContain('is not empty');
  expect(await done('DROP DATABASE other CASCADE')).toBe('SUCCEEDED');
  expect(await done('DROP DATABASE IF EXISTS other')).toBe('SUCCEEDED');
  expect(await cold.failure('DROP DATABASE other')).toContain('EntityNotFoundException');
  expect(await lines('SHOW COLUMNS FROM events')).toEqual(['id', 'version', 'at', 'data', 'day', 'bucket']);
  expect((await lines('DESCRIBE db.events'))[1]!.split('\t').map((one: string) => one.trim())).toEqual([
    'version',
    'bigint',
  ]);
});

describe('workgroups', () => {
  it('have their say about the output location', async () => {
    const group = (Name: string, EnforceWorkGroupConfiguration: boolean) =>
      cold.call('athena', 'CreateWorkGroup', {
        Name,
        Configuration: { EnforceWorkGroupConfiguration, ResultConfiguration: { OutputLocation: `s3://cold/${Name}` } },
      });
    await group('strict', true);
    await group('lax', false);
    const where = async (WorkGroup: string) =>
      (
        await cold.execute('SELECT 1', { WorkGroup, ResultConfiguration: { OutputLocation: 's3://cold/mine/' } })
      ).ResultConfiguration.OutputLocation.split('/')[3];
    expect([await where('strict'), await where('lax')]).toEqual(['strict', 'mine']);
    await expect(cold.call('athena', 'StartQueryExecution', { QueryString: 'SELECT 1' })).rejects.toMatchObject({
      message: expect.stringContaining('No output location'),
    });
    await expect(
      cold.call('athena', 'StartQueryExecution', { QueryString: 'SELECT 1', WorkGroup: 'none' }),
    ).rejects.toMatchObject({ message: 'WorkGroup none is not found.' });
  });

  it('stop a query that would scan too much', async () => {
    await cold.call('athena', 'CreateWorkGroup', {
      Name: 'limited',
      Configuration: {
        BytesScannedCutoffPerQuery: 10_000_000,
        ResultConfiguration: { OutputLocation: 's3://cold/limited/' },
      },
    });
    const noise = Array.from({ length: 12_000 }, (_one, i) =>
      row(`id${i}`, i, { data: randomBytes(700).toString('base64') }),
    );
    await put('2026-01-02', 'a', noise);
    const wide = await cold.execute('SELECT data FROM events', { WorkGroup: 'limited' });
    expect(wide.Status).toMatchObject({ State: 'CANCELLED', StateChangeReason: 'Bytes scanned limit was exceeded' });
    const narrow = await cold.execute('SELECT max(version) FROM events', { WorkGroup: 'limited' });
    expect(narrow.Status.State).toBe('SUCCEEDED');
  });
});

it('answers the same request token with the same query', async () => {
  const start = (QueryString: string) =>
    cold.call('athena', 'StartQueryExecution', {
      QueryString,
      WorkGroup: 'group',
      ClientRequestToken: 'token-of-32-characters-or-more-0001',
    });
  const first = await start('SELECT 1');
  expect(await start('SELECT 1')).toEqual(first);
  await expect(start('SELECT 2')).rejects.toMatchObject({ message: 'Idempotent parameters do not match' });
});

it('keeps queries, named queries and workgroups across a restart, and fails what it did not finish', async () => {
  const done = await cold.execute('SELECT 1 AS x');
  const { NamedQueryId } = await cold.call('athena', 'CreateNamedQuery', {
    Name: 'q',
    Database: 'db',
    QueryString: 'SELECT 1',
    WorkGroup: 'group',
  });
  const { QueryExecutionId: open } = await cold.call('athena', 'StartQueryExecution', {
    QueryString: 'SELECT 2',
    WorkGroup: 'group',
  });
  cold.close();
  cold = await openColdStorage(dir);
  const results = await cold.call('athena', 'GetQueryResults', { QueryExecutionId: done.QueryExecutionId });
  expect(results.ResultSet.Rows[1].Data[0].VarCharValue).toBe('1');
  expect((await cold.call('athena', 'GetNamedQuery', { NamedQueryId })).NamedQuery).toMatchObject({
    Name: 'q',
    QueryString: 'SELECT 1',
  });
  expect((await cold.call('athena', 'GetQueryExecution', { QueryExecutionId: open })).QueryExecution.Status.State).toBe(
    'FAILED',
  );
  const { QueryExecutionIds } = await cold.call('athena', 'ListQueryExecutions', { WorkGroup: 'group' });
  expect(QueryExecutionIds.slice(0, 2)).toEqual([open, done.QueryExecutionId]);
});

it('reaches nothing outside the folder of S3, whatever SQL gets to DuckDB', async () => {
  const secret = join(dir, 'secret.csv');
  writeFileSync(secret, 'secret\n1\n');
  const connection = await cold.duckdb.connect();
  const refused = (sql: string) =>
    expect(connection.run(sql)).rejects.toThrow(/disabled|locked|not allowed|Permission/i);
  await refused(`SELECT * FROM read_csv('${secret}')`);
  await refused(`COPY (SELECT 1) TO '${join(dir, 'out.csv')}'`);
  await refused(`ATTACH '${join(dir, 'db.duckdb')}'`);
  await refused('SET enable_external_access = true');
  await refused(`SET allowed_directories = ['/']`);
  await refused('INSTALL httpfs');
  connection.closeSync();
});

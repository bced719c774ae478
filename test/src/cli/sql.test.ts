import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { AthenaClient, BatchGetQueryExecutionCommand, ListQueryExecutionsCommand } from '@aws-sdk/client-athena';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { savedQueries } from '../../../examples/bank/saved-queries.ts';
import { SAVED_QUERIES } from '../../../src/archive/saved-queries.ts';
import { nodeProgram } from '../../node-program.ts';
import type { ArchivedEvent } from './bank-history.ts';
import { hostArchive } from './hosted-archive.ts';

const root = resolve(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'daybook-sql-test-'));
let host: Awaited<ReturnType<typeof hostArchive>>;
let history: readonly ArchivedEvent[];

beforeAll(async () => {
  host = await hostArchive();
  history = host.history;
}, 240_000);
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await host?.close();
});

/** The rows as objects. */
async function rows(...args: string[]): Promise<unknown[]> {
  const { code, out, err } = await host.daybook('sql', ...args, '--format', 'jsonl');
  expect(err.join('\n')).toMatch(/^\d+ rows?, .* scanned, less than one cent at \$5 per TB, [\d.]+ s$/);
  expect(code).toBe(0);
  return out.map((line) => JSON.parse(line));
}

const saved = (name: string, parameters: Record<string, string | number> = {}) =>
  rows('--saved', name, ...Object.entries(parameters).flatMap(([key, value]) => ['--param', `${key}=${value}`]));

// The expected answers come from the events, by plain code: nothing below knows SQL.

const sqlTime = (iso: string) => iso.replace('T', ' ').replace('Z', '');
const dayOf = (iso: string) => iso.slice(0, 10);
const of = (aggregate: string) => history.filter(({ aggregateUuid }) => aggregateUuid === aggregate);
const sorted = <T>(values: Iterable<T>) => [...values].sort();
const seconds = ({ occurredAt, recordedAt }: ArchivedEvent) =>
  Math.floor((Date.parse(recordedAt) - Date.parse(occurredAt)) / 1000);
const signed = ({ type, data }: ArchivedEvent) => (type === 'MoneyDeposited' ? data.amount! : -data.amount!);
const isMoney = ({ type }: ArchivedEvent) => type === 'MoneyDeposited' || type === 'MoneyWithdrawn';

function groups<T>(values: readonly T[], keyOf: (value: T) => string): [string, T[]][] {
  const all = new Map<string, T[]>();
  for (const value of values) all.set(keyOf(value), [...(all.get(keyOf(value)) ?? []), value]);
  return sorted(all.keys()).map((key) => [key, all.get(key)!]);
}

describe('the saved queries', () => {
  it('the history has what they look for', () => {
    expect(history.length).toBeGreaterThan(200);
    expect(history.filter(({ days }) => days.length > 1).length).toBeGreaterThan(5);
    expect(history.filter((event) => seconds(event) > 3600).length).toBeGreaterThan(10);
  });

  it('when-did-it-happen', async () => {
    const expected = of('account-003').filter(({ type }) => type === 'MoneyDeposited');
    expect(expected.length).toBeGreaterThan(2);
    expect(await saved('when-did-it-happen', { aggregate: 'account-003', type: 'MoneyDeposited' })).toEqual(
      expected.map(({ version, occurredAt, recordedAt, data }) => ({
        version,
        occurred_at: sqlTime(occurredAt),
        recorded_at: sqlTime(recordedAt),
        data: JSON.stringify(data),
      })),
    );
  });

  it('history-of-aggregate', async () => {
    expect(await saved('history-of-aggregate', { aggregate: 'account-005', from: 3, to: 9 })).toEqual(
      of('account-005')
        .filter(({ version }) => version >= 3 && version <= 9)
        .map(({ version, type, occurredAt, recordedAt, data, user }) => ({
          version,
          type,
          occurred_at: sqlTime(occurredAt),
          recorded_at: sqlTime(recordedAt),
          data: JSON.stringify(data),
          metadata: user === undefined ? null : JSON.stringify({ user }),
        })),
    );
  });

  it('events-per-type-and-day', async () => {
    const days = sorted(new Set(history.map(({ occurredAt }) => dayOf(occurredAt))));
    const [from, to] = [days[3]!, days[9]!];
    const within = history.filter(({ occurredAt }) => dayOf(occurredAt) >= from && dayOf(occurredAt) <= to);
    expect(await saved('events-per-type-and-day', { from, to })).toEqual(
      groups(within, ({ occurredAt, type }) => `${dayOf(occurredAt)} ${type}`).map(([key, events]) => {
        const [occurred_on, type] = key.split(' ');
        return { occurred_on, type, events: events.length };
      }),
    );
  });

  it('who-touched-aggregate', async () => {
    const expected = groups(of('account-007'), ({ user }) => user ?? '').map(([user, events]) => ({
      user_name: user === '' ? null : user,
      events: events.length,
      first_version: events[0]!.version,
      last_version: events.at(-1)!.version,
      first_at: sqlTime(events[0]!.recordedAt),
      last_at: sqlTime(events.at(-1)!.recordedAt),
    }));
    expect(expected.length).toBeGreaterThan(2);
    expect(await saved('who-touched-aggregate', { aggregate: 'account-007' })).toEqual(
      expected.sort((a, b) => a.first_version - b.first_version),
    );
  });

  it('how-late-do-events-arrive', async () => {
    // The value below which the part lies; Athena's approximates it.
    const quantile = (values: readonly number[], part: number) => values[Math.ceil(values.length * part) - 1];
    expect(await saved('how-late-do-events-arrive')).toEqual(
      groups(history, ({ type }) => type).map(([type, events]) => {
        const late = events.map(seconds).sort((a, b) => a - b);
        const days = events.map(
          (event) => (Date.parse(event.days[0]!) - Date.parse(dayOf(event.recordedAt))) / 86_400_000,
        );
        return {
          type,
          events: events.length,
          median_seconds: quantile(late, 0.5),
          p99_seconds: quantile(late, 0.99),
          longest_seconds: late.at(-1),
          longest_days_to_archive: Math.max(...days),
        };
      }),
    );
  });

  it('how-fresh-is-the-archive', async () => {
    expect(await saved('how-fresh-is-the-archive')).toEqual([
      {
        aggregate_type: 'Account',
        events: history.length,
        aggregates: 12,
        last_recorded_at: sqlTime(sorted(history.map(({ recordedAt }) => recordedAt)).at(-1)!),
        last_arrival_day: sorted(history.map(({ days }) => days[0]!)).at(-1),
      },
    ]);
  });

  it('freshness: before a check that nothing is proven, and then what the check has found', async () => {
    const columns = { complete_up_to: null, newest_arrival: null, checked_at: null, lag_seconds: null, missing: null };
    expect(await saved('freshness')).toEqual([{ ...columns, state: 'no check within a week' }]);
    const check = {
      checked_at: new Date().toISOString(),
      complete_up_to: new Date(Date.now() - 90_500).toISOString(),
      newest_arrival: history.at(-1)!.recordedAt,
      round_complete: true,
      missing: 2,
    };
    await host.putCheck({ ...check, checked_at: new Date(Date.now() - 3_600_000).toISOString(), missing: 0 });
    await host.putCheck(check);
    expect(await saved('freshness')).toEqual([
      {
        complete_up_to: sqlTime(check.complete_up_to),
        newest_arrival: sqlTime(check.newest_arrival),
        checked_at: sqlTime(check.checked_at),
        lag_seconds: Math.floor((Date.parse(check.checked_at) - Date.parse(check.complete_up_to)) / 1000),
        missing: 2,
        state: 'checked',
      },
    ]);
  });

  it('holes', async () => {
    const versions = of('account-012').map(({ version }) => version);
    expect(versions).not.toContain(4);
    expect(await saved('holes')).toEqual([
      { aggregate_uuid: 'account-012', aggregate_type: 'Account', missing_from: 4, missing_to: 4 },
    ]);
  });

  it('monthly-statement, with what came before in its opening', async () => {
    const money = of('account-001').filter(isMoney);
    const months: Record<string, { deposits: number; withdrawals: number }> = {};
    for (const event of money) {
      const month = `${event.occurredAt.slice(0, 7)}-01`;
      months[month] ??= { deposits: 0, withdrawals: 0 };
      months[month][event.type === 'MoneyDeposited' ? 'deposits' : 'withdrawals'] += event.data.amount!;
    }
    let opening = 0;
    const expected = sorted(Object.keys(months)).map((month_begin) => {
      const { deposits, withdrawals } = months[month_begin]!;
      const closing = opening + deposits - withdrawals;
      const row = { month_begin, opening, deposits, withdrawals, closing };
      opening = closing;
      return row;
    });
    expect(expected.length).toBeGreaterThan(1);
    const [first, second] = expected;
    expect(await saved('monthly-statement', { account: 'account-001', from: '2026-01-01', to: '2026-12-31' })).toEqual(
      expected,
    );
    const [from, to] = [second!.month_begin, `${second!.month_begin.slice(0, 7)}-15`];
    const alone = await saved('monthly-statement', { account: 'account-001', from, to });
    expect(alone).toEqual([{ ...second, opening: first!.closing }]);
  });

  it('overdrafts-as-of, by either clock', async () => {
    const answers = [];
    for (const clock of ['occurred', 'recorded'] as const) {
      // A moment at which the clocks differ: something has happened and is not known yet.
      const late = history.find((event) => isMoney(event) && seconds(event) > 10_000)!;
      const at = new Date((Date.parse(late.occurredAt) + Date.parse(late.recordedAt)) / 2).toISOString();
      const known = history.filter((event) => isMoney(event) && event[`${clock}At`] <= at);
      const expected = groups(known, ({ aggregateUuid }) => aggregateUuid)
        .map(([account, events]) => ({
          account,
          balance: events.map(signed).reduce((a, b) => a + b, 0),
          version: Math.max(...events.map(({ version }) => version)),
        }))
        .filter(({ balance }) => balance < 0)
        .sort((a, b) => a.balance - b.balance);
      expect(expected.length).toBeGreaterThan(0);
      expect(await saved('overdrafts-as-of', { as_of: at, clock })).toEqual(expected);
      answers.push(JSON.stringify(expected));
    }
    expect(answers[0]).not.toBe(answers[1]);
  });

  it('are listed with their parameters, and every one of them is tested here', async () => {
    const { out } = await host.daybook('sql', '--list', '--json');
    const listed = out.map((line) => JSON.parse(line));
    const all = [...SAVED_QUERIES, ...savedQueries];
    expect(listed.map(({ name }) => name)).toEqual(sorted(all.map(({ name }) => name)));
    for (const { name, question, parameters = {} } of all)
      expect(listed.find((each) => each.name === name)).toMatchObject({ question, parameters });
    const text = readFileSync(import.meta.filename, 'utf8');
    for (const { name } of all) expect(text, name).toContain(`saved('${name}'`);
    const shown = await host.daybook('sql', '--list');
    expect(shown.out).toContain(
      'overdrafts-as-of  Which accounts were overdrawn as of a time, as it happened or as the bank knew it then?',
    );
    expect(shown.out).toContain('    from     date     The first day of the first month');
  });
});

const VALUES = `SELECT * FROM (VALUES (9007199254740993, 1.5, 'a "b", c', true, DATE '2026-01-31'), (-1, NULL, '', false, NULL), (NULL, 2e0, 'x
y', NULL, NULL)) AS t(n, x, t, b, d)`;

describe('formats', () => {
  it('a table: numbers to the right, nulls apart from texts', async () => {
    const { out, err, code } = await host.daybook('sql', VALUES);
    expect(out).toEqual([
      '               n     x  t         b      d',
      '────────────────  ────  ────────  ─────  ──────────',
      '9007199254740993   1.5  a "b", c  true   2026-01-31',
      '              -1  NULL            false  NULL',
      '            NULL   2.0  x⏎y       NULL   NULL',
    ]);
    expect(err).toEqual([expect.stringMatching(/^3 rows, 0 bytes scanned, less than one cent/)]);
    expect(code).toBe(0);
  });

  it('CSV as RFC 4180 has it, a null apart from an empty text', async () => {
    const { out } = await host.daybook('sql', VALUES, '--format', 'csv');
    expect(out.join('\n')).toBe(
      'n,x,t,b,d\r\n9007199254740993,1.5,"a ""b"", c",true,2026-01-31\r\n-1,,"",false,\r\n,2.0,"x\ny",,\r',
    );
  });

  it('JSON lines that keep every digit', async () => {
    const { out } = await host.daybook('sql', VALUES, '--format', 'jsonl');
    expect(out).toEqual([
      '{"n":9007199254740993,"x":1.5,"t":"a \\"b\\", c","b":true,"d":"2026-01-31"}',
      '{"n":-1,"x":null,"t":"","b":false,"d":null}',
      '{"n":null,"x":2.0,"t":"x\\ny","b":null,"d":null}',
    ]);
  });

  it('Parquet with types, in the result’s order', async () => {
    const file = join(folder, "it's.parquet");
    const sql =
      'SELECT aggregate_uuid, version, recorded_at, day, version * 1.5e0 AS x, version AS x FROM events ORDER BY 1, 2 DESC';
    const { code, err } = await host.daybook('sql', sql, '--format', 'parquet', '--out', file);
    expect(err.join()).toMatch(/^267 rows into .*it's.parquet, /);
    expect(code).toBe(0);
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const types = await connection.runAndReadAll(
      'SELECT column_name, column_type FROM (DESCRIBE FROM read_parquet($file))',
      { file },
    );
    expect(types.getRows()).toEqual([
      ['aggregate_uuid', 'VARCHAR'],
      ['version', 'BIGINT'],
      ['recorded_at', 'TIMESTAMP'],
      ['day', 'VARCHAR'],
      ['x', 'DOUBLE'],
      ['x_2', 'BIGINT'],
    ]);
    const read = await connection.runAndReadAll(
      'SELECT aggregate_uuid, version, epoch_ms(recorded_at) FROM read_parquet($file)',
      { file },
    );
    const expected = [...history].sort((a, b) =>
      a.aggregateUuid === b.aggregateUuid ? b.version - a.version : a.aggregateUuid < b.aggregateUuid ? -1 : 1,
    );
    expect(read.getRows()).toEqual(
      expected.map(({ aggregateUuid, version, recordedAt }) => [
        aggregateUuid,
        BigInt(version),
        BigInt(Date.parse(recordedAt)),
      ]),
    );
    connection.closeSync();
    instance.closeSync();
  });

  it('a file that is there when it is whole', async () => {
    const file = join(folder, 'types.csv');
    const { out, code } = await host.daybook(
      'sql',
      'SELECT DISTINCT type FROM events ORDER BY 1',
      '--format',
      'csv',
      '--out',
      file,
    );
    expect({ out, code }).toEqual({ out: [], code: 0 });
    expect(readFileSync(file, 'utf8')).toBe(
      'type\r\nAccountClosed\r\nAccountOpened\r\nHolderRenamed\r\nMoneyDeposited\r\nMoneyWithdrawn\r\n',
    );
    expect(existsSync(`${file}.partial`)).toBe(false);
    // Before a query is asked, and paid for.
    const nowhere = await host.daybook('sql', 'SELECT 1', '--format', 'csv', '--out', join(folder, 'no', 'x.csv'));
    expect(nowhere).toMatchObject({ code: 2, out: [] });
    expect(nowhere.err.join()).toMatch(/^cli.usage: --out: there is no folder ".*no" that may be written into/);
    for (const [place, problem] of [
      [folder, 'which is no file'],
      [join(file, 'x.csv'), 'no folder'],
      ['', 'which is no file'],
    ] as const) {
      const { code, err } = await host.daybook('sql', 'SELECT 1', '--format', 'csv', '--out', place);
      expect({ code, said: err.join() }).toEqual({ code: 2, said: expect.stringMatching(problem) });
    }
  });

  it('what lists and describes tables, free', async () => {
    const { out, err } = await host.daybook('sql', 'SHOW TABLES');
    expect(out).toContain('events');
    expect(err.join()).toMatch(/0 bytes scanned, free/);
    const described = await host.daybook('sql', 'DESCRIBE events', '--format', 'jsonl');
    expect(JSON.parse(described.out[0]!)).toEqual({
      col_name: 'aggregate_uuid',
      data_type: 'string',
      comment: 'The aggregate',
    });
  });

  it('what would change something is refused, unless it is asked for', async () => {
    for (const sql of [
      'DROP VIEW events',
      ' -- a view\n/* x */ create table t as select 1 as a',
      'EXPLAIN ANALYZE INSERT INTO t SELECT 1',
    ]) {
      const { code, err } = await host.daybook('sql', sql);
      expect(err.at(-1)).toMatch(/^cli.noQuery: This is no query, and was not run: /);
      expect(code).toBe(1);
    }
    expect(await rows('(SELECT count(*) > 0 AS there FROM events)')).toEqual([{ there: true }]);
    const made = await host.asOwner('sql', 'CREATE VIEW passing AS SELECT 1 AS a', '--change');
    expect(made.code).toBe(0);
    expect((await host.asOwner('sql', 'DROP VIEW passing', '--change')).code).toBe(0);
  });

  it('UNLOAD says where its files are', async () => {
    const to = `s3://${host.outputs.DaybookArchiveBucketName}/queries/unloaded/`;
    const { err, code } = await host.daybook(
      'sql',
      `UNLOAD (SELECT * FROM events WHERE type = :type) TO '${to}' WITH (format = 'PARQUET')`,
      '--param',
      'type=AccountClosed',
    );
    expect(code).toBe(0);
    expect(err[0]).toMatch(/^what was written: s3:\/\/.*manifest\.csv$/);
  });

  it('one JSON line for machines', async () => {
    const { err, out } = await host.daybook('sql', 'SELECT count(*) AS n FROM events', '--json', '--format', 'csv');
    expect(out.join('\n')).toBe(`n\r\n${history.length}\r`);
    expect(JSON.parse(err.join())).toMatchObject({
      state: 'SUCCEEDED',
      rows: 1,
      columns: [{ name: 'n', type: 'bigint' }],
      dollars: 10 * (5 / 2 ** 20),
      workGroup: host.outputs.DaybookWorkGroupName,
      seconds: expect.any(Number),
    });
    const failed = await host.daybook('sql', 'SELECT nope FROM events', '--json');
    expect(JSON.parse(failed.err[0]!)).toMatchObject({
      state: 'FAILED',
      code: 'archive.queryFailed',
      queryId: expect.any(String),
    });
    expect(failed.code).toBe(1);
  });
});

describe('parameters are values, whatever is in them', () => {
  it.each(["' OR 1=1 --", "'; DROP TABLE events; --", '\\', 'O’Hara 😀', "'", ''])('%j', async (value) => {
    expect(await rows('SELECT :x AS x, count(*) AS n FROM events WHERE type = :x', '--param', `x=${value}`)).toEqual([
      { x: value, n: 0 },
    ]);
  });

  it('have types', async () => {
    const events = await rows(
      'SELECT aggregate_uuid, version FROM events WHERE version <= :n AND date(occurred_at) = :day AND recorded_at < :until ORDER BY 1, 2',
      ...[
        '--param',
        'n:bigint=2',
        '--param',
        'day:date=2026-01-05',
        '--param',
        'until:timestamp=2026-01-05T13:00:00+01:00',
      ],
    );
    const expected = history.filter(
      ({ version, occurredAt, recordedAt }) =>
        version <= 2 && dayOf(occurredAt) === '2026-01-05' && recordedAt < '2026-01-05T12:00:00.000Z',
    );
    expect(expected.length).toBeGreaterThan(1);
    expect(events).toEqual(expected.map(({ aggregateUuid, version }) => ({ aggregate_uuid: aggregateUuid, version })));
  });
});

// Everything else here is asked by an analyst, so that a grant that is too narrow fails there.
describe('an analyst changes nothing', () => {
  it.each([
    ['DROP VIEW events', 'glue:DeleteTable'],
    ['CREATE VIEW mine AS SELECT 1 AS a', 'glue:CreateTable'],
    ["UNLOAD (SELECT 1 AS a) TO 's3://BUCKET/events/mine/' WITH (format = 'PARQUET')", 's3:PutObject'],
  ])('%s wants %s', async (sql, action) => {
    const text = sql.replace('BUCKET', host.outputs.DaybookArchiveBucketName!);
    const { code, err } = await host.daybook('sql', text, '--change');
    expect(err.join('\n')).toContain(`is not authorized to perform: ${action}`);
    expect(code).toBe(1);
  });

  it('writes results and nothing else, and reads no file but the tables’', async () => {
    const s3 = new S3Client({ ...host.analyst, forcePathStyle: true });
    const Bucket = host.outputs.DaybookArchiveBucketName;
    for (const prefix of ['events', 'compacted', 'checks/runs', 'errors', 'replays']) {
      const written = s3.send(new PutObjectCommand({ Bucket, Key: `${prefix}/mine.txt`, Body: 'x' }));
      await expect(written, prefix).rejects.toThrow('is not authorized to perform: s3:PutObject');
    }
    for (const prefix of ['errors', 'conflicts', 'replays', 'checks']) {
      const read = s3.send(new GetObjectCommand({ Bucket, Key: `${prefix}/some.txt` }));
      await expect(read, prefix).rejects.toThrow('is not authorized to perform: s3:GetObject');
    }
    s3.destroy();
  });

  it('sees nothing of the tables that the application writes to', async () => {
    const dynamodb = new DynamoDBClient(host.analyst);
    const scan = dynamodb.send(new ScanCommand({ TableName: host.outputs.DaybookEventsTableName }));
    await expect(scan).rejects.toThrow('is not authorized to perform: dynamodb:Scan');
    dynamodb.destroy();
  });
});

describe('errors', () => {
  it.each<[string[], RegExp]>([
    [[], /one query in quotes, or --saved NAME, or --list/],
    [['SELECT 1', '--list'], /one query in quotes/],
    [['SELECT 1', '--format', 'xml'], /--format is xml; there are table, csv, jsonl, parquet/],
    [['SELECT 1', '--format', 'parquet'], /give --out FILE/],
    [['SELECT 1', '--param', 'x'], /it is NAME=VALUE/],
    [['SELECT :x', '--param', 'x:json=1'], /x is a json; there are varchar/],
    [['SELECT :x', '--param', 'x=1', '--param', 'x=2'], /given twice/],
    [['SELECT :x + :y', '--param', 'x=1'], /the query has the parameters x, y; give --param y=…/],
    [['SELECT 1', '--param', 'x=1'], /the query has no parameters, not x/],
    [['SELECT :x', '--param', 'x:bigint=1.5'], /The parameter x \(bigint\) is "1.5"; allowed is a whole number/],
    [
      ['--saved', 'when-did-it-happen', '--param', 'aggregate=a'],
      /takes the parameters aggregate, type; give --param type=…/,
    ],
    [
      ['--saved', 'overdrafts-as-of', '--param', 'clock=yesterday', '--param', 'as_of=2026-01-01T00:00:00Z'],
      /allowed are occurred, recorded/,
    ],
    [
      ['--saved', 'overdrafts-as-of', '--param', 'clock=occurred', '--param', 'as_of=2026-01-01'],
      /a time with its zone/,
    ],
    [
      ['--saved', 'events-per-type-and-day', '--param', 'from:bigint=1', '--param', 'to=2026-01-01'],
      /from is a date, not a bigint/,
    ],
  ])('%j is wrong usage', async (args, message) => {
    const { code, err, out } = await host.daybook('sql', ...args);
    expect({ code, out }).toEqual({ code: 2, out: [] });
    expect(err.join('\n')).toMatch(message);
  });

  it('a saved query that is not there: those that are', async () => {
    const { code, err } = await host.daybook('sql', '--saved', 'nope');
    expect(code).toBe(1);
    expect(err.join()).toMatch(
      /^cli.noSavedQuery: No query "nope" .*; there are events-per-type-and-day, freshness, history/,
    );
  });

  it('what is wrong, and where', async () => {
    const { code, err } = await host.daybook('sql', 'SELECT nope\nFROM events');
    expect(code).toBe(1);
    expect(err.join().split('\n')).toEqual([
      expect.stringMatching(
        /^archive.queryFailed: The query .* failed: COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved$/,
      ),
      '  SELECT nope',
      '         ^',
    ]);
  });
});

describe('Ctrl-C', () => {
  it('stops the query, and ends with 130', { timeout: 120_000 }, async () => {
    const athena = new AthenaClient(host.client);
    const WorkGroup = host.outputs.DaybookWorkGroupName;
    const running = async () => {
      const { QueryExecutionIds = [] } = await athena.send(
        new ListQueryExecutionsCommand({ WorkGroup, MaxResults: 1 }),
      );
      const { QueryExecutions } = await athena.send(new BatchGetQueryExecutionCommand({ QueryExecutionIds }));
      return QueryExecutions?.[0];
    };
    const endless =
      'SELECT count(*) FROM events a CROSS JOIN events b CROSS JOIN events c CROSS JOIN events d CROSS JOIN events e WHERE a.version + b.version + c.version + d.version * e.version = 77777';
    const program = await nodeProgram('test/src/cli/run-main.ts');
    const options = [...program, 'sql', endless, '--json', ...host.flags];
    const child = spawn(process.execPath, options, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let err = '';
    child.stderr.on('data', (chunk) => (err += chunk));
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    for (;;) {
      const found = await running();
      if (found?.Query === endless && found.Status?.State === 'RUNNING') break;
      if (child.exitCode !== null) throw new Error(err);
      await pause(50);
    }
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect((await running())?.Status).toMatchObject({ State: 'CANCELLED' });
    expect(err).toMatch(/"state":"CANCELLED","code":"archive.queryStopped"/);
    expect(err).toMatch(/archive.queryStopped: The query .* was stopped/);
    athena.destroy();
  });
});

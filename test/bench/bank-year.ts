import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { TypedColumn } from '../../src/archive/typed-columns.ts';

/** The events of examples/bank as a compaction makes columns of them. */
export const BANK_COLUMNS: readonly TypedColumn[] = [
  { eventType: 'AccountOpened', path: ['holder'], column: 'account_opened__holder', type: 'varchar' },
  { eventType: 'MoneyDeposited', path: ['amount'], column: 'money_deposited__amount', type: 'bigint' },
  { eventType: 'MoneyWithdrawn', path: ['amount'], column: 'money_withdrawn__amount', type: 'bigint' },
  { eventType: 'HolderRenamed', path: ['holder'], column: 'holder_renamed__holder', type: 'varchar' },
];

export const BANK_BUCKET = '9';

/** Runs one statement after the other with a DuckDB of its own. */
export async function runSql(...statements: readonly string[]): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '1500MB' });
  const connection = await instance.connect();
  let rows: Record<string, unknown>[] = [];
  for (const sql of statements) rows = (await connection.runAndReadAll(sql)).getRowObjects() as typeof rows;
  connection.closeSync();
  instance.closeSync();
  return rows;
}

/**
 * A year of a bank in one of sixteen buckets, in the order of arrival: accounts with UUIDs that are opened all through the
 * year, then deposits and withdrawals in cents (some amounts are frequent), one in fifty a holder's new name; every commit has
 * a UUID, one event in three occurred up to three days before it was recorded, every event names its user. One raw file a
 * month, as Firehose writes it: Snappy.
 */
export async function writeBankYear(folder: string, events: number): Promise<string[]> {
  const raw = join(folder, `events/day=2026-01-01/bucket=${BANK_BUCKET}`);
  mkdirSync(raw, { recursive: true });
  const accounts = Math.ceil(events / 80);
  const year = 365 * 86_400_000;
  const paths = Array.from({ length: 12 }, (_, i) => join(raw, `feed-${String(i).padStart(2, '0')}.parquet`));
  await runSql(
    'SELECT setseed(0.5)',
    // Ids whose md5 begins with the bucket's digit: about one in sixteen.
    `CREATE TABLE account AS SELECT row_number() OVER () - 1 AS n, id FROM (
       SELECT md5('salt' || i) AS h, concat_ws('-', h[1:8], h[9:12], '4' || h[14:16], 'a' || h[18:20], h[21:32]) AS id
       FROM range(${accounts * 20}) t(i)) WHERE md5(id)[1] = '${BANK_BUCKET}' LIMIT ${accounts}`,
    `CREATE TABLE event AS SELECT n, row_number() OVER (PARTITION BY n ORDER BY ms, i) AS version, ms, r, i FROM (
       SELECT i, (i * 7919 % ${accounts}) AS n, (${year} * (i / ${events}))::BIGINT AS ms, hash(i) AS r FROM range(${events}) t(i))`,
    `CREATE TABLE row AS SELECT id AS aggregate_uuid, 'Account' AS aggregate_type, version,
       CASE WHEN version = 1 THEN 'AccountOpened' WHEN r % 50 = 0 THEN 'HolderRenamed' WHEN r % 5 < 2 THEN 'MoneyWithdrawn' ELSE 'MoneyDeposited' END AS type,
       1 AS schema_version, uuid()::VARCHAR AS commit_id, version AS commit_first, version AS commit_last,
       (TIMESTAMP '2026-01-01' + to_milliseconds(ms))::TIMESTAMP AS recorded_at,
       recorded_at - to_milliseconds(CASE WHEN r % 3 = 0 THEN (r % 259200000)::BIGINT ELSE 0 END) AS occurred_at,
       CASE WHEN type IN ('AccountOpened', 'HolderRenamed') THEN '{"holder":"' || md5((r % 90000)::VARCHAR)[1:6] || ' ' || md5((r % 7000)::VARCHAR)[1:8] || '"}'
         ELSE '{"amount":' || CASE WHEN r % 4 = 0 THEN 1000 * (1 + r % 20) ELSE 1 + r % 250000 END || '}' END AS data,
       '{"userId":"user-' || (r % 3000) || '"}' AS metadata
     FROM event JOIN account USING (n) ORDER BY ms, i`,
    ...paths.map(
      (path, i) =>
        `COPY (SELECT * FROM row WHERE month(recorded_at) = ${i + 1} ORDER BY recorded_at) TO '${path}' (FORMAT parquet, COMPRESSION snappy)`,
    ),
    `COPY (SELECT * FROM row ORDER BY recorded_at) TO '${join(folder, 'arrival.parquet')}' (FORMAT parquet, COMPRESSION zstd)`,
  );
  return paths;
}

import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { COMPACTED_FORMAT } from '../../src/archive/compact-bucket.ts';
import { typedColumns } from '../../src/archive/typed-columns.ts';
import { MoneyReceived, MoneySent } from './ledger.ts';

const TYPES = { bigint: 'BIGINT', double: 'DOUBLE', boolean: 'BOOLEAN', varchar: 'VARCHAR', timestamp: 'TIMESTAMP_MS' };

/**
 * The ledger's transfers as the archive holds them: once as Firehose leaves them, in the order of arrival, the aggregates'
 * events interleaved, and once compacted, with typed columns beside the text. The answer is the files' keys below the folder.
 */
export async function writeLedgerArchive(
  folder: string,
  { events, perAggregate }: { events: number; perAggregate: number },
): Promise<{ raw: string; compacted: string }> {
  const keys = { raw: 'events/day=2026-01-01/bucket=0/0.parquet', compacted: 'compacted/files/bucket=0/g-00.parquet' };
  for (const key of Object.values(keys)) mkdirSync(dirname(join(folder, key)), { recursive: true });
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const aggregates = events / perAggregate;
  await connection.run(`
    COPY (SELECT md5('ledger-' || (i % ${aggregates}))::UUID::VARCHAR AS aggregate_uuid, 'Ledger' AS aggregate_type,
        (i // ${aggregates} + 1)::BIGINT AS version, CASE WHEN i % 3 = 0 THEN 'MoneySent' ELSE 'MoneyReceived' END AS type,
        1 AS schema_version, uuid()::VARCHAR AS commit_id, version AS commit_first, version AS commit_last,
        (TIMESTAMP '2026-01-01' + i * INTERVAL 1 SECOND)::TIMESTAMP_MS AS recorded_at, recorded_at AS occurred_at,
        '{"amount":' || (100 + i % 900) || ',"currency":"EUR","reference":"invoice ' || (20260000 + i)
          || '","counterparty":{"name":"Müller & Söhne GmbH","account":"DE' || (89370400440532013000 + i)
          || '"},"tags":["rent","monthly"]}' AS data, NULL::VARCHAR AS metadata
      FROM range(${events}) AS numbers(i))
    TO '${join(folder, keys.raw)}' (FORMAT parquet, COMPRESSION zstd)`);
  const typed = typedColumns([MoneyReceived, MoneySent]).map(({ eventType, path, column, type }) => {
    const value = `data->>'${['$', ...path].join('.')}'`;
    return `CASE WHEN type = '${eventType}' THEN (${value})::${TYPES[type]} END AS ${column}`;
  });
  await connection.run(`
    COPY (SELECT *, ${typed.join(', ')} FROM '${join(folder, keys.raw)}' ORDER BY aggregate_uuid, version)
    TO '${join(folder, keys.compacted)}' (${COMPACTED_FORMAT})`);
  connection.closeSync();
  instance.closeSync();
  return keys;
}

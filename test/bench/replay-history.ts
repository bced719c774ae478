import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { COMPACTED_FORMAT } from '../../src/archive/compact-bucket.ts';
import { FILES_PREFIX, manifestKey } from '../../src/archive/generation.ts';
import { typedColumns } from '../../src/archive/typed-columns.ts';
import { bucketOf } from '../../src/event/bucket.ts';
import type { StoredEvent } from '../../src/event/stored-event.ts';
import { BUCKETS } from '../../src/projection/projection-table.ts';
import { itemOf, MoneyReceived, MoneySent, storedTransfer, transfer, typeOf } from './ledger.ts';

/** A history that two sources tell alike: an archive that is written once, and a table that makes events as it is asked. */
export interface History {
  readonly aggregates: number;
  /** Events of each that the archive holds. */
  readonly versions: number;
}

export const GENERATION = '20260102T000000000Z-b';
/** One aggregate in so many has an event more than the archive: the tail. */
export const LAGGING = 100;

const TYPES = { bigint: 'BIGINT', double: 'DOUBLE', boolean: 'BOOLEAN', varchar: 'VARCHAR', timestamp: 'TIMESTAMP_MS' };
const PREFIX = '6f1c2b1e-8d54-4c3e-9a57-';

const idOf = (n: number) => PREFIX + String(n).padStart(12, '0');
const numberOf = (id: string) => Number(id.slice(PREFIX.length));
const seedOf = (n: number, version: number) => n * 7 + version;

export function eventOf(id: string, version: number): StoredEvent {
  const seed = seedOf(numberOf(id), version);
  return { ...storedTransfer(version, id), type: typeOf(seed), data: JSON.stringify(transfer(seed)) };
}

/** Compacted files, one for each bucket, with typed columns beside the text, and the generation's manifest. */
export async function writeHistory(folder: string, { aggregates, versions }: History): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: '1GB',
    temp_directory: join(folder, 'spill'),
  });
  const connection = await instance.connect();
  await connection.run(`
    CREATE TABLE ids AS SELECT n, id, substr(md5(id), 1, 1) AS bucket
    FROM (SELECT n, '${PREFIX}' || lpad(n::VARCHAR, 12, '0') AS id FROM range(${aggregates}) AS numbers(n))`);
  const typed = typedColumns([MoneyReceived, MoneySent]).map(({ eventType, path, column, type }) => {
    const value = `data->>'${['$', ...path].join('.')}'`;
    return `CASE WHEN type = '${eventType}' THEN (${value})::${TYPES[type]} END AS ${column}`;
  });
  const files = [];
  for (const bucket of BUCKETS) {
    const key = `${FILES_PREFIX}bucket=${bucket}/${GENERATION}-00.parquet`;
    mkdirSync(dirname(join(folder, key)), { recursive: true });
    const copied = await connection.runAndReadAll(`
      COPY (SELECT *, ${typed.join(', ')} FROM (
        SELECT id AS aggregate_uuid, 'Ledger' AS aggregate_type, v::BIGINT AS version,
          CASE WHEN seed % 3 = 0 THEN 'MoneySent' ELSE 'MoneyReceived' END AS type, 1 AS schema_version,
          '0b7d3c9a-2f41-4a6e-8c15-' || lpad(v::VARCHAR, 12, '0') AS commit_id, version AS commit_first, version AS commit_last,
          (TIMESTAMP '2026-01-01' + v * INTERVAL 1 SECOND)::TIMESTAMP_MS AS recorded_at, recorded_at AS occurred_at,
          '{"amount":' || (100 + seed % 900) || ',"currency":"EUR","reference":"invoice ' || (20260000 + seed)
            || '","counterparty":{"name":"Müller & Söhne GmbH","account":"DE' || (89370400440532013000 + seed)
            || '"},"tags":["rent","monthly"]}' AS data, NULL::VARCHAR AS metadata
        FROM (SELECT id, v, n * 7 + v AS seed FROM ids CROSS JOIN range(1, ${versions + 1}) AS numbers(v) WHERE bucket = '${bucket}'))
        ORDER BY aggregate_uuid, version)
      TO '${join(folder, key)}' (${COMPACTED_FORMAT})`);
    const { size: bytes } = statSync(join(folder, key));
    const at = '2026-01-01T00:00:00.000Z';
    const rows = Number(copied.getRows()[0]?.[0]);
    files.push({ key, bytes, bucket, rows, firstRecordedAt: at, lastRecordedAt: at, contentHash: '0' });
  }
  connection.closeSync();
  instance.closeSync();
  const manifest = join(folder, manifestKey(GENERATION));
  mkdirSync(dirname(manifest), { recursive: true });
  writeFileSync(
    manifest,
    JSON.stringify({
      ...{ format: 1, generation: GENERATION, previous: 'none', madeAt: '2026-01-02T00:00:00.000Z' },
      ...{ events: aggregates * versions, files, taken: [] },
    }),
  );
}

interface AskedQuery {
  readonly Limit?: number;
  readonly ExpressionAttributeValues: Readonly<Record<string, { readonly S?: string; readonly N?: string }>>;
  readonly ExclusiveStartKey?: { readonly AggregateUuid: { readonly S: string } };
}

export type Asked = 'list' | 'head' | 'range';

/** What a query of the events table asks for. */
export const askedBy = (body: string): Asked =>
  body.includes('"IndexName"') ? 'list' : body.includes('"ScanIndexForward":false') ? 'head' : 'range';

/**
 * What a rebuild asks of the events table, answered as DynamoDB does: pages of the index, heads, ranges of versions. Heads are
 * what it is asked for most: their answers are at hand, for a network would not take this process's time either.
 */
export function answersOf({ aggregates, versions }: History, buckets: string): (asked: Asked, body: string) => Buffer {
  const byBucket = new Map([...buckets].map((bucket): [string, string[]] => [bucket, []]));
  for (let n = 0; n < aggregates; n++) byBucket.get(bucketOf(idOf(n)))?.push(idOf(n));
  const headAnswers = [versions, versions + 1].map((version) =>
    Buffer.from(`{"Count":1,"Items":[{"Version":{"N":"${version}"},"AggregateType":{"S":"Ledger"}}],"ScannedCount":1}`),
  );
  const headOf = (id: string) => versions + (numberOf(id) % LAGGING === 0 ? 1 : 0);
  const page = (Items: readonly unknown[], more: object = {}) =>
    Buffer.from(JSON.stringify({ Items, Count: Items.length, ScannedCount: Items.length, ...more }));
  return (kind, body) => {
    if (kind === 'head') {
      const at = body.indexOf(PREFIX);
      return headAnswers[headOf(body.slice(at, at + PREFIX.length + 12)) - versions]!;
    }
    const asked = JSON.parse(body) as AskedQuery;
    const { ExpressionAttributeValues: values, ExclusiveStartKey: start, Limit = 1000 } = asked;
    if (kind === 'list') {
      const ids = byBucket.get(values[':shard']?.S?.at(-1) ?? '') ?? [];
      const from = start === undefined ? 0 : ids.indexOf(start.AggregateUuid.S) + 1;
      const found = ids.slice(from, from + Limit).map((id) => ({ AggregateUuid: { S: id }, Version: { N: '1' } }));
      return page(found, from + Limit < ids.length ? { LastEvaluatedKey: found.at(-1) } : {});
    }
    const id = values[':a']?.S ?? '';
    const [from, to] = [Number(values[':from']?.N), Number(values[':to']?.N)];
    const events = Array.from({ length: to - from + 1 }, (_, i) => eventOf(id, from + i));
    return page(events.filter(({ version }) => version <= headOf(id)).map(itemOf));
  };
}

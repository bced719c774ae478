import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { readParquet } from '../../../src/archive/parquet-reader.ts';
import { defineProjection } from '../../../src/index.ts';
import { createRunner } from '../../../src/projection/runner.ts';
import { defineBench } from '../figure.ts';
import { book, MoneyReceived, MoneySent } from '../ledger.ts';

const EVENTS = 100_000;
const PER_AGGREGATE = 100;

/** Events of the archive folded by a projection, as a slice of a replay does it, without downloading and writing. */
export default defineBench({
  name: 'replay-fold',
  rounds: 5,
  figures: [
    {
      name: 'replay-fold-rate',
      what: 'whole events folded from Parquet per second of CPU (25 × Castore’s 7.6 k/s)',
      formula: { kind: 'rate', of: 'daybook', by: 'cpu' },
      budget: { atLeast: 190_000 },
    },
  ],
  async prepare() {
    const folder = mkdtempSync(join(tmpdir(), 'daybook-bench-'));
    await writeArchive(join(folder, 'events.parquet'));
    const projection = defineProjection({
      name: 'balances',
      version: 1,
      events: [MoneyReceived, MoneySent],
      initialState: () => ({ balance: 0, transfers: 0 }),
      evolve: (state, event) => book(state, event.type, event.data),
    });
    const runner = createRunner(projection);
    const types = projection.events.map(({ type }) => type);
    return {
      sides: {
        daybook: {
          count: EVENTS,
          async run() {
            let applied = 0;
            let aggregate = '';
            let fold = runner.start();
            for await (const run of readParquet({ folder, types })) {
              for (const event of run) {
                if (event.aggregateUuid !== aggregate) {
                  applied += fold.applied;
                  aggregate = event.aggregateUuid;
                  fold = runner.start();
                }
                runner.apply(fold, event, true);
              }
            }
            assert.equal(applied + fold.applied, EVENTS);
          },
        },
      },
      close: () => rmSync(folder, { recursive: true, force: true }),
    };
  },
});

/** As Firehose leaves it: in the order of arrival, the aggregates' events interleaved. */
async function writeArchive(file: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const aggregates = EVENTS / PER_AGGREGATE;
  await connection.run(`
    COPY (SELECT 'ledger-' || (i % ${aggregates}) AS aggregate_uuid, 'Ledger' AS aggregate_type,
        (i // ${aggregates} + 1)::BIGINT AS version, CASE WHEN i % 3 = 0 THEN 'MoneySent' ELSE 'MoneyReceived' END AS type,
        1 AS schema_version, uuid()::VARCHAR AS commit_id, version AS commit_first, version AS commit_last,
        (TIMESTAMP '2026-01-01' + i * INTERVAL 1 SECOND)::TIMESTAMP_MS AS recorded_at, recorded_at AS occurred_at,
        '{"amount":' || (100 + i % 900) || ',"currency":"EUR","reference":"invoice ' || (20260000 + i)
          || '","counterparty":{"name":"Müller & Söhne GmbH","account":"DE' || (89370400440532013000 + i)
          || '"},"tags":["rent","monthly"]}' AS data, NULL::VARCHAR AS metadata
      FROM range(${EVENTS}) AS numbers(i))
    TO '${file}' (FORMAT parquet, COMPRESSION zstd)`);
  connection.closeSync();
  instance.closeSync();
}

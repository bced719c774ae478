import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { marshall } from '@aws-sdk/util-dynamodb';
import { DynamoDBSingleTableEventStorageAdapter } from '@castore/event-storage-adapter-dynamodb';
import { DuckDBInstance } from '@duckdb/node-api';
import type { ProjectionTable } from '../../../src/index.ts';
import { createRunner } from '../../../src/projection/runner.ts';
import type { Builds } from '../../../src/replay/builds.ts';
import { type FoldResult, foldSlice } from '../../../src/replay/fold.ts';
import type { Plan } from '../../../src/replay/plan.ts';
import { defineBench } from '../figure.ts';
import { castoreLedger, storedTransfers } from '../ledger.ts';
import { writeLedgerArchive } from '../ledger-archive.ts';
import { LEDGERS } from '../ledgers.ts';
import { pagesOf, stubClient } from '../stub-transport.ts';

const EVENTS = 1_000_000;
/** Of a file as Firehose leaves it, whose rows are held by aggregate. */
const RAW_EVENTS = 200_000;
const PER_AGGREGATE = 25;
/** Castore takes longer: of so many aggregates. */
const CASTORE_AGGREGATES = 200;

const { whole, fields } = LEDGERS;

/** A slice folded as a replay folds it, from files at hand, its states dropped; beside it others who fold the same. */
export default defineBench({
  name: 'replay-fold',
  rounds: 5,
  warmUp: 1,
  figures: [
    {
      name: 'replay-fold-rate',
      what: 'whole events of a compacted file folded per second of CPU (25 × the 7,600 that Castore’s replay from DynamoDB was once measured to do)',
      formula: { kind: 'rate', of: 'whole', by: 'cpu' },
      budget: { atLeast: 190_000 },
    },
    {
      name: 'replay-fold-rate-raw',
      what: 'the same from a file as Firehose leaves it',
      formula: { kind: 'rate', of: 'raw', by: 'cpu' },
    },
    {
      name: 'replay-fold-rate-fields',
      what: 'the same of declared fields, from typed columns (100 × Castore’s)',
      formula: { kind: 'rate', of: 'fields', by: 'cpu' },
      budget: { atLeast: 760_000 },
    },
    {
      name: 'replay-fold-castore',
      what: 'Castore loading every aggregate, its Query answered at once in the process, ÷ whole events folded, CPU per event',
      formula: { kind: 'ratio', of: 'castore', to: 'whole', by: 'cpu' },
      budget: { atLeast: 25 },
    },
    {
      name: 'replay-fold-castore-fields',
      what: 'the same ÷ declared fields folded',
      formula: { kind: 'ratio', of: 'castore', to: 'fields', by: 'cpu' },
      budget: { atLeast: 100 },
    },
    {
      name: 'replay-fold-sql',
      what: 'DuckDB’s own SQL for the same states, typed columns, one thread ÷ declared fields folded, CPU per event',
      formula: { kind: 'ratio', of: 'sql', to: 'fields', by: 'cpu' },
      budget: { atLeast: 0.15 },
    },
  ],
  async prepare() {
    const folder = mkdtempSync(join(tmpdir(), 'daybook-bench-'));
    const { compacted } = await writeLedgerArchive(folder, { events: EVENTS, perAggregate: PER_AGGREGATE });
    const { raw } = await writeLedgerArchive(join(folder, 'raw'), { events: RAW_EVENTS, perAggregate: PER_AGGREGATE });
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    const castore = castoreLedger(
      new DynamoDBSingleTableEventStorageAdapter({ tableName: 'events', dynamoDBClient: castoreClient() }),
    );
    const slice = (projection: typeof whole | typeof fields, key: string, at = folder, events = EVENTS) => ({
      count: events,
      async run() {
        const folded = { aggregates: events / PER_AGGREGATE, applied: events };
        assert.deepEqual(await foldFile(projection, at, key), folded);
      },
    });
    return {
      sides: {
        whole: slice(whole, compacted),
        raw: slice(whole, raw, join(folder, 'raw'), RAW_EVENTS),
        fields: slice(fields, compacted),
        sql: {
          count: EVENTS,
          async run() {
            const reader = await connection.runAndReadAll(`
              SELECT aggregate_uuid, max(version), count(*),
                sum(CASE type WHEN 'MoneyReceived' THEN money_received__amount ELSE -money_sent__amount END)
              FROM '${join(folder, compacted)}' GROUP BY aggregate_uuid`);
            assert.equal(reader.getColumns()[0]?.length, EVENTS / PER_AGGREGATE);
          },
        },
        castore: {
          count: CASTORE_AGGREGATES * PER_AGGREGATE,
          async run() {
            for (let n = 0; n < CASTORE_AGGREGATES; n++) {
              assert.equal((await castore.getExistingAggregate(`ledger-${n}`)).aggregate.transfers, PER_AGGREGATE);
            }
          },
        },
      },
      close() {
        connection.closeSync();
        instance.closeSync();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
});

/** A slice of one file. */
async function foldFile(projection: Parameters<typeof createRunner>[0], folder: string, key: string) {
  const plan = {
    build: 'b',
    kind: 'rebuild',
    projection: projection.name,
    version: 1,
    request: { projection: projection.name, range: { kind: 'all' }, seed: 'initial' },
    slices: [],
  } as unknown as Plan;
  const { size } = statSync(join(folder, key));
  const { aggregates, applied } = (await foldSlice(
    {
      files: {
        readText: async () => JSON.stringify([[{ key, bytes: size }]]),
        async download(_, path) {
          symlinkSync(join(folder, key), path);
          return size;
        },
        async *list() {},
        async writeText() {},
        async writeBytes() {},
      },
      builds: { get: async () => undefined, folded: async () => {}, spend: async () => 0 } as unknown as Builds,
      table: { store: async () => true } as unknown as ProjectionTable,
    },
    createRunner(projection),
    plan,
    { bucket: '0', files: 1, bytes: size, passes: 1, generation: 'none', manifest: 'slice.json' },
  )) as FoldResult;
  return { aggregates, applied };
}

/** Answers every Query with one aggregate's events, whichever is asked for. */
function castoreClient() {
  const items = storedTransfers(PER_AGGREGATE).map(({ aggregateUuid, version, type, recordedAt, data }) =>
    marshall({
      aggregateId: `LEDGER#${aggregateUuid}`,
      version,
      type,
      timestamp: recordedAt,
      payload: JSON.parse(data),
      ...(version === 1 && { eventStoreId: 'LEDGER' }),
    }),
  );
  return stubClient(pagesOf(items, 'version', PER_AGGREGATE));
}

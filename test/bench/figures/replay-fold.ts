import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { DynamoDBSingleTableEventStorageAdapter } from '@castore/event-storage-adapter-dynamodb';
import { DuckDBInstance } from '@duckdb/node-api';
import { s3ArchiveFiles } from '../../../src/aws/s3-archive-files.ts';
import { s3CompactionFiles } from '../../../src/aws/s3-compaction-files.ts';
import type { ProjectionTable } from '../../../src/index.ts';
import { createRunner } from '../../../src/projection/runner.ts';
import type { ArchiveFiles } from '../../../src/replay/archive-files.ts';
import type { Builds } from '../../../src/replay/builds.ts';
import { type FoldResult, foldSlice } from '../../../src/replay/fold.ts';
import type { Plan } from '../../../src/replay/plan.ts';
import { SDK_CONFIG } from '../../local/sdk-handler.ts';
import { castoreItems, replayWithCastore, writeCastoreHistory } from '../castore-history.ts';
import { defineBench } from '../figure.ts';
import { castoreLedger } from '../ledger.ts';
import { writeLedgerArchive } from '../ledger-archive.ts';
import { LEDGERS } from '../ledgers.ts';
import { startServices } from '../services.ts';
import { pagesOf, stubClient } from '../stub-transport.ts';

const EVENTS = 1_000_000;
/** Of a file as Firehose leaves it, whose rows are held by aggregate. */
const RAW_EVENTS = 200_000;
const PER_AGGREGATE = 25;
/** Castore takes longer: of so many aggregates. Its replay lists 20 at a time, and would lose some of a multiple of 20. */
const CASTORE_AGGREGATES = 403;

const { whole, fields } = LEDGERS;

/**
 * A slice folded as a replay folds it, its states dropped: once from a file at hand, and once downloaded from S3 over HTTP; beside it
 * others who fold the same. S3 and DynamoDB are the embedded ones in a process of their own, whose CPU is not counted.
 */
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
      what: 'Castore’s own replay (lib-dam’s pourEventStoreEvents) from DynamoDB over HTTP, its channel folding ÷ whole events of a file in S3 folded, CPU per event',
      formula: { kind: 'ratio', of: 'castore', to: 'wholeOfS3', by: 'cpu' },
      budget: { atLeast: 25 },
    },
    {
      name: 'replay-fold-castore-fields',
      what: 'the same ÷ declared fields folded',
      formula: { kind: 'ratio', of: 'castore', to: 'fieldsOfS3', by: 'cpu' },
      budget: { atLeast: 100 },
    },
    {
      name: 'replay-fold-castore-stubbed',
      what: 'Castore loading every aggregate, its Query answered at once in the process ÷ whole events of a file at hand folded, CPU per event',
      formula: { kind: 'ratio', of: 'castoreStubbed', to: 'whole', by: 'cpu' },
    },
    {
      name: 'replay-fold-castore-stubbed-fields',
      what: 'the same ÷ declared fields folded',
      formula: { kind: 'ratio', of: 'castoreStubbed', to: 'fields', by: 'cpu' },
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
    const services = await startServices(join(folder, 's3'));
    const config = { ...SDK_CONFIG, endpoint: services.endpoint };
    const [s3, dynamodb] = [new S3Client({ ...config, forcePathStyle: true }), new DynamoDBClient(config)];
    const bucket = 'archive';
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    const { size } = statSync(join(folder, compacted));
    await s3CompactionFiles({ client: s3, bucket }).upload(join(folder, compacted), compacted, size);
    const inS3 = s3ArchiveFiles({ client: s3, bucket });
    await inS3.writeText(LIST, JSON.stringify([[{ key: compacted, bytes: size }]]));
    await writeCastoreHistory(dynamodb, CASTORE_AGGREGATES, PER_AGGREGATE);

    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    const stubbed = castoreLedger(
      new DynamoDBSingleTableEventStorageAdapter({ tableName: 'events', dynamoDBClient: stubbedCastoreClient() }),
    );
    const slice = (projection: typeof whole | typeof fields, files: Files, events = EVENTS) => ({
      count: events,
      async run() {
        const folded = { aggregates: events / PER_AGGREGATE, applied: events };
        assert.deepEqual(await foldFile(projection, files), folded);
      },
    });
    return {
      sides: {
        whole: slice(whole, atHand(folder, compacted)),
        wholeOfS3: slice(whole, inS3),
        raw: slice(whole, atHand(join(folder, 'raw'), raw), RAW_EVENTS),
        fields: slice(fields, atHand(folder, compacted)),
        fieldsOfS3: slice(fields, inS3),
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
            const { states, events } = await replayWithCastore(dynamodb);
            assert.equal(events, CASTORE_AGGREGATES * PER_AGGREGATE);
            assert.equal(states.size, CASTORE_AGGREGATES);
            for (const { transfers } of states.values()) assert.equal(transfers, PER_AGGREGATE);
          },
        },
        castoreStubbed: {
          count: CASTORE_AGGREGATES * PER_AGGREGATE,
          async run() {
            for (let n = 0; n < CASTORE_AGGREGATES; n++) {
              assert.equal((await stubbed.getExistingAggregate(`ledger-${n}`)).aggregate.transfers, PER_AGGREGATE);
            }
          },
        },
      },
      async close() {
        connection.closeSync();
        instance.closeSync();
        s3.destroy();
        dynamodb.destroy();
        await services.end();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
});

type Files = Pick<ArchiveFiles, 'readText' | 'download' | 'copyPart'>;

/** Where the list of a slice's files is. */
const LIST = 'slice.json';

/** One file of a folder, as it lies there. */
function atHand(folder: string, key: string): Files {
  const { size } = statSync(join(folder, key));
  return {
    readText: async () => JSON.stringify([[{ key, bytes: size }]]),
    async download(_, path) {
      symlinkSync(join(folder, key), path);
      return size;
    },
    async copyPart(_, path) {
      rmSync(path);
      symlinkSync(join(folder, key), path);
      return { bytes: size, etag: '' };
    },
  };
}

/** A slice of one file. */
async function foldFile(projection: Parameters<typeof createRunner>[0], files: Files) {
  const plan = {
    build: 'b',
    kind: 'rebuild',
    projection: projection.name,
    version: 1,
    request: { projection: projection.name, range: { kind: 'all' }, seed: 'initial' },
    slices: [],
  } as unknown as Plan;
  const { aggregates, applied } = (await foldSlice(
    {
      files: files as ArchiveFiles,
      builds: { get: async () => undefined, folded: async () => {}, spend: async () => 0 } as unknown as Builds,
      table: { store: async () => true } as unknown as ProjectionTable,
    },
    createRunner(projection),
    plan,
    { bucket: '0', files: 1, bytes: 0, passes: 1, generation: 'none', manifest: LIST },
  )) as FoldResult;
  return { aggregates, applied };
}

/** Answers every Query with one aggregate's events, whichever is asked for. */
function stubbedCastoreClient() {
  return stubClient(pagesOf(castoreItems('ledger', PER_AGGREGATE), 'version', PER_AGGREGATE));
}

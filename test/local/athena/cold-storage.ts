import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Athena, createAthena } from '../../../local/athena/athena.ts';
import { createDuckDb, type DuckDb } from '../../../local/athena/duckdb.ts';
import { type Caller, type Cloud, createCloud, type Json, ROOT } from '../../../local/cloud.ts';
import { writeParquet } from '../../../local/firehose/parquet.ts';
import { createGlue } from '../../../local/glue/glue.ts';
import { parseHiveType } from '../../../local/glue/hive-type.ts';
import { type VirtualKernel, virtualKernel } from '../../../local/kernel/virtual-kernel.ts';
import { createS3, type S3 } from '../../../local/s3/s3.ts';

export const START = Date.UTC(2026, 0, 10, 12);

/** S3, Glue and Athena over a folder of their own, in virtual time. */
export interface ColdStorage {
  readonly cloud: Cloud;
  readonly kernel: VirtualKernel;
  readonly s3: S3;
  readonly duckdb: DuckDb;
  readonly athena: Athena;
  call(service: 's3' | 'glue' | 'athena', operation: string, input: Json, caller?: Caller): Promise<Json>;
  /** Writes rows (JSON documents) as a Parquet file. */
  putParquet(key: string, columns: Readonly<Record<string, string>>, rows: readonly Json[]): Promise<void>;
  createTable(name: string, columns: Readonly<Record<string, string>>, more?: Json): Promise<void>;
  /** Runs a query to its end. */
  execute(sql: string, more?: Json): Promise<Json>;
  /** The rows of a query that must succeed, without the names. */
  rows(sql: string, ...parameters: string[]): Promise<(string | null)[][]>;
  /** The reason of a query that must fail. */
  failure(sql: string, ...parameters: string[]): Promise<string>;
  /** Takes away every object and table. */
  clear(): Promise<void>;
  close(): void;
}

export async function openColdStorage(keepDir?: string): Promise<ColdStorage> {
  const dir = keepDir ?? mkdtempSync(join(tmpdir(), 'daybook-athena-'));
  const kernel = virtualKernel({ seed: 1, startMs: START });
  const cloud = createCloud(kernel);
  const s3 = createS3(cloud, { dir: join(dir, 's3') });
  const duckdb = createDuckDb(s3);
  createGlue(cloud, { dir: join(dir, 'glue') });
  const athena = createAthena(cloud, { s3, duckdb, dir: join(dir, 'athena') });
  const call: ColdStorage['call'] = (service, operation, input, caller = ROOT) =>
    cloud.call(caller, service, operation, input);
  const execute = async (QueryString: string, more: Json = {}): Promise<Json> => {
    const { QueryExecutionId } = await call('athena', 'StartQueryExecution', {
      QueryString,
      WorkGroup: 'group',
      QueryExecutionContext: { Database: 'db' },
      ...more,
    });
    for (;;) {
      await kernel.run(kernel.clock.now());
      const { QueryExecution } = await call('athena', 'GetQueryExecution', { QueryExecutionId });
      if (!['QUEUED', 'RUNNING'].includes(QueryExecution.Status.State)) return QueryExecution;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const withParameters = (parameters: string[]) => (parameters.length > 0 ? { ExecutionParameters: parameters } : {});
  await call('s3', 'CreateBucket', { Bucket: 'cold' });
  await call('athena', 'CreateWorkGroup', {
    Name: 'group',
    Configuration: { ResultConfiguration: { OutputLocation: 's3://cold/results/' } },
  }).catch(() => {});
  await call('glue', 'CreateDatabase', { DatabaseInput: { Name: 'db' } }).catch(() => {});
  let files = 0;
  return {
    cloud,
    kernel,
    s3,
    duckdb,
    athena,
    call,
    execute,
    async putParquet(Key, columns, rows) {
      const Body = await writeParquet(
        duckdb,
        rows.map((row) => JSON.stringify(row)),
        {
          columns: Object.entries(columns).map(([name, type]) => ({ name, type: parseHiveType(type) })),
          compression: 'snappy',
          version: 'V1',
          name: `put-${files++}`,
        },
      );
      await call('s3', 'PutObject', { Bucket: 'cold', Key, Body });
    },
    async createTable(Name, columns, more = {}) {
      await call('glue', 'CreateTable', {
        DatabaseName: 'db',
        TableInput: {
          Name,
          TableType: 'EXTERNAL_TABLE',
          ...more,
          StorageDescriptor: {
            Columns: Object.entries(columns).map(([name, Type]) => ({ Name: name, Type })),
            Location: `s3://cold/${Name}/`,
            SerdeInfo: { SerializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
            ...more.StorageDescriptor,
          },
        },
      });
    },
    async rows(sql, ...parameters) {
      const execution = await execute(sql, withParameters(parameters));
      if (execution.Status.State !== 'SUCCEEDED') throw new Error(execution.Status.StateChangeReason);
      const { QueryExecutionId } = execution;
      const { ResultSet } = await call('athena', 'GetQueryResults', { QueryExecutionId });
      return ResultSet.Rows.slice(1).map((row: Json) => row.Data.map((one: Json) => one.VarCharValue ?? null));
    },
    async failure(sql, ...parameters) {
      const execution = await execute(sql, withParameters(parameters));
      if (execution.Status.State === 'SUCCEEDED') throw new Error('the query succeeded');
      return execution.Status.StateChangeReason;
    },
    async clear() {
      const { TableList } = await call('glue', 'GetTables', { DatabaseName: 'db' });
      for (const { Name } of TableList) await call('glue', 'DeleteTable', { DatabaseName: 'db', Name });
      for (const { key: Key } of s3.filesBelow('cold', '')) await call('s3', 'DeleteObject', { Bucket: 'cold', Key });
      cloud.setAuthorize(() => {});
    },
    close() {
      athena.close();
      duckdb.close();
      s3.close();
      if (keepDir === undefined) rmSync(dir, { recursive: true });
    },
  };
}

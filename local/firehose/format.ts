import { gzipSync } from 'node:zlib';
import type { DuckDb } from '../athena/duckdb.ts';
import { type Cloud, type Json, ServiceError } from '../cloud.ts';
import { parseHiveType, UnknownHiveType } from '../glue/hive-type.ts';
import { CannotConvert, type Column, convertRecord } from './convert.ts';
import { writeParquet } from './parquet.ts';
import type { ConversionSettings, DeliverySettings } from './settings.ts';
import type { Failure, Transformed } from './transform.ts';

/** What is to be put, and what could not be made part of it. */
export interface Formatted {
  readonly body: Buffer | undefined;
  readonly extension: string;
  readonly written: readonly Transformed[];
  readonly failed: readonly Failure[];
  /** The table that the failures did not fit. */
  readonly catalogTable?: Json;
}

/** Makes an object's bytes of the records of one partition. */
export async function formatRecords(
  records: readonly Transformed[],
  settings: DeliverySettings,
  context: { readonly cloud: Cloud; readonly duckdb: DuckDb },
): Promise<Formatted> {
  if (settings.conversion !== undefined) return await toParquet(records, settings.conversion, context);
  const parts = settings.appendDelimiter
    ? records.flatMap(({ data }) => [data, Buffer.from('\n')])
    : records.map(({ data }) => data);
  const body = Buffer.concat(parts);
  return {
    body: settings.gzip ? gzipSync(body) : body,
    extension: settings.gzip ? '.gz' : '',
    written: records,
    failed: [],
  };
}

async function toParquet(
  records: readonly Transformed[],
  conversion: ConversionSettings,
  { cloud, duckdb }: { readonly cloud: Cloud; readonly duckdb: DuckDb },
): Promise<Formatted> {
  const { schema } = conversion;
  const catalogTable = {
    catalogId: cloud.account.accountId,
    databaseName: schema.database,
    tableName: schema.table,
    region: cloud.account.region,
    versionId: schema.versionId ?? 'LATEST',
  };
  const fail = (code: string, message: string): Formatted => ({
    body: undefined,
    extension: '.parquet',
    written: [],
    failed: records.map(({ received }) => ({ received, attempts: 1, code, message })),
    catalogTable,
  });
  let columns: readonly Column[];
  try {
    columns = await columnsOf(conversion, cloud);
  } catch (error) {
    if (error instanceof UnknownHiveType) return fail('DataFormatConversion.InvalidSchema', error.message);
    if (!(error instanceof ServiceError)) throw error;
    return fail(`DataFormatConversion.${error.code.replace(/Exception$/, '')}`, error.message);
  }
  const written: Transformed[] = [];
  const failed: Failure[] = [];
  const lines: string[] = [];
  const options = { ...conversion, columns };
  for (const record of records) {
    try {
      for (const line of convertRecord(record.data, options)) lines.push(line);
      written.push(record);
    } catch (error) {
      if (!(error instanceof CannotConvert)) throw error;
      const code = /not JSON|JSON object/.test(error.message)
        ? 'DataFormatConversion.ParseError'
        : 'DataFormatConversion.MalformedData';
      failed.push({ received: record.received, attempts: 1, code, message: error.message });
    }
  }
  if (lines.length === 0) return { body: undefined, extension: '.parquet', written, failed, catalogTable };
  const { compression, version } = conversion;
  const name = cloud.kernel.random.uuid();
  try {
    const body = await writeParquet(duckdb, lines, { columns, compression, version, name });
    return { body, extension: '.parquet', written, failed, catalogTable };
  } catch (error) {
    // Every value was checked, so this is a type that DuckDB refuses: the records are kept, with its reason.
    return fail('DataFormatConversion.InvalidSchema', error instanceof Error ? error.message : String(error));
  }
}

/** The table's columns as they are now: a table that was changed counts for the next object. */
async function columnsOf({ schema }: ConversionSettings, cloud: Cloud): Promise<Column[]> {
  const caller = { principal: schema.roleArn };
  const { database: DatabaseName, table: TableName, versionId: VersionId } = schema;
  const { Table } =
    VersionId === undefined
      ? await cloud.call(caller, 'glue', 'GetTable', { DatabaseName, Name: TableName })
      : (await cloud.call(caller, 'glue', 'GetTableVersion', { DatabaseName, TableName, VersionId })).TableVersion;
  const columns: Json[] = Table.StorageDescriptor?.Columns ?? [];
  return columns.map(({ Name, Type }) => ({ name: Name, type: parseHiveType(Type ?? 'string') }));
}

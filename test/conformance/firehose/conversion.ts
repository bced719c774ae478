import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as sdk from '@aws-sdk/client-firehose';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Json } from '../../../local/cloud.ts';
import type { Shelf } from '../bucket.ts';
import { errorOf, eventually, same, uniqueName } from '../expect.ts';
import { callGlue, withDatabase } from '../glue/call.ts';
import { roleOf } from '../role.ts';
import type { Case, Target } from '../suite.ts';
import { type Destination, delivering, invalid, type Made, to } from './delivery.ts';

const COLUMNS = {
  id: 'string',
  n: 'int',
  big: 'bigint',
  at: 'timestamp',
  tags: 'array<string>',
  odd: 'struct<a:int,b:string>',
};

/** Delivers to Parquet by a table of the catalog. */
const converting = (target: Target, play: (made: Made) => Promise<void>) => {
  const DatabaseName = uniqueName().replaceAll('-', '_');
  return withDatabase(target, DatabaseName, async () => {
    const Columns = Object.entries(COLUMNS).map(([Name, Type]) => ({ Name, Type }));
    const StorageDescriptor = { Columns, Location: 's3://nowhere/' };
    await callGlue(target, 'CreateTable', { DatabaseName, TableInput: { Name: 'rows', StorageDescriptor } });
    await delivering(target, parquet(target, DatabaseName), play);
  });
};

const parquet = (target: Target, DatabaseName: string): Destination => ({
  Prefix: 'in/',
  ErrorOutputPrefix: 'errors/!{firehose:error-output-type}/',
  BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 0 },
  DataFormatConversionConfiguration: {
    Enabled: true,
    InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
    OutputFormatConfiguration: { Serializer: { ParquetSerDe: {} } },
    SchemaConfiguration: { RoleARN: roleOf(target), DatabaseName, TableName: 'rows' },
  },
});

/** The rows of all files, and the physical types of the columns. */
async function readRows(shelf: Shelf, count: number): Promise<{ rows: Json[]; types: Record<string, string> }> {
  const folder = mkdtempSync(join(tmpdir(), 'daybook-parquet-'));
  const connection = await (await DuckDBInstance.create()).connect();
  const all = async (sql: string): Promise<Json[]> => (await connection.runAndReadAll(sql)).getRowObjectsJson();
  try {
    return await eventually(async () => {
      const names = await shelf.keys('in/');
      for (const [i, key] of names.entries()) writeFileSync(join(folder, `${i}.parquet`), await shelf.bytes(key));
      const files = `'${folder}/*.parquet'`;
      const rows = names.length === 0 ? [] : await all(`SELECT * FROM read_parquet(${files}) ORDER BY id`);
      if (rows.length < count) return undefined;
      const schema = await all(`SELECT name, type FROM parquet_schema(${files}) WHERE type IS NOT NULL`);
      return { rows, types: Object.fromEntries(schema.map(({ name, type }) => [name, type])) };
    });
  } finally {
    connection.closeSync();
    rmSync(folder, { recursive: true });
  }
}

export const conversion: readonly Case[] = [
  {
    name: 'JSON becomes Parquet by the columns of a table',
    says: 'Record format conversion: "Amazon Data Firehose … converts the format of your input data from JSON to Apache Parquet … a schema … in AWS Glue"; OpenX JSON SerDe: "a timestamp … epoch seconds, milliseconds"; which is which, texts for numbers, and the physical type of timestamps are assumed',
    run: (target) =>
      converting(target, async ({ put, shelf }) => {
        await put(
          '{"id":"a","n":1,"big":9007199254740993,"at":"2026-01-02 03:04:05","tags":["x","y"],"odd":{"a":1,"b":"z"},"unknown":1}',
          '{"ID":"b","n":"7","at":1767323045}{"id":"c","at":1767323045000,"tags":null}',
          '{"id":{"deep":[1]},"n":null}',
        );
        const { rows, types } = await readRows(shelf, 4);
        const at = '2026-01-02 03:04:05';
        const none = { n: null, big: null, at: null, tags: null, odd: null };
        same(
          rows.map((row) => ({ ...row, at: row.at && String(row.at).slice(0, 19) })),
          [
            { id: 'a', n: 1, big: '9007199254740993', at, tags: ['x', 'y'], odd: { a: 1, b: 'z' } },
            { ...none, id: 'b', n: 7, at },
            { ...none, id: 'c', at },
            { ...none, id: '{"deep":[1]}' },
          ]
            .sort((a, b) => (a.id < b.id ? -1 : 1))
            .map((row) => ({ id: row.id, n: row.n, big: row.big, at: row.at, tags: row.tags, odd: row.odd })),
        );
        same([types.at, types.n, types.big], ['INT64', 'INT32', 'INT64']);
      }),
  },
  {
    name: 'what does not fit the table goes to the error prefix, each record whole',
    says: 'Record format conversion error handling: "attemptsMade, arrivalTimestamp, lastErrorCode, lastErrorMessage, attemptEndingTimestamp, rawData, sequenceNumber, subSequenceNumber, dataCatalogTable" in format-conversion-failed; codes, and that one document fails its record, are assumed',
    run: (target) =>
      converting(target, async ({ put, shelf }) => {
        const broken = ['{"id":"x"', '{"id":"y","n":"1.5"}', '{"id":"z","n":3}{"id":"z","n":"many"}'];
        await put(...broken, '{"id":"good"}');
        const lines = (all: string) => all.split('\n').filter(Boolean);
        const all = await shelf.written('errors/format-conversion-failed/', (text) => lines(text).length >= 3);
        const told = lines(all).map((line) => JSON.parse(line));
        same(told.map(({ rawData }) => Buffer.from(rawData, 'base64').toString()).sort(), [...broken].sort());
        for (const { lastErrorCode, dataCatalogTable, attemptEndingTimestamp, arrivalTimestamp } of told) {
          const right = /^DataFormatConversion\.(ParseError|MalformedData|InvalidSchema)$/.test(lastErrorCode);
          same([right, dataCatalogTable.tableName, attemptEndingTimestamp >= arrivalTimestamp], [true, 'rows', true]);
        }
        const { rows } = await readRows(shelf, 1);
        same(
          rows.map(({ id }) => id),
          ['good'],
        );
      }),
  },
  {
    name: 'what a conversion may not be',
    says: 'Record format conversion: "CompressionFormat … UNCOMPRESSED"; BufferingHints: "If you enable record format conversion … the minimum is 64"',
    run: (target) =>
      converting(target, async ({ client, shelf }) => {
        const refused = async (more: Destination) => {
          const input = {
            DeliveryStreamName: uniqueName(),
            ExtendedS3DestinationConfiguration: to(target, shelf.Bucket, { ...parquet(target, 'any'), ...more }),
          };
          const error = await errorOf(client.send(new sdk.CreateDeliveryStreamCommand(input)));
          if (error === undefined) await client.send(new sdk.DeleteDeliveryStreamCommand(input));
          return error;
        };
        const names = [
          await refused({ CompressionFormat: 'GZIP' }),
          await refused({ BufferingHints: { SizeInMBs: 63, IntervalInSeconds: 60 } }),
        ];
        if (!names.every(invalid)) throw new Error(`refused as ${JSON.stringify(names)}`);
      }),
  },
];

import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBType } from '@duckdb/node-api';
import type { Json } from '../cloud.ts';
import { quoteName, quoteText } from '../glue/hive-type.ts';
import { callGlue, databaseOf } from './catalog.ts';
import { glueType } from './column-types.ts';
import { QueryFailure, unsupported } from './errors.ts';
import { checkEmpty, filesBelow, parseLocation, type S3Location, uploadFolder } from './output.ts';
import type { QueryContext } from './relations.ts';
import type { Prepared } from './run-select.ts';
import type { Properties, Statement } from './statement.ts';

export interface WriteOptions {
  readonly scratchDir: string;
  readonly queryId: string;
  /** Where the workgroup's results go. */
  readonly output: S3Location;
}

interface FileFormat {
  readonly name: 'PARQUET' | 'JSON' | 'TEXTFILE';
  readonly compression: 'gzip' | 'snappy' | 'zstd' | 'none';
  readonly delimiter: string;
  readonly partitionedBy: readonly string[];
}

/** "Athena can write to at most 100 partitions." */
const MOST_PARTITIONS = 100;

/** UNLOAD: writes the result's files. "UNLOAD … the results are not ordered across files." */
export async function unload(
  statement: Statement & { kind: 'unload' },
  prepared: Prepared,
  options: WriteOptions,
  context: QueryContext,
) {
  const format = readFormat(
    statement.properties,
    ['format', 'compression', 'field_delimiter', 'partitioned_by'],
    'gzip',
  );
  if (statement.properties.format === undefined)
    throw new QueryFailure("INVALID_UNLOAD: the property 'format' is required");
  const location = parseLocation(statement.to);
  await checkEmpty(context, location);
  return await writeFiles(prepared, format, location, options, context);
}

/** CREATE TABLE AS SELECT: writes the files and makes the table. */
export async function createTableAs(
  statement: Statement & { kind: 'createTable' },
  prepared: Prepared,
  options: WriteOptions,
  context: QueryContext,
) {
  const { name, properties } = statement;
  const format = readFormat(
    properties,
    ['format', 'write_compression', 'parquet_compression', 'field_delimiter', 'partitioned_by', 'external_location'],
    'gzip',
  );
  const location =
    properties.external_location === undefined
      ? { bucket: options.output.bucket, prefix: `${options.output.prefix}tables/${options.queryId}/` }
      : parseLocation(String(properties.external_location));
  await checkEmpty(context, location);
  const database = databaseOf(name, context);
  const written = statement.withData
    ? await writeFiles(prepared, format, location, options, context)
    : { addresses: [], bytes: 0, rows: 0 };
  const glueColumns = prepared.columns.map(({ name: column, type }) => ({
    Name: column.toLowerCase(),
    Type: glueType(type),
  }));
  const keys = format.partitionedBy.map((key) => key.toLowerCase());
  await callGlue(context, 'CreateTable', {
    DatabaseName: database,
    TableInput: {
      Name: name.table,
      TableType: 'EXTERNAL_TABLE',
      Parameters: { EXTERNAL: 'TRUE', has_encrypted_data: 'false' },
      PartitionKeys: glueColumns.filter(({ Name: column }) => keys.includes(column)),
      StorageDescriptor: {
        Columns: glueColumns.filter(({ Name: column }) => !keys.includes(column)),
        Location: `s3://${location.bucket}/${location.prefix}`,
        ...SERDES[format.name],
        ...(format.name === 'TEXTFILE' && {
          SerdeInfo: {
            SerializationLibrary: 'org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe',
            Parameters: { 'field.delim': format.delimiter },
          },
        }),
      },
    },
  });
  return written;
}

const SERDES: Readonly<Record<FileFormat['name'], Json>> = {
  PARQUET: {
    InputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
    OutputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
    SerdeInfo: { SerializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
  },
  JSON: {
    InputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
    OutputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
    SerdeInfo: { SerializationLibrary: 'org.openx.data.jsonserde.JsonSerDe' },
  },
  TEXTFILE: {
    InputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
    OutputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
  },
};

function readFormat(properties: Properties, known: readonly string[], standard: 'gzip'): FileFormat {
  for (const key of Object.keys(properties)) if (!known.includes(key)) throw unsupported(`the property ${key}`);
  const name = String(properties.format ?? 'PARQUET').toUpperCase();
  if (name !== 'PARQUET' && name !== 'JSON' && name !== 'TEXTFILE') throw unsupported(`the format ${name}`);
  if (name === 'JSON' && properties.partitioned_by !== undefined)
    throw unsupported('partitioned_by with the format JSON');
  const given = properties.compression ?? properties.write_compression ?? properties.parquet_compression ?? standard;
  const compression = String(given).toLowerCase();
  const possible = name === 'PARQUET' ? ['gzip', 'snappy', 'zstd', 'none'] : ['gzip', 'none'];
  if (!possible.includes(compression)) throw unsupported(`the compression ${given} of ${name}`);
  return {
    name,
    compression: compression as FileFormat['compression'],
    delimiter: String(properties.field_delimiter ?? '\u0001'),
    partitionedBy: [properties.partitioned_by ?? []].flat() as string[],
  };
}

async function writeFiles(
  prepared: Prepared,
  format: FileFormat,
  location: S3Location,
  options: WriteOptions,
  context: QueryContext,
) {
  const folder = join(options.scratchDir, options.queryId);
  const { columns } = prepared;
  const keys = format.partitionedBy.map((key) => key.toLowerCase());
  const last = columns.slice(columns.length - keys.length).map(({ name }) => name.toLowerCase());
  if (last.join() !== keys.join()) {
    throw new QueryFailure(
      'INVALID_TABLE_PROPERTY: Partition keys must be the last columns in the table and in the same order as the table properties',
    );
  }
  const source = `SELECT ${columns
    .map(({ type }, i) => writable(`c${i}`, type, format))
    .map((text, i) => `${text} AS ${quoteName(columns[i]!.name)}`)
    .join(', ')}
    FROM (${prepared.sql}) AS result(${columns.map((_column, i) => `c${i}`).join(', ')})`;
  try {
    const how = [
      ...copyOptions(format),
      ...(keys.length === 0 ? [] : [`PARTITION_BY (${keys.map(quoteName).join(', ')})`]),
    ];
    const target = keys.length === 0 ? `${folder}.one` : folder;
    const reader = await context.connection.runAndReadAll(
      `COPY (${source}) TO ${quoteText(target)} (${how.join(', ')})`,
    );
    const rows = Number(reader.getRows()[0]?.[0] ?? 0);
    mkdirSync(folder, { recursive: true });
    if (keys.length === 0) {
      renameSync(target, join(folder, 'one'));
      if (rows === 0) rmSync(join(folder, 'one'));
    }
    const partitions = new Set(filesBelow(folder).map((path) => path.slice(0, path.lastIndexOf('/') + 1)));
    if (partitions.size > MOST_PARTITIONS) {
      throw new QueryFailure(
        `HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of ${MOST_PARTITIONS} open writers for partitions/buckets.`,
      );
    }
    const stamp = new Date(context.nowMs).toISOString().replace(/[-:]/g, '').replace('T', '_').slice(0, 15);
    const extension = format.name === 'PARQUET' || format.compression === 'none' ? '' : '.gz';
    const uploaded = await uploadFolder(
      context,
      folder,
      location,
      () => `${stamp}_00001_${options.queryId.slice(0, 5)}_${context.cloud.kernel.random.uuid()}${extension}`,
    );
    return { ...uploaded, rows };
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(`${folder}.one`, { force: true });
  }
}

function copyOptions(format: FileFormat): string[] {
  const compression = format.compression === 'none' ? 'uncompressed' : format.compression;
  if (format.name === 'PARQUET') return ['FORMAT parquet', `COMPRESSION ${compression}`];
  const gzip = `COMPRESSION ${format.compression}`;
  if (format.name === 'JSON') return ['FORMAT json', gzip];
  return [
    'FORMAT csv',
    'HEADER false',
    `DELIMITER ${quoteText(format.delimiter)}`,
    "QUOTE ''",
    "ESCAPE ''",
    "NULLSTR '\\N'",
    gzip,
  ];
}

/** Types that Parquet readers and Glue know: sums are bigint, times have no zone. */
function writable(expression: string, type: DuckDBType, format: FileFormat): string {
  const text = type.toString();
  if (text === 'HUGEINT') return `CAST(${expression} AS BIGINT)`;
  if (text === 'TIMESTAMP WITH TIME ZONE') return `timezone('UTC', ${expression})`;
  if (text === 'JSON' || text === 'UUID') return `CAST(${expression} AS VARCHAR)`;
  if (format.name !== 'PARQUET' && text === 'TIMESTAMP') return `strftime(${expression}, '%Y-%m-%d %H:%M:%S.%g')`;
  return expression;
}

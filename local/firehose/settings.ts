import type { Json } from '../cloud.ts';
import { invalidArgument, unsupported } from './errors.ts';
import { checkPrefixes } from './prefix.ts';

/** A delivery stream's configuration, checked, with its defaults filled in. */
export interface DeliverySettings {
  readonly roleArn: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly errorPrefix: string;
  readonly fileExtension: string | undefined;
  readonly bufferBytes: number;
  readonly bufferMs: number;
  readonly gzip: boolean;
  readonly partitioned: boolean;
  readonly appendDelimiter: boolean;
  readonly transform: TransformSettings | undefined;
  readonly conversion: ConversionSettings | undefined;
}

export interface TransformSettings {
  readonly lambdaArn: string;
  readonly roleArn: string;
  readonly retries: number;
  readonly bufferBytes: number;
  readonly bufferMs: number;
}

export interface ConversionSettings {
  readonly schema: {
    readonly roleArn: string;
    readonly database: string;
    readonly table: string;
    readonly versionId: string | undefined;
  };
  readonly caseInsensitive: boolean;
  readonly dotsToUnderscores: boolean;
  /** Column → JSON key. */
  readonly keyOfColumn: Readonly<Record<string, string>>;
  readonly compression: 'uncompressed' | 'snappy' | 'gzip';
  readonly version: 'V1' | 'V2';
}

const MiB = 1024 * 1024;

const EXTENDED = [
  'RoleARN',
  'BucketARN',
  'Prefix',
  'ErrorOutputPrefix',
  'BufferingHints',
  'CompressionFormat',
  'EncryptionConfiguration',
  'CloudWatchLoggingOptions',
  'ProcessingConfiguration',
  'S3BackupMode',
  'DataFormatConversionConfiguration',
  'DynamicPartitioningConfiguration',
  'FileExtension',
  'CustomTimeZone',
];

/** Checks an ExtendedS3DestinationConfiguration. https://docs.aws.amazon.com/firehose/latest/APIReference/API_ExtendedS3DestinationConfiguration.html */
export function readSettings(input: Json): DeliverySettings {
  onlyKnown('ExtendedS3DestinationConfiguration', input, EXTENDED);
  if (typeof input.RoleARN !== 'string') throw invalidArgument('RoleARN is required');
  if (input.S3BackupMode === 'Enabled') throw unsupported('S3BackupMode Enabled');
  if (input.CustomTimeZone !== undefined && input.CustomTimeZone !== 'UTC')
    throw unsupported('CustomTimeZone other than UTC');
  const partitioned = isTrue(input.DynamicPartitioningConfiguration?.Enabled);
  const conversion = isTrue(
    input.DataFormatConversionConfiguration?.Enabled ?? input.DataFormatConversionConfiguration !== undefined,
  )
    ? readConversion(input.DataFormatConversionConfiguration)
    : undefined;
  const compression = input.CompressionFormat ?? 'UNCOMPRESSED';
  if (!['UNCOMPRESSED', 'GZIP'].includes(compression)) throw unsupported(`CompressionFormat ${compression}`);
  if (conversion !== undefined && compression !== 'UNCOMPRESSED') {
    throw invalidArgument('CompressionFormat must be UNCOMPRESSED when data format conversion is enabled.');
  }
  const { transform, appendDelimiter } = readProcessors(input.ProcessingConfiguration, input.RoleARN);
  const prefix: string = input.Prefix ?? '';
  checkPrefixes(prefix, input.ErrorOutputPrefix, { partitioned, byLambda: transform !== undefined });
  return {
    roleArn: input.RoleARN,
    bucket: bucketOf(input.BucketARN),
    prefix,
    errorPrefix: input.ErrorOutputPrefix ?? '',
    fileExtension: input.FileExtension,
    ...readBuffering(input.BufferingHints, partitioned || conversion !== undefined, partitioned),
    gzip: compression === 'GZIP',
    partitioned,
    appendDelimiter,
    transform,
    conversion,
  };
}

function bucketOf(arn: unknown): string {
  const name = /^arn:aws[^:]*:s3:::([^/]+)$/.exec(String(arn))?.[1];
  if (name === undefined) throw invalidArgument(`BucketARN ${arn} is not the ARN of a bucket`);
  return name;
}

/**
 * "SizeInMBs: 1–128, default 5; IntervalInSeconds: 0–900, default 300." With format conversion or dynamic partitioning:
 * "the minimum is 64"; dynamic partitioning: "the default is 128".
 */
function readBuffering(
  hints: Json,
  large: boolean,
  partitioned: boolean,
): Pick<DeliverySettings, 'bufferBytes' | 'bufferMs'> {
  const size = Number(hints?.SizeInMBs ?? (large ? 128 : 5));
  const seconds = Number(hints?.IntervalInSeconds ?? 300);
  const leastSize = large ? 64 : 1;
  if (!Number.isInteger(size) || size < leastSize || size > 128) {
    throw invalidArgument(
      `BufferingHints.SizeInMBs must be at least ${leastSize} and at most 128 when ${partitioned ? 'Dynamic Partitioning' : large ? 'data format conversion' : 'delivering to S3'} is enabled, got ${size}.`,
    );
  }
  const leastSeconds = partitioned || large ? 60 : 0;
  const zeroAllowed = !partitioned;
  if (!Number.isInteger(seconds) || seconds > 900 || (seconds < leastSeconds && !(seconds === 0 && zeroAllowed))) {
    throw invalidArgument(
      `BufferingHints.IntervalInSeconds must be ${zeroAllowed ? '0 or ' : ''}at least ${leastSeconds} and at most 900, got ${seconds}.`,
    );
  }
  return { bufferBytes: size * MiB, bufferMs: seconds * 1000 };
}

function readProcessors(input: Json, roleArn: string) {
  let transform: TransformSettings | undefined;
  let appendDelimiter = false;
  if (input === undefined || !isTrue(input.Enabled)) return { transform, appendDelimiter };
  onlyKnown('ProcessingConfiguration', input, ['Enabled', 'Processors']);
  for (const { Type, Parameters = [] } of input.Processors ?? []) {
    const parameters: Record<string, string> = {};
    for (const { ParameterName, ParameterValue } of Parameters) parameters[ParameterName] = String(ParameterValue);
    if (Type === 'AppendDelimiterToRecord') appendDelimiter = true;
    else if (Type === 'Lambda') transform = readTransform(parameters, roleArn);
    else throw unsupported(`the processor ${Type}`);
  }
  return { transform, appendDelimiter };
}

/** https://docs.aws.amazon.com/firehose/latest/APIReference/API_ProcessorParameter.html */
function readTransform(parameters: Record<string, string>, roleArn: string): TransformSettings {
  for (const name of Object.keys(parameters)) {
    if (!['LambdaArn', 'NumberOfRetries', 'RoleArn', 'BufferSizeInMBs', 'BufferIntervalInSeconds'].includes(name)) {
      throw unsupported(`the processor parameter ${name}`);
    }
  }
  if (parameters.LambdaArn === undefined) throw invalidArgument('LambdaArn is required for a Lambda processor');
  const number = (name: string, least: number, most: number, otherwise: number) => {
    const value = Number(parameters[name] ?? otherwise);
    if (!(value >= least && value <= most))
      throw invalidArgument(`${name} must be between ${least} and ${most}, got ${parameters[name]}`);
    return value;
  };
  return {
    lambdaArn: parameters.LambdaArn,
    roleArn: parameters.RoleArn ?? roleArn,
    retries: number('NumberOfRetries', 0, 300, 3),
    // "The default buffering hint is 1 MB … the range is 0.2 MB to 3 MB"; the interval "between 0 and 900", default 60.
    bufferBytes: number('BufferSizeInMBs', 0.2, 3, 1) * MiB,
    bufferMs: number('BufferIntervalInSeconds', 0, 900, 60) * 1000,
  };
}

function readConversion(input: Json): ConversionSettings {
  onlyKnown('DataFormatConversionConfiguration', input, [
    'Enabled',
    'InputFormatConfiguration',
    'OutputFormatConfiguration',
    'SchemaConfiguration',
  ]);
  const { Deserializer } = input.InputFormatConfiguration ?? {};
  if (Deserializer?.HiveJsonSerDe !== undefined) throw unsupported('HiveJsonSerDe');
  const { Serializer } = input.OutputFormatConfiguration ?? {};
  if (Serializer?.OrcSerDe !== undefined) throw unsupported('OrcSerDe');
  const parquet = Serializer?.ParquetSerDe;
  if (parquet === undefined) throw invalidArgument('OutputFormatConfiguration.Serializer.ParquetSerDe is required');
  const openX = Deserializer?.OpenXJsonSerDe;
  if (openX === undefined) throw invalidArgument('InputFormatConfiguration.Deserializer.OpenXJsonSerDe is required');
  onlyKnown('OpenXJsonSerDe', openX, [
    'CaseInsensitive',
    'ColumnToJsonKeyMappings',
    'ConvertDotsInJsonKeysToUnderscores',
  ]);
  onlyKnown('ParquetSerDe', parquet, [
    'BlockSizeBytes',
    'Compression',
    'EnableDictionaryCompression',
    'MaxPaddingBytes',
    'PageSizeBytes',
    'WriterVersion',
  ]);
  const schema = input.SchemaConfiguration ?? {};
  onlyKnown('SchemaConfiguration', schema, [
    'CatalogId',
    'DatabaseName',
    'Region',
    'RoleARN',
    'TableName',
    'VersionId',
  ]);
  for (const name of ['RoleARN', 'DatabaseName', 'TableName']) {
    if (typeof schema[name] !== 'string' || schema[name] === '')
      throw invalidArgument(`SchemaConfiguration.${name} is required`);
  }
  const compression = String(parquet.Compression ?? 'SNAPPY').toLowerCase();
  if (compression !== 'snappy' && compression !== 'gzip' && compression !== 'uncompressed') {
    throw invalidArgument(`ParquetSerDe.Compression must be UNCOMPRESSED, GZIP or SNAPPY, got ${parquet.Compression}`);
  }
  return {
    schema: {
      roleArn: schema.RoleARN,
      database: schema.DatabaseName,
      table: schema.TableName,
      versionId: schema.VersionId === 'LATEST' ? undefined : schema.VersionId,
    },
    // "When set to true, which is the default, Firehose converts JSON keys to lowercase before deserializing them."
    caseInsensitive: openX.CaseInsensitive === undefined ? true : isTrue(openX.CaseInsensitive),
    dotsToUnderscores: isTrue(openX.ConvertDotsInJsonKeysToUnderscores),
    keyOfColumn: openX.ColumnToJsonKeyMappings ?? {},
    compression,
    version: parquet.WriterVersion === 'V2' ? 'V2' : 'V1',
  };
}

export function onlyKnown(what: string, input: Json, names: readonly string[]): void {
  for (const name of Object.keys(input ?? {})) if (!names.includes(name)) throw unsupported(`${what}.${name}`);
}

/** Templates say `"true"` now and then. */
export const isTrue = (value: unknown): boolean => value === true || value === 'true';

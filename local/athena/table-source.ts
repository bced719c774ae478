import type { Json } from '../cloud.ts';
import { parseHiveType, quoteName, quoteText, toDuckDbType } from '../glue/hive-type.ts';
import { percentEncode } from '../s3/key-path.ts';
import type { S3 } from '../s3/s3.ts';
import { QueryFailure, unsupported } from './errors.ts';
import { type Admits, projectionOf } from './projection.ts';

/** A table as DuckDB reads it. */
export interface TableSource {
  /** The SELECT that is the table: its columns, then its partition keys. */
  readonly sql: string;
  readonly scan: TableScan;
}

/** The files behind a table, for the counting of bytes. */
export interface TableScan {
  /** What the names of its columns begin with in DuckDB's plans. */
  readonly mark: string;
  readonly format: 'parquet' | 'json' | 'text';
  readonly columns: readonly string[];
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

interface Column {
  readonly name: string;
  readonly type: string;
}

/** Makes the source of a Glue table out of the objects that are there now. */
export function tableSource(
  table: Json,
  context: { readonly s3: S3; readonly nowMs: number; readonly mark: string; readonly withPath: boolean },
): TableSource {
  const { s3, mark } = context;
  const storage = table.StorageDescriptor ?? {};
  const columns: Column[] = (storage.Columns ?? []).map(columnOf);
  const keys: Column[] = (table.PartitionKeys ?? []).map(columnOf);
  const format = formatOf(table);
  const layout = layoutOf(table, keys, context.nowMs);
  const files = s3
    .filesBelow(layout.bucket, layout.prefix)
    .filter((file) => file.size > 0 && layout.holds(file.key))
    .map(({ path, size }) => ({ path, size }));
  const scan: TableScan = { mark, format, columns: columns.map(({ name }) => name), files };
  const path = context.withPath ? [{ name: '$path', type: 'VARCHAR' }] : [];
  if (files.length === 0) {
    const empty = [...columns, ...keys, ...path].map(({ name, type }) => `CAST(NULL AS ${type}) AS ${quoteName(name)}`);
    return { sql: `SELECT ${empty.join(', ')} WHERE false`, scan };
  }
  const pattern = quoteText(layout.pathPattern);
  const select = [
    ...columns.map(({ name }) => `${quoteName(mark + name)} AS ${quoteName(name)}`),
    ...keys.map(
      ({ name, type }, i) =>
        `CAST(url_decode(regexp_extract(filename, ${pattern}, ${i + 1})) AS ${type}) AS ${quoteName(name)}`,
    ),
    ...(context.withPath
      ? [
          `${quoteText(`s3://${layout.bucket}/`)} || url_decode(filename[${s3.dir.length + layout.bucket.length + 3}:]) AS "$path"`,
        ]
      : []),
  ];
  const list = `[${files.map((file) => quoteText(file.path)).join(', ')}]`;
  return { sql: `SELECT ${select.join(', ')} FROM ${reader(format, list, columns, mark, table)}`, scan };
}

function columnOf({ Name, Type }: Json): Column {
  return { name: Name, type: toDuckDbType(parseHiveType(Type ?? 'string')) };
}

/** Columns are found by name, whatever its case; one that a file has not is null, as in Athena. */
function reader(
  format: TableScan['format'],
  list: string,
  columns: readonly Column[],
  mark: string,
  table: Json,
): string {
  if (format === 'parquet') {
    const schema = columns.map(
      ({ name, type }) =>
        `${quoteText(name)}: {name: ${quoteText(mark + name)}, type: ${quoteText(type)}, default_value: NULL}`,
    );
    return `read_parquet(${list}, filename = true, schema = MAP {${schema.join(', ')}})`;
  }
  const types = `{${columns.map(({ name, type }) => `${quoteText(name)}: ${quoteText(type)}`).join(', ')}}`;
  const renamed = columns.map(({ name }) => `${quoteName(name)} AS ${quoteName(mark + name)}`);
  const source =
    format === 'json'
      ? `read_json(${list}, format = 'newline_delimited', columns = ${types}, filename = true)`
      : `read_csv(${list}, auto_detect = false, header = false, columns = ${types}, filename = true, ${csvOptions(table)})`;
  return `(SELECT ${[...renamed, 'filename'].join(', ')} FROM ${source})`;
}

function csvOptions(table: Json): string {
  const parameters = table.StorageDescriptor?.SerdeInfo?.Parameters ?? {};
  const open = /OpenCSVSerde/.test(table.StorageDescriptor?.SerdeInfo?.SerializationLibrary ?? '');
  const delimiter = parameters.separatorChar ?? parameters['field.delim'] ?? (open ? ',' : '\u0001');
  const quote = open ? (parameters.quoteChar ?? '"') : '';
  const skip = Number(table.Parameters?.['skip.header.line.count'] ?? 0);
  return `delim = ${quoteText(delimiter)}, quote = ${quoteText(quote)}, escape = ${quoteText(quote)}, nullstr = ${quoteText(open ? '' : '\\N')}, skip = ${skip}`;
}

function formatOf(table: Json): TableScan['format'] {
  const library: string = table.StorageDescriptor?.SerdeInfo?.SerializationLibrary ?? '';
  if (/ParquetHiveSerDe/.test(library)) return 'parquet';
  if (/JsonSerDe/i.test(library)) return 'json';
  if (/LazySimpleSerDe|OpenCSVSerde/.test(library)) return 'text';
  throw unsupported(`the format of the table ${table.Name} (SerDe ${library || 'not given'})`);
}

interface Layout {
  readonly bucket: string;
  readonly prefix: string;
  /** Is an object one of the table's? */
  holds(key: string): boolean;
  /** Finds the partition values in a file's path. */
  readonly pathPattern: string;
}

function layoutOf(table: Json, keys: readonly Column[], nowMs: number): Layout {
  const parameters = table.Parameters ?? {};
  const projected = String(parameters['projection.enabled']).toLowerCase() === 'true' && keys.length > 0;
  const location = withSlash(table.StorageDescriptor?.Location ?? '');
  const hive = location + keys.map(({ name }) => `${name}=\${${name}}/`).join('');
  const template = projected ? withSlash(parameters['storage.location.template'] ?? hive) : hive;
  const match = /^s3:\/\/([^/]+)\/(.*)$/.exec(template);
  if (match === null)
    throw new QueryFailure(`INVALID_TABLE_PROPERTY: the location ${template} of ${table.Name} is no s3:// address`);
  const [, bucket = '', path = ''] = match;
  const admits: Admits[] = keys.map(({ name }) => (projected ? projectionOf(name, parameters, nowMs) : () => true));
  const prefix = path.split('${')[0]!;
  const pieces = path.split(/\$\{([^}]+)\}/);
  const named = pieces.filter((_piece, i) => i % 2 === 1);
  for (const { name } of keys) {
    if (!named.includes(name))
      throw new QueryFailure(`INVALID_TABLE_PROPERTY: the location of ${table.Name} has no \${${name}}`);
  }
  // Regular expressions number their groups; here every key has its own, at its own position.
  const patternOf = (encode: (text: string) => string) => {
    const groups = new Map<string, number>();
    const source = pieces.map((piece, i) => {
      if (i % 2 === 0) return encode(piece).replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
      groups.set(piece, groups.size + 1);
      return '([^/]*)';
    });
    return { source: source.join(''), groups };
  };
  const inKeys = patternOf((text) => text);
  const holdsPath = new RegExp(`^${inKeys.source}(?:.*/)?[^/._][^/]*$`, 's');
  const inOrder = keys.every(({ name }, i) => inKeys.groups.get(name) === i + 1);
  if (!inOrder)
    throw unsupported(`a location template whose keys are in another order than the partition keys of ${table.Name}`);
  const onDisk = patternOf((text) =>
    text
      .split('/')
      .map((segment) => percentEncode(segment, false))
      .join('/'),
  );
  return {
    bucket,
    prefix,
    holds(key) {
      const found = holdsPath.exec(key);
      return found !== null && admits.every((admit, i) => admit(found[i + 1]!));
    },
    pathPattern: `/${percentEncode(bucket, true)}/${onDisk.source}`,
  };
}

const withSlash = (location: string) => (location.endsWith('/') ? location : `${location}/`);

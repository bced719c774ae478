import { readFileSync } from 'node:fs';
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
  /** One; of a symlink table one for each of its lists. */
  readonly scans: readonly TableScan[];
  /** Of a symlink table: a file that its lists name, wherever it is. */
  readonly linked?: { readonly bucket: string; readonly key: string };
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

interface SourceContext {
  readonly s3: S3;
  readonly nowMs: number;
  readonly mark: string;
  readonly withPath: boolean;
}

/** Makes the source of a Glue table out of the objects that are there now. */
export function tableSource(table: Json, context: SourceContext): TableSource {
  const storage = table.StorageDescriptor ?? {};
  const columns: Column[] = (storage.Columns ?? []).map(columnOf);
  const keys: Column[] = (table.PartitionKeys ?? []).map(columnOf);
  const layout = layoutOf(table, keys, context.nowMs);
  const files = context.s3
    .filesBelow(layout.bucket, layout.prefix)
    .filter((file) => file.size > 0 && layout.holds(file.key));
  const shape = { table, columns, keys };
  const source = SYMLINKS.test(storage.InputFormat ?? '')
    ? symlinkSource(shape, layout, files, context)
    : plainSource(shape, layout, files, context);
  return { ...source, sql: [source.sql, ...unboundInjected(shape, context.withPath)].join(' UNION ALL ') };
}

interface Shape {
  readonly table: Json;
  readonly columns: readonly Column[];
  readonly keys: readonly Column[];
}

type Files = readonly { readonly key: string; readonly path: string; readonly size: number }[];

function plainSource(
  { table, columns, keys }: Shape,
  layout: Layout,
  files: Files,
  context: SourceContext,
): TableSource {
  const { s3, mark, withPath } = context;
  const format = formatOf(table);
  const scan: TableScan = { mark, format, columns: columns.map(({ name }) => name), files: files.map(pathAndSize) };
  if (files.length === 0) return { sql: emptySource({ table, columns, keys }, withPath, 'false'), scans: [scan] };
  const pattern = quoteText(layout.pathPattern);
  const select = [
    ...columns.map(({ name }) => `${quoteName(mark + name)} AS ${quoteName(name)}`),
    ...keys.map(
      ({ name, type }, i) =>
        `CAST(url_decode(regexp_extract(filename, ${pattern}, ${i + 1})) AS ${type}) AS ${quoteName(name)}`,
    ),
    ...(withPath
      ? [
          `${quoteText(`s3://${layout.bucket}/`)} || url_decode(filename[${s3.dir.length + layout.bucket.length + 3}:]) AS "$path"`,
        ]
      : []),
  ];
  const list = `[${files.map((file) => quoteText(file.path)).join(', ')}]`;
  return { sql: `SELECT ${select.join(', ')} FROM ${reader(format, list, columns, mark, table)}`, scans: [scan] };
}

const SYMLINKS = /SymlinkTextInputFormat/;

/**
 * The files of a location are lists of the files to read, an s3:// address a line; a file's partition is its list's. As AWS
 * queries S3 Inventory: https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-athena-query.html
 */
function symlinkSource(shape: Shape, layout: Layout, lists: Files, context: SourceContext): TableSource {
  const { s3, mark, withPath } = context;
  const { table, columns, keys } = shape;
  const format = formatOf(table);
  const scans: TableScan[] = [];
  let linked: TableSource['linked'];
  const selects = lists.map((list, i) => {
    const addresses = readFileSync(list.path, 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
    const values = layout.valuesOf(list.key);
    const files: Files[number][] = [];
    for (const address of addresses) {
      const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(address) ?? [];
      const file = s3.filesBelow(bucket, key).find((found) => found.key === key);
      // It fails the queries that read this list, as an object does that is deleted under a query.
      if (file === undefined)
        return emptySource(shape, withPath, `error(${quoteText(missing(address, table))}) IS NULL`, values);
      files.push(file);
      linked ??= { bucket, key };
    }
    const marked = `${mark.replace(/\.$/, '')}_${i}.`;
    scans.push({ mark: marked, format, columns: columns.map(({ name }) => name), files: files.map(pathAndSize) });
    if (files.length === 0) return emptySource(shape, withPath, 'false');
    const select = [
      ...columns.map(({ name }) => `${quoteName(marked + name)} AS ${quoteName(name)}`),
      ...keys.map(({ name, type }, k) => `CAST(${quoteText(values[k]!)} AS ${type}) AS ${quoteName(name)}`),
      ...(withPath ? [`'s3://' || url_decode(filename[${s3.dir.length + 2}:]) AS "$path"`] : []),
    ];
    const paths = `[${files.map((file) => quoteText(file.path)).join(', ')}]`;
    return `SELECT ${select.join(', ')} FROM ${reader(format, paths, columns, marked, table)}`;
  });
  const sql = selects.length === 0 ? emptySource(shape, withPath, 'false') : selects.join(' UNION ALL ');
  return { sql, scans, ...(linked !== undefined && { linked }) };
}

const missing = (address: string, table: Json) =>
  `HIVE_CANNOT_OPEN_SPLIT: Error opening Hive split ${address} of ${table.Name}: no such object`;

const pathAndSize = ({ path, size }: Files[number]) => ({ path, size });

function emptySource(
  { columns, keys }: Shape,
  withPath: boolean,
  where: string,
  values: readonly (string | undefined)[] = [],
): string {
  const path = withPath ? [{ name: '$path', type: 'VARCHAR' }] : [];
  const asNull = ({ name, type }: Column, text = 'NULL') => `CAST(${text} AS ${type}) AS ${quoteName(name)}`;
  const empty = [
    ...columns.map((column) => asNull(column)),
    ...keys.map((key, i) => asNull(key, values[i] === undefined ? undefined : quoteText(values[i]))),
    ...path.map((column) => asNull(column)),
  ];
  return `SELECT ${empty.join(', ')} WHERE ${where}`;
}

/**
 * A query must say which value of an injected key it means; one that does excludes this row, one that does not meets it.
 * https://docs.aws.amazon.com/athena/latest/ug/partition-projection-dynamic-id-partitioning.html
 */
function unboundInjected(shape: Shape, withPath: boolean): readonly string[] {
  const parameters = shape.table.Parameters ?? {};
  if (String(parameters['projection.enabled']).toLowerCase() !== 'true') return [];
  return shape.keys
    .filter(({ name }) => String(parameters[`projection.${name}.type`]).toLowerCase() === 'injected')
    .map(({ name }) => {
      const text = `CONSTRAINT_VIOLATION: For the injected projected partition column ${name}, the WHERE clause must contain only static equality conditions, and at least one such condition must be present.`;
      return emptySource(shape, withPath, `error(${quoteText(text)}) IS NULL`);
    });
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
  /** The partition values in an object's key. */
  valuesOf(key: string): readonly string[];
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
    valuesOf: (key) => (holdsPath.exec(key) ?? []).slice(1),
    pathPattern: `/${percentEncode(bucket, true)}/${onDisk.source}`,
  };
}

const withSlash = (location: string) => (location.endsWith('/') ? location : `${location}/`);

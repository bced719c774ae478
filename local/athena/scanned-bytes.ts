import type { DuckDBConnection } from '@duckdb/node-api';
import type { Json } from '../cloud.ts';
import { quoteText } from '../glue/hive-type.ts';
import type { TableScan } from './table-source.ts';

/**
 * How many bytes Athena would read: of Parquet the chunks of the columns that the plan projects or filters, in the files
 * that are left after the partitions were pruned, but for row groups that their statistics exclude; of other formats those
 * files whole.
 */
export async function scannedBytes(
  sql: string,
  scans: readonly TableScan[],
  connection: DuckDBConnection,
): Promise<number> {
  if (scans.every((scan) => scan.files.length === 0)) return 0;
  const reader = await connection.runAndReadAll(`EXPLAIN (FORMAT json) ${sql}`);
  const plan = JSON.parse(String(reader.getRows()[0]![1]));
  let bytes = 0;
  const counted = new Set<TableScan>();
  for (const node of scansOf(plan)) {
    const used = scanOf(node, scans, counted);
    if (used === undefined) continue;
    counted.add(used);
    bytes += await bytesOf(node, used, connection);
  }
  return bytes;
}

function* scansOf(nodes: Json): Iterable<Json> {
  for (const node of nodes) {
    if (/^READ_(PARQUET|JSON|CSV)|_SCAN$/.test(node.name.trim()) && node.extra_info?.Function !== undefined)
      yield node.extra_info;
    yield* scansOf(node.children ?? []);
  }
}

/** The table that a node of the plan reads. */
function scanOf(info: Json, scans: readonly TableScan[], counted: ReadonlySet<TableScan>): TableScan | undefined {
  const format = /JSON/.test(info.Function) ? 'json' : /CSV/.test(info.Function) ? 'text' : 'parquet';
  const alike = scans.filter((scan) => scan.files.length > 0 && scan.format === format);
  if (format === 'parquet') {
    const marked = `${JSON.stringify(info.Projections ?? '')} ${JSON.stringify(info.Filters ?? '')}`;
    return alike.find((scan) => marked.includes(scan.mark)) ?? byCount(info, alike);
  }
  // The readers of text name the columns as the files do, without the mark: tables alike are taken one after the other.
  const names = [info.Projections ?? []].flat().filter((name: string) => name !== '' && name !== 'filename');
  const having = alike.filter(({ columns }) => names.every((name: string) => columns.includes(name)));
  return having.find((scan) => !counted.has(scan)) ?? having[0];
}

async function bytesOf(info: Json, used: TableScan, connection: DuckDBConnection): Promise<number> {
  const columns = new Set<string>();
  const files = await prunedFiles(info, used, connection);
  if (used.format !== 'parquet') return files.reduce((sum, file) => sum + file.size, 0);
  for (const name of [info.Projections ?? []].flat())
    if (name.startsWith(used.mark)) columns.add(name.slice(used.mark.length));
  for (const filter of [info.Filters ?? []].flat()) {
    for (const [, name] of filter.matchAll(new RegExp(`"?${used.mark.replace('.', '\\.')}(\\w+)`, 'g')))
      columns.add(name);
  }
  return await columnBytes(files, columns, [info.Filters ?? []].flat(), used.mark, connection);
}

/** A scan without a column (`count(*)`) is known by its number of files. */
function byCount(info: Json, scans: readonly TableScan[]): TableScan | undefined {
  const total = Number(/\/(\d+)$/.exec(info['Scanning Files'] ?? '')?.[1]);
  return scans.find((scan) => scan.files.length === total);
}

async function prunedFiles(info: Json, scan: TableScan, connection: DuckDBConnection): Promise<TableScan['files']> {
  const filters = info['File Filters'];
  const [kept, total] = (info['Scanning Files'] ?? '').split('/').map(Number);
  if (filters === undefined || kept === undefined || kept === total) return scan.files;
  if (kept === 0) return [];
  const list = `[${scan.files.map((file) => quoteText(file.path)).join(', ')}]`;
  try {
    const where = conjunctsOf([filters].flat().join('')).join(' AND ');
    const reader = await connection.runAndReadAll(
      `SELECT filename FROM (SELECT unnest(${list}) AS filename) WHERE ${where}`,
    );
    const names = new Set(reader.getRows().map(([name]) => String(name)));
    if (names.size === kept) return scan.files.filter((file) => names.has(file.path));
  } catch {
    // A filter that prints in another way than it reads: the largest files are counted instead, never too few bytes.
  }
  return [...scan.files].sort((a, b) => b.size - a.size).slice(0, kept);
}

/** `(a)(b)` are two conditions. */
function conjunctsOf(text: string): string[] {
  const conjuncts: string[] = [];
  let depth = 0;
  let start = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === "'") quoted = !quoted;
    if (quoted) continue;
    if (char === '(') depth++;
    else if (char === ')' && --depth === 0) {
      conjuncts.push(text.slice(start, i + 1));
      start = i + 1;
    }
  }
  const rest = text.slice(start).trim();
  return rest === '' ? conjuncts : [text];
}

/** Row groups whose statistics exclude every row are not read. */
async function columnBytes(
  files: TableScan['files'],
  columns: ReadonlySet<string>,
  filters: readonly string[],
  mark: string,
  connection: DuckDBConnection,
): Promise<number> {
  if (columns.size === 0 || files.length === 0) return 0;
  const list = `[${files.map((file) => quoteText(file.path)).join(', ')}]`;
  const names = [...columns].map((name) => quoteText(name.toLowerCase())).join(', ');
  const excluding = filters.flatMap((filter) => excludingConditions(filter, mark));
  const reader = await connection.runAndReadAll(
    `WITH chunks AS (
       SELECT file_name, row_group_id, lower(split_part(path_in_schema, ', ', 1)) AS name, total_compressed_size AS bytes,
         stats_min_value AS low, stats_max_value AS high
       FROM parquet_metadata(${list})),
     excluded AS (SELECT DISTINCT file_name, row_group_id FROM chunks WHERE ${['false', ...excluding].join(' OR ')})
     SELECT coalesce(sum(bytes), 0)::BIGINT FROM chunks ANTI JOIN excluded USING (file_name, row_group_id) WHERE name IN (${names})`,
  );
  return Number(reader.getRows()[0]![0]);
}

/** `t0.version>=5 AND t0.version<=9`: what excludes a chunk by its least and its greatest value. */
function excludingConditions(filter: string, mark: string): string[] {
  const simple = new RegExp(
    `^${mark.replace('.', '\\.')}(\\w+)(>=|<=|=|<|>)('(?:[^']|'')*'|-?\\d+(?:\\.\\d+)?)(?:::(TIMESTAMP|DATE))?$`,
  );
  return filter.split(/ AND (?=(?:[^']|'[^']*')*$)/).flatMap((part) => {
    const match = simple.exec(part.trim());
    if (match === null) return [];
    const [, name = '', operator = '', literal = '', time] = match;
    const type = time ?? (literal.startsWith("'") ? 'VARCHAR' : 'DOUBLE');
    const low = `TRY_CAST(low AS ${type})`;
    const high = `TRY_CAST(high AS ${type})`;
    const value = `CAST(${literal} AS ${type})`;
    const excluded = {
      '=': `(${low} > ${value} OR ${high} < ${value})`,
      '>': `${high} <= ${value}`,
      '>=': `${high} < ${value}`,
      '<': `${low} >= ${value}`,
      '<=': `${low} > ${value}`,
    }[operator];
    return [`(name = ${quoteText(name.toLowerCase())} AND ${excluded})`];
  });
}

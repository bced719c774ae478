import type { DuckDBConnection } from '@duckdb/node-api';
import type { CompactedFile } from './generation.ts';

/** The columns of a compacted row, with their types in DuckDB: the archive's own. */
const TYPES: Readonly<Record<string, string>> = {
  aggregate_uuid: 'VARCHAR',
  aggregate_type: 'VARCHAR',
  version: 'BIGINT',
  type: 'VARCHAR',
  schema_version: 'INTEGER',
  commit_id: 'VARCHAR',
  commit_first: 'BIGINT',
  commit_last: 'BIGINT',
  recorded_at: 'TIMESTAMP_MS',
  occurred_at: 'TIMESTAMP_MS',
  data: 'VARCHAR',
  metadata: 'VARCHAR',
};

export const ROW_COLUMNS: readonly string[] = Object.keys(TYPES);

/** The columns with their types, whatever types a file has for them: Firehose writes timestamps in its own way. */
export const TYPED_ROW: string = ROW_COLUMNS.map((name) => `${name}::${TYPES[name]} AS ${name}`).join(', ');

/** No row, with every column: read beside raw files it gives those the columns that they lack, as null. */
export const EMPTY_ROWS: string = `SELECT ${ROW_COLUMNS.map((name) => `NULL::${TYPES[name]} AS ${name}`).join(', ')} WHERE false`;

/**
 * The hash of one event's content. It is DuckDB's own, five times as fast as a digest would be: it finds what was lost or
 * changed by accident, and is compared within one version of DuckDB only.
 */
export const EVENT_HASH: string = `hash(${ROW_COLUMNS.map((name) =>
  // A file says a time in another unit than the one that it was made of: the hash must not.
  name.endsWith('_at') ? `${name}::TIMESTAMP_MS` : name,
).join(', ')})`;

/** What a set of events holds, whatever their order. */
export interface Content {
  readonly rows: number;
  readonly hash: bigint;
}

/** Of a relation that has the columns: `rows` and `hash`. The sum of 64-bit hashes knows no order and counts repeats. */
export const CONTENT_SQL = `count(*)::BIGINT AS rows, coalesce(sum(${EVENT_HASH}), 0)::VARCHAR AS hash`;

export function toContent(row: Record<string, unknown>): Content {
  return { rows: Number(row.rows), hash: BigInt(String(row.hash)) };
}

export function sumOf(contents: readonly Content[]): Content {
  return contents.reduce((sum, one) => ({ rows: sum.rows + one.rows, hash: sum.hash + one.hash }), {
    rows: 0,
    hash: 0n,
  });
}

export const negative = ({ rows, hash }: Content): Content => ({ rows: -rows, hash: -hash });

/** The content hash as a manifest says it: with what made it. */
export const hashText = (duckdb: string, hash: bigint): string => `duckdb-${duckdb}:${hash}`;

/** What the manifest says of a file's content; undefined when another version of DuckDB said it. */
export function statedContent(duckdb: string, file: CompactedFile): Content | undefined {
  const [, by, hash] = /^duckdb-([^:]+):(\d+)$/.exec(file.contentHash) ?? [];
  return by === duckdb && hash !== undefined ? { rows: file.rows, hash: BigInt(hash) } : undefined;
}

/** The rows of a query as objects. */
export async function rowsOf(connection: DuckDBConnection, sql: string): Promise<Record<string, unknown>[]> {
  return (await connection.runAndReadAll(sql)).getRowObjects() as Record<string, unknown>[];
}

import { DuckDBInstance } from '@duckdb/node-api';
import { type TypedColumn, typedColumns } from '../../../src/archive/typed-columns.ts';
import type { AnyEvent, StoredEvent } from '../../../src/index.ts';

const COLUMNS = {
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
const TYPES = { bigint: 'BIGINT', double: 'DOUBLE', boolean: 'BOOLEAN', varchar: 'VARCHAR', timestamp: 'TIMESTAMP_MS' };

export interface CompactedOptions {
  /** Whose fields become typed columns. */
  readonly definitions?: readonly AnyEvent[];
  /** Which columns the file has; default all. */
  readonly has?: (column: TypedColumn) => boolean;
  /** Rows in a row group; DuckDB takes 2,048 at least. */
  readonly rowGroup?: number;
}

/** Writes events as compaction does: sorted, each once, with typed columns that are NULL where they cannot hold a value exactly. */
export async function writeCompacted(
  path: string,
  events: readonly StoredEvent[],
  { definitions = [], has = () => true, rowGroup = 2048 }: CompactedOptions = {},
): Promise<void> {
  const typed = typedColumns(definitions).filter(has);
  const rows = events.map((event) => ({
    aggregate_uuid: event.aggregateUuid,
    aggregate_type: event.aggregateType,
    version: event.version,
    type: event.type,
    schema_version: event.schemaVersion,
    commit_id: event.commitId,
    commit_first: event.commitFirst,
    commit_last: event.commitLast,
    recorded_at: event.recordedAt.replace('Z', ''),
    occurred_at: event.occurredAt.replace('Z', ''),
    data: event.data,
    metadata: event.metadata ?? null,
    ...Object.fromEntries(typed.map((column) => [column.column, heldOf(event, column)])),
  }));
  const types = { ...COLUMNS, ...Object.fromEntries(typed.map(({ column, type }) => [column, TYPES[type]])) };
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const texts = Object.fromEntries(Object.keys(types).map((column) => [column, 'VARCHAR']));
  await connection.run(
    `CREATE TABLE compacted AS SELECT DISTINCT ON (aggregate_uuid, version)
        ${Object.entries(types).map(([column, type]) => `"${column}"::${type} AS "${column}"`)}
      FROM (SELECT unnest(from_json($rows::JSON, '${JSON.stringify([texts])}'), recursive := true))`,
    { rows: JSON.stringify(rows) },
  );
  await connection.run(`COPY (FROM compacted ORDER BY aggregate_uuid, version) TO '${path.replaceAll("'", "''")}'
    (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroup})`);
  connection.closeSync();
  instance.closeSync();
}

/** As text; null where the column cannot hold exactly what the event's data holds. */
function heldOf(event: StoredEvent, { eventType, path, type }: TypedColumn): string | null {
  if (event.type !== eventType) return null;
  let value: unknown = JSON.parse(event.data);
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    value = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
  }
  switch (type) {
    case 'bigint':
      return Number.isSafeInteger(value) ? String(value) : null;
    case 'double':
      return typeof value === 'number' ? String(value) : null;
    case 'boolean':
      return typeof value === 'boolean' ? String(value) : null;
    case 'varchar':
      return typeof value === 'string' && !value.includes('\0') ? value : null;
    case 'timestamp':
      return typeof value === 'string' && !Number.isNaN(Date.parse(value))
        ? new Date(value).toISOString().replace('Z', '')
        : null;
  }
}

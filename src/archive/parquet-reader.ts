import '../replay/errors.ts';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { DaybookError } from '../errors.ts';
import type { StoredEvent } from '../event/stored-event.ts';

export interface ReadParquetOptions {
  /** The folder that holds the `.parquet` files; DuckDB spills into it as well. */
  readonly folder: string;
  /** The event types whose data is wanted: the others come with `null` for their data. */
  readonly types: readonly string[];
  /** Only these aggregates. */
  readonly aggregates?: readonly string[];
  /** In MB. @default 256 */
  readonly memoryLimit?: number;
}

/** So many events of one aggregate come as one text: what a batch holds stays bounded. */
const RUN = 500;

const TIME = '%Y-%m-%dT%H:%M:%S.%gZ';

/**
 * The events of a folder of archive files, each once, ordered by aggregate and version. DuckDB deduplicates, sorts and hands
 * over runs of events as one JSON text each: fetching value by value through its binding is an order of magnitude slower.
 */
export async function* readParquet(options: ReadParquetOptions): AsyncIterable<readonly StoredEvent[]> {
  const { DuckDBInstance } = loadDuckdb();
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${options.memoryLimit ?? 256}MB`,
    temp_directory: join(options.folder, 'spill'),
    threads: '1',
    preserve_insertion_order: 'false',
  });
  try {
    const connection = await instance.connect();
    const result = await connection.stream(sqlFor(options), {
      types: JSON.stringify(options.types),
      ...(options.aggregates !== undefined && { aggregates: JSON.stringify(options.aggregates) }),
    });
    for (;;) {
      const chunk = await result.fetchChunk();
      if (chunk === null || chunk.rowCount === 0) break;
      for (const run of chunk.getColumnValues(0)) yield (JSON.parse(run as string) as Row[]).map(toEvent);
    }
    connection.closeSync();
  } finally {
    instance.closeSync();
  }
}

type Row = [string, string, number, string, number, string, number, number, string, string, string, string | null];

function sqlFor({ folder, aggregates }: ReadParquetOptions): string {
  const files = join(folder, '*.parquet').replaceAll("'", "''");
  return `
    WITH events AS (
      SELECT aggregate_uuid, version, json_array(aggregate_uuid, aggregate_type, version, type, schema_version, commit_id,
        commit_first, commit_last, strftime(recorded_at, '${TIME}'), strftime(occurred_at, '${TIME}'),
        CASE WHEN list_contains(from_json($types::JSON, '["VARCHAR"]'), type) THEN data ELSE 'null' END,
        metadata)::VARCHAR AS event
      FROM read_parquet('${files}', union_by_name = true, hive_partitioning = false)
      ${aggregates === undefined ? '' : `WHERE list_contains(from_json($aggregates::JSON, '["VARCHAR"]'), aggregate_uuid)`}
      QUALIFY row_number() OVER (PARTITION BY aggregate_uuid, version) = 1
    )
    SELECT '[' || string_agg(event, ',' ORDER BY version) || ']' AS run
    FROM events
    GROUP BY aggregate_uuid, (version - 1) // ${RUN}
    ORDER BY aggregate_uuid, (version - 1) // ${RUN}`;
}

function toEvent(row: Row): StoredEvent {
  const metadata = row[11];
  return {
    aggregateUuid: row[0],
    aggregateType: row[1],
    version: row[2],
    type: row[3],
    schemaVersion: row[4],
    commitId: row[5],
    commitFirst: row[6],
    commitLast: row[7],
    recordedAt: row[8],
    occurredAt: row[9],
    data: row[10],
    ...(metadata !== null && { metadata }),
  };
}

/** From the function's layer (Lambda sets NODE_PATH, which `require` follows and `import` does not), or the project. */
function loadDuckdb(): typeof import('@duckdb/node-api') {
  try {
    return createRequire(import.meta.url)('@duckdb/node-api');
  } catch (cause) {
    throw new DaybookError('replay.noDuckdb', {}, { cause });
  }
}

import { DuckDBInstance } from '@duckdb/node-api';
import type { StoredEvent } from '../../../src/event/stored-event.ts';

/** Writes events as a file of the archive: the columns of schemas/archive-row. */
export async function writeParquet(path: string, events: readonly StoredEvent[]): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`CREATE TABLE row (aggregate_uuid VARCHAR, aggregate_type VARCHAR, version BIGINT, type VARCHAR,
    schema_version INT, commit_id VARCHAR, commit_first BIGINT, commit_last BIGINT, recorded_at TIMESTAMP_MS,
    occurred_at TIMESTAMP_MS, data VARCHAR, metadata VARCHAR)`);
  for (const event of events) {
    await connection.run(
      `INSERT INTO row VALUES ($aggregateUuid, $aggregateType, $version, $type, $schemaVersion, $commitId, $commitFirst,
        $commitLast, $recordedAt, $occurredAt, $data, $metadata)`,
      { ...event, metadata: event.metadata ?? null },
    );
  }
  await connection.run(`COPY row TO '${path.replaceAll("'", "''")}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
}

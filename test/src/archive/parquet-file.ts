import { DuckDBInstance, DuckDBTimestampMillisecondsValue } from '@duckdb/node-api';
import type { StoredEvent } from '../../../src/event/stored-event.ts';

/** One for all files of a test. */
let instance: Promise<DuckDBInstance> | undefined;

/** Writes events as a file of the archive: the columns of schemas/archive-row. */
export async function writeParquet(path: string, events: readonly StoredEvent[]): Promise<void> {
  instance ??= DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await (await instance).connect();
  await connection.run(`CREATE TEMP TABLE row (aggregate_uuid VARCHAR, aggregate_type VARCHAR, version BIGINT, type VARCHAR,
    schema_version INT, commit_id VARCHAR, commit_first BIGINT, commit_last BIGINT, recorded_at TIMESTAMP_MS,
    occurred_at TIMESTAMP_MS, data VARCHAR, metadata VARCHAR)`);
  // A statement for each row takes a hundred times as long.
  const appender = await connection.createAppender('row', undefined, 'temp');
  const time = (iso: string) => new DuckDBTimestampMillisecondsValue(BigInt(Date.parse(iso)));
  for (const event of events) {
    appender.appendVarchar(event.aggregateUuid);
    appender.appendVarchar(event.aggregateType);
    appender.appendBigInt(BigInt(event.version));
    appender.appendVarchar(event.type);
    appender.appendInteger(event.schemaVersion);
    appender.appendVarchar(event.commitId);
    appender.appendBigInt(BigInt(event.commitFirst));
    appender.appendBigInt(BigInt(event.commitLast));
    appender.appendTimestampMilliseconds(time(event.recordedAt));
    appender.appendTimestampMilliseconds(time(event.occurredAt));
    appender.appendVarchar(event.data);
    if (event.metadata === undefined) appender.appendNull();
    else appender.appendVarchar(event.metadata);
    appender.endRow();
  }
  appender.closeSync();
  await connection.run(`COPY row TO '${path.replaceAll("'", "''")}' (FORMAT parquet)`);
  connection.closeSync();
}

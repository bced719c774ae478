import { createHash } from 'node:crypto';
import type { StoredEvent } from '../event/stored-event.ts';

/** 48 bits of an MD5, little-endian: a number that JavaScript and DuckDB both hold exactly. */
const BYTES = 6;
const MASK = 2 ** 48 - 1;

/**
 * A hash of everything that is stored of an event beside its key: types, schema version, commit, both times to the
 * millisecond, data and metadata text. It tells whether two copies are the same, not who made them. The data's length stands
 * before it, so that no text moves from one field to the next unseen.
 */
export function contentHash(event: StoredEvent): number {
  const { data, metadata } = event;
  const text =
    `${event.aggregateType}\n${event.type}\n${event.schemaVersion}\n${event.commitId}\n${event.commitFirst}\n${event.commitLast}\n` +
    `${Date.parse(event.recordedAt)}\n${Date.parse(event.occurredAt)}\n${Buffer.byteLength(data)}\n${data}` +
    (metadata === undefined ? '' : `\n${metadata}`);
  return createHash('md5').update(text).digest().readUIntLE(8, BYTES);
}

/** The same of an archive row, in DuckDB's SQL. */
export const CONTENT_HASH = `(md5_number_lower(concat(aggregate_type, chr(10), type, chr(10), schema_version, chr(10), commit_id, chr(10),
  commit_first, chr(10), commit_last, chr(10), epoch_ms(recorded_at), chr(10), epoch_ms(occurred_at), chr(10),
  strlen(data), chr(10), data, CASE WHEN metadata IS NULL THEN '' ELSE concat(chr(10), metadata) END)) & ${MASK})::BIGINT`;

import { EVENT_FORMAT, type StoredEvent } from '../event/stored-event.ts';

/** "The maximum item size in DynamoDB is 400 KB, which includes both attribute name binary length (UTF-8 length) and attribute value binary lengths (again UTF-8 length)." */
export const MAX_ITEM_BYTES = 400 * 1024;

/** "The aggregate size of the items in the transaction cannot exceed 4 MB." */
export const MAX_TRANSACTION_BYTES = 4 * 1024 * 1024;

/** DynamoDB Local counts the text of each put's condition as well (seen): counted here, so that no endpoint refuses what is let through. */
const CONDITION_BYTES = 'attribute_not_exists(AggregateUuid)'.length;

/** The bytes that an event takes of a transaction's. */
export function transactionSize(event: StoredEvent): number {
  return itemSize(event) + CONDITION_BYTES;
}

/** "A TransactWriteItems request … up to 100 action requests." */
export const MAX_COMMIT_EVENTS = 100;

const NAMES = 'AggregateUuid Version Format AggregateType Type SchemaVersion CommitId RecordedAt Data'.replaceAll(
  ' ',
  '',
);

/** The bytes that an event's item takes in DynamoDB, by the rules of "DynamoDB item sizes and formats". */
export function itemSize(event: StoredEvent): number {
  let size =
    NAMES.length +
    utf8(event.aggregateUuid) +
    numberSize(event.version) +
    numberSize(EVENT_FORMAT) +
    utf8(event.aggregateType) +
    utf8(event.type) +
    numberSize(event.schemaVersion) +
    utf8(event.commitId) +
    event.recordedAt.length +
    utf8(event.data);
  if (event.commitFirst !== event.commitLast) {
    size += 'CommitFirstCommitLast'.length + numberSize(event.commitFirst) + numberSize(event.commitLast);
  }
  if (event.occurredAt !== event.recordedAt) size += 'OccurredAt'.length + event.occurredAt.length;
  if (event.metadata !== undefined) size += 'Metadata'.length + utf8(event.metadata);
  if (event.version === 1) size += 'AggregateShard#0'.length + utf8(event.aggregateType);
  return size;
}

function utf8(text: string): number {
  return Buffer.byteLength(text);
}

/** "The size of a number is approximately (length of attribute name) + (1 byte per two significant digits) + (1 byte)." */
function numberSize(value: number): number {
  const digits = String(value).replace(/0+$/, '').length;
  return Math.ceil(digits / 2) + 1;
}

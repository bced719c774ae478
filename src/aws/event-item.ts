import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { DaybookError } from '../errors.ts';
import { bucketOf } from '../event/bucket.ts';
import { isStoredType } from '../event/names.ts';
import { EVENT_FORMAT, type StoredEvent } from '../event/stored-event.ts';
import { wholeNumber } from '../event/whole-number.ts';

/** An item of the events table, in the low-level client's shape. */
export type EventItem = Record<string, AttributeValue>;

export const BUCKETS: readonly string[] = [...'0123456789abcdef'];

/** The hash key of the index of aggregates, on version 1 only. */
export function shardOf(aggregateType: string, bucket: string): string {
  return `${aggregateType}#${bucket}`;
}

export function toItem(event: StoredEvent): EventItem {
  const item: EventItem = {
    AggregateUuid: { S: event.aggregateUuid },
    Version: { N: String(event.version) },
    Format: { N: String(EVENT_FORMAT) },
    AggregateType: { S: event.aggregateType },
    Type: { S: event.type },
    SchemaVersion: { N: String(event.schemaVersion) },
    CommitId: { S: event.commitId },
    RecordedAt: { S: event.recordedAt },
    Data: { S: event.data },
  };
  if (event.commitFirst !== event.commitLast) {
    item.CommitFirst = { N: String(event.commitFirst) };
    item.CommitLast = { N: String(event.commitLast) };
  }
  if (event.occurredAt !== event.recordedAt) item.OccurredAt = { S: event.occurredAt };
  if (event.metadata !== undefined) item.Metadata = { S: event.metadata };
  if (event.version === 1) {
    item.AggregateShard = { S: shardOf(event.aggregateType, bucketOf(event.aggregateUuid)) };
  }
  return item;
}

/** Is the item at a version? The key takes every number. */
export function isAtVersion({ Version }: EventItem): boolean {
  return (wholeNumber(Version?.N) ?? 0) >= 1;
}

/** The stored event of an item. `aggregateUuid` may be left out of a query's answer: the asker knows it. */
export function fromItem(item: EventItem, aggregateUuid = item.AggregateUuid?.S ?? ''): StoredEvent {
  const version = Number(item.Version?.N);
  const format = item.Format?.N ?? 'none';
  if (format !== FORMAT) throw new DaybookError('event.unknownFormat', { aggregateUuid, version, format });
  if (item.Encryption !== undefined) throw new DaybookError('event.encrypted', { aggregateUuid, version });
  const recordedAt = text(item, 'RecordedAt', aggregateUuid, version);
  const event = {
    aggregateUuid,
    aggregateType: text(item, 'AggregateType', aggregateUuid, version),
    version,
    type: typeOf(item, aggregateUuid, version),
    schemaVersion: whole(item, 'SchemaVersion', aggregateUuid, version),
    commitId: text(item, 'CommitId', aggregateUuid, version),
    commitFirst: item.CommitFirst === undefined ? version : whole(item, 'CommitFirst', aggregateUuid, version),
    commitLast: item.CommitLast === undefined ? version : whole(item, 'CommitLast', aggregateUuid, version),
    recordedAt,
    occurredAt: item.OccurredAt?.S ?? recordedAt,
    data: text(item, 'Data', aggregateUuid, version),
  };
  return item.Metadata?.S === undefined ? event : { ...event, metadata: item.Metadata.S };
}

const FORMAT = String(EVENT_FORMAT);

function text(item: EventItem, attribute: string, aggregateUuid: string, version: number): string {
  const value = item[attribute]?.S;
  if (value === undefined) throw new DaybookError('event.missingAttribute', { aggregateUuid, version, attribute });
  return value;
}

/** What no envelope and no bus takes would stop its aggregate there, without a word that it is no event. */
function typeOf(item: EventItem, aggregateUuid: string, version: number): string {
  const type = text(item, 'Type', aggregateUuid, version);
  if (isStoredType(type)) return type;
  throw new DaybookError('event.missingAttribute', { aggregateUuid, version, attribute: 'Type' });
}

function whole(item: EventItem, attribute: string, aggregateUuid: string, version: number): number {
  const value = wholeNumber(item[attribute]?.N);
  if (value !== undefined && value >= 1) return value;
  throw new DaybookError('event.missingAttribute', { aggregateUuid, version, attribute });
}

import { isStoredType } from '../event/names.ts';
import { EVENT_FORMAT } from '../event/stored-event.ts';
import { wholeNumber } from '../event/whole-number.ts';
import type { EnvelopeEvent } from './envelope.ts';
import { fitsFeed } from './envelope-size.ts';

/** What a record of the table stream says. Only the key and the image count, never its place among the others. */
export type StreamNotice =
  | {
      readonly kind: 'inserted';
      readonly aggregate: string;
      readonly version: number;
      /** Absent where no image came along; `poison` where it is no event that this code can read. */
      readonly event?: EnvelopeEvent | 'poison';
    }
  /** MODIFY or REMOVE: events are immutable, so somebody broke that. The key is the old image's. */
  | { readonly kind: 'changed'; readonly change: string; readonly aggregate?: string; readonly version?: number }
  /** No record of an event; where it has a key, as it stands there. */
  | { readonly kind: 'unknown'; readonly aggregate?: string; readonly version?: string };

type Attribute = { readonly S?: unknown; readonly N?: unknown };
type Image = { readonly [name: string]: Attribute | undefined };

/** Reads one raw DynamoDB stream record, as a pipe hands it over: in DynamoDB's own JSON, of which the shape is known. */
export function readStreamRecord(given: unknown): StreamNotice {
  const record = given as {
    eventName?: unknown;
    dynamodb?: { Keys?: Image; NewImage?: Image; OldImage?: Image };
  } | null;
  const change = record?.dynamodb;
  if (typeof change !== 'object' || change === null) return { kind: 'unknown' };
  if (record?.eventName === 'MODIFY' || record?.eventName === 'REMOVE') {
    return { kind: 'changed', change: record.eventName, ...(keyOf(change.OldImage) ?? keyOf(change.Keys)) };
  }
  const key = keyOf(change.Keys);
  if (record?.eventName !== 'INSERT' || key === undefined) return { kind: 'unknown', ...rawKeyOf(change.Keys) };
  const { aggregate, version } = key;
  if (change.NewImage === undefined) return { kind: 'inserted', aggregate, version };
  return { kind: 'inserted', aggregate, version, event: eventOf(change.NewImage, version) ?? 'poison' };
}

function keyOf(image: Image | undefined): { aggregate: string; version: number } | undefined {
  const aggregate = text(image?.AggregateUuid);
  const version = whole(image?.Version);
  if (aggregate === undefined || aggregate === '' || version === undefined || version < 1) return undefined;
  return fitsFeed(aggregate) ? { aggregate, version } : undefined;
}

function rawKeyOf(keys: Image | undefined): { aggregate?: string; version?: string } {
  const [aggregate, version] = [keys?.AggregateUuid?.S, keys?.Version?.N];
  return typeof aggregate === 'string' && typeof version === 'string' ? { aggregate, version } : {};
}

function eventOf(image: Image, version: number): EnvelopeEvent | undefined {
  const aggregateType = text(image.AggregateType);
  const type = text(image.Type);
  const schemaVersion = whole(image.SchemaVersion);
  const commitId = text(image.CommitId);
  const recordedAt = text(image.RecordedAt);
  const data = text(image.Data);
  if (whole(image.Format) !== EVENT_FORMAT || image.Encryption !== undefined) return undefined;
  if (aggregateType === undefined || type === undefined || !isStoredType(type)) return undefined;
  if (schemaVersion === undefined || schemaVersion < 1) return undefined;
  if (commitId === undefined || recordedAt === undefined || data === undefined) return undefined;
  const commitFirst = image.CommitFirst === undefined ? version : whole(image.CommitFirst);
  const commitLast = image.CommitLast === undefined ? version : whole(image.CommitLast);
  if (commitFirst === undefined || commitFirst < 1 || commitLast === undefined || commitLast < 1) return undefined;
  // Filled in place: this runs for every record, and spreads of conditions cost more than all the rest.
  const event: { -readonly [K in keyof EnvelopeEvent]: EnvelopeEvent[K] } = {
    version,
    aggregateType,
    type,
    schemaVersion,
    commitId,
    recordedAt,
    data,
  };
  const occurredAt = image.OccurredAt === undefined ? recordedAt : text(image.OccurredAt);
  const metadata = text(image.Metadata);
  if (commitFirst !== version) event.commitFirst = commitFirst;
  if (commitLast !== version) event.commitLast = commitLast;
  if (occurredAt !== undefined && occurredAt !== recordedAt) event.occurredAt = occurredAt;
  if (metadata !== undefined) event.metadata = metadata;
  return event;
}

const text = (attribute: Attribute | undefined): string | undefined =>
  typeof attribute?.S === 'string' ? attribute.S : undefined;

const whole = (attribute: Attribute | undefined): number | undefined => wholeNumber(attribute?.N);

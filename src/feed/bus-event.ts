import type { StoredEvent } from '../event/stored-event.ts';
import { BUS_SOURCE, type BusEvent } from './event-bus.ts';
import { traceHeaderOf } from './trace-header.ts';

/** Why an event goes to the bus without its data: subscribers read it from the events table. */
export type ReferenceReason = 'tooLarge' | 'notJson';

/**
 * The bus event of a stored event. `data` and `metadata` are the stored JSON text, spliced in as it is: rules can match on
 * `detail.data.amount`, and no number loses a digit. With `base` a subscriber knows which versions no feed has brought.
 */
export function toBusEvent(feed: string, event: StoredEvent, base = 0): BusEvent {
  const metadata = event.metadata === undefined ? '' : `,"metadata":${event.metadata}`;
  return busEvent(event, `${head(feed, event, base)},"data":${event.data}${metadata}}`);
}

/** The same without data and metadata: `detail.reference` says why, the events table holds them. */
export function toBusReference(feed: string, event: StoredEvent, reason: ReferenceReason, base = 0): BusEvent {
  const reference = JSON.stringify({ reason, bytes: Buffer.byteLength(event.data) });
  return busEvent(event, `${head(feed, event, base)},"reference":${reference}}`);
}

/** As EventBridge counts: "Source and DetailType … and Detail parameter is the number of bytes for its UTF-8 encoded form"; a trace header is not counted. */
export function busEventBytes({ detailType, detail }: BusEvent): number {
  return Buffer.byteLength(BUS_SOURCE) + Buffer.byteLength(detailType) + Buffer.byteLength(detail);
}

function busEvent({ type, metadata }: StoredEvent, detail: string): BusEvent {
  const traceHeader = traceHeaderOf(metadata);
  return { detailType: type, detail, ...(traceHeader !== undefined && { traceHeader }) };
}

function head(feed: string, event: StoredEvent, base: number): string {
  const { aggregateUuid, aggregateType, version, type, schemaVersion, commitId, recordedAt, occurredAt } = event;
  const fields = { feed, aggregateUuid, aggregateType, version, type, schemaVersion, commitId, recordedAt, occurredAt };
  return JSON.stringify(base === 0 ? fields : { ...fields, base }).slice(0, -1);
}

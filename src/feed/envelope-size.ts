import type { Envelope, EnvelopeEvent } from './envelope.ts';

/** A Kinesis record holds 1 MiB by default ("maxRecordSizeInKiB"), its partition key included: room is left for both. */
export const ENVELOPE_BYTES = 900_000;
/** Pipes takes 6 MB of an enrichment and PutRecords 5 MiB in a call: below both. */
export const ANSWER_BYTES = 4_500_000;
/** "PutRecords … can support up to 500 records": an answer with more of them is not sent to the target at all. */
export const ANSWER_ENVELOPES = 500;

/** Bytes of the JSON that JSON.stringify makes of it in UTF-8: text within is escaped, so it counts up to twice. */
export function jsonBytes(value: Envelope | EnvelopeEvent): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** What `,"commitFirst":…` and the other keys of an event take at the most. */
const KEYS = 320;

/**
 * Never less than `jsonBytes`, at a hundredth of its price: a UTF-16 unit becomes at most six bytes (an escaped control
 * character). Nearly every run is far below the limits, and this is enough to know it.
 */
export function jsonBytesBound(event: EnvelopeEvent): number {
  const units =
    event.data.length +
    (event.metadata?.length ?? 0) +
    event.type.length +
    event.aggregateType.length +
    event.commitId.length +
    event.recordedAt.length +
    (event.occurredAt?.length ?? 0);
  return 6 * units + KEYS;
}

/** The same bound for everything of an envelope but its events. */
export function headerBytesBound(feed: string, aggregate: string): number {
  return 6 * (feed.length + aggregate.length) + KEYS;
}

import type { EnvelopeEvent } from './envelope.ts';

/** A Kinesis record holds 1 MiB by default ("maxRecordSizeInKiB"), its partition key included: room is left for both. */
export const ENVELOPE_BYTES = 900_000;
/** Pipes takes 6 MB of an enrichment and PutRecords 5 MiB in a call: below both. */
export const ANSWER_BYTES = 4_500_000;
/** "PutRecords … can support up to 500 records": an answer with more of them is not sent to the target at all. */
export const ANSWER_ENVELOPES = 500;

/** A partition key has at most 256 characters; one envelope with a longer one would fail the pipe's whole call, for ever. */
const MAX_AGGREGATE_BYTES = 256;

/** Can the feed carry this aggregate? The library appends to no other. A UTF-16 unit has at most three bytes: most ids need no counting. */
export function fitsFeed(aggregate: string): boolean {
  return aggregate.length * 3 <= MAX_AGGREGATE_BYTES || Buffer.byteLength(aggregate) <= MAX_AGGREGATE_BYTES;
}

/**
 * Bytes of the JSON that JSON.stringify makes of the event in UTF-8: text within is escaped, so it counts up to twice. Counted
 * without making it, which costs four times as much.
 */
export function jsonBytes(event: EnvelopeEvent): number {
  let bytes = keyBytes(event) + wordBytes(event.aggregateType) + wordBytes(event.type) + wordBytes(event.commitId);
  bytes += wordBytes(event.recordedAt) + textBytes(event.data);
  if (event.occurredAt !== undefined) bytes += wordBytes(event.occurredAt);
  if (event.metadata !== undefined) bytes += textBytes(event.metadata);
  return bytes;
}

/**
 * Never less than `jsonBytes`, at a tenth of its price: a UTF-16 unit becomes at most six bytes (an escaped control
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
  return 6 * units + keyBytes(event);
}

/** Everything of an event but what its texts hold. */
function keyBytes({ version, schemaVersion, commitFirst, commitLast, occurredAt, metadata }: EnvelopeEvent): number {
  let bytes = BARE_EVENT + digits(version) + digits(schemaVersion);
  if (commitFirst !== undefined) bytes += COMMIT_FIRST + digits(commitFirst);
  if (commitLast !== undefined) bytes += COMMIT_LAST + digits(commitLast);
  if (occurredAt !== undefined) bytes += OCCURRED_AT;
  if (metadata !== undefined) bytes += METADATA;
  return bytes;
}

const BARE_EVENT = '{"version":,"aggregateType":"","type":"","schemaVersion":,"commitId":"","recordedAt":"","data":""}'
  .length;
const COMMIT_FIRST = ',"commitFirst":'.length;
const COMMIT_LAST = ',"commitLast":'.length;
const OCCURRED_AT = ',"occurredAt":""'.length;
const METADATA = ',"metadata":""'.length;

/** What an ASCII character takes within JSON text: quotes, backslashes and control characters are escaped. */
const ESCAPED = new Uint8Array(128).fill(1);
ESCAPED.fill(6, 0, 32); // \u0001
for (const short of '\b\t\n\f\r"\\') ESCAPED[short.charCodeAt(0)] = 2;

/** What is not one byte within JSON text. */
const NOT_PLAIN = /[^ !#-[\]-~]/;

/** Of a name or a time: nearly always plain, which is found out faster than counted. JSON text has quotes and never is. */
const wordBytes = (text: string): number => (NOT_PLAIN.test(text) ? textBytes(text) : text.length);

function textBytes(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 128) bytes += ESCAPED[unit]!;
    else if (unit < 0x800) bytes += 2;
    else if (unit < 0xd800 || unit > 0xdfff) bytes += 3;
    else if (unit < 0xdc00 && isLowSurrogate(text.charCodeAt(i + 1))) {
      bytes += 4;
      i++;
    } else bytes += 6; // a lone surrogate is escaped
  }
  return bytes;
}

const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;

/** Of a whole number, its sign too. */
function digits(number: number): number {
  let count = number < 0 ? 2 : 1;
  for (let next = 10; next <= Math.abs(number); next *= 10) count++;
  return count;
}

/** What the keys and numbers of an envelope take at the most. */
const KEYS = 320;

/** The same bound for everything of an envelope but its events. */
export function headerBytesBound(feed: string, aggregate: string): number {
  return 6 * (feed.length + aggregate.length) + KEYS;
}

import type { StoredEvent } from '../event/stored-event.ts';

/** The envelope format that this code writes and reads. */
export const ENVELOPE_FORMAT = 1;

/** An event as it travels: without its aggregate's id, which the envelope carries, and without what equals a default. */
export interface EnvelopeEvent {
  readonly version: number;
  readonly aggregateType: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly commitId: string;
  /** Absent when equal to `version`. */
  readonly commitFirst?: number;
  /** Absent when equal to `version`. */
  readonly commitLast?: number;
  readonly recordedAt: string;
  /** Absent when equal to `recordedAt`. */
  readonly occurredAt?: string;
  /** JSON text. */
  readonly data: string;
  /** JSON text. */
  readonly metadata?: string;
}

/** One Kinesis record: one aggregate's contiguous run of versions `[from..to]`. */
export interface Envelope {
  readonly format: typeof ENVELOPE_FORMAT;
  /** The feed's generated name; readers refuse another feed's envelopes. */
  readonly feed: string;
  /** AggregateUuid, also the partition key. */
  readonly aggregate: string;
  readonly from: number;
  /** `from - 1` when the envelope is empty. */
  readonly to: number;
  /** The highest version that the sender knew of. */
  readonly head: number;
  /**
   * The versions up to this one were there before the feed began and are not on it: a consumer's position is never below.
   * Absent: 0. Never above `from - 1`.
   */
  readonly base?: number;
  readonly events: readonly EnvelopeEvent[];
}

/** Says only "there is more, up to head". */
export function emptyEnvelope(feed: string, aggregate: string, from: number, head: number, base = 0): Envelope {
  return filledEnvelope(feed, aggregate, from, head, [], base);
}

/** `events` are the versions from `from` on, contiguous. */
export function filledEnvelope(
  feed: string,
  aggregate: string,
  from: number,
  head: number,
  events: readonly EnvelopeEvent[],
  base = 0,
): Envelope {
  const to = from + events.length - 1;
  if (base === 0) return { format: ENVELOPE_FORMAT, feed, aggregate, from, to, head, events };
  return { format: ENVELOPE_FORMAT, feed, aggregate, from, to, head, base, events };
}

export function toEnvelopeEvent(event: StoredEvent): EnvelopeEvent {
  return {
    version: event.version,
    aggregateType: event.aggregateType,
    type: event.type,
    schemaVersion: event.schemaVersion,
    commitId: event.commitId,
    ...(event.commitFirst !== event.version && { commitFirst: event.commitFirst }),
    ...(event.commitLast !== event.version && { commitLast: event.commitLast }),
    recordedAt: event.recordedAt,
    ...(event.occurredAt !== event.recordedAt && { occurredAt: event.occurredAt }),
    data: event.data,
    ...(event.metadata !== undefined && { metadata: event.metadata }),
  };
}

export function fromEnvelopeEvent(aggregateUuid: string, event: EnvelopeEvent): StoredEvent {
  return {
    aggregateUuid,
    aggregateType: event.aggregateType,
    version: event.version,
    type: event.type,
    schemaVersion: event.schemaVersion,
    commitId: event.commitId,
    commitFirst: event.commitFirst ?? event.version,
    commitLast: event.commitLast ?? event.version,
    recordedAt: event.recordedAt,
    occurredAt: event.occurredAt ?? event.recordedAt,
    data: event.data,
    ...(event.metadata !== undefined && { metadata: event.metadata }),
  };
}

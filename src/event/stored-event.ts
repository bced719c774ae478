/** What the store keeps of one event. Data and metadata stay the JSON text that was written; nothing on the way parses them. */
export interface StoredEvent {
  readonly aggregateUuid: string;
  readonly aggregateType: string;
  /** 1, 2, 3 … without holes, per aggregate. */
  readonly version: number;
  /** The event's name in the past tense, such as `MoneyDeposited`. */
  readonly type: string;
  readonly schemaVersion: number;
  /** The commit (one append) that wrote it, with the first and last version of that commit in this aggregate. */
  readonly commitId: string;
  readonly commitFirst: number;
  readonly commitLast: number;
  /** When the store took it: the writer's clock, ISO 8601 with milliseconds and `Z`, never lower than its predecessor's. */
  readonly recordedAt: string;
  /** When it happened in the domain; equal to `recordedAt` unless told. */
  readonly occurredAt: string;
  /** JSON text. */
  readonly data: string;
  /** JSON text. */
  readonly metadata?: string;
}

/** The format of stored items that this code writes and reads. */
export const EVENT_FORMAT = 1;

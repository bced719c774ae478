/** An event as folds, projections and readers get it: the stored event with its data and metadata parsed and upcast. */
export interface RecordedEvent<Type extends string = string, Data = unknown, Metadata = unknown> {
  readonly aggregateUuid: string;
  readonly aggregateType: string;
  /** 1, 2, 3 … without holes, per aggregate. */
  readonly version: number;
  readonly type: Type;
  readonly data: Data;
  /** Undefined when the event was appended without. */
  readonly metadata: Metadata;
  /** The schema version of `data`: the definition's own where the event was upcast. */
  readonly schemaVersion: number;
  /** When the store took it: ISO 8601, milliseconds, `Z`. */
  readonly recordedAt: string;
  /** When it happened in the domain: ISO 8601, milliseconds, `Z`. */
  readonly occurredAt: string;
  readonly commitId: string;
}

/** An event to be appended. */
export interface NewEvent<Type extends string = string, Data = unknown, Metadata = unknown> {
  readonly type: Type;
  readonly data: Data;
  readonly metadata?: Metadata;
  /** When it happened: ISO 8601 text with a zone, or a Date. Default: when the store takes it. */
  readonly occurredAt?: string | Date;
}

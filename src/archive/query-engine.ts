/** What a query is, once it was started. */
export interface QueryStatus {
  readonly state: 'QUEUED' | 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';
  /** Why it failed or was cancelled. */
  readonly reason?: string;
  readonly scannedBytes: number;
  /** Is it free of charge, as what changes or lists tables is? */
  readonly isFree: boolean;
}

/** A column of a result; the type as Athena names it, such as `varchar` or `bigint`. */
export interface ResultColumn {
  readonly name: string;
  readonly type: string;
  /** Of a `decimal`. */
  readonly precision?: number;
  readonly scale?: number;
}

/** Each value as Athena writes it; `undefined` is null. */
export type ResultRow = readonly (string | undefined)[];

export interface QueryResult {
  readonly columns: readonly ResultColumn[];
  /** In batches, as they come: nothing holds all of them. */
  readonly batches: AsyncIterable<readonly ResultRow[]>;
  /** Where a query that writes files (UNLOAD, CREATE TABLE AS) says which. */
  readonly written?: string;
}

/** The port to whatever runs SQL over the archive. */
export interface QueryEngine {
  /** `parameters` are literals, one for each `?`. */
  start(sql: string, parameters: readonly string[]): Promise<string>;
  status(queryId: string): Promise<QueryStatus>;
  stop(queryId: string): Promise<void>;
  result(queryId: string): Promise<QueryResult>;
  /** Everything that is saved in the workgroup. */
  saved(): AsyncIterable<{ readonly name: string; readonly question: string; readonly sql: string }>;
}

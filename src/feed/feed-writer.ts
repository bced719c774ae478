import type { Envelope } from './envelope.ts';

/** The port to the feed as Confirm and the reconciler write it; the pipe writes by itself. */
export interface FeedWriter {
  /** Puts each envelope as one record with its aggregate as the partition key; the answer holds those that did not land. */
  put(envelopes: readonly Envelope[]): Promise<readonly Envelope[]>;
}

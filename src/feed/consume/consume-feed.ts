import type { Envelope } from '../envelope.ts';
import { answerOf, type BatchAnswer, perAggregate, readFeedBatch } from '../feed-batch.ts';
import { noReport, type Report } from '../metrics.ts';
import { type Observing, observing } from '../observed.ts';

export interface ConsumeFeedOptions {
  /** The feed's id; envelopes of another feed are refused and counted. */
  readonly feed: string;
  /**
   * Applies one envelope. It keeps a position of its own: `to ≤ position` → drop; otherwise it applies the versions above
   * it in order, and reads those that are missing before `from` from the table. What it counts and notes is reported.
   */
  readonly apply: (envelope: Envelope, seen: Observing) => Promise<void>;
  /** Told of a batch's envelopes before the first is applied, such as to read together what they need. Default: nothing. */
  readonly prepare?: (envelopes: readonly Envelope[]) => Promise<void>;
  /** How many aggregates are worked on at a time. Default 10. */
  readonly concurrency?: number;
  /** Takes what was seen, for metrics and logs. */
  readonly report?: Report;
}

/**
 * Makes a Lambda handler for the feed's Kinesis batches: an aggregate's envelopes in order and one at a time, and
 * a partial batch answer that names the first failure, so that nothing passes it. An empty envelope is given too: its `to`
 * is in the feed, so a consumer whose position is lower has missed something.
 *
 * @example
 * export const handler = consumeFeed({ feed, apply: (envelope) => project(ports, envelope) });
 */
export function consumeFeed(options: ConsumeFeedOptions): (event: unknown) => Promise<BatchAnswer> {
  const { feed, apply, prepare, concurrency, report = noReport } = options;
  return async (event) => {
    const seen = observing();
    try {
      const records = readFeedBatch(event, feed, seen);
      await prepare?.(records.map(({ envelope }) => envelope));
      const work: Parameters<typeof perAggregate>[1] = async (run, standsAt) => {
        for (const record of run) {
          standsAt(record);
          if (record.envelope.to > 0) await apply(record.envelope, seen);
        }
      };
      return answerOf(await perAggregate(records, work, concurrency), seen);
    } finally {
      report(seen);
    }
  };
}

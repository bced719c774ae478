import './errors.ts';
import { DaybookError, isDaybookError } from '../errors.ts';
import type { Envelope } from './envelope.ts';
import { errorNote, type Observing } from './observed.ts';
import { parseEnvelope } from './parse-envelope.ts';

/** A record of the feed, in the place in which Lambda gave it. */
export interface FeedRecord {
  /** The sequence number, by which a partial batch answer names it. */
  readonly id: string;
  readonly index: number;
  readonly envelope: Envelope;
}

export interface BatchAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

export interface Failure {
  readonly record: FeedRecord;
  readonly error: unknown;
}

/**
 * The envelopes of one Lambda invocation. What is refused (another feed's, an unknown format, no envelope) is counted,
 * noted and left out: a record that no retry can mend must not stop its shard.
 */
export function readFeedBatch(event: unknown, feed: string, seen: Observing): readonly FeedRecord[] {
  const batch = (event as { Records?: unknown } | null)?.Records;
  if (!Array.isArray(batch))
    throw new DaybookError('feed.notABatch', { expected: 'Kinesis records', given: typeof event });
  const records: FeedRecord[] = [];
  for (const [index, item] of batch.entries()) {
    const kinesis = (item as { kinesis?: { data?: unknown; sequenceNumber?: unknown } } | null)?.kinesis;
    if (typeof kinesis?.data !== 'string' || typeof kinesis.sequenceNumber !== 'string') {
      throw new DaybookError('feed.notABatch', { expected: 'Kinesis records', given: 'a record without data' });
    }
    try {
      const envelope = parseEnvelope(Buffer.from(kinesis.data, 'base64'), feed);
      records.push({ id: kinesis.sequenceNumber, index, envelope });
    } catch (error) {
      if (!isDaybookError(error)) throw error;
      seen.count('EnvelopesRefused');
      seen.note(errorNote('envelopeRefused', error, { sequenceNumber: kinesis.sequenceNumber }));
    }
  }
  return records;
}

/** By aggregate, each in the batch's order. */
export function runsOf(records: readonly FeedRecord[]): ReadonlyMap<string, readonly FeedRecord[]> {
  const runs = new Map<string, FeedRecord[]>();
  for (const record of records) {
    const run = runs.get(record.envelope.aggregate);
    if (run === undefined) runs.set(record.envelope.aggregate, [record]);
    else run.push(record);
  }
  return runs;
}

/** Work on one aggregate's records. It says with `standsAt` which record a failure from there on belongs to. */
export type Work = (run: readonly FeedRecord[], standsAt: (record: FeedRecord) => void) => Promise<void>;

/** Runs `work` once per aggregate, several aggregates at a time. One that fails stops there, the others go on. */
export async function perAggregate(
  records: readonly FeedRecord[],
  work: Work,
  concurrency = 10,
): Promise<readonly Failure[]> {
  const failures: Failure[] = [];
  await eachOf([...runsOf(records).values()], concurrency, async (run) => {
    let at = run[0]!;
    try {
      await work(run, (record) => {
        at = record;
      });
    } catch (error) {
      failures.push({ record: at, error });
    }
  });
  return failures;
}

/**
 * The answer to Lambda: the first failure alone. For streams "Lambda uses the lowest sequence number as the checkpoint"
 * and repeats everything from there, so that no later event of an aggregate passes an earlier one.
 */
export function answerOf(failures: readonly Failure[], seen: Observing): BatchAnswer {
  let first: Failure | undefined;
  for (const failure of failures) {
    if (first === undefined || failure.record.index < first.record.index) first = failure;
    const { aggregate, from, to } = failure.record.envelope;
    seen.note(errorNote('recordFailed', failure.error, { aggregate, from, to, sequenceNumber: failure.record.id }));
  }
  seen.count('RecordsFailed', failures.length);
  return { batchItemFailures: first === undefined ? [] : [{ itemIdentifier: first.record.id }] };
}

/** Calls `work` for each, at most `concurrency` at a time, begun in order. */
export async function eachOf<T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next++;
      await work(items[index]!, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, lane));
}

import type { Kernel } from '../../kernel/kernel.ts';
import type { SourceRecord } from './stream-source.ts';

/** What became of a batch: the indexes of the records that have to be tried again, none when all is well. */
export interface Outcome {
  readonly failed: readonly number[];
  /** Does it count against MaximumRetryAttempts? Throttling and the services' own failures don't. */
  readonly counts: boolean;
  /** May the batch be halved before the next attempt? */
  readonly splits: boolean;
}

export const ALL_WELL: Outcome = { failed: [], counts: true, splits: true };

/** Every record failed: by an answer of the user's code or configuration, or by a failure of the services. */
export function allFailed(records: readonly unknown[], byUser: boolean): Outcome {
  return { failed: records.map((_, index) => index), counts: byUser, splits: byUser };
}

export interface RetrySettings {
  /** Endless when -1. */
  readonly maximumRetries: number;
  /** Infinity when records never are too old. */
  readonly maximumAgeMs: number;
  readonly bisect: boolean;
  /** Growing pauses between attempts; how AWS grows them is not documented. */
  readonly backoff: Backoff;
}

export interface Backoff {
  readonly firstMs: number;
  readonly maximumMs: number;
}

export type DiscardReason = 'RetryAttemptsExhausted' | 'RecordAgeExceeded';

export interface BatchHandler {
  deliver(records: readonly SourceRecord[]): Promise<Outcome>;
  /** Records that are given up, in order. */
  discard(records: readonly SourceRecord[], reason: DiscardReason, attempts: number): Promise<void>;
  /** Records that are over, handed on or discarded. */
  finish(records: readonly SourceRecord[]): void;
  stopped(): boolean;
}

/**
 * Hands on a batch until it is over. "If the function returns an error, split the batch into two before retrying …
 * Splitting a batch doesn't count toward the retry quota." With a partial answer, only the failed records are tried again.
 */
export async function attemptBatch(
  kernel: Kernel,
  settings: RetrySettings,
  handler: BatchHandler,
  batch: readonly SourceRecord[],
  earlier: { readonly counted: number; readonly pauses: number; readonly attempts: number } = {
    counted: 0,
    pauses: 0,
    attempts: 0,
  },
): Promise<void> {
  let { counted, pauses, attempts } = earlier;
  let records = batch;
  for (;;) {
    if (handler.stopped()) return;
    records = await dropOld(kernel, settings, handler, records, attempts);
    if (records.length === 0) return;
    const { failed, counts, splits } = await handler.deliver(records);
    attempts += 1;
    if (handler.stopped()) return;
    if (failed.length === 0) return handler.finish(records);
    const remaining = failed.map((index) => records[index]!);
    const progress = remaining.length < records.length;
    const halves = settings.bisect && splits && !progress && records.length > 1;
    if (progress) {
      const open = new Set(failed);
      handler.finish(records.filter((_, index) => !open.has(index)));
      records = remaining;
      counted = 0; // what is left is a batch of its own
      pauses = 0;
      attempts = 0;
    } else if (counts && !halves) {
      counted += 1;
      if (settings.maximumRetries >= 0 && counted > settings.maximumRetries) {
        await handler.discard(records, 'RetryAttemptsExhausted', attempts);
        return handler.finish(records);
      }
    }
    await kernel.scheduler.sleep(Math.min(settings.backoff.firstMs * 2 ** pauses, settings.backoff.maximumMs));
    pauses = Math.min(pauses + 1, 30);
    if (halves) {
      const middle = Math.ceil(records.length / 2);
      await attemptBatch(kernel, settings, handler, records.slice(0, middle), { counted, pauses, attempts });
      records = records.slice(middle);
    }
  }
}

/** "MaximumRecordAgeInSeconds: Discard records older than the specified age." */
async function dropOld(
  kernel: Kernel,
  settings: RetrySettings,
  handler: BatchHandler,
  records: readonly SourceRecord[],
  attempts: number,
): Promise<readonly SourceRecord[]> {
  if (settings.maximumAgeMs === Number.POSITIVE_INFINITY) return records;
  const oldest = kernel.clock.now() - settings.maximumAgeMs;
  const old = records.filter((record) => record.arrivedAt < oldest);
  if (old.length === 0) return records;
  await handler.discard(old, 'RecordAgeExceeded', attempts);
  handler.finish(old);
  return records.filter((record) => record.arrivedAt >= oldest);
}

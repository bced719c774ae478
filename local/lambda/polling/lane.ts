import type { Kernel, Timer } from '../../kernel/kernel.ts';
import type { SourceRecord } from './stream-source.ts';

export interface LaneSettings {
  readonly batchSize: number;
  /** MaximumBatchingWindowInSeconds, in milliseconds. */
  readonly windowMs: number;
}

/** Gathers records to batches and hands them on one after the other. */
export interface Lane {
  push(records: readonly SourceRecord[]): void;
  /** No more will come: what waits for the window goes at once. */
  close(): void;
  waiting(): number;
  busy(): boolean;
  stop(): void;
}

// "Invocation payload: 6 MB": a batch is full before it grows beyond; the rest is the JSON around the records.
const MAXIMUM_BATCH_BYTES = 6_000_000;

/**
 * "Lambda invokes your function when one of: the batching window reaches its maximum value, the batch size is met, the
 * payload size reaches 6 MB." The window begins with the first record that the lane is free for.
 */
export function createLane(
  kernel: Kernel,
  settings: LaneSettings,
  handle: (batch: readonly SourceRecord[]) => Promise<void>,
  whenIdle: () => void,
): Lane {
  let queue: SourceRecord[] = [];
  let since = 0;
  let busy = false;
  let closed = false;
  let stopped = false;
  let timer: Timer | undefined;

  /** How many of the waiting records go now. */
  const due = (): number => {
    let bytes = 0;
    for (const [index, record] of queue.entries()) {
      bytes += record.bytes;
      if (index > 0 && bytes > MAXIMUM_BATCH_BYTES) return index;
      if (index + 1 === settings.batchSize) return settings.batchSize;
    }
    return closed || kernel.clock.now() >= since + settings.windowMs ? queue.length : 0;
  };
  const pump = async () => {
    if (busy || stopped || queue.length === 0) return;
    timer?.cancel();
    const size = due();
    if (size === 0) {
      timer = kernel.scheduler.after(since + settings.windowMs - kernel.clock.now(), pump);
      return;
    }
    busy = true;
    const batch = queue.slice(0, size);
    queue = queue.slice(size);
    await handle(batch);
    busy = false;
    since = kernel.clock.now();
    if (stopped) return;
    whenIdle();
    await pump();
  };

  return {
    push(records) {
      if (records.length === 0) return;
      if (queue.length === 0 && !busy) since = kernel.clock.now();
      queue.push(...records);
      void pump();
    },
    close() {
      closed = true;
      void pump();
    },
    waiting: () => queue.length,
    busy: () => busy,
    stop() {
      stopped = true;
      timer?.cancel();
      queue = [];
    },
  };
}

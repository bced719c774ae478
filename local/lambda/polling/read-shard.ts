import { ServiceError } from '../../cloud.ts';
import type { Kernel, Timer } from '../../kernel/kernel.ts';
import { attemptBatch, type BatchHandler, type RetrySettings } from './attempt-batch.ts';
import { type Checkpoints, SHARD_END, trackProgress } from './checkpoints.ts';
import { createLane, type Lane, type LaneSettings } from './lane.ts';
import type { Position, SourceRecord, StreamSource } from './stream-source.ts';

/** How often shards are read. */
export interface Pace {
  /**
   * Between two reads of a shard; 0 reads as soon as something was written. AWS polls "at a base rate of once per second. When
   * more records are available, Lambda keeps processing batches until the function catches up".
   */
  readonly pollIntervalMs: number;
  /** An idle shard is read so often even when nobody told of records. */
  readonly fallbackPollMs: number;
  /** How long a push takes to a consumer that subscribed; "average message propagation delay … 70 milliseconds" on AWS. */
  readonly pushDelayMs: number;
}

/** What is asked for, with the defaults that fit the source: one that tells of its records needs no frequent look. */
export function paceOf(options: Partial<Pace>, source: StreamSource): Pace {
  const pollIntervalMs = source.pushed ? 0 : (options.pollIntervalMs ?? 0);
  const pushDelayMs = source.pushed ? (options.pushDelayMs ?? 0) : 0;
  const fallbackPollMs = options.fallbackPollMs ?? (source.onRecords === undefined ? 250 : 5000);
  return { pollIntervalMs, fallbackPollMs, pushDelayMs };
}

export interface ShardSettings extends LaneSettings, RetrySettings, Pace {
  /** ParallelizationFactor: "the number of batches to process concurrently from each shard". */
  readonly lanes: number;
}

export interface ShardReader {
  wake(): void;
  stop(): void;
}

export interface ShardHandler extends Omit<BatchHandler, 'finish' | 'stopped'> {
  /** Does the record pass the filter? Others are over at once. */
  accepts(record: SourceRecord): boolean;
  /** A read that failed; it is tried again. */
  failed(error: unknown): void;
  /** Called once a closed shard was handed on to its end. */
  ended(): void;
}

/** A checkpoint that is a time in milliseconds: LATEST was then, and no batch is over since. */
const SINCE = 'since ';

function readPosition(saved: string): Position {
  if (saved.startsWith(SINCE)) return { type: 'AT_TIMESTAMP', timestampMs: Number(saved.slice(SINCE.length)) };
  return { type: 'AFTER_SEQUENCE_NUMBER', sequenceNumber: saved };
}

/** Reads one shard in order from its checkpoint, or from `start` where there is none, to its end. */
export function readShard(
  kernel: Kernel,
  source: StreamSource,
  shardId: string,
  start: Position,
  settings: ShardSettings,
  checkpoint: { readonly store: Checkpoints; readonly key: string },
  handler: ShardHandler,
): ShardReader {
  const { clock, scheduler } = kernel;
  const saved = checkpoint.store.get(checkpoint.key);
  let position: Position = saved === undefined ? start : readPosition(saved);
  // Until a batch is over, a restart must know where "latest" was.
  if (position.type === 'LATEST') checkpoint.store.set(checkpoint.key, `${SINCE}${clock.now()}`);
  let stopped = false;
  let written = true; // there may be records, nobody has looked yet
  let resume: (() => void) | undefined;
  let timer: Timer | undefined;

  const progress = trackProgress((sequenceNumber) => checkpoint.store.set(checkpoint.key, sequenceNumber));
  const batches: BatchHandler = {
    ...handler,
    stopped: () => stopped,
    finish(records) {
      for (const record of records) progress.finish(record.sequenceNumber);
    },
  };
  const lanes: Lane[] = Array.from({ length: settings.lanes }, () =>
    createLane(
      kernel,
      settings,
      (batch) => attemptBatch(kernel, settings, batches, batch),
      () => resume?.(),
    ),
  );
  const waiting = () => lanes.reduce((sum, lane) => sum + lane.waiting(), 0);
  // Enough to fill the next batches; reading on would only hold memory.
  const room = () => waiting() < settings.batchSize * settings.lanes * 2;

  /** Until `ready` holds or the time is over, whichever comes first. */
  const waitUntil = async (ready: () => boolean, limitMs = Number.POSITIVE_INFINITY) => {
    const deadline = clock.now() + limitMs;
    while (!ready() && !stopped && clock.now() < deadline) {
      await new Promise<void>((resolve) => {
        resume = resolve;
        if (deadline !== Number.POSITIVE_INFINITY) timer = scheduler.after(deadline - clock.now(), () => resolve());
      });
      timer?.cancel();
      resume = undefined;
    }
  };

  // Shards are not polled in step with each other.
  const phase = settings.pollIntervalMs > 0 ? clock.now() + kernel.random.next() * settings.pollIntervalMs : 0;
  let lastRead = Number.NEGATIVE_INFINITY;
  const waitForTurn = async () => {
    const every = settings.pollIntervalMs;
    if (every === 0) return;
    let next = phase + Math.ceil((clock.now() - phase) / every) * every;
    if (next <= lastRead) next += every;
    if (next > clock.now()) await scheduler.sleep(next - clock.now());
    lastRead = clock.now();
  };

  const pass = (records: readonly SourceRecord[]) => {
    const byLane: SourceRecord[][] = lanes.map(() => []);
    for (const record of records) {
      progress.add(record.sequenceNumber);
      if (handler.accepts(record)) byLane[laneOf(record.orderKey, lanes.length)]!.push(record);
      else progress.finish(record.sequenceNumber);
    }
    for (const [index, lane] of lanes.entries()) lane.push(byLane[index]!);
  };

  const run = async () => {
    let iterator: string | undefined;
    let failures = 0;
    let full = false; // the last read gave as much as was asked for
    while (!stopped) {
      await waitUntil(room);
      const more = written;
      await waitUntil(() => written, settings.fallbackPollMs);
      if (!more && settings.pushDelayMs > 0) await scheduler.sleep(settings.pushDelayMs);
      if (!full) await waitForTurn();
      if (stopped) return;
      written = false;
      try {
        iterator ??= await source.iterator(shardId, position);
        const limit = Math.min(source.maximumRead, Math.max(settings.batchSize * settings.lanes, 100));
        const page = await source.read(iterator, limit);
        if (stopped) return;
        failures = 0;
        if (page.more) written = true;
        full = page.records.length >= limit;
        const last = page.records[page.records.length - 1];
        if (last !== undefined) {
          position = { type: 'AFTER_SEQUENCE_NUMBER', sequenceNumber: last.sequenceNumber };
          pass(page.records);
        }
        if (page.next === undefined) break;
        iterator = page.next;
      } catch (error) {
        if (stopped) return;
        handler.failed(error);
        iterator = undefined; // it may have expired
        // What stood at the checkpoint is gone: the oldest record that is left comes next.
        if (error instanceof ServiceError && error.code === 'TrimmedDataAccessException')
          position = { type: 'TRIM_HORIZON' };
        written = true;
        await scheduler.sleep(Math.min(settings.backoff.firstMs * 2 ** failures, settings.backoff.maximumMs));
        failures = Math.min(failures + 1, 30);
      }
    }
    for (const lane of lanes) lane.close();
    await waitUntil(() => lanes.every((lane) => !lane.busy() && lane.waiting() === 0));
    if (stopped) return;
    checkpoint.store.set(checkpoint.key, SHARD_END);
    handler.ended();
  };
  void run();

  return {
    wake() {
      written = true;
      resume?.();
    },
    stop() {
      stopped = true;
      timer?.cancel();
      for (const lane of lanes) lane.stop();
      resume?.();
    },
  };
}

function laneOf(key: string, lanes: number): number {
  if (lanes === 1) return 0;
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash >>> 0) % lanes;
}

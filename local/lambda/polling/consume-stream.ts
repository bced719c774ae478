import type { Kernel, Timer } from '../../kernel/kernel.ts';
import type { DiscardReason, Outcome } from './attempt-batch.ts';
import { type Checkpoints, SHARD_END } from './checkpoints.ts';
import { readShard, type ShardReader, type ShardSettings } from './read-shard.ts';
import type { Position, Shard, SourceRecord, StreamSource } from './stream-source.ts';

export interface StreamConsumption {
  readonly source: StreamSource;
  readonly settings: ShardSettings;
  readonly start: Position;
  readonly checkpoints: Checkpoints;
  /** Names this consumer's checkpoints. */
  readonly name: string;
  accepts(record: SourceRecord): boolean;
  deliver(records: readonly SourceRecord[], shardId: string): Promise<Outcome>;
  discard(records: readonly SourceRecord[], shardId: string, reason: DiscardReason, attempts: number): Promise<void>;
  failed(error: unknown): void;
}

/** Reads every shard of a stream; a shard waits until its parents were handed on to their end. Gives the way to stop it. */
export function consumeStream(kernel: Kernel, consumption: StreamConsumption): () => void {
  const { source, settings, checkpoints, name, start } = consumption;
  const readers = new Map<string, ShardReader>();
  const ended = new Set<string>();
  let initial: Set<string> | undefined; // the shards that were there when this began
  let stopped = false;
  let unsubscribe: (() => void) | undefined;
  let timer: Timer | undefined;
  let failures = 0;

  const keyOf = (shardId: string) => `${name}|${shardId}`;
  const begin = (shard: Shard) => {
    // With LATEST, a shard that came of one that was read here continues it, so it is read from its beginning.
    const continues = !initial?.has(shard.id) || shard.parents.some((id) => checkpoints.get(keyOf(id)) === SHARD_END);
    readers.set(
      shard.id,
      readShard(
        kernel,
        source,
        shard.id,
        continues && start.type === 'LATEST' ? { type: 'TRIM_HORIZON' } : start,
        settings,
        { store: checkpoints, key: keyOf(shard.id) },
        {
          accepts: consumption.accepts,
          deliver: (records) => consumption.deliver(records, shard.id),
          discard: (records, reason, attempts) => consumption.discard(records, shard.id, reason, attempts),
          failed: consumption.failed,
          ended() {
            readers.delete(shard.id);
            ended.add(shard.id);
            void look();
          },
        },
      ),
    );
  };

  const look = async (): Promise<void> => {
    timer?.cancel();
    try {
      const shards = await source.shards();
      if (stopped) return;
      failures = 0;
      unsubscribe ??= source.onRecords?.((shardId) => readers.get(shardId)?.wake());
      const first = initial === undefined;
      const listed = new Set(shards.map((shard) => shard.id));
      initial ??= listed;
      for (const shard of shards) {
        const over = checkpoints.get(keyOf(shard.id)) === SHARD_END;
        // "LATEST: process new records": what a closed shard holds is not new.
        const old = first && start.type === 'LATEST' && shard.closed && checkpoints.get(keyOf(shard.id)) === undefined;
        if (over || old) ended.add(shard.id);
      }
      for (const shard of shards) {
        if (readers.has(shard.id) || ended.has(shard.id)) continue;
        if (shard.parents.every((id) => !listed.has(id) || ended.has(id))) begin(shard);
      }
    } catch (error) {
      if (stopped) return;
      consumption.failed(error);
      const { firstMs, maximumMs } = settings.backoff;
      timer = kernel.scheduler.after(Math.min(firstMs * 2 ** failures, maximumMs), look);
      failures = Math.min(failures + 1, 30);
      return;
    }
    // Without a shard to read, only looking again finds new ones.
    if (readers.size === 0) timer = kernel.scheduler.after(settings.fallbackPollMs, look);
  };

  void look();

  return () => {
    stopped = true;
    timer?.cancel();
    unsubscribe?.();
    for (const reader of readers.values()) reader.stop();
  };
}

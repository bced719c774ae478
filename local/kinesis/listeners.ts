import type { Cloud } from '../cloud.ts';

/** Told of a shard that took `count` records, or was closed (0): there is something to read of it, and nobody need poll. */
export type RecordsListener = (shardId: string, count: number) => void;

/** Who wants to hear of which stream's records. */
export interface Listeners {
  add(streamName: string, listener: RecordsListener): () => void;
  tell(streamName: string, shardId: string, count: number): void;
}

export function createListeners(cloud: Cloud): Listeners {
  const byStream = new Map<string, Set<RecordsListener>>();
  return {
    add(streamName, listener) {
      const listeners = byStream.get(streamName) ?? new Set();
      byStream.set(streamName, listeners.add(listener));
      return () => listeners.delete(listener);
    },
    tell(streamName, shardId, count) {
      for (const listener of byStream.get(streamName) ?? []) {
        try {
          listener(shardId, count);
        } catch (error) {
          // It is done: a reader's failure is not the writer's, it goes to the kernel.
          cloud.kernel.scheduler.after(0, () => Promise.reject(error));
        }
      }
    },
  };
}

/**
 * How far each shard was handed on. In memory by default; a host that keeps its data gives one that is written down, so
 * that mappings and pipes go on where they were.
 */
export interface Checkpoints {
  get(key: string): string | undefined;
  set(key: string, sequenceNumber: string): void;
  /** Forgets every checkpoint whose key begins so: the mapping or pipe was deleted. */
  forget(prefix: string): void;
}

/** The checkpoint of a shard that was read to its end. */
export const SHARD_END = 'SHARD_END';

export function memoryCheckpoints(): Checkpoints {
  const positions = new Map<string, string>();
  return {
    get: (key) => positions.get(key),
    set: (key, sequenceNumber) => void positions.set(key, sequenceNumber),
    forget(prefix) {
      for (const key of positions.keys()) if (key.startsWith(prefix)) positions.delete(key);
    },
  };
}

/** Records may finish out of order (lanes, bisected batches): the checkpoint stands before the first unfinished one. */
export interface Progress {
  add(sequenceNumber: string): void;
  finish(sequenceNumber: string): void;
}

export function trackProgress(save: (sequenceNumber: string) => void): Progress {
  let order: string[] = [];
  let head = 0;
  const open = new Set<string>();
  return {
    add(sequenceNumber) {
      order.push(sequenceNumber);
      open.add(sequenceNumber);
    },
    finish(sequenceNumber) {
      open.delete(sequenceNumber);
      const before = head;
      while (head < order.length && !open.has(order[head]!)) head++;
      if (head === before) return;
      save(order[head - 1]!);
      if (head > 1000) {
        order = order.slice(head);
        head = 0;
      }
    },
  };
}

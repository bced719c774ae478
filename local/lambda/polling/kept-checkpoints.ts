import type { Journal } from '../../journal.ts';
import type { Checkpoints } from './checkpoints.ts';

type Entry = { readonly set: readonly [key: string, sequenceNumber: string] } | { readonly forget: string };

/** Checkpoints that are written down: after a restart every shard is read on from the first record that was not finished. */
export function keptCheckpoints(journal: Journal, name: string): Checkpoints {
  const positions = new Map<string, string>();
  const forget = (prefix: string) => {
    for (const key of positions.keys()) if (key.startsWith(prefix)) positions.delete(key);
  };
  const write = journal.join<Entry>(name, {
    restore(entry) {
      if ('set' in entry) positions.set(...entry.set);
      else forget(entry.forget);
    },
    *snapshot() {
      for (const set of positions) yield { set };
    },
  });
  return {
    get: (key) => positions.get(key),
    set(key, sequenceNumber) {
      positions.set(key, sequenceNumber);
      write({ set: [key, sequenceNumber] });
    },
    forget(prefix) {
      forget(prefix);
      write({ forget: prefix });
    },
  };
}

/**
 * What was added to a rollup, as numbers: how many entries, and the sum of their hashes. Tallies add up in any order, so those of
 * the aggregates must come to those of the keys: an entry that was lost, counted twice or changed on the way shows.
 */
export interface Tally {
  entries: number;
  /** Modulo 2^52: two of them add up exactly. */
  sum: number;
}

const MODULUS = 2 ** 52;

export const emptyTally = (): Tally => ({ entries: 0, sum: 0 });

/** Adds to the first. */
export function addTally(to: Tally, { entries, sum }: Tally): void {
  to.entries += entries;
  to.sum = (to.sum + sum) % MODULUS;
}

/** Of one entry, its value as JSON text. */
export function tallyOf(key: string, json: string): Tally {
  return { entries: 1, sum: hashOf(`${key}\n${json}`) };
}

/** 52 bits by two multiplicative hashes (after cyrb53): fast, and no defence against anyone. */
function hashOf(text: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return (low & 0xfffff) * 2 ** 32 + (high >>> 0);
}

import * as crypto from 'node:crypto';

/** Hash keys are 128-bit integers; here they are 32 hex digits, so that plain string comparison orders them. */
export const MAX_HASH_KEY = (1n << 128n) - 1n;

export interface HashRange {
  readonly start: bigint;
  readonly end: bigint;
}

/** "An MD5 hash function is used to map partition keys to 128-bit integer values" (PutRecord). */
export function hashKeyOf(partitionKey: string): string {
  // `crypto.hash` is twice as fast, and not in the oldest Node 20.
  return crypto.hash === undefined
    ? crypto.createHash('md5').update(partitionKey).digest('hex')
    : crypto.hash('md5', partitionKey, 'hex');
}

export const toHex = (key: bigint): string => key.toString(16).padStart(32, '0');

/** The whole key space cut into `count` even ranges; the last one takes the remainder, as AWS does. */
export function evenRanges(count: number): HashRange[] {
  const size = (MAX_HASH_KEY + 1n) / BigInt(count);
  return Array.from({ length: count }, (_, i) => ({
    start: size * BigInt(i),
    end: i === count - 1 ? MAX_HASH_KEY : size * BigInt(i + 1) - 1n,
  }));
}

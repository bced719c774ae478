/**
 * Sequence numbers have the look of AWS's: 56 digits, beginning with 49, growing within a shard and from parent to
 * child. Here they are the shard's creation time and number, the record's place in the shard, and its arrival time.
 */

/** The constant first 27 digits of a shard's sequence numbers. */
export function sequencePrefix(createdMs: number, shard: number): string {
  return `49${String(createdMs).padStart(13, '0')}${String(shard).padStart(12, '0')}`;
}

export function sequenceNumber(prefix: string, place: number, arrivalMs: number): string {
  return `${prefix}${String(place).padStart(16, '0')}${String(arrivalMs).padStart(13, '0')}`;
}

/** The record's place in the shard, or undefined when the number is not one of this shard's. */
export function placeOf(prefix: string, sequence: string): number | undefined {
  if (!/^\d{56}$/.test(sequence) || !sequence.startsWith(prefix)) return undefined;
  return Number(sequence.slice(27, 43));
}

import { type HashRange, toHex } from './hash-range.ts';
import { sequenceNumber, sequencePrefix } from './sequence-number.ts';

export interface StoredRecord {
  readonly data: Buffer;
  readonly partitionKey: string;
  readonly arrivedMs: number;
}

/** One shard: an append-only log of records, trimmed at its old end by the stream's retention. */
export interface Shard {
  readonly id: string;
  readonly prefix: string;
  readonly range: HashRange;
  readonly startHex: string;
  readonly endHex: string;
  readonly parents: readonly string[];
  readonly createdMs: number;
  closedMs: number | undefined;
  /** The place of `records[0]`; places count from 1. */
  firstPlace: number;
  records: StoredRecord[];
  /** How many of `records` are trimmed already; they are cut off in bulk. */
  trimmed: number;
}

export function openShard(number: number, range: HashRange, createdMs: number, parents: readonly string[]): Shard {
  return {
    id: `shardId-${String(number).padStart(12, '0')}`,
    prefix: sequencePrefix(createdMs, number),
    range,
    startHex: toHex(range.start),
    endHex: toHex(range.end),
    parents,
    createdMs,
    closedMs: undefined,
    firstPlace: 1,
    records: [],
    trimmed: 0,
  };
}

/** The place that the next record will take. */
export const endPlace = (shard: Shard): number => shard.firstPlace + shard.records.length;

/** The place of the oldest record that is still there. */
export const horizonPlace = (shard: Shard): number => shard.firstPlace + shard.trimmed;

export function appendRecord(shard: Shard, record: StoredRecord): string {
  const place = endPlace(shard);
  shard.records.push(record);
  return sequenceNumber(shard.prefix, place, record.arrivedMs);
}

/** Forgets what arrived before `oldestMs`. */
export function trimShard(shard: Shard, oldestMs: number): void {
  const { records } = shard;
  while (shard.trimmed < records.length && records[shard.trimmed]!.arrivedMs < oldestMs) {
    records[shard.trimmed] = TRIMMED;
    shard.trimmed++;
  }
  if (shard.trimmed > 1024 && shard.trimmed * 2 > records.length) {
    shard.firstPlace += shard.trimmed;
    shard.records = records.slice(shard.trimmed);
    shard.trimmed = 0;
  }
}

const TRIMMED: StoredRecord = { data: Buffer.alloc(0), partitionKey: '', arrivedMs: 0 };

/** The place of the first record that arrived at or after `ms`. */
export function placeAt(shard: Shard, ms: number): number {
  let low = shard.trimmed;
  let high = shard.records.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (shard.records[middle]!.arrivedMs < ms) low = middle + 1;
    else high = middle;
  }
  return shard.firstPlace + low;
}

export function describeShard(shard: Shard): object {
  const [parent, adjacent] = shard.parents;
  return {
    ShardId: shard.id,
    ...(parent !== undefined && { ParentShardId: parent }),
    ...(adjacent !== undefined && { AdjacentParentShardId: adjacent }),
    HashKeyRange: { StartingHashKey: String(shard.range.start), EndingHashKey: String(shard.range.end) },
    SequenceNumberRange: {
      StartingSequenceNumber: sequenceNumber(shard.prefix, 0, shard.createdMs),
      ...(shard.closedMs !== undefined && {
        EndingSequenceNumber: sequenceNumber(shard.prefix, endPlace(shard), shard.closedMs),
      }),
    },
  };
}

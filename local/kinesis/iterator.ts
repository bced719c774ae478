import type { Json } from '../cloud.ts';
import { placeOf } from './sequence-number.ts';
import { endPlace, horizonPlace, placeAt, type Shard } from './shard.ts';
import { constraint, type Feed, invalidArgument } from './stream.ts';

/** Where a reader stands. It travels as opaque text; "a shard iterator expires 5 minutes after it is returned". */
export interface Position {
  readonly stream: string;
  readonly streamMadeMs: number;
  readonly shardId: string;
  readonly place: number;
  readonly issuedMs: number;
}

export const ITERATOR_LIFE_MS = 300_000;

export function writeIterator(position: Position): string {
  const { stream, streamMadeMs, shardId, place, issuedMs } = position;
  return Buffer.from(JSON.stringify([1, stream, streamMadeMs, shardId, place, issuedMs])).toString('base64');
}

export function readIterator(text: Json): Position {
  try {
    const [format, stream, streamMadeMs, shardId, place, issuedMs] = JSON.parse(
      Buffer.from(String(text), 'base64').toString(),
    );
    if (format === 1 && Number.isInteger(place)) return { stream, streamMadeMs, shardId, place, issuedMs };
  } catch {
    // Not ours: refused below.
  }
  throw invalidArgument('Invalid ShardIterator.');
}

/** The first place to read for the given iterator type. */
export function startPlace(feed: Feed, shard: Shard, input: Json, nowMs: number): number {
  switch (input.ShardIteratorType) {
    case 'TRIM_HORIZON':
      return horizonPlace(shard);
    case 'LATEST':
      return endPlace(shard);
    case 'AT_SEQUENCE_NUMBER':
      return sequencePlace(feed, shard, input);
    case 'AFTER_SEQUENCE_NUMBER':
      return sequencePlace(feed, shard, input) + 1;
    case 'AT_TIMESTAMP': {
      const ms = timestampMs(input.Timestamp);
      if (ms > nowMs) {
        throw invalidArgument(
          'The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. ' +
            `timestampInMillis: ${ms}, currentTimestampInMillis: ${nowMs}`,
        );
      }
      return placeAt(shard, ms);
    }
    default:
      throw constraint(
        input.ShardIteratorType,
        'shardIteratorType',
        'Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]',
      );
  }
}

function sequencePlace(feed: Feed, shard: Shard, input: Json): number {
  const sequence = input.StartingSequenceNumber;
  if (sequence === undefined) {
    throw invalidArgument(
      `Must either specify timestamp or sequence number for iterator type ${input.ShardIteratorType}`,
    );
  }
  const place = placeOf(shard.prefix, String(sequence));
  if (place === undefined || place > endPlace(shard)) {
    throw invalidArgument(
      `StartingSequenceNumber ${sequence} used in GetShardIterator on shard ${shard.id} in stream ${feed.name} is invalid.`,
    );
  }
  return place;
}

/** Epoch seconds, as the JSON protocol writes a timestamp. */
export function timestampMs(timestamp: Json): number {
  if (typeof timestamp !== 'number') {
    throw invalidArgument('Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP');
  }
  return Math.round(timestamp * 1000);
}

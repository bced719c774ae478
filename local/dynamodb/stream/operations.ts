import { type Json, ServiceError } from '../../cloud.ts';
import type { Engine } from '../engine.ts';
import { invalid, invalidValue } from '../errors.ts';
import { parseSequence, RETENTION_MS, type Shard, sequenceText, type TableStream } from './table-stream.ts';

/** "A shard iterator expires 15 minutes after it is retrieved" (developer guide). */
const ITERATOR_MS = 15 * 60 * 1000;
/** "GetRecords can retrieve a maximum of 1 MB of data or 1000 stream records, whichever comes first" (API reference). */
const MAX_RECORDS = 1000;
const MAX_BYTES = 1024 * 1024;

interface Iterator {
  readonly stream: string;
  readonly shard: string;
  /** The first sequence number to read. */
  readonly next: number;
  readonly issuedAt: number;
}

function writeIterator({ stream, shard, next, issuedAt }: Iterator): string {
  return `${stream}|1|${Buffer.from(JSON.stringify([shard, next, issuedAt])).toString('base64')}`;
}

function readIterator(text: string): Iterator {
  try {
    const [stream = '', , rest = ''] = text.split('|');
    const [shard, next, issuedAt] = JSON.parse(Buffer.from(rest, 'base64').toString('utf8'));
    if (typeof shard === 'string' && typeof next === 'number' && typeof issuedAt === 'number') {
      return { stream, shard, next, issuedAt };
    }
  } catch {}
  throw invalid('Invalid ShardIterator');
}

function readLimit({ Limit: limit }: Json, max: number): number {
  if (limit > max) throw invalidValue(`Limit should be less than or equal to ${max}`);
  return limit ?? max;
}

/** A disabled stream can be read until its last record is gone. */
function visibleStreams(engine: Engine): readonly TableStream[] {
  const horizon = engine.now() - RETENTION_MS;
  return [...engine.streams.values()].filter(({ disabledAt }) => disabledAt === undefined || disabledAt > horizon);
}

function findStream(engine: Engine, arn: string): TableStream {
  const stream = engine.stream(arn);
  return visibleStreams(engine).includes(stream) ? stream : engine.stream(`${arn} (expired)`);
}

export function listStreams(engine: Engine, input: Json): Json {
  const limit = readLimit(input, 100);
  const streams = visibleStreams(engine)
    .filter(({ options }) => input.TableName === undefined || options.tableName === input.TableName)
    .map(({ arn, options }) => ({ StreamArn: arn, TableName: options.tableName, StreamLabel: options.label }))
    .sort((a, b) => (a.StreamArn < b.StreamArn ? -1 : 1))
    .filter(({ StreamArn }) => StreamArn > (input.ExclusiveStartStreamArn ?? ''));
  const shown = streams.slice(0, limit);
  return {
    Streams: shown,
    ...(streams.length > limit ? { LastEvaluatedStreamArn: shown[shown.length - 1]?.StreamArn } : {}),
  };
}

function describeShard({ id, parent, startingSequence, endingSequence }: Shard): Json {
  return {
    ShardId: id,
    SequenceNumberRange: {
      StartingSequenceNumber: sequenceText(startingSequence),
      ...(endingSequence === undefined ? {} : { EndingSequenceNumber: sequenceText(endingSequence) }),
    },
    ...(parent === undefined ? {} : { ParentShardId: parent }),
  };
}

export function describeStream(engine: Engine, input: Json): Json {
  const stream = findStream(engine, input.StreamArn);
  const { options } = stream;
  const limit = readLimit(input, 100);
  let shards = [...stream.shards(engine.now())];
  if (input.ShardFilter != null) {
    const { Type: type, ShardId: parent } = input.ShardFilter;
    if (type === undefined || parent === undefined) throw invalid('ShardFilter needs both Type and ShardId');
    shards = shards.filter((shard) => shard.parent === parent);
  }
  if (input.ExclusiveStartShardId !== undefined) {
    const at = shards.findIndex(({ id }) => id === input.ExclusiveStartShardId);
    shards = shards.slice(at + 1);
  }
  const shown = shards.slice(0, limit);
  const table = engine.tables.get(options.tableName);
  return {
    StreamDescription: {
      StreamArn: stream.arn,
      StreamLabel: options.label,
      StreamStatus: stream.disabledAt === undefined ? 'ENABLED' : 'DISABLED',
      StreamViewType: options.viewType,
      CreationRequestDateTime: options.createdAt / 1000,
      TableName: options.tableName,
      KeySchema:
        table?.definition.keySchema ??
        options.key.attributes.map(({ name }, i) => ({ AttributeName: name, KeyType: i === 0 ? 'HASH' : 'RANGE' })),
      Shards: shown.map(describeShard),
      ...(shards.length > limit ? { LastEvaluatedShardId: shown[shown.length - 1]?.id } : {}),
    },
  };
}

function trimmed(sequence: string): ServiceError {
  return new ServiceError(
    'TrimmedDataAccessException',
    `The operation attempted to read past the oldest stream record in a shard: sequence number ${sequence} is trimmed.`,
  );
}

export function getShardIterator(engine: Engine, input: Json): Json {
  const stream = findStream(engine, input.StreamArn);
  const shard = stream.shard(input.ShardId, engine.now());
  const type: string = input.ShardIteratorType;
  const needsNumber = type === 'AT_SEQUENCE_NUMBER' || type === 'AFTER_SEQUENCE_NUMBER';
  if (needsNumber !== (input.SequenceNumber !== undefined)) {
    throw invalidValue(
      needsNumber ? 'Invalid SequenceNumber' : 'SequenceNumber should not be passed for this iterator type',
    );
  }
  let next = Math.max(shard.startingSequence, (shard.trimmedTo ?? 0) + 1);
  if (type === 'LATEST') next = (shard.endingSequence ?? stream.next - 1) + 1;
  if (needsNumber) {
    const sequence = parseSequence(input.SequenceNumber);
    const last = shard.endingSequence ?? stream.next - 1;
    if (sequence < shard.startingSequence || sequence > Math.max(last, shard.startingSequence)) {
      throw invalidValue(`Invalid SequenceNumber: ${input.SequenceNumber} is not in shard ${shard.id}`);
    }
    if (shard.trimmedTo !== undefined && sequence <= shard.trimmedTo) throw trimmed(input.SequenceNumber);
    next = type === 'AT_SEQUENCE_NUMBER' ? sequence : sequence + 1;
  }
  return { ShardIterator: writeIterator({ stream: stream.arn, shard: shard.id, next, issuedAt: engine.now() }) };
}

export function getRecords(engine: Engine, input: Json): Json {
  const now = engine.now();
  const iterator = readIterator(input.ShardIterator);
  if (now - iterator.issuedAt > ITERATOR_MS) {
    throw new ServiceError(
      'ExpiredIteratorException',
      'Iterator expired. The iterator was created more than 15 minutes ago.',
    );
  }
  const stream = findStream(engine, iterator.stream);
  const shard = stream.shard(iterator.shard, now);
  if (shard.trimmedTo !== undefined && iterator.next <= shard.trimmedTo) throw trimmed(sequenceText(iterator.next));
  const limit = readLimit(input, MAX_RECORDS);
  const { records } = shard;
  let at = firstAtOrAfter(records, iterator.next);
  const shown: Json[] = [];
  let bytes = 0;
  while (at < records.length && shown.length < limit) {
    const { record } = records[at]!;
    if (shown.length > 0 && bytes + record.dynamodb.SizeBytes > MAX_BYTES) break;
    bytes += record.dynamodb.SizeBytes;
    shown.push(record);
    at++;
  }
  const isOver = shard.endingSequence !== undefined && at >= records.length;
  const next = records[at]?.sequence ?? Math.max(iterator.next, stream.next);
  return {
    Records: shown,
    ...(isOver
      ? {}
      : { NextShardIterator: writeIterator({ stream: stream.arn, shard: shard.id, next, issuedAt: now }) }),
  };
}

function firstAtOrAfter(records: Shard['records'], sequence: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (records[middle]!.sequence < sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}

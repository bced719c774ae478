import { type Cloud, type Json, ServiceError } from '../cloud.ts';
import { type Operations, operation } from '../operations.ts';
import { hashKeyOf, MAX_HASH_KEY, toHex } from './hash-range.ts';
import type { Listeners } from './listeners.ts';
import { appendRecord, type Shard, type StoredRecord } from './shard.ts';
import { constraint, type Feed, type Feeds, findFeed, invalidArgument, openShards, trimFeed } from './stream.ts';

/** A record on its way into a shard, for whoever injects faults. */
export interface PutAttempt {
  readonly streamName: string;
  readonly shardId: string;
  readonly partitionKey: string;
  /** Its place in the PutRecords request; 0 for PutRecord. */
  readonly index: number;
}

/** Says which error a record meets, or nothing. */
export type Intercept = (
  attempt: PutAttempt,
) => 'ProvisionedThroughputExceededException' | 'InternalFailure' | undefined;

export interface Puts {
  intercept: Intercept | undefined;
  /** Writes down what was put, when everything is kept. */
  keep: ((streamName: string, shardId: string, record: StoredRecord) => void) | undefined;
  readonly listeners: Listeners;
}

// "Each PutRecords request can support up to 500 records. Each record in the request can be as large as 10 MiB, up to a
// limit of 10 MiB for the entire request, including partition keys" (PutRecords). What a stream takes is its
// MaxRecordSizeInKiB, 1024 unless set.
const MAX_RECORDS = 500;
const MAX_REQUEST_BYTES = 10 * 1024 * 1024;

export function putOperations(cloud: Cloud, feeds: Feeds, puts: Puts): Operations {
  const take = (feed: Feed, entry: Entry, index: number): { shard: Shard; sequence: string } => {
    const shard = shardFor(feed, entry.hashKey);
    const { name: streamName } = feed;
    const fault = puts.intercept?.({ streamName, shardId: shard.id, partitionKey: entry.partitionKey, index });
    if (fault !== undefined) throw new ServiceError(fault, faultText(fault, cloud, feed, shard));
    const record = { data: entry.data, partitionKey: entry.partitionKey, arrivedMs: cloud.kernel.clock.now() };
    puts.keep?.(streamName, shard.id, record);
    return { shard, sequence: appendRecord(shard, record) };
  };
  const tell = (feed: Feed, counts: Map<string, number>) => {
    for (const [shardId, count] of counts) {
      cloud.trace.note('kinesis', 'records put', { stream: feed.name, shard: shardId, count });
      puts.listeners.tell(feed.name, shardId, count);
    }
  };

  return {
    PutRecord: operation(
      ['StreamName', 'StreamARN', 'Data', 'PartitionKey', 'ExplicitHashKey', 'SequenceNumberForOrdering'],
      (input) => {
        const feed = findFeed(feeds, input);
        const entry = readEntry(feed, input, '');
        trimFeed(feed, cloud.kernel.clock.now());
        const { shard, sequence } = take(feed, entry, 0);
        tell(feed, new Map([[shard.id, 1]]));
        return { ShardId: shard.id, SequenceNumber: sequence, EncryptionType: encryption(feed) };
      },
    ),
    PutRecords: operation(['StreamName', 'StreamARN', 'Records'], (input) => {
      const feed = findFeed(feeds, input);
      const given = input.Records;
      if (!Array.isArray(given)) throw constraint(given, 'records', 'Member must not be null');
      if (given.length < 1 || given.length > MAX_RECORDS) {
        const bound = given.length < 1 ? 'greater than or equal to 1' : `less than or equal to ${MAX_RECORDS}`;
        throw constraint('[Records]', 'records', `Member must have length ${bound}`);
      }
      const entries = given.map((record, i) => readEntry(feed, record, `records.${i + 1}.member.`));
      if (entries.reduce((sum, entry) => sum + entry.size, 0) > MAX_REQUEST_BYTES) {
        throw invalidArgument('Records size exceeds 10 MB limit');
      }
      trimFeed(feed, cloud.kernel.clock.now());
      const counts = new Map<string, number>();
      let failed = 0;
      // "A single record failure does not stop the processing of subsequent records" (PutRecords).
      const records = entries.map((entry, i) => {
        try {
          const { shard, sequence } = take(feed, entry, i);
          counts.set(shard.id, (counts.get(shard.id) ?? 0) + 1);
          return { SequenceNumber: sequence, ShardId: shard.id };
        } catch (error) {
          if (!(error instanceof ServiceError)) throw error;
          failed++;
          return { ErrorCode: error.code, ErrorMessage: error.message };
        }
      });
      tell(feed, counts);
      return { FailedRecordCount: failed, Records: records, EncryptionType: encryption(feed) };
    }),
  };
}

const encryption = (feed: Feed) => (feed.keyId === undefined ? 'NONE' : 'KMS');

interface Entry {
  readonly data: Buffer;
  readonly partitionKey: string;
  readonly hashKey: string;
  readonly size: number;
}

function readEntry(feed: Feed, record: Json, at: string): Entry {
  const { Data: text, PartitionKey: partitionKey, ExplicitHashKey: explicit } = record;
  if (typeof text !== 'string') throw constraint(undefined, `${at}data`, 'Member must not be null');
  if (typeof partitionKey !== 'string') throw constraint(undefined, `${at}partitionKey`, 'Member must not be null');
  if (partitionKey.length < 1 || partitionKey.length > 256) {
    const bound = partitionKey === '' ? 'greater than or equal to 1' : 'less than or equal to 256';
    throw constraint(partitionKey, `${at}partitionKey`, `Member must have length ${bound}`);
  }
  const data = Buffer.from(text, 'base64');
  const size = data.length + Buffer.byteLength(partitionKey);
  const most = feed.maxRecordKiB * 1024;
  if (size > most) {
    throw constraint(`[${data.length} bytes]`, `${at}data`, `Member must have length less than or equal to ${most}`);
  }
  return {
    data,
    partitionKey,
    hashKey: explicit === undefined ? hashKeyOf(partitionKey) : readHashKey(explicit),
    size,
  };
}

/** A hash key given as a decimal number. */
function readHashKey(explicit: Json): string {
  if (typeof explicit !== 'string' || !/^(0|[1-9]\d{0,38})$/.test(explicit)) {
    throw constraint(explicit, 'explicitHashKey', 'Member must satisfy regular expression pattern: 0|([1-9]\\d{0,38})');
  }
  const key = BigInt(explicit);
  if (key > MAX_HASH_KEY) {
    throw invalidArgument(
      `Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was ${explicit}`,
    );
  }
  return toHex(key);
}

function shardFor(feed: Feed, hashKey: string): Shard {
  for (const shard of feed.shards) {
    if (shard.closedMs === undefined && hashKey >= shard.startHex && hashKey <= shard.endHex) return shard;
  }
  throw new Error(`no open shard of ${feed.name} holds ${hashKey}: ${openShards(feed).map((shard) => shard.id)}`);
}

function faultText(fault: string, cloud: Cloud, feed: Feed, shard: Shard): string {
  return fault === 'InternalFailure'
    ? 'Internal Service Failure'
    : `Rate exceeded for shard ${shard.id} in stream ${feed.name} under account ${cloud.account.accountId}.`;
}

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { type Cloud, type Json, ServiceError } from '../cloud.ts';
import type { Timer } from '../kernel/kernel.ts';
import type { Received } from './transform.ts';

/** Reads a feed for a delivery stream. */
export interface KinesisSource {
  /** Reads until nothing is left. */
  drain(): Promise<void>;
  stop(): void;
}

interface Shard {
  readonly id: string;
  iterator: string | undefined;
  /** What was read and is not yet delivered, in order. */
  readonly open: { readonly sequence: string; done: boolean }[];
  /** Everything up to it is delivered. */
  delivered: string | undefined;
}

/** "Firehose calls GetRecords once every second for each shard." */
const POLL_MS = 1_000;
/** A position that is a time in milliseconds: nothing was delivered yet since then. */
const SINCE = 'since ';

export async function startKinesisSource(options: {
  readonly cloud: Cloud;
  readonly streamArn: string;
  readonly roleArn: string;
  readonly pollMs?: number;
  /** Where the positions are kept between two starts. */
  readonly checkpoint?: string;
  /** Rings when something was put, so that a laptop needn't wait for the next poll. */
  readonly watch?: (streamName: string, wake: () => void) => () => void;
  receive(record: Received): void;
}): Promise<KinesisSource> {
  const { cloud, streamArn: StreamARN } = options;
  const caller = { principal: options.roleArn };
  const call = (operation: string, input: Json): Promise<Json> => cloud.call(caller, 'kinesis', operation, input);
  const shards = new Map<string, Shard>();
  let polling = Promise.resolve(0);
  let timer: Timer | undefined;
  let stopped = false;
  const saved: Record<string, string> =
    options.checkpoint !== undefined && existsSync(options.checkpoint)
      ? JSON.parse(readFileSync(options.checkpoint, 'utf8'))
      : {};

  const iteratorOf = async (shardId: string, after: string | undefined, otherwise: 'LATEST' | 'TRIM_HORIZON') => {
    const start = (at: Json): Promise<Json> => call('GetShardIterator', { StreamARN, ShardId: shardId, ...at });
    if (after !== undefined) {
      try {
        const at = after.startsWith(SINCE)
          ? { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: Number(after.slice(SINCE.length)) / 1000 }
          : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: after };
        return (await start(at)).ShardIterator as string;
      } catch (error) {
        // The position is of a stream that was made anew since.
        if (!(error instanceof ServiceError) || error.code !== 'InvalidArgumentException') throw error;
      }
    }
    const type = after === undefined ? otherwise : 'TRIM_HORIZON';
    return (await start({ ShardIteratorType: type })).ShardIterator as string;
  };

  /** "Firehose starts reading data from the LATEST position of your stream"; a later shard is a child, read from its start. */
  const findShards = async (otherwise: 'LATEST' | 'TRIM_HORIZON') => {
    let NextToken: string | undefined;
    do {
      const answer: Json = await call('ListShards', NextToken === undefined ? { StreamARN } : { NextToken });
      for (const { ShardId, SequenceNumberRange } of answer.Shards) {
        if (shards.has(ShardId)) continue;
        const delivered = saved[ShardId];
        const closed = SequenceNumberRange?.EndingSequenceNumber !== undefined;
        // A closed shard that was never begun holds only what came before the start.
        if (closed && delivered === undefined && otherwise === 'LATEST') continue;
        const start = Object.keys(saved).length > 0 ? 'TRIM_HORIZON' : otherwise;
        const first = start === 'LATEST' && options.checkpoint !== undefined;
        shards.set(ShardId, {
          id: ShardId,
          // Until something is delivered the next start must know where this one began.
          delivered: first ? `${SINCE}${cloud.kernel.clock.now()}` : delivered,
          open: [],
          iterator: await iteratorOf(ShardId, delivered, start),
        });
      }
      NextToken = answer.NextToken;
    } while (NextToken !== undefined);
  };

  const saveCheckpoint = () => {
    if (options.checkpoint === undefined) return;
    const positions = Object.fromEntries(
      [...shards.values()].flatMap(({ id, delivered }) => (delivered === undefined ? [] : [[id, delivered]])),
    );
    writeFileSync(`${options.checkpoint}.new`, JSON.stringify(positions));
    renameSync(`${options.checkpoint}.new`, options.checkpoint);
  };

  const take = (shard: Shard, record: Json) => {
    const entry = { sequence: record.SequenceNumber as string, done: false };
    shard.open.push(entry);
    const arrivalMs = Math.round(record.ApproximateArrivalTimestamp * 1000);
    options.receive({
      recordId: `${record.SequenceNumber}000000`,
      data: Buffer.from(record.Data, 'base64'),
      arrivalMs,
      kinesis: {
        sequenceNumber: record.SequenceNumber,
        subsequenceNumber: 0,
        partitionKey: record.PartitionKey,
        shardId: shard.id,
        approximateArrivalTimestamp: arrivalMs,
      },
      done() {
        entry.done = true;
        if (shard.open[0] !== entry) return;
        while (shard.open[0]?.done === true) shard.delivered = shard.open.shift()!.sequence;
        saveCheckpoint();
      },
    });
  };

  const readShard = async (shard: Shard): Promise<number> => {
    let count = 0;
    while (shard.iterator !== undefined && !stopped) {
      let answer: Json;
      try {
        answer = await call('GetRecords', { StreamARN, ShardIterator: shard.iterator, Limit: 10_000 });
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        if (error.code !== 'ExpiredIteratorException') throw error;
        const last = shard.open.at(-1)?.sequence ?? shard.delivered;
        shard.iterator = await iteratorOf(shard.id, last, 'TRIM_HORIZON');
        continue;
      }
      for (const record of answer.Records) take(shard, record);
      count += answer.Records.length;
      shard.iterator = answer.NextShardIterator ?? undefined;
      if (shard.iterator === undefined) await findShards('TRIM_HORIZON');
      if (answer.Records.length === 0) break;
    }
    return count;
  };

  const poll = async (): Promise<number> => {
    let count = 0;
    for (const shard of [...shards.values()]) {
      try {
        count += await readShard(shard);
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        cloud.trace.note('firehose', 'source failed', { stream: StreamARN, reason: `${error.code}: ${error.message}` });
      }
    }
    return count;
  };

  const pollNow = () => {
    polling = polling.then(() => (stopped ? 0 : poll()));
    return polling;
  };
  const schedule = () => {
    timer = cloud.kernel.scheduler.after(options.pollMs ?? POLL_MS, async () => {
      try {
        await pollNow();
      } finally {
        if (!stopped) schedule();
      }
    });
  };

  await findShards('LATEST');
  saveCheckpoint();
  schedule();
  let woken = false;
  const unwatch = options.watch?.(StreamARN.split('/').at(-1)!, () => {
    if (woken || stopped) return;
    woken = true;
    cloud.kernel.scheduler.after(0, async () => {
      woken = false;
      await pollNow();
    });
  });

  return {
    async drain() {
      while ((await pollNow()) > 0);
    },
    stop() {
      stopped = true;
      timer?.cancel();
      unwatch?.();
    },
  };
}

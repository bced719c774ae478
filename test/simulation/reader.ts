import type { BatchAnswer } from '../../src/feed/feed-batch.ts';
import type { SimulatedFeed } from './feed.ts';
import { kinesisRecord } from './records.ts';
import type { World } from './world.ts';

export interface ReaderOptions {
  readonly name: string;
  readonly handle: (event: { readonly Records: readonly unknown[] }) => Promise<BatchAnswer | undefined>;
  /** Until when it does not read at all. */
  readonly downUntil?: number;
  /** May it lose records for good, as by retention? */
  readonly loses?: boolean;
  readonly batchSize: number;
  readonly pollMs: number;
}

/** A Lambda event source mapping on every shard: in order, retried without end, from the first failure that an answer names. */
export function readFeed(world: World, feed: SimulatedFeed, options: ReaderOptions): void {
  const places = feed.shards.map(() => ({ next: 0, busy: false }));
  feed.onRecord((shard) => {
    const place = places[shard]!;
    if (place.busy) return;
    place.busy = true;
    const down = Math.max(0, (options.downUntil ?? 0) - world.now());
    world.later(down + world.pick(10, options.pollMs), () => work(shard));
  });

  const work = async (shard: number) => {
    const place = places[shard]!;
    const { log } = feed.shards[shard]!;
    let size = options.batchSize;
    while (place.next < log.length) {
      const batch = log
        .slice(place.next, place.next + size)
        .map((data, i) => kinesisRecord(data, String(place.next + i)));
      if (options.loses === true && world.strikes('lostBatch', 0.1)) {
        world.note(`${options.name} loses ${batch.length} records`);
        place.next += batch.length;
        continue;
      }
      const done = await once(batch);
      size = done < batch.length ? Math.max(1, size >> 1) : options.batchSize; // a failed batch is halved
      if (done < batch.length) await world.sleep(world.pick(50, 500));
      place.next += done;
      await world.sleep(world.pick(10, options.pollMs));
    }
    place.busy = false;
  };

  /** How many records are done with. */
  const once = async (batch: readonly ReturnType<typeof kinesisRecord>[]): Promise<number> => {
    try {
      const twin = world.strikes('duplicate', 0.1)
        ? options.handle({ Records: batch }).catch(() => undefined)
        : undefined;
      const answer = await options.handle({ Records: batch });
      await twin;
      const first = answer?.batchItemFailures[0]?.itemIdentifier;
      if (first === undefined) return batch.length;
      const index = batch.findIndex((record) => record.kinesis.sequenceNumber === first);
      if (index < 0) world.violate(`${options.name} names a record that was not in its batch`);
      return Math.max(0, index);
    } catch (error) {
      world.note(`${options.name} fails: ${(error as Error).message || (error as Error).name}`);
      return 0;
    }
  };
}

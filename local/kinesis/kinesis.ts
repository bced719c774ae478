import type { Cloud, Service } from '../cloud.ts';
import type { Journal } from '../journal.ts';
import { handleBy } from '../operations.ts';
import { consumerOperations } from './consumers.ts';
import { evenRanges } from './hash-range.ts';
import { keepFeeds, kept } from './kept-feeds.ts';
import { createListeners, type RecordsListener } from './listeners.ts';
import { manageOperations } from './manage.ts';
import { type Intercept, type Puts, putOperations } from './put.ts';
import { readOperations } from './read.ts';
import { reshardOperations, scale, telling } from './reshard.ts';
import { type Feeds, findFeed } from './stream.ts';

export interface Kinesis extends Service {
  readonly name: 'kinesis';
  /**
   * Calls `listener` whenever records were put, with the shard and their number, and when a shard was closed, with 0; read
   * them with GetRecords. Gives the function that ends it. The stream need not exist yet.
   */
  onRecords(streamName: string, listener: RecordsListener): () => void;
  /** Lets single records fail on their way in, so that PutRecords answers in part; `undefined` ends it. */
  intercept(fault: Intercept | undefined): void;
  /** Splits and merges shards until there are `shards` even ones, as the service does by itself in on-demand mode. */
  scale(streamName: string, shards: number): void;
}

export interface KinesisOptions {
  /** Where everything is kept. Default: nowhere. */
  readonly journal?: Journal;
}

/** Kinesis Data Streams in memory, registered with the cloud under `kinesis`. */
export function createKinesis(cloud: Cloud, options: KinesisOptions = {}): Kinesis {
  const feeds: Feeds = { account: cloud.account, byName: new Map() };
  const listeners = createListeners(cloud);
  const puts: Puts = { intercept: undefined, keep: undefined, listeners };
  const keep = options.journal && keepFeeds(options.journal, feeds, puts);
  const kinesis: Kinesis = {
    name: 'kinesis',
    handle: handleBy(
      'Kinesis',
      {
        ...kept(manageOperations(cloud, feeds), keep),
        ...putOperations(cloud, feeds, puts),
        ...readOperations(cloud, feeds),
        ...kept(reshardOperations(cloud, feeds, listeners), keep),
        ...kept(consumerOperations(cloud, feeds), keep),
      },
      'ValidationException',
    ),
    onRecords: listeners.add,
    intercept(fault) {
      puts.intercept = fault;
    },
    scale(streamName, shards) {
      const feed = findFeed(feeds, { StreamName: streamName });
      telling(listeners, feed, () => scale(feed, evenRanges(shards), cloud.kernel.clock.now()));
      keep?.(streamName);
    },
  };
  cloud.register(kinesis);
  return kinesis;
}

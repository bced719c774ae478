import type { Cloud, Service } from '../cloud.ts';
import { handleBy } from '../operations.ts';
import { consumerOperations } from './consumers.ts';
import { evenRanges } from './hash-range.ts';
import { manageOperations } from './manage.ts';
import { type Intercept, type Puts, putOperations, type RecordsListener } from './put.ts';
import { readOperations } from './read.ts';
import { reshardOperations, scale } from './reshard.ts';
import { type Feeds, findFeed } from './stream.ts';

export interface Kinesis extends Service {
  readonly name: 'kinesis';
  /**
   * Calls `listener` whenever records were put, with the shard and their number; read them with GetRecords. Gives the
   * function that ends it. The stream need not exist yet.
   */
  onRecords(streamName: string, listener: RecordsListener): () => void;
  /** Lets single records fail on their way in, so that PutRecords answers in part; `undefined` ends it. */
  intercept(fault: Intercept | undefined): void;
  /** Splits and merges shards until there are `shards` even ones, as the service does by itself in on-demand mode. */
  scale(streamName: string, shards: number): void;
}

/** Kinesis Data Streams in memory, registered with the cloud under `kinesis`. */
export function createKinesis(cloud: Cloud): Kinesis {
  const feeds: Feeds = { account: cloud.account, byName: new Map() };
  const puts: Puts = { intercept: undefined, listeners: new Map() };
  const kinesis: Kinesis = {
    name: 'kinesis',
    handle: handleBy(
      'Kinesis',
      {
        ...manageOperations(cloud, feeds),
        ...putOperations(cloud, feeds, puts),
        ...readOperations(cloud, feeds),
        ...reshardOperations(cloud, feeds),
        ...consumerOperations(cloud, feeds),
      },
      'ValidationException',
    ),
    onRecords(streamName, listener) {
      const listeners = puts.listeners.get(streamName) ?? new Set();
      puts.listeners.set(streamName, listeners.add(listener));
      return () => listeners.delete(listener);
    },
    intercept(fault) {
      puts.intercept = fault;
    },
    scale(streamName, shards) {
      scale(findFeed(feeds, { StreamName: streamName }), evenRanges(shards), cloud.kernel.clock.now());
    },
  };
  cloud.register(kinesis);
  return kinesis;
}

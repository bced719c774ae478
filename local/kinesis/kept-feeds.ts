import type { Journal } from '../journal.ts';
import type { Operations } from '../operations.ts';
import type { Puts } from './put.ts';
import { openShard, type Shard } from './shard.ts';
import { type Consumer, type Feed, type Feeds, feedName, makeFeed } from './stream.ts';

interface KeptShard {
  readonly number: number;
  readonly start: string;
  readonly end: string;
  readonly createdMs: number;
  readonly parents: readonly string[];
  readonly closedMs?: number;
  /** The place of the oldest record that is there. */
  readonly horizon: number;
}

/** Arrival time, partition key, and the data as base64 text. */
type KeptRecord = readonly [arrivedMs: number, partitionKey: string, data: string];

type Entry =
  | {
      readonly kind: 'feed';
      readonly feed: Omit<Feed, 'arn' | 'shards' | 'tags' | 'consumers'> & {
        readonly shards: readonly KeptShard[];
        readonly tags: readonly [string, string][];
        readonly consumers: readonly Consumer[];
      };
    }
  | { readonly kind: 'drop'; readonly name: string }
  | { readonly kind: 'put'; readonly feed: string; readonly shard: string; readonly records: readonly KeptRecord[] };

const CHUNK = 100;

/** Joins the journal: streams, their shards and records come back with the sequence numbers that they had. */
export function keepFeeds(journal: Journal, feeds: Feeds, puts: Puts): (name: string) => void {
  const write = journal.join<Entry>('kinesis', {
    restore(entry) {
      if (entry.kind === 'drop') feeds.byName.delete(entry.name);
      else if (entry.kind === 'feed') restoreFeed(feeds, entry.feed);
      else {
        const shard = feeds.byName.get(entry.feed)?.shards.find(({ id }) => id === entry.shard);
        for (const [arrivedMs, partitionKey, data] of entry.records) {
          shard?.records.push({ data: Buffer.from(data, 'base64'), partitionKey, arrivedMs });
        }
      }
    },
    *snapshot() {
      for (const feed of feeds.byName.values()) {
        yield describe(feed);
        for (const shard of feed.shards) {
          for (let from = shard.trimmed; from < shard.records.length; from += CHUNK) {
            const records = shard.records.slice(from, from + CHUNK).map(toKept);
            yield { kind: 'put', feed: feed.name, shard: shard.id, records };
          }
        }
      }
    },
  });
  puts.keep = (feed, shard, record) => write({ kind: 'put', feed, shard, records: [toKept(record)] });
  return (name) => {
    const feed = feeds.byName.get(name);
    write(feed === undefined ? { kind: 'drop', name } : describe(feed));
  };
}

const toKept = ({ arrivedMs, partitionKey, data }: Shard['records'][number]): KeptRecord => [
  arrivedMs,
  partitionKey,
  data.toString('base64'),
];

function describe({ arn: _, shards, tags, consumers, ...feed }: Feed): Entry {
  return {
    kind: 'feed',
    feed: {
      ...feed,
      tags: [...tags],
      consumers: [...consumers.values()],
      shards: shards.map((shard) => ({
        number: Number(shard.id.slice('shardId-'.length)),
        start: String(shard.range.start),
        end: String(shard.range.end),
        createdMs: shard.createdMs,
        parents: shard.parents,
        ...(shard.closedMs !== undefined && { closedMs: shard.closedMs }),
        horizon: shard.firstPlace + shard.trimmed,
      })),
    },
  };
}

/** Shards that are there already keep their records: only what the entry says of them is new. */
function restoreFeed(feeds: Feeds, kept: Extract<Entry, { kind: 'feed' }>['feed']): void {
  const { name, createdMs, mode, shards, tags, consumers, ...rest } = kept;
  const before = feeds.byName.get(name);
  const known = new Map(before?.shards.map((shard) => [shard.id, shard]));
  const feed = before ?? makeFeed(feeds.account, name, mode, 1, createdMs);
  Object.assign(feed, { keyId: undefined }, rest, { mode });
  feed.shards = shards.map(({ number, start, end, createdMs: shardMs, parents, closedMs, horizon }) => {
    const fresh = openShard(number, { start: BigInt(start), end: BigInt(end) }, shardMs, parents);
    fresh.firstPlace = horizon;
    const shard = known.get(fresh.id) ?? fresh;
    shard.closedMs = closedMs;
    return shard;
  });
  feed.tags.clear();
  for (const [key, value] of tags) feed.tags.set(key, value);
  feed.consumers.clear();
  for (const consumer of consumers) feed.consumers.set(consumer.name, consumer);
  feeds.byName.set(name, feed);
}

/** Operations that change streams, each followed by writing down what the stream is now. */
export function kept(operations: Operations, keep: ((name: string) => void) | undefined): Operations {
  if (keep === undefined) return operations;
  const wrapped = Object.entries(operations).map(([name, { parameters, run }]): [string, Operations[string]] => {
    if (/^(Describe|List)/.test(name)) return [name, { parameters, run }];
    return [
      name,
      {
        parameters,
        run(input, caller) {
          const answer = run(input, caller);
          keep(feedName({ StreamName: input.StreamName, StreamARN: input.StreamARN ?? input.ConsumerARN }));
          return answer;
        },
      },
    ];
  });
  return Object.fromEntries(wrapped);
}

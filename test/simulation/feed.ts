import type { Envelope } from '../../src/feed/envelope.ts';
import type { MemoryEvents } from './memory-ports.ts';
import type { World } from './world.ts';

export type Sender = 'pipe' | 'confirm' | 'reconciler' | 'foreign' | 'rogue';

/** The feed, and who watches it from outside: what lands must make every aggregate's versions 1, 2, 3 … without a gap. */
export interface SimulatedFeed {
  land(envelope: Envelope, sender: Sender): void;
  readonly shards: readonly { readonly log: readonly string[] }[];
  /** The highest version in the feed without a gap. */
  tail(aggregate: string): number;
  landed(): number;
  onRecord(listener: (shard: number) => void): void;
}

const LEASE_MS = 5_000;

export function createFeed(world: World, events: MemoryEvents): SimulatedFeed {
  const shards = Array.from({ length: world.plan.shards }, () => ({ log: [] as string[] }));
  const tails = new Map<string, number>();
  const listeners: ((shard: number) => void)[] = [];
  const rogues = new Set<string>();
  const offers = new Map<string, number>();
  let count = 0;

  const check = (envelope: Envelope, sender: Sender) => {
    const { feed, aggregate, from, to, head } = envelope;
    if (sender === 'foreign') return;
    if (sender === 'rogue') {
      rogues.add(`${aggregate}:${to}`);
      return;
    }
    const name = `${sender}'s ${aggregate} [${from}..${to}] of ${head}`;
    if (feed !== world.feed) world.violate(`${name} says feed ${feed}`);
    const tail = tails.get(aggregate) ?? 0;
    if (from > tail + 1) world.violate(`${name} lands beyond ${tail}: a gap in the feed`);
    if (envelope.events.length !== to - from + 1) world.violate(`${name} holds ${envelope.events.length} events`);
    for (const [i, event] of envelope.events.entries()) {
      const stored = events.all(aggregate).get(from + i);
      if (event.version !== from + i) world.violate(`${name} holds version ${event.version} in place ${from + i}`);
      else if (stored?.data !== event.data)
        world.violate(`${name} holds another version ${event.version} than the table`);
    }
    if (sender !== 'pipe' && to < from) world.violate(`${name} is empty`);
    if (sender === 'confirm' && world.plan.offersOnce) {
      const key = `${aggregate}@${from}`;
      const before = offers.get(key);
      if (before !== undefined && world.now() - before < LEASE_MS - 1_000) world.violate(`${name} is offered twice`);
      offers.set(key, world.now());
    }
    if (to <= tail || from > tail + 1) return;
    // Read again after what was before it, a rogue's true event is as good as ours.
    let next = to;
    while (rogues.has(`${aggregate}:${next + 1}`)) next++;
    tails.set(aggregate, next);
  };

  return {
    shards,
    land(envelope, sender) {
      const { aggregate, from, to, head } = envelope;
      world.note(`${sender} → feed: ${aggregate} [${from}..${to}] head ${head}`);
      check(envelope, sender);
      count++;
      world.count('envelopes');
      world.count('eventsFed', envelope.events.length);
      const shard = aggregate.charCodeAt(aggregate.length - 1) % shards.length;
      shards[shard]!.log.push(JSON.stringify(envelope));
      for (const listener of listeners) listener(shard);
    },
    tail: (aggregate) => tails.get(aggregate) ?? 0,
    landed: () => count,
    onRecord: (listener) => listeners.push(listener),
  };
}

import type { Cursor } from '../../src/feed/cursor-table.ts';
import type { Envelope } from '../../src/feed/envelope.ts';
import { filledEnvelope, toEnvelopeEvent } from '../../src/feed/envelope.ts';
import { createConsumers } from './consumers.ts';
import { createFeed, type Sender, type SimulatedFeed } from './feed.ts';
import type { CodeUnderTest } from './load-code.ts';
import { type MemoryCursors, type MemoryEvents, memoryCursors, memoryEvents } from './memory-ports.ts';
import { createPipe } from './pipe.ts';
import { planOf } from './plan.ts';
import { readFeed } from './reader.ts';
import { storedEvent } from './records.ts';
import { createWorld, type Gate, gated, gatedTable, invocation, type World } from './world.ts';
import { startWriters } from './writers.ts';

export interface RunResult {
  readonly seed: number;
  readonly faults: readonly string[];
  readonly violations: readonly string[];
  readonly trace: readonly string[];
  readonly counts: ReadonlyMap<string, number>;
}

export interface RunOptions {
  /** Keep a line of everything that happens. */
  readonly trace?: boolean;
  /** End the run soon after its first violation. */
  readonly stopAtFirst?: boolean;
}

const MINUTE = 60_000;
/** After faults have stopped: without the reconciler by then, and with it within so many of its rounds. */
const PROMPT_MS = 60_000;
const ROUNDS = 30;
const ROUND_MS = 5 * MINUTE;
const SILENT_ROUNDS = 6;

/** One seeded run: writers, pipe, feed, Confirm, reconciler and consumers under faults; then the checks from outside. */
export async function simulate(seed: number, code: CodeUnderTest, options: RunOptions = {}): Promise<RunResult> {
  const plan = planOf(seed);
  const world = createWorld(plan, options.trace === true);
  const events = memoryEvents({ pageSize: world.pick(1, 4), now: world.now, staleMs: () => world.pick(0, 3000) });
  const feed = createFeed(world, events);
  const cursors = watchedCursors(world, feed);
  const reconcile = () => runReconciler(world, code, feed, events, cursors);
  const enrich = (records: readonly unknown[]) =>
    invocation(world, 'enrichment', (gate) =>
      code.createTableToFeed({
        feed: world.feed,
        cursors: gated(cursors, gate),
        table: gatedTable(events.table, gate),
      })(records),
    ) as Promise<readonly Envelope[]>;
  const pipe = createPipe(world, feed, enrich, () => world.later(world.pick(1000, 5000), reconcile));
  const writers = startWriters(world, events, pipe);
  readFeed(world, feed, {
    name: 'Confirm',
    batchSize: world.pick(1, 10),
    pollMs: plan.pollMs,
    ...(plan.faults.has('confirmDown') && { downUntil: world.now() + world.pick(3_000, 3_600_000) }),
    handle: (event) =>
      invocation(world, 'Confirm', (gate) =>
        code.createFeedToConfirmed(offerPorts(world, feed, events, cursors, gate, 'confirm'))(event),
      ),
  });
  const consumers = createConsumers(world, code, feed, events.table);
  disturb(world, feed, events);

  const missing = () => {
    const list: string[] = [];
    for (const [aggregate, k] of writers.expected) {
      const confirmed = cursors.items.get(aggregate)?.confirmed ?? 0;
      const reached = [
        ['the feed', feed.tail(aggregate)] as const,
        ['Confirm', confirmed] as const,
        ...consumers.reached(aggregate),
      ];
      for (const [name, at] of reached) if (at < k) list.push(`${name} has ${aggregate} up to ${at} of ${k}`);
    }
    return list;
  };

  const ended = () => options.stopAtFirst === true && world.violations.length > 0;
  const result = () => ({
    seed,
    faults: [...plan.faults],
    violations: world.violations,
    trace: world.trace,
    counts: world.counts,
  });
  await world.kernel.run(world.now() + plan.faultsMs + 100);
  if (plan.faults.has('lostBatch')) writers.close();
  if (ended()) return result();
  await world.kernel.run(world.now() + PROMPT_MS);
  if (plan.prompt) for (const each of missing()) world.violate(`without the reconciler: ${each}`);
  let rounds = 0;
  for (; rounds < ROUNDS && (missing().length > 0 || rounds < 2); rounds++) {
    if (ended()) return result();
    await round(world, reconcile);
  }
  for (const each of missing()) world.violate(`after ${rounds} rounds: ${each}`);
  const before = feed.landed();
  for (let i = 0; i < SILENT_ROUNDS; i++) await round(world, reconcile);
  if (feed.landed() > before) world.violate(`${feed.landed() - before} envelopes more when all was delivered`);
  return result();
}

async function round(world: World, reconcile: () => Promise<void>): Promise<void> {
  world.later(0, reconcile);
  await world.kernel.run(world.now() + ROUND_MS);
}

function offerPorts(
  world: World,
  feed: SimulatedFeed,
  events: MemoryEvents,
  cursors: MemoryCursors,
  gate: Gate,
  sender: Sender,
) {
  const skew = world.plan.faults.has('skew') ? world.pick(-60_000, 60_000) : 0;
  const put = async (envelopes: readonly Envelope[]) => {
    for (const envelope of envelopes) {
      feed.land(envelope, sender);
      if (world.strikes('repeatPut', 0.1)) world.later(world.pick(0, 2000), () => feed.land(envelope, 'pipe'));
    }
    return [];
  };
  return {
    feed: world.feed,
    cursors: gated(cursors, gate),
    table: gatedTable(events.table, gate),
    writer: { put: (envelopes: readonly Envelope[]) => gate('PutRecords', () => put(envelopes)) },
    now: () => world.now() + skew,
  };
}

async function runReconciler(
  world: World,
  code: CodeUnderTest,
  feed: SimulatedFeed,
  events: MemoryEvents,
  cursors: MemoryCursors,
): Promise<void> {
  world.note('the reconciler runs');
  let pages = world.pick(1, 3);
  try {
    await invocation(world, 'reconciler', (gate) =>
      code.createReconcileFeed(offerPorts(world, feed, events, cursors, gate, 'reconciler'))(
        { source: 'aws.events' },
        { getRemainingTimeInMillis: () => (pages-- > 0 ? 300_000 : 0) },
      ),
    );
  } catch (error) {
    world.note(`the reconciler fails: ${(error as Error).message}`);
  }
}

/** Cursors that tell of the past under `staleCursor`, and that are compared with the feed whenever they are raised. */
function watchedCursors(world: World, feed: SimulatedFeed): MemoryCursors {
  const history = new Map<string, { readonly at: number; readonly cursor: Cursor }[]>();
  const stale = (aggregate: string): Cursor | undefined => {
    const past = history.get(aggregate);
    if (past === undefined || !world.strikes('staleCursor', 0.5)) return undefined;
    const horizon = world.now() - world.pick(0, 3000);
    return past.findLast(({ at }) => at <= horizon)?.cursor ?? { confirmed: 0 };
  };
  const cursors = memoryCursors(stale);
  return {
    ...cursors,
    async raise(aggregate, from, to) {
      const result = await cursors.raise(aggregate, from, to);
      const { confirmed } = result.cursor;
      if (!result.raised) return result;
      world.note(`confirmed of ${aggregate} is ${confirmed}`);
      history.set(aggregate, [...(history.get(aggregate) ?? []), { at: world.now(), cursor: result.cursor }]);
      const tail = feed.tail(aggregate);
      if (confirmed > tail) world.violate(`confirmed of ${aggregate} is ${confirmed}, in the feed are ${tail}`);
      return result;
    },
  };
}

/** Envelopes that nobody of ours has sent. */
function disturb(world: World, feed: SimulatedFeed, events: MemoryEvents): void {
  const aggregate = `b${world.plan.seed}-1`;
  if (world.plan.faults.has('foreign')) {
    const to = world.pick(1, 9);
    const run = Array.from({ length: to }, (_, i) => toEnvelopeEvent(storedEvent(aggregate, i + 1)));
    world.later(world.pick(0, 12_000), () => feed.land(filledEnvelope('feed-0', aggregate, 1, to, run), 'foreign'));
  }
  const intrude = () => {
    if (world.faultsAreOver()) return;
    const head = Math.max(0, ...events.all(aggregate).keys());
    if (head < feed.tail(aggregate) + 2) return world.later(100, intrude);
    const event = toEnvelopeEvent(events.all(aggregate).get(head)!);
    feed.land(filledEnvelope(world.feed, aggregate, head, head, [event]), 'rogue');
  };
  if (world.plan.faults.has('rogue')) world.later(world.pick(0, 8_000), intrude);
}

import { toBusEvent } from '../../src/feed/bus-event.ts';
import { filledEnvelope, toEnvelopeEvent } from '../../src/feed/envelope.ts';
import type { Audit } from './audit.ts';
import { type Cores, TABLES } from './cores.ts';
import type { Deployment } from './deployment.ts';
import { OUTAGE_MS } from './plan.ts';
import { storedEvent } from './records.ts';
import type { World } from './world.ts';

const HOUR = 3_600_000;
/** By then the writes before an outage are over. */
const AFTER_WRITES_MS = 20_000;

/** What befalls a run from outside: outages, splits and merges, envelopes that nobody of ours has sent. */
export function disturb(world: World, cores: Cores, audit: Audit, deployment: Deployment): void {
  const { plan } = world;
  const has = plan.faults.has.bind(plan.faults);
  const { call } = cores;
  const { feed, mappings } = deployment;
  const often = (times: number, untilMs: number, task: () => unknown) => {
    for (let i = 0; i < times; i++) world.later(world.pick(0, untilMs), task);
  };

  const pause = (reader: string, fromMs: number, ms: number) => {
    const UUID = mappings.get(reader);
    // The feed may be retired by then.
    const set = (Enabled: boolean) =>
      call('lambda', 'UpdateEventSourceMapping', { UUID, Enabled }).catch(() => undefined);
    world.later(fromMs, async () => {
      world.note(`${reader} does not read`);
      await set(false);
      await world.sleep(ms);
      world.note(`${reader} reads again`);
      await set(true);
    });
  };
  if (has('deadConfirm')) {
    world.struck('deadConfirm');
    const fromMs = world.pick(0, 6_000);
    pause('confirm', fromMs, world.chance(0.5) ? HOUR : world.pick(3_000, HOUR));
    // What the first one puts nobody reads: the second one finds its offer open.
    for (const ms of [1_000, 4_200]) world.later(fromMs + ms, () => deployment.reconcile().catch(() => undefined));
  }
  if (has('feedRetention')) {
    const readers = [...mappings.keys()].filter((reader) => reader !== 'confirm');
    const reader = readers[world.pick(0, readers.length - 1)];
    if (reader !== undefined) {
      world.struck('feedRetention');
      pause(reader, world.pick(0, 6_000), OUTAGE_MS);
    }
  }
  if (has('stoppedPipe')) {
    world.struck('stoppedPipe');
    world.later(world.pick(0, 6_000), async () => {
      world.note('the pipe stops');
      await deployment.runPipe(false);
      await world.sleep(OUTAGE_MS);
      world.note('the pipe starts');
      await deployment.runPipe(true);
    });
  }
  if (has('recreatedPipe')) {
    world.later(world.pick(500, 14_000), async () => {
      world.struck('recreatedPipe');
      const from = world.chance(0.5) ? 'TRIM_HORIZON' : 'LATEST';
      world.note(`the pipe is made again from ${from}`);
      await deployment.recreatePipe(from);
    });
  }
  if (has('tableShardSplit')) {
    often(3, 14_000, () => {
      world.struck('tableShardSplit');
      world.note('a shard of the table stream splits');
      cores.db.splitShard(cores.db.streamArnOf(TABLES.events)!);
    });
  }
  const reshard = (shards: number) => {
    world.note(`the feed gets ${shards} shards`);
    cores.kinesis.scale(feed, shards);
  };
  if (has('feedShardSplit')) {
    let shards = plan.shards;
    often(2, 14_000, () => {
      world.struck('feedShardSplit');
      shards *= 2;
      reshard(shards);
    });
  }
  if (has('feedShardMerge')) {
    const [first, second] = [world.pick(0, 7_000), world.pick(7_000, 14_000)];
    world.later(first, () => reshard(3));
    world.later(second, () => {
      world.struck('feedShardMerge');
      reshard(1);
    });
  }
  if (has('busyReconciler')) {
    often(6, 19_000, () => {
      world.struck('busyReconciler');
      return deployment.reconcile().catch(() => undefined);
    });
  }
  if (has('failingEffect')) {
    often(8, 12_000, () => deployment.redrive(audit.parked(feed)).catch(() => undefined));
  }
  intrude(world, cores, audit, feed);
}

/** Envelopes of another feed, and one that begins beyond the end of this one. */
function intrude(world: World, cores: Cores, audit: Audit, feed: string): void {
  const { plan } = world;
  const index = plan.lengths.findLastIndex((length) => length > 0);
  const aggregate = `${'abcd'[index]}${plan.seed}-${index}`;
  if (plan.faults.has('foreignFeed')) {
    world.later(world.pick(0, 12_000), () => {
      world.struck('foreignFeed');
      const to = world.pick(1, 9);
      const run = Array.from({ length: to }, (_, i) => toEnvelopeEvent(storedEvent(aggregate, i + 1)));
      cores.land(feed, 'foreign', JSON.stringify(filledEnvelope('feed-0', aggregate, 1, to, run)), aggregate);
    });
  }
  if (plan.faults.has('foreignFeed') && plan.consumers.has('rule')) {
    for (let i = 0; i < 4; i++) {
      world.later(world.pick(0, 18_000), () => {
        // What this feed has next, with other data.
        const next = audit.reached('rule', feed, aggregate) + 1;
        const { detailType, detail } = toBusEvent('feed-0', storedEvent(aggregate, next, { data: '{"amount":-1}' }));
        cores.tell(detailType, detail);
      });
    }
  }
  const begun = world.now();
  const strike = () => {
    if (world.faultsAreOver()) return;
    // While writers pause for a day there is nothing new to look for.
    const waited = world.now() - begun;
    if (plan.outage && waited > AFTER_WRITES_MS && waited < OUTAGE_MS) return world.later(OUTAGE_MS - waited, strike);
    const { Items } = cores.db.call('Query', {
      TableName: TABLES.events,
      KeyConditionExpression: 'AggregateUuid = :a',
      ConsistentRead: true,
      ExpressionAttributeValues: { ':a': { S: aggregate } },
      ScanIndexForward: false,
      Limit: 1,
    });
    const head = Number(Items[0]?.Version.N ?? 0);
    const stored = audit.contentOf(aggregate, head);
    if (stored === undefined || head < audit.tail(feed, aggregate) + 2) return world.later(100, strike);
    world.struck('rogue');
    const event = toEnvelopeEvent(stored);
    cores.land(feed, 'rogue', JSON.stringify(filledEnvelope(feed, aggregate, head, head, [event])), aggregate);
  };
  if (plan.faults.has('rogue')) world.later(world.pick(0, 8_000), strike);
}

import type { Envelope } from '../../src/feed/envelope.ts';
import type { SimulatedFeed } from './feed.ts';
import type { StreamRecord } from './records.ts';
import type { World } from './world.ts';

export interface Pipe {
  /** Hands a record of the table stream to its lane. */
  ring(record: StreamRecord): void;
}

/** Several lanes of one pipe: batch, enrichment, PutRecords, and everything that can go wrong between them. */
export function createPipe(
  world: World,
  feed: SimulatedFeed,
  enrich: (records: readonly StreamRecord[]) => Promise<readonly Envelope[]>,
  giveUp: () => void,
): Pipe {
  const lanes = Array.from({ length: world.plan.lanes }, () => ({ queue: [] as StreamRecord[], busy: false }));

  const laneOf = ({ dynamodb: { Keys } }: StreamRecord) => {
    const { AggregateUuid, Version } = Keys as { AggregateUuid: { S: string }; Version: { N: string } };
    const of = world.plan.faults.has('splitItems') ? AggregateUuid.S + Version.N : AggregateUuid.S;
    return lanes[[...of].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % lanes.length]!;
  };

  const work = async (lane: (typeof lanes)[number]) => {
    while (lane.queue.length > 0) {
      const batch = lane.queue.slice(0, world.plan.batchSize);
      await attempt(batch);
      lane.queue.splice(0, batch.length);
    }
    lane.busy = false;
  };

  /** Until it succeeds: retries are unlimited. AUTOMATIC_BISECT halves a batch that failed. */
  const attempt = async (batch: readonly StreamRecord[]): Promise<void> => {
    for (;;) {
      if (await once(batch)) return;
      if (world.strikes('giveUp', 0.1)) {
        world.note(`the pipe gives up ${batch.length} records`);
        return giveUp();
      }
      if (world.strikes('wrongRetry', 0.3)) {
        const some = batch.filter(() => world.pick(0, 1) === 1);
        world.note(`the pipe's retry holds ${some.length} of ${batch.length} records`);
        return some.length === 0 ? undefined : attempt(some);
      }
      await world.sleep(world.pick(10, 500));
      if (batch.length > 1 && world.pick(0, 1) === 1) {
        const middle = batch.length >> 1;
        await attempt(batch.slice(0, middle));
        return attempt(batch.slice(middle));
      }
    }
  };

  const once = async (batch: readonly StreamRecord[]): Promise<boolean> => {
    if (world.strikes('enrichFails', 0.2)) return false;
    let envelopes: readonly Envelope[];
    try {
      envelopes = JSON.parse(JSON.stringify(await enrich(batch))) as Envelope[];
    } catch {
      return false;
    }
    const late = world.strikes('enrichLate', 0.2);
    if (late && world.pick(0, 1) === 1) return false;
    return put(envelopes) && !late;
  };

  const put = (envelopes: readonly Envelope[]): boolean => {
    const shuffled = world.plan.faults.has('latePut') ? [...envelopes].reverse() : envelopes;
    let whole = true;
    for (const envelope of shuffled) {
      if (world.strikes('partialPut', 0.3)) {
        whole = false;
        continue;
      }
      if (world.strikes('latePut', 0.2)) world.later(world.pick(100, 8000), () => feed.land(envelope, 'pipe'));
      else feed.land(envelope, 'pipe');
      if (world.strikes('repeatPut', 0.2)) world.later(world.pick(0, 3000), () => feed.land(envelope, 'pipe'));
    }
    return whole;
  };

  return {
    ring(record) {
      const lane = laneOf(record);
      lane.queue.push(record);
      if (lane.busy) return;
      lane.busy = true;
      world.later(world.plan.windowMs + world.pick(5, 50), () => work(lane));
    },
  };
}

import '../errors.ts';
import { DaybookError, isDaybookError } from '../../errors.ts';
import type { AnyEvent } from '../../event/event-definition.ts';
import { pause } from '../../store/backoff.ts';
import { eachOf } from '../feed-batch.ts';
import { errorNote } from '../observed.ts';
import { headOf } from '../read-run.ts';
import { type AdvancePorts, advanceTo, type Invocation, type Lane, RACE, standingOf } from './advance.ts';
import { reasonOf } from './event-failure.ts';
import type { RedriveAnswer, RedriveOutcome, RedriveRequest } from './redrive-request.ts';

/**
 * Tries the event at which each aggregate is parked, and goes on from the table, in order, to its head and to everything that
 * waits. Until that is reached the aggregate stays parked, so that nothing else acts on it and a crash loses nothing.
 */
export async function redrive<E extends AnyEvent, Item>(
  { aggregates, skip }: RedriveRequest,
  ports: AdvancePorts<E, Item>,
  invocation: Invocation,
  concurrency: number,
): Promise<RedriveAnswer> {
  const outcomes: RedriveOutcome[] = [];
  await eachOf(aggregates, concurrency, async (aggregate, index) => {
    const lane = { aggregate, ports, invocation, redrive: true, standing: { position: 0, attempts: 0 } };
    outcomes[index] = await redriveOne(lane, skip);
  });
  return { daybook: 'redriven', consumer: ports.name, outcomes };
}

/** What fails without being an event's fault leaves the aggregate parked, and the answer says so. */
async function redriveOne<E extends AnyEvent, Item>(lane: Lane<E, Item>, skip?: number): Promise<RedriveOutcome> {
  const { aggregate, ports, invocation } = lane;
  try {
    lane.standing = await standingOf(lane);
    if (invocation.isLate()) return { aggregate, outcome: 'outOfTime', position: lane.standing.position };
    if (skip !== undefined) await skipVersion(skip, lane);
    return await goOn(lane);
  } catch (error) {
    if (isDaybookError(error, 'feed.outOfTime'))
      return { aggregate, outcome: 'outOfTime', position: lane.standing.position };
    invocation.seen.note(errorNote('redriveFailed', error, { consumer: ports.name, aggregate }));
    return { aggregate, outcome: 'failed', code: reasonOf(error).code };
  }
}

/** From where a parked aggregate stands to all that waits; the lane is a redriving one. */
export async function goOn<E extends AnyEvent, Item>(lane: Lane<E, Item>): Promise<RedriveOutcome> {
  const { aggregate, ports, invocation } = lane;
  if (lane.standing.parked === undefined) return { aggregate, outcome: 'notParked', position: lane.standing.position };
  try {
    for (let races = 1; ; races++) {
      const { position, parked } = lane.standing;
      if (parked === undefined) return { aggregate, outcome: 'wentOn', position }; // by another
      const to = Math.max(parked.waiting, (await headOf(ports.table, aggregate)) ?? 0);
      const outcome = await advanceTo({ aggregate, from: to + 1, to, base: 0 }, to, lane);
      if (outcome === 'parked') {
        const { version, code } = lane.standing.parked!;
        return { aggregate, outcome, version, code };
      }
      if (outcome === 'reached' && (await unpark(lane))) {
        return { aggregate, outcome: 'wentOn', position: lane.standing.position };
      }
      if (races === RACE.attempts) {
        throw new DaybookError('feed.positionBusy', { consumer: ports.name, aggregate, attempts: races });
      }
      await pause(RACE, races, ports.pauses);
      lane.standing = await standingOf(lane);
    }
  } finally {
    await invocation.leasing.release(aggregate);
  }
}

async function unpark<E extends AnyEvent, Item>({ aggregate, ports, invocation, standing }: Lane<E, Item>) {
  const holder = invocation.leasing.holderOf(aggregate);
  const move = { consumer: ports.name, aggregate, from: standing.position };
  const done = await ports.positions.unpark({ ...move, ...(holder !== undefined && { holder, release: true }) });
  if (done) invocation.leasing.gaveBack(aggregate);
  else invocation.leasing.doubt(aggregate);
  return done;
}

/** A person gives the event up: the position moves past it, nothing is done for it. */
async function skipVersion<E extends AnyEvent, Item>(version: number, lane: Lane<E, Item>): Promise<void> {
  const { aggregate, ports, invocation, standing } = lane;
  const { position, parked } = standing;
  const consumer = ports.name;
  if (parked?.version !== version || position !== version - 1) {
    throw new DaybookError('feed.skipRefused', { consumer, aggregate, version, parked: position + 1 });
  }
  const move = { consumer, aggregate, from: position, to: version, parked: true };
  if (!(await ports.positions.commit(move, []))) {
    throw new DaybookError('feed.skipRefused', { consumer, aggregate, version, parked: position + 1 });
  }
  invocation.seen.count('EventsSkipped');
  invocation.seen.note({ what: 'eventSkipped', consumer, aggregate, version, code: parked.code });
  lane.standing = { ...standing, position: version, attempts: 0 };
}

import '../errors.ts';
import { DaybookError, isDaybookError } from '../../errors.ts';
import type { EventDecoder } from '../../event/decode-event.ts';
import type { AnyEvent, EventOf } from '../../event/event-definition.ts';
import type { StoredEvent } from '../../event/stored-event.ts';
import { traceparentIn } from '../../event/traceparent.ts';
import { type Backoff, type Pauses, pause } from '../../store/backoff.ts';
import type { EventTable } from '../../store/event-table.ts';
import { missingEvents } from '../missing-events.ts';
import { notingStrays } from '../noting-strays.ts';
import { errorNote, type Observing } from '../observed.ts';
import type { Parking, PositionMove, PositionTable, Standing } from '../position-table.ts';
import { type Arrival, type ArrivedEvent, eventsAbove, recordedAtOf, versionOf } from './arrival.ts';
import type { Act, Effect, EffectContext } from './effect.ts';
import { EventFailure, failureOf, isTransient, reasonOf } from './event-failure.ts';
import type { Leasing } from './leasing.ts';
import { OutOfTime, type TimeLimit } from './time-limit.ts';

export interface AdvancePorts<E extends AnyEvent, Item> {
  /** The consumer's name. */
  readonly name: string;
  readonly decoder: EventDecoder<E>;
  readonly positions: PositionTable<Item>;
  readonly table: Pick<EventTable, 'query'>;
  /** Either of the two. */
  readonly effect?: Effect<E, Item> | undefined;
  readonly act?: Act<E> | undefined;
  /** The function that parks, and redrives. */
  readonly function: string;
  readonly pauses: Pauses;
  readonly now: () => number;
}

/** One invocation of the handler. */
export interface Invocation {
  readonly leasing: Leasing;
  readonly limit: TimeLimit;
  readonly seen: Observing;
  /** Is there too little time left to begin with another event? */
  isLate(): boolean;
  /** How often an event may fail before its aggregate is parked. */
  readonly attempts: number;
}

/** An aggregate's way through an invocation. */
export interface Lane<E extends AnyEvent, Item> {
  readonly aggregate: string;
  readonly ports: AdvancePorts<E, Item>;
  readonly invocation: Invocation;
  /** A redrive works on a parked aggregate, and parks it again at the first failure. */
  readonly redrive: boolean;
  /** As it was last seen. */
  standing: Standing;
}

/** How often others may be faster, and nobody come forward, before the rest is given back. */
export const RACE: Backoff = { attempts: 12, baseMs: 20, capMs: 500 };
/** Events of no interest move the position at the end, and this often on a long way. */
const SAVE_EVERY = 500;

/**
 * Brings one aggregate through what came of it, in order. What it had done already is dropped, and what is missing before
 * an arrival is read from the table. While the aggregate is parked, its arrivals are only noted as waiting.
 */
export async function advance<E extends AnyEvent, Item>(
  lane: Lane<E, Item>,
  run: readonly Arrival[],
  standsAt: (index: number) => void = () => {},
): Promise<void> {
  const { aggregate, ports, invocation } = lane;
  const { name, positions } = ports;
  const last = run.reduce((most, { to }) => Math.max(most, to), 0);
  try {
    for (const [index, arrival] of run.entries()) {
      standsAt(index);
      let lost = 0;
      let inVain = 0;
      while (arrival.to > Math.max(lane.standing.position, arrival.base)) {
        if (lane.standing.parked !== undefined) {
          if (lane.standing.parked.waiting < last) lane.standing = await positions.wait(name, aggregate, last);
          if (lane.standing.parked === undefined) continue;
          invocation.seen.count('ParkedAggregates');
          return;
        }
        if ((await advanceTo(arrival, last, lane)) !== 'lost') continue;
        invocation.seen.count('RacesLost');
        await pause(RACE, Math.min(++lost, RACE.attempts), ports.pauses);
        const before = lane.standing.position;
        lane.standing = await standingOf(lane);
        // Where the winners come forward this one's work gets less each time.
        inVain = lane.standing.position > before ? 0 : inVain + 1;
        if (inVain === RACE.attempts || invocation.isLate()) {
          throw new DaybookError('feed.positionBusy', { consumer: name, aggregate, attempts: lost });
        }
      }
    }
  } finally {
    await invocation.leasing.release(aggregate);
  }
}

export async function standingOf<E extends AnyEvent, Item>({ aggregate, ports }: Lane<E, Item>): Promise<Standing> {
  const standings = await ports.positions.standings(ports.name, [aggregate]);
  return standings.get(aggregate) ?? { position: 0, attempts: 0 };
}

/** `last`: the highest version that is known to have come. `lost`: another moved the position, or parked it, meanwhile. */
export async function advanceTo<E extends AnyEvent, Item>(
  arrival: Arrival,
  last: number,
  lane: Lane<E, Item>,
): Promise<'reached' | 'parked' | 'lost'> {
  const { ports, invocation } = lane;
  let seen = Math.max(lane.standing.position, arrival.base);
  let acted = 0;
  try {
    for await (const page of eventsAbove(seen, arrival, notingStrays(ports.table, invocation.seen))) {
      for (const arrived of page) {
        const version = versionOf(arrived);
        const event = decode(arrived, lane);
        if (event !== undefined) {
          if (acted++ > 0 && invocation.isLate()) {
            throw new DaybookError('feed.outOfTime', { aggregate: lane.aggregate, after: seen });
          }
          const items = await actOn(event, arrived, lane);
          if (items === undefined || !(await commit(version, items, version === last, lane))) return 'lost';
          invocation.seen.count('EventsHandled');
          if (!lane.redrive) invocation.seen.measure('Lag', ports.now() - Date.parse(recordedAtOf(arrived)));
        }
        seen = version;
        if (seen - lane.standing.position < SAVE_EVERY) continue;
        if (!(await commit(seen, [], seen === last, lane))) return 'lost';
      }
    }
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined) throw error;
    // What a redrive cannot read above all that waits comes by itself, once it is there or mended: the feed stops before it too.
    const ends = lane.redrive && failure.version > waitingOf(lane) && !(error instanceof EventFailure);
    if (!ends) return await countFailure(failure, last, lane);
  }
  if (seen > lane.standing.position && !(await commit(seen, [], seen === last, lane))) return 'lost';
  return 'reached';
}

function decode<E extends AnyEvent, Item>(arrived: ArrivedEvent, { ports }: Lane<E, Item>): EventOf<E> | undefined {
  try {
    return 'stored' in arrived ? ports.decoder.decode(arrived.stored) : ports.decoder.take(arrived.parsed);
  } catch (error) {
    throw new EventFailure(versionOf(arrived), error);
  }
}

/** The effect's items; none when it acted outside; undefined when the aggregate stands elsewhere by now. */
async function actOn<E extends AnyEvent, Item>(
  event: EventOf<E>,
  arrived: ArrivedEvent,
  lane: Lane<E, Item>,
): Promise<readonly Item[] | undefined> {
  const { aggregate, ports, invocation, redrive, standing } = lane;
  const { effect, act } = ports;
  const version = versionOf(arrived);
  if (act !== undefined) {
    const found = await invocation.leasing.hold(aggregate, standing.position);
    if (found !== undefined && (found.position !== standing.position || (found.parked !== undefined && !redrive)))
      return undefined;
    try {
      await invocation.limit.run(() => act(event, contextOf(event, arrived, lane)));
    } catch (error) {
      if (error instanceof OutOfTime) {
        invocation.leasing.leave(aggregate);
        throw cutOff(error, version, lane);
      }
      throw new EventFailure(version, error);
    }
    return [];
  }
  try {
    const items: unknown = await invocation.limit.run(() => effect!(event, contextOf(event, arrived, lane)));
    const isList = Array.isArray(items);
    // The SDK leaves out a null in a list: the position would move, and nothing be written.
    if (isList && items.every((item) => item !== null && item !== undefined)) return items;
    const problem = isList
      ? 'one of its items is null or undefined'
      : 'it is no list of items; what acts outside DynamoDB is given as `act`';
    throw new DaybookError('feed.effectInvalid', { consumer: ports.name, aggregate, version, problem });
  } catch (error) {
    if (error instanceof OutOfTime) throw cutOff(error, version, lane);
    throw isTransient(error) ? error : new EventFailure(version, error);
  }
}

/** What does not end would keep its shard for ever: it counts as failed, once it had its time. */
function cutOff<E extends AnyEvent, Item>(
  { waitedMs, hadItsTime }: OutOfTime,
  version: number,
  { aggregate, ports }: Lane<E, Item>,
): Error {
  if (!hadItsTime) return new DaybookError('feed.outOfTime', { aggregate, after: version - 1 });
  const details = { consumer: ports.name, aggregate, version, waitedMs };
  return new EventFailure(version, new DaybookError('feed.effectUnended', details));
}

function contextOf<E extends AnyEvent, Item>(
  event: EventOf<E>,
  arrived: ArrivedEvent,
  { aggregate, ports }: Lane<E, Item>,
): EffectContext {
  const version = versionOf(arrived);
  const traceparent = traceparentIn(event.metadata);
  return {
    idempotencyKey: `${aggregate}:${version}`,
    ...(traceparent !== undefined && { traceparent }),
    async stored() {
      if ('stored' in arrived) return arrived.stored;
      let found: StoredEvent | undefined;
      for await (const page of missingEvents(ports.table, aggregate, version, version)) found = page[0];
      return found!; // its absence is a gap, which is thrown
    },
  };
}

/** The effect's items and the position in one commit. False when the position is another by now. */
async function commit<E extends AnyEvent, Item>(
  to: number,
  items: readonly Item[],
  isLast: boolean,
  lane: Lane<E, Item>,
): Promise<boolean> {
  const { aggregate, ports, invocation, standing } = lane;
  const move = moveOf(to, isLast, lane);
  try {
    if (!(await ports.positions.commit(move, items))) {
      invocation.leasing.doubt(aggregate);
      return false;
    }
  } catch (error) {
    const isItsOwn = isDaybookError(error, 'feed.effectRefused') || isDaybookError(error, 'feed.effectInvalid');
    throw isItsOwn ? new EventFailure(to, error) : error;
  }
  if (move.release === true) invocation.leasing.gaveBack(aggregate);
  lane.standing = { ...standing, position: to, attempts: 0 };
  return true;
}

function moveOf<E extends AnyEvent, Item>(to: number, isLast: boolean, lane: Lane<E, Item>): PositionMove {
  const { aggregate, ports, invocation, redrive, standing } = lane;
  const holder = invocation.leasing.holderOf(aggregate);
  return {
    consumer: ports.name,
    aggregate,
    from: standing.position,
    to,
    ...(holder !== undefined && { holder, ...(isLast && invocation.leasing.mayEnd(aggregate) && { release: true }) }),
    ...(redrive && { parked: true }),
  };
}

/** One attempt more of an event that failed: it is thrown, to be brought again, or it was the last and parks the aggregate. */
async function countFailure<E extends AnyEvent, Item>(
  { version, cause }: EventFailure,
  last: number,
  lane: Lane<E, Item>,
): Promise<'parked' | 'lost'> {
  const { aggregate, ports, invocation, redrive, standing } = lane;
  const move = moveOf(version - 1, true, lane);
  const attempts = move.to > standing.position ? 1 : standing.attempts + 1;
  const parking: Parking | undefined =
    redrive || attempts >= invocation.attempts
      ? {
          version,
          waiting: Math.max(version, last),
          since: standing.parked?.version === version ? standing.parked.since : new Date(ports.now()).toISOString(),
          ...reasonOf(cause),
          function: ports.function,
        }
      : undefined;
  if (!(await ports.positions.fail(move, parking))) {
    invocation.leasing.doubt(aggregate);
    return 'lost';
  }
  if (move.release === true) invocation.leasing.gaveBack(aggregate);
  invocation.seen.count('AttemptsFailed');
  if (parking === undefined) throw cause;
  lane.standing = { position: version - 1, attempts, parked: parking };
  invocation.seen.count('AggregatesParked');
  invocation.seen.note(errorNote('aggregateParked', cause, { consumer: ports.name, aggregate, version, attempts }));
  return 'parked';
}

function waitingOf<E extends AnyEvent, Item>({ standing }: Lane<E, Item>): number {
  return standing.parked?.waiting ?? 0;
}

import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { AnyAggregate, EventsOf, StateOf } from '../event/aggregate-definition.ts';
import { decoderOf, decodeStored, eventDecoder } from '../event/decode-event.ts';
import type { EventOf } from '../event/event-definition.ts';
import type { RecordedEvent } from '../event/recorded-event.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import { checkAggregateUuid, checkLimit, checkOptions, checkTimeRange, checkVersion } from './check-input.ts';
import type { StoreContext } from './context.ts';
import type { QueryOptions } from './event-table.ts';
import { decodeFor } from './load.ts';
import { type TimeRange, timeOf } from './ranges.ts';
import { readRuns } from './read-runs.ts';

/** Which events, and how. Ranges of versions and of times may be combined; both are inclusive at both ends. */
export interface ReadOptions extends TimeRange {
  /** The first version; default 1. */
  readonly from?: number;
  /** The last version; default the last there is. */
  readonly to?: number;
  /** Highest version first. Default false. */
  readonly reverse?: boolean;
  /** Exactly how many events at the most. */
  readonly limit?: number;
  /** Default true. False costs half, and may not show the newest events. */
  readonly consistent?: boolean;
  /** Check each event against its schema after upcasting; needs `aggregate`. Default false. */
  readonly validate?: boolean;
}

const OPTIONS = ['from', 'to', 'reverse', 'limit', 'consistent', 'validate', 'since', 'until', 'clock', 'aggregate'];

export function read(
  context: StoreContext,
  aggregateUuid: string,
  options: ReadOptions & { readonly aggregate?: AnyAggregate },
): AsyncIterable<RecordedEvent> {
  const { aggregate, validate = false } = options;
  const range = checkReadRange(aggregateUuid, options);
  if (aggregate === undefined) {
    if (validate) {
      const given = { verb: 'read', option: 'validate', given: validate, allowed: 'true only together with aggregate' };
      throw new DaybookError('option.notAllowed', given);
    }
    return { [Symbol.asyncIterator]: () => mapEvents(context, aggregateUuid, range, decodeStored) };
  }
  const decoder = validate ? eventDecoder(aggregate.events, { validate }) : decoderOf(aggregate.events);
  const decode = (stored: StoredEvent) => decodeFor(aggregate, decoder, stored);
  // Each loop over it begins anew.
  return { [Symbol.asyncIterator]: () => mapEvents(context, aggregateUuid, range, decode) };
}

/** A checked range. */
export interface ReadRange extends QueryOptions {
  readonly since: string;
  readonly until: string;
  readonly clock: 'occurred' | 'recorded';
  readonly timed: boolean;
}

export function checkReadRange(aggregateUuid: string, options: ReadOptions): ReadRange {
  checkAggregateUuid(aggregateUuid);
  checkOptions('read', options, OPTIONS);
  const { from, to, limit, reverse = false, consistent = true } = options;
  if (from !== undefined) checkVersion('from', from, 1);
  if (to !== undefined) checkVersion('to', to, 1);
  if (limit !== undefined) checkLimit(limit);
  if (from !== undefined && to !== undefined && from > to) throw new DaybookError('range.reversed', { from, to });
  return {
    from,
    to,
    limit,
    reverse,
    consistent,
    timed: options.since !== undefined || options.until !== undefined,
    ...checkTimeRange('read', options),
  };
}

/** The range's stored events, a run at a time. */
export async function* readStored(
  context: StoreContext,
  aggregateUuid: string,
  range: ReadRange,
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  const { from, to, limit, reverse, consistent, since, until, clock, timed } = range;
  const query = { from, to, reverse, consistent };
  if (!timed) {
    yield* readRuns(context.table, aggregateUuid, { ...query, limit }, context.pauses);
    return;
  }
  let left = limit ?? Number.POSITIVE_INFINITY;
  for await (const run of readRuns(context.table, aggregateUuid, query, context.pauses)) {
    const chosen = run.filter((event) => {
      const time = timeOf(event, clock);
      return time >= since && time <= until;
    });
    if (chosen.length > 0) yield chosen.length > left ? chosen.slice(0, left) : chosen;
    left -= chosen.length;
    if (left <= 0) return;
    // The time of recording never falls with the version: beyond the far end nothing more can match.
    const last = run.at(-1)!;
    if (clock === 'recorded' && (reverse === true ? last.recordedAt < since : last.recordedAt > until)) return;
  }
}

async function* mapEvents(
  context: StoreContext,
  aggregateUuid: string,
  range: ReadRange,
  decode: (stored: StoredEvent) => RecordedEvent,
): AsyncGenerator<RecordedEvent, void, undefined> {
  for await (const run of readStored(context, aggregateUuid, range)) for (const stored of run) yield decode(stored);
}

/** A state as it was, or as it was known, at some point. */
export interface StateAt<A extends AnyAggregate = AnyAggregate> {
  readonly aggregate: A;
  readonly aggregateUuid: string;
  /** The highest version that the state includes; 0 for none. */
  readonly version: number;
  /** How many events it includes: fewer than `version` where some occurred later than asked. */
  readonly events: number;
  readonly state: StateOf<A>;
}

/** After which version; or at which time (inclusive), and by which clock (default `occurred`). */
export type StateAtPoint =
  | { readonly version: number; readonly time?: never; readonly clock?: never }
  | { readonly time: string | Date; readonly clock?: 'occurred' | 'recorded'; readonly version?: never };

export async function stateAt<A extends AnyAggregate>(
  context: StoreContext,
  aggregate: A,
  aggregateUuid: string,
  point: StateAtPoint,
): Promise<StateAt<A>> {
  checkOptions('stateAt', point, ['version', 'time', 'clock']);
  if ((point.version === undefined) === (point.time === undefined)) {
    const given = { verb: 'stateAt', option: 'version', given: point.version, allowed: 'either version or time' };
    throw new DaybookError('option.notAllowed', given);
  }
  if (point.version !== undefined) checkVersion('version', point.version, 0);
  const decoder = decoderOf(aggregate.events);
  let state = aggregate.initialState();
  let version = 0;
  let events = 0;
  if (point.version !== 0) {
    const range = checkReadRange(
      aggregateUuid,
      point.version === undefined
        ? { until: point.time, ...(point.clock !== undefined && { clock: point.clock }) }
        : { to: point.version },
    );
    for await (const run of readStored(context, aggregateUuid, range)) {
      for (const stored of run) {
        state = aggregate.evolve(state, decodeFor(aggregate, decoder, stored));
        version = stored.version;
        events++;
      }
    }
  }
  if (point.version !== undefined && version < point.version) {
    throw new DaybookError('read.notThere', { aggregateUuid, version: point.version, actual: version });
  }
  return { aggregate, aggregateUuid, version, events, state: state as StateOf<A> };
}

/** The first event after which a predicate held, and the state then. */
export interface Occasion<A extends AnyAggregate = AnyAggregate> {
  readonly event: EventOf<EventsOf<A>>;
  readonly state: StateOf<A>;
}

export async function when<A extends AnyAggregate>(
  context: StoreContext,
  aggregate: A,
  aggregateUuid: string,
  predicate: (state: StateOf<A>, event: EventOf<EventsOf<A>>) => boolean,
  options: Pick<ReadOptions, 'from' | 'to'>,
): Promise<Occasion<A> | undefined> {
  checkOptions('when', options, ['from', 'to']);
  const { from = 1, to } = checkReadRange(aggregateUuid, options);
  const decoder = decoderOf(aggregate.events);
  let state = aggregate.initialState() as StateOf<A>;
  const range = checkReadRange(aggregateUuid, to === undefined ? {} : { to });
  for await (const run of readStored(context, aggregateUuid, range)) {
    for (const stored of run) {
      const event = decodeFor(aggregate, decoder, stored);
      state = aggregate.evolve(state, event) as StateOf<A>;
      if (stored.version >= from && predicate(state, event)) return { event, state };
    }
  }
  return undefined;
}

import { type DaybookError, isDaybookError } from '../errors.ts';
import type { EventTable } from '../store/event-table.ts';
import { type EnvelopeEvent, toEnvelopeEvent } from './envelope.ts';
import { jsonBytes } from './envelope-size.ts';

/** Consecutive events of one aggregate, and why there are no more of them. */
export interface Run {
  readonly events: readonly EnvelopeEvent[];
  /** Escaped, as part of an envelope. */
  readonly bytes: number;
  /** `whole`: up to the end asked for. `full`: the next has no room. `hole`: the next is not there. `unreadable`: it is no event. */
  readonly end: 'whole' | 'full' | 'hole' | 'unreadable';
}

/** Reads `[from..to]` consistently, as far as versions follow each other and `room` bytes hold them. */
export async function readRun(
  table: Pick<EventTable, 'query'>,
  aggregate: string,
  from: number,
  to: number,
  room: number,
): Promise<Run> {
  const events: EnvelopeEvent[] = [];
  let bytes = 0;
  let next = from;
  try {
    for await (const page of table.query(aggregate, { from, to, consistent: true })) {
      for (const stored of page) {
        if (stored.version !== next) return { events, bytes, end: 'hole' };
        const event = toEnvelopeEvent(stored);
        const size = jsonBytes(event) + 1;
        if (bytes + size > room) return { events, bytes, end: 'full' };
        events.push(event);
        bytes += size;
        next++;
      }
    }
    return { events, bytes, end: next > to ? 'whole' : 'hole' };
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    if (next === to) return { events, bytes, end: 'unreadable' };
    // The page with the item that is no event gave nothing: what stands before it is found by halving.
    const middle = next + Math.floor((to - next) / 2);
    const before = await readRun(table, aggregate, next, middle, room - bytes);
    const first: Run = { events: [...events, ...before.events], bytes: bytes + before.bytes, end: before.end };
    if (before.end !== 'whole') return first;
    const after = await readRun(table, aggregate, middle + 1, to, room - first.bytes);
    return { events: [...first.events, ...after.events], bytes: first.bytes + after.bytes, end: after.end };
  }
}

/** How often a commit of which only a part is seen is looked at again. */
const LOOKS = 5;

/**
 * The highest version that is in the table, be it an event or not; 0 for none. Of a commit whose last version is not seen
 * yet (a Query may see half of a transaction) it is the last one, once that is there.
 */
export async function lastOf(table: Pick<EventTable, 'query'>, aggregate: string): Promise<number> {
  let last = 0;
  try {
    for (let look = 0; look < LOOKS; look++) {
      let commitLast = 0;
      for await (const page of table.query(aggregate, { reverse: true, limit: 1, consistent: true })) {
        for (const event of page) {
          last = event.version;
          commitLast = event.commitLast;
        }
      }
      if (commitLast <= last) break;
    }
    return last;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return error.details.version;
  }
}

/** The highest version in the table; 0 for none, undefined when the item there is no event. */
export async function headOf(table: Pick<EventTable, 'query'>, aggregate: string): Promise<number | undefined> {
  try {
    for await (const page of table.query(aggregate, { reverse: true, limit: 1, consistent: true })) {
      if (page[0] !== undefined) return page[0].version;
    }
    return 0;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return undefined;
  }
}

/** The first thing stored from a version on. */
export interface First {
  readonly version: number;
  /** When the store took it, ISO 8601; absent when the item is no event. */
  readonly recordedAt?: string;
}

/** What is stored first from this version on; undefined for nothing. */
export async function firstFrom(
  table: Pick<EventTable, 'query'>,
  aggregate: string,
  from: number,
): Promise<First | undefined> {
  try {
    for await (const page of table.query(aggregate, { from, limit: 1, consistent: true })) {
      if (page[0] !== undefined) return { version: page[0].version, recordedAt: page[0].recordedAt };
    }
    return undefined;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return { version: error.details.version };
  }
}

/** Does the error say that an item is no event? No retry mends that; everything else is worth one. */
export function isUnreadable(
  error: unknown,
): error is DaybookError<'event.unknownFormat' | 'event.missingAttribute' | 'event.encrypted'> {
  return (
    isDaybookError(error, 'event.unknownFormat') ||
    isDaybookError(error, 'event.missingAttribute') ||
    isDaybookError(error, 'event.encrypted')
  );
}

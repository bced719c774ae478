import { DaybookError } from '../errors.ts';
import type { EventTable } from '../store/event-table.ts';
import type { CursorTable } from './cursor-table.ts';
import { type Envelope, type EnvelopeEvent, emptyEnvelope, filledEnvelope } from './envelope.ts';
import { ANSWER_BYTES, ANSWER_ENVELOPES, ENVELOPE_BYTES, jsonBytes, jsonBytesBound } from './envelope-size.ts';
import { eachOf } from './feed-batch.ts';
import { type Observed, type Observing, observing } from './observed.ts';
import { readRun } from './read-run.ts';
import { readStreamRecord } from './stream-record.ts';

export interface EnrichPorts {
  /** The feed's id. */
  readonly feed: string;
  readonly cursors: Pick<CursorTable, 'readMany'>;
  readonly table: Pick<EventTable, 'query'>;
}

/** So much that came with earlier batches is not sent again with this one. */
const MUCH_BYTES = 64_000;
const MOSTLY = 3;
/** An event's keys, ids and times, roughly; its data comes on top. */
const EVENT_BYTES = 200;
/** How many aggregates are read from the table at a time; what they hold in memory is bounded by it too. */
const READS = 8;
/** `"to"` and `"head"` of a filled envelope may have more digits than those of the empty one. */
const DIGITS = 32;

/**
 * Makes per-aggregate order from the table: stream records are doorbells, and the answer holds at most one envelope per
 * aggregate, from `confirmed + 1`. Never throws for what an item holds; fails only when a table does not answer, and then
 * the pipe brings the whole batch again.
 */
export async function enrich(
  records: unknown,
  ports: EnrichPorts,
): Promise<{ readonly envelopes: readonly Envelope[]; readonly seen: Observed }> {
  if (!Array.isArray(records)) {
    throw new DaybookError('feed.notABatch', { expected: 'an array of table stream records', given: typeof records });
  }
  const seen = observing();
  const bells = listen(records, seen);
  const cursors = await ports.cursors.readMany([...bells.keys()]);
  const lagging: Lag[] = [];
  for (const bell of bells.values()) {
    const from = (cursors.get(bell.aggregate)?.confirmed ?? 0) + 1;
    if (bell.head >= from) lagging.push({ ...bell, from });
  }
  // The smallest first: a hot aggregate starves nobody. Those left over are the reconciler's.
  lagging.sort((a, b) => a.head - a.from - (b.head - b.from));
  const deferred = lagging.splice(ANSWER_ENVELOPES);
  seen.count('Deferred', deferred.length);
  const envelopes = await fill(lagging, ports, seen);
  seen.count('Envelopes', envelopes.length);
  return { envelopes, seen };
}

/** One aggregate's doorbell: the highest version in the batch, and the events that came with it. */
interface Bell {
  readonly aggregate: string;
  head: number;
  readonly images: Map<number, EnvelopeEvent>;
}

interface Lag extends Bell {
  /** `confirmed + 1`. */
  readonly from: number;
}

function listen(records: readonly unknown[], seen: Observing): ReadonlyMap<string, Bell> {
  const bells = new Map<string, Bell>();
  for (const record of records) {
    const notice = readStreamRecord(record);
    if (notice.kind === 'unknown') {
      seen.count('Poison');
      seen.note({ what: 'notAStreamRecordOfAnEvent' });
    } else if (notice.kind === 'changed') {
      seen.count('ImmutabilityBreaches');
      const { change, aggregate, version } = notice;
      seen.note({ what: 'immutabilityBreach', change, aggregate, version });
    } else {
      const { aggregate, version, event } = notice;
      let bell = bells.get(aggregate);
      if (bell === undefined) {
        bell = { aggregate, head: version, images: new Map() };
        bells.set(aggregate, bell);
      }
      if (version > bell.head) bell.head = version;
      if (event === 'poison') {
        seen.count('Poison');
        seen.note({ what: 'notAnEvent', aggregate, version });
      } else if (event !== undefined) bell.images.set(version, event);
    }
  }
  return bells;
}

/** Fills the runs in their order as long as the answer has room; for each one it has room at least for an empty envelope. */
async function fill(lagging: readonly Lag[], ports: EnrichPorts, seen: Observing): Promise<Envelope[]> {
  const envelopes = lagging.map((lag) => emptyEnvelope(ports.feed, lag.aggregate, lag.from, lag.head));
  const filled: Filling[] = [];
  let room = ANSWER_BYTES - 2;
  for (const envelope of envelopes) room -= jsonBytes(envelope) + DIGITS + 1;
  for (let start = 0; start < lagging.length; start += READS) {
    const batch = lagging.slice(start, start + READS);
    const fillings: (Filling | undefined)[] = [];
    await eachOf(batch, READS, async (lag, i) => {
      fillings[i] = await gather(lag, ENVELOPE_BYTES - jsonBytes(envelopes[start + i]!) - DIGITS, ports, seen);
    });
    for (const [i, lag] of batch.entries()) {
      const filling = fillings[i];
      if (filling === undefined || filling.events.length === 0) continue;
      if (filling.bytes > room) {
        for (const earlier of filled) room += settle(earlier);
        settle(filling);
      }
      if (filling.bytes > room) continue; // sent empty: Confirm carries the run on
      room -= filling.bytes;
      filled.push(filling);
      envelopes[start + i] = filledEnvelope(ports.feed, lag.aggregate, lag.from, lag.head, filling.events);
      seen.count('EventsFed', filling.events.length);
    }
  }
  seen.count('EmptyEnvelopes', envelopes.length - filled.length);
  return envelopes;
}

interface Filling {
  readonly events: readonly EnvelopeEvent[];
  /** Exact, or an upper bound of it. */
  bytes: number;
  exact: boolean;
}

/** Counts exactly what was only bounded; answers by how much it was less. */
function settle(filling: Filling): number {
  if (filling.exact) return 0;
  const bound = filling.bytes;
  filling.bytes = bytesOf(filling.events);
  filling.exact = true;
  return bound - filling.bytes;
}

const bytesOf = (events: readonly EnvelopeEvent[]) => events.reduce((sum, event) => sum + jsonBytes(event) + 1, 0);

/**
 * The run from `from`: images as they came, missing versions from the table. It ends before a hole. Undefined when the
 * aggregate lags too far, by more than one envelope for certain: then an empty one is sent, and Confirm carries it on.
 */
async function gather(lag: Lag, room: number, { table }: EnrichPorts, seen: Observing): Promise<Filling | undefined> {
  const { aggregate, from, head, images } = lag;
  const at = [...images.keys()].filter((version) => version >= from).sort((a, b) => a - b);
  const atHand = at.map((version) => images.get(version)!);
  if (isBehind(head - from + 1 - at.length, atHand)) return undefined;
  const filling = { events: [] as EnvelopeEvent[], bytes: 0, exact: false };
  let next = from;
  for (const version of [...at, head + 1]) {
    if (next < version && next <= head) {
      settle(filling);
      const run = await readRun(table, aggregate, next, version - 1, room - filling.bytes);
      seen.count('EventsReadFromTable', run.events.length);
      filling.events.push(...run.events);
      filling.bytes += run.bytes;
      if (run.end === 'full') return undefined;
      if (run.end !== 'whole') return metHole(lag, run.end, filling, seen);
      next = version;
    }
    const event = images.get(version);
    if (event === undefined) continue;
    filling.events.push(event);
    filling.bytes += filling.exact ? jsonBytes(event) + 1 : jsonBytesBound(event);
    next = version + 1;
    if (filling.bytes > room) {
      settle(filling);
      if (filling.bytes > room) return undefined;
    }
  }
  return filling;
}

function metHole(lag: Lag, why: string, filling: Filling, seen: Observing): Filling {
  seen.count('HolesMet');
  seen.note({ what: 'holeMet', why, aggregate: lag.aggregate, version: lag.from + filling.events.length });
  return filling;
}

/**
 * Is nearly all of the run missing in this batch, and is it a lot? Those versions rang before: they are on their way, or
 * Confirm is behind. Sent again with every batch, a burst would cost many times its bytes and its reads.
 */
function isBehind(missing: number, images: readonly EnvelopeEvent[]): boolean {
  if (missing <= MOSTLY * images.length) return false;
  const size = images.reduce((sum, event) => sum + event.data.length + EVENT_BYTES, 0) / images.length;
  return missing * (images.length === 0 ? EVENT_BYTES : size) > MUCH_BYTES;
}

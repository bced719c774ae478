import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { EventTable } from '../store/event-table.ts';
import type { CursorTable } from './cursor-table.ts';
import { type Envelope, type EnvelopeEvent, emptyEnvelope, filledEnvelope } from './envelope.ts';
import {
  ANSWER_BYTES,
  ANSWER_ENVELOPES,
  ENVELOPE_BYTES,
  headerBytesBound,
  jsonBytes,
  jsonBytesBound,
} from './envelope-size.ts';
import { notingStrays } from './noting-strays.ts';
import { type Observed, type Observing, observing } from './observed.ts';
import { noteHistory } from './other-history.ts';
import { readRun } from './read-run.ts';
import { readStreamRecord } from './stream-record.ts';

export interface EnrichPorts {
  /** The feed's id. */
  readonly feed: string;
  readonly cursors: Pick<CursorTable, 'readMany'>;
  readonly table: Pick<EventTable, 'query'>;
}

/** So much that came with earlier batches is not sent again with this one. */
const MUCH_BYTES = 16_000;
/** And not, when it is this part of what came. */
const A_PART = 0.5;
/** An event's keys, ids and times, roughly; its data comes on top. */
const EVENT_BYTES = 200;
/** How many aggregates are read from the table at a time; what they hold in memory is bounded by it too. */
const READS = 8;

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
    const cursor = cursors.get(bell.aggregate);
    const from = (cursor?.confirmed ?? 0) + 1;
    const base = cursor?.base;
    if (cursor?.commit !== undefined) compareHistories(bell, cursor.confirmed, cursor.commit, seen);
    if (bell.head >= from) lagging.push({ ...bell, from, base });
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
  readonly images: EnvelopeEvent[];
  /** An upper bound of what the images take in an envelope. */
  bytes: number;
}

interface Lag extends Bell {
  /** `confirmed + 1`. */
  readonly from: number;
  readonly base: number | undefined;
}

function listen(records: readonly unknown[], seen: Observing): ReadonlyMap<string, Bell> {
  const bells = new Map<string, Bell>();
  for (const record of records) {
    const notice = readStreamRecord(record);
    if (notice.kind === 'unknown') {
      seen.count('Poison');
      const { aggregate, version } = notice;
      seen.note({ what: 'notAStreamRecordOfAnEvent', aggregate, version });
    } else if (notice.kind === 'changed') {
      seen.count('ImmutabilityBreaches');
      const { change, aggregate, version } = notice;
      seen.note({ what: 'immutabilityBreach', change, aggregate, version });
    } else {
      const { aggregate, version, event } = notice;
      let bell = bells.get(aggregate);
      if (bell === undefined) {
        bell = { aggregate, head: version, images: [], bytes: 0 };
        bells.set(aggregate, bell);
      }
      if (version > bell.head) bell.head = version;
      if (event === 'poison') {
        seen.count('Poison');
        seen.note({ what: 'notAnEvent', aggregate, version });
      } else if (event !== undefined) {
        bell.images.push(event);
        bell.bytes += jsonBytesBound(event) + 1;
      }
    }
  }
  return bells;
}

/** An event that comes new under a version that is on the feed: the table was restored, and this feed went on. It is never fed. */
function compareHistories({ aggregate, images }: Bell, version: number, commit: string, seen: Observing): void {
  for (const image of images)
    if (image.version === version && image.commitId !== commit) noteHistory(aggregate, version, seen);
}

/** Fills the runs in their order as long as the answer has room; for each one it has room at least for an empty envelope. */
async function fill(lagging: readonly Lag[], ports: EnrichPorts, seen: Observing): Promise<Envelope[]> {
  const { feed } = ports;
  const envelopes: Envelope[] = [];
  const filled: Filling[] = [];
  let settled = 0;
  let room = ANSWER_BYTES - 2;
  for (const { aggregate } of lagging) room -= headerBytesBound(feed, aggregate) + 1;
  for (let start = 0; start < lagging.length; start += READS) {
    const batch = lagging.slice(start, start + READS);
    const gathered = batch.map((lag) =>
      gather(lag, ENVELOPE_BYTES - headerBytesBound(feed, lag.aggregate), ports, seen),
    );
    const fillings = gathered.some((each) => each instanceof Promise) ? await Promise.all(gathered) : gathered;
    for (const [i, { aggregate, from, head, base }] of batch.entries()) {
      const filling = fillings[i] as Filling | undefined;
      if (filling !== undefined && filling.bytes > room) {
        for (; settled < filled.length && filling.bytes > room; settled++) room += settle(filled[settled]!);
        if (filling.bytes > room) settle(filling);
      }
      // What has no room is sent empty: Confirm carries the run on.
      const fits = filling !== undefined && filling.events.length > 0 && filling.bytes <= room;
      envelopes.push(
        fits
          ? filledEnvelope(feed, aggregate, from, head, filling.events, base)
          : emptyEnvelope(feed, aggregate, from, head, base),
      );
      if (!fits) continue;
      room -= filling.bytes;
      filled.push(filling);
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
function gather(
  lag: Lag,
  room: number,
  ports: EnrichPorts,
  seen: Observing,
): Promise<Filling | undefined> | Filling | undefined {
  const { from, head, images } = lag;
  const atHand = byVersion(images, from, head);
  const missing = head - from + 1 - atHand.length;
  if (isBehind(missing, atHand)) return undefined;
  if (missing > 0) return gatherMissing(lag, atHand, room, ports, seen);
  const filling: Filling = { events: atHand, bytes: lag.bytes, exact: false };
  if (filling.bytes > room) settle(filling);
  return filling.bytes > room ? undefined : filling;
}

/** The images from `from` on in their order, each version once. */
function byVersion(images: readonly EnvelopeEvent[], from: number, head: number): readonly EnvelopeEvent[] {
  const span = head - from + 1;
  if (span <= images.length) {
    // Nearly always the whole run is here: each has its place, and nothing is sorted.
    const run: (EnvelopeEvent | undefined)[] = [];
    while (run.length < span) run.push(undefined);
    for (const event of images) if (event.version >= from) run[event.version - from] = event;
    if (!run.includes(undefined)) return run as EnvelopeEvent[];
  }
  const sorted = images.filter(({ version }) => version >= from).sort((a, b) => a.version - b.version);
  return sorted.filter(({ version }, i) => version !== sorted[i - 1]?.version);
}

async function gatherMissing(
  { aggregate, from, head }: Lag,
  atHand: readonly EnvelopeEvent[],
  room: number,
  { table }: EnrichPorts,
  seen: Observing,
): Promise<Filling | undefined> {
  const filling = { events: [] as EnvelopeEvent[], bytes: 0, exact: true };
  let next = from;
  for (const event of [...atHand, undefined]) {
    const end = event === undefined ? head : event.version - 1;
    if (next <= end) {
      const run = await readRun(notingStrays(table, seen), aggregate, next, end, room - filling.bytes);
      seen.count('EventsReadFromTable', run.events.length);
      filling.events.push(...run.events);
      filling.bytes += run.bytes;
      if (run.end === 'full') return undefined;
      if (run.end !== 'whole') {
        seen.count('HolesMet');
        seen.note({ what: 'holeMet', why: run.end, aggregate, version: from + filling.events.length });
        return filling;
      }
    }
    if (event === undefined) return filling;
    filling.events.push(event);
    filling.bytes += jsonBytes(event) + 1;
    if (filling.bytes > room) return undefined;
    next = event.version + 1;
  }
  return filling;
}

/**
 * Is a good part of the run missing in this batch, and is it a lot? Those versions rang before: they are on their way, or
 * Confirm is behind. Sent again with every batch, a burst would cost many times its bytes and its reads.
 */
function isBehind(missing: number, images: readonly EnvelopeEvent[]): boolean {
  if (missing <= A_PART * images.length) return false;
  const size = images.reduce((sum, event) => sum + event.data.length + EVENT_BYTES, 0) / images.length;
  return missing * (images.length === 0 ? EVENT_BYTES : size) > MUCH_BYTES;
}

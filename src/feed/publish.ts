import './errors.ts';
import { DaybookError, isDaybookError } from '../errors.ts';
import { isJson } from '../event/json-text.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import type { EventTable } from '../store/event-table.ts';
import { busEventBytes, toBusEvent, toBusReference } from './bus-event.ts';
import { fromEnvelopeEvent } from './envelope.ts';
import type { BusEvent, EventBus } from './event-bus.ts';
import {
  answerOf,
  type BatchAnswer,
  eachOf,
  type Failure,
  type FeedRecord,
  readFeedBatch,
  runsOf,
} from './feed-batch.ts';
import { missingEvents } from './missing-events.ts';
import { notingStrays } from './noting-strays.ts';
import { errorNote, type Observed, type Observing, observing } from './observed.ts';
import type { PositionTable } from './position-table.ts';
import { isUnreadable } from './read-run.ts';

export interface PublishPorts {
  /** The feed's id. */
  readonly feed: string;
  /** The publisher's name: its positions are kept under it. */
  readonly publisher: string;
  readonly positions: Pick<PositionTable, 'read' | 'raise'>;
  readonly table: Pick<EventTable, 'query'>;
  readonly bus: EventBus;
  /** What waits for a gap to be filled, kept from one invocation to the next. Default: nothing is kept, and each waits for ever. */
  readonly gaps?: Gaps;
}

export interface Gaps {
  /** Since when a record waits, by its sequence number. */
  readonly since: Map<string, number>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** One aggregate's way through an invocation. */
interface Progress {
  readonly aggregate: string;
  /** The last version on the bus, without a gap; at least the feed's base, below which there is nothing to publish. */
  sent: number;
  /** The last version that was handed to a batch. */
  queued: number;
  /** What the position table holds. */
  saved: number;
  failure?: Failure;
}

interface Pending {
  readonly progress: Progress;
  readonly record: FeedRecord;
  readonly event: StoredEvent;
  readonly busEvent: BusEvent;
  /** Are its data and metadata JSON? */
  readonly hasJson: boolean;
}

/** A long gap is filled over several invocations if it must be: its position is saved this often on the way. */
const SAVE_EVERY = 500;

/**
 * A gap that the table cannot fill stops the shard so long: a reader may not see all of a transaction at once. After that it is no
 * gap of this feed, whose envelopes follow on what it holds; its own next envelope of the aggregate begins where this one's gap does.
 */
const GAP_MS = 60_000;
/** So many are kept. */
const MOST_GAPS = 1000;

/** EventBridge's code for a detail that is no JSON, should it see more in it than JSON.parse does. */
const MALFORMED = 'MalformedDetail';

/**
 * One bus event per event, each aggregate's in order, from the publisher's own position: repeats on the feed are none on
 * the bus. An entry that the bus refuses stops its aggregate there; the others go on, and the answer names the first. Once
 * `isLate`, nothing more is sent and what was sent is remembered.
 */
export async function publish(
  event: unknown,
  ports: PublishPorts,
  isLate: () => boolean = () => false,
): Promise<{ readonly answer: BatchAnswer; readonly seen: Observed }> {
  const seen = observing();
  const records = readFeedBatch(event, ports.feed, seen).filter(({ envelope }) => envelope.to > 0);
  const runs = runsOf(records);
  const positions = await ports.positions.read(ports.publisher, [...runs.keys()]);
  const all = new Map<string, Progress>();
  for (const [aggregate, run] of runs) {
    const saved = positions.get(aggregate) ?? 0;
    const position = Math.max(saved, ...run.map(({ envelope }) => envelope.base ?? 0));
    all.set(aggregate, { aggregate, sent: position, queued: position, saved });
  }
  await Promise.all(lanesOf(records, ports.bus.maxEvents).map((lane) => publishLane(lane, all, ports, seen, isLate)));
  await eachOf([...all.values()], 10, async (progress) => {
    try {
      await save(progress, ports);
    } catch (error) {
      // Published and not remembered: brought again, it is published again; all of it, whatever failed behind it.
      progress.failure = { record: runs.get(progress.aggregate)![0]!, error };
    }
  });
  const failures = [...all.values()].flatMap(({ failure }) => (failure === undefined ? [] : [failure]));
  return { answer: answerOf(failures, seen), seen };
}

/** How many calls to the bus are under way at once. */
const MOST_LANES = 4;

/** The records in as many lanes as there are calls to fill, all of an aggregate's in one: each lane keeps its order. */
function lanesOf(records: readonly FeedRecord[], eventsPerCall: number): readonly (readonly FeedRecord[])[] {
  const events = records.reduce((sum, { envelope }) => sum + envelope.events.length, 0);
  const count = Math.min(MOST_LANES, Math.max(1, Math.floor(events / (2 * eventsPerCall))));
  const lanes = Array.from({ length: count }, (): FeedRecord[] => []);
  const laneOf = new Map<string, FeedRecord[]>();
  for (const record of records) {
    const { aggregate } = record.envelope;
    const lane = laneOf.get(aggregate) ?? lanes[laneOf.size % count]!;
    laneOf.set(aggregate, lane);
    lane.push(record);
  }
  return lanes;
}

async function publishLane(
  records: readonly FeedRecord[],
  all: ReadonlyMap<string, Progress>,
  ports: PublishPorts,
  seen: Observing,
  isLate: () => boolean,
): Promise<void> {
  const sender = createSender(ports, seen);
  for (const record of records) {
    const progress = all.get(record.envelope.aggregate)!;
    if (hasFailed(progress) || record.envelope.to <= progress.queued) continue;
    try {
      for await (const page of eventsAbove(progress.queued, record, notingStrays(ports.table, seen))) {
        for (const stored of page) {
          // Cut off, it would forget what it has published since the last save, and publish it again.
          if (isLate())
            throw new DaybookError('feed.outOfTime', { aggregate: progress.aggregate, after: progress.queued });
          await sender.add(progress, record, stored);
        }
      }
    } catch (error) {
      await sender.flush(); // what stands before the failure goes out first
      if (isGap(error) && hasWaited(record, ports.gaps)) {
        seen.count('GapsPassed');
        const { aggregate, from, to } = record.envelope;
        seen.note(errorNote('gapPassed', error, { aggregate, from, to, sequenceNumber: record.id }));
        continue;
      }
      progress.failure ??= { record, error };
      if (isDaybookError(error, 'feed.outOfTime')) break; // all from this record on comes again
    }
  }
  await sender.flush();
}

/** The events above a position: the missing ones from the table, then the envelope's own. */
async function* eventsAbove(position: number, { envelope }: FeedRecord, table: PublishPorts['table']) {
  const { aggregate, from, events } = envelope;
  yield* missingEvents(table, aggregate, position + 1, from - 1);
  yield events.slice(Math.max(0, position + 1 - from)).map((event) => fromEnvelopeEvent(aggregate, event));
}

/** Has it waited long enough? One that waits no more has been passed, or filled, and is forgotten sooner or later. */
function hasWaited({ id }: FeedRecord, gaps: Gaps | undefined): boolean {
  if (gaps === undefined) return false;
  const { since, now } = gaps;
  const begun = since.get(id) ?? now();
  if (since.size > MOST_GAPS) since.clear();
  since.set(id, begun);
  return now() - begun >= GAP_MS;
}

const isGap = (error: unknown): boolean => isDaybookError(error, 'feed.gapUnfilled') || isUnreadable(error);

async function save(progress: Progress, { positions, publisher }: PublishPorts): Promise<void> {
  if (progress.sent <= progress.saved) return;
  await positions.raise(publisher, progress.aggregate, progress.sent);
  progress.saved = progress.sent;
}

const hasFailed = (progress: Progress): boolean => progress.failure !== undefined;

function createSender(ports: PublishPorts, seen: Observing) {
  const { feed, bus } = ports;
  let batch: Pending[] = [];
  let bytes = 0;

  const refuse = ({ progress, record, event }: Pending, reason: string) => {
    const error = new DaybookError('feed.busRefused', {
      aggregate: progress.aggregate,
      version: event.version,
      reason,
    });
    progress.failure ??= { record, error };
  };

  const settle = async (pending: Pending, reason: string | undefined) => {
    const { progress, record, event } = pending;
    if (hasFailed(progress)) return; // a later one may have been taken: it is sent again in its turn
    const malformed = reason === MALFORMED;
    if (malformed) {
      const [again] = await bus.put([toBusReference(feed, event, 'notJson', record.envelope.base)]);
      if (again !== undefined) return refuse(pending, again.reason);
    } else if (reason !== undefined) {
      return refuse(pending, reason);
    }
    if (malformed || !pending.hasJson) {
      seen.count('Poison');
      seen.note({ what: 'dataNotJson', aggregate: progress.aggregate, version: event.version });
    }
    progress.sent = event.version;
    seen.count('EventsPublished');
  };

  const flush = async () => {
    const sending = batch;
    batch = [];
    bytes = 0;
    if (sending.length === 0) return;
    try {
      const answers = await bus.put(sending.map(({ busEvent }) => busEvent));
      if (answers.length !== sending.length)
        throw new Error(`The bus gave ${answers.length} answers to ${sending.length} events`);
      for (const [i, pending] of sending.entries()) await settle(pending, answers[i]?.reason);
    } catch (error) {
      for (const { progress, record } of sending) progress.failure ??= { record, error };
    }
    for (const { progress, record } of sending) {
      if (progress.sent - progress.saved < SAVE_EVERY) continue;
      await save(progress, ports).catch((error: unknown) => {
        progress.failure ??= { record, error };
      });
    }
  };

  const add = async (progress: Progress, record: FeedRecord, event: StoredEvent) => {
    if (hasFailed(progress)) return;
    const { base } = record.envelope;
    // They are spliced in as they are: what is none by itself, such as `1,"version":9`, may be one there, and say another version.
    const hasJson = isJson(event.data) && (event.metadata === undefined || isJson(event.metadata));
    let busEvent = hasJson ? toBusEvent(feed, event, base) : toBusReference(feed, event, 'notJson', base);
    let size = busEventBytes(busEvent);
    if (size > bus.maxBytes) {
      busEvent = toBusReference(feed, event, 'tooLarge', base);
      size = busEventBytes(busEvent);
      seen.count('BusReferences');
    }
    if (batch.length === bus.maxEvents || bytes + size > bus.maxBytes) await flush();
    // The batch just sent may have been refused: a later event must not pass an earlier one.
    if (hasFailed(progress)) return;
    batch.push({ progress, record, event, busEvent, hasJson });
    bytes += size;
    progress.queued = event.version;
  };

  return { add, flush };
}

import './errors.ts';
import '../store/errors.ts';
import { createHash } from 'node:crypto';
import { DaybookError, isDaybookError } from '../errors.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import { jsonEqual } from '../schema/json-value.ts';
import type { EventTable } from '../store/event-table.ts';
import { MAX_COMMIT_EVENTS } from '../store/item-size.ts';
import { checkSizes, toStored } from '../store/plan-commit.ts';
import type { ImportEvent } from './parse-line.ts';
import type { ReadAhead } from './read-ahead.ts';

/** A good line with the version that it has. */
export interface NumberedEvent extends ImportEvent {
  readonly version: number;
}

export interface WriteContext {
  readonly table: EventTable;
  readonly existing: ReadAhead;
  readonly now: () => number;
  /** The latest time of recording written or seen: nothing that follows may be recorded before it. */
  recordedAt: string;
}

export interface BatchOutcome {
  readonly written: number;
  /** Events that were there already, equal to the file's. */
  readonly alreadyThere: number;
  /** The first event that cannot be written; what follows it in the batch was not tried. */
  readonly refused?: RefusedEvent;
}

export interface RefusedEvent {
  readonly event: NumberedEvent;
  readonly error: DaybookError;
  /** What is stored differs. */
  readonly differs: boolean;
}

/**
 * Writes events of one aggregate, of consecutive versions, unless they are there already. `mayExist` says to look first
 * instead of finding out by a conflict.
 */
export async function writeBatch(
  context: WriteContext,
  batch: readonly NumberedEvent[],
  mayExist: boolean,
): Promise<BatchOutcome> {
  let rest = batch;
  let alreadyThere = 0;
  let lookFirst = mayExist;
  for (;;) {
    if (lookFirst) {
      const { equal, other } = await compare(context, rest);
      alreadyThere += equal;
      if (other !== undefined) return { written: 0, alreadyThere, refused: other };
      rest = rest.slice(equal);
      if (rest.length === 0) return { written: 0, alreadyThere };
    }
    const outcome = await putBatch(context, rest);
    if (outcome === 'conflict') {
      // Somebody was there before: an earlier run of this import, or another writer.
      lookFirst = true;
      continue;
    }
    const written = outcome === 'written' ? rest.length : 0;
    return { written, alreadyThere: alreadyThere + rest.length - written };
  }
}

/** How many events of a batch's start are there and equal; and the first that is there and is not, or follows a hole. */
async function compare(
  context: WriteContext,
  batch: readonly NumberedEvent[],
): Promise<{ readonly equal: number; readonly other?: RefusedEvent }> {
  const { aggregateUuid, version: from } = batch[0]!;
  const there = await context.existing.read(aggregateUuid, from, batch.at(-1)!.version);
  if (there.before === undefined) {
    const before = `version ${from - 1} is neither before it in the file nor in the table`;
    const error = new DaybookError('import.hole', { version: from, before });
    return { equal: 0, other: { event: batch[0]!, error, differs: false } };
  }
  const known = there.before === 'known' ? undefined : there.before;
  if (known !== undefined && known.aggregateType !== batch[0]!.aggregateType) {
    return { equal: 0, other: { event: batch[0]!, error: wrongType(batch[0]!, known), differs: true } };
  }
  const latest = there.events.at(-1)?.recordedAt ?? known?.recordedAt ?? '';
  if (latest > context.recordedAt) context.recordedAt = latest;
  for (const [i, stored] of there.events.entries()) {
    const event = batch[i]!;
    const difference = differenceOf(event, stored);
    if (difference !== undefined) return { equal: i, other: { event, error: difference, differs: true } };
  }
  return { equal: there.events.length };
}

function differenceOf(imported: NumberedEvent, stored: StoredEvent): DaybookError | undefined {
  const { version, event } = imported;
  const differs = (part: string, value?: string) =>
    new DaybookError('import.differs', { version, part, ...(value !== undefined && { stored: value }) });
  if (stored.aggregateType !== imported.aggregateType) return wrongType(imported, stored);
  if (stored.type !== event.type) return differs('type', stored.type);
  if (!sameJson(stored.data, event.data)) return differs('data');
  if (!sameJson(stored.metadata, event.metadata)) return differs('metadata');
  if (event.occurredAt !== undefined && stored.occurredAt !== event.occurredAt) {
    return differs('time of occurrence', stored.occurredAt);
  }
  return undefined;
}

function wrongType({ aggregateUuid, aggregateType: expected }: NumberedEvent, stored: StoredEvent): DaybookError {
  const { aggregateType: actual, version } = stored;
  return new DaybookError('aggregate.wrongType', { aggregateUuid, expected, actual, version });
}

function sameJson(a: string | undefined, b: string | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && jsonEqual(JSON.parse(a), JSON.parse(b)));
}

async function putBatch(
  context: WriteContext,
  batch: readonly NumberedEvent[],
): Promise<'written' | 'alreadyWritten' | 'conflict'> {
  const events = stored(batch, context.recordedAt, context.now());
  checkSizes(events);
  context.recordedAt = events[0]!.recordedAt;
  const { outcome } = await context.table.put({ commitId: events[0]!.commitId, events });
  if (outcome === 'hole') throw new Error('a commit without predecessors to check found one missing');
  return outcome;
}

function stored(batch: readonly NumberedEvent[], recordedAt: string, now = 0): StoredEvent[] {
  const { aggregateUuid, aggregateType, version } = batch[0]!;
  const target = { aggregateUuid, aggregateType, definition: undefined, expected: version - 1, head: undefined };
  const change = { target, events: batch.map(({ event }) => event) };
  return toStored(change, { version: version - 1, recordedAt, commitId: '' }, commitIdOf(batch), now);
}

/** The same events at the same place are the same commit, whoever imports them. */
function commitIdOf(batch: readonly NumberedEvent[]): string {
  const { aggregateUuid, aggregateType, version } = batch[0]!;
  const hash = createHash('sha256').update(`${aggregateUuid}\n${aggregateType}\n${version}`);
  for (const { event } of batch) {
    hash.update(`\n${event.type}\n${event.data}\n${event.metadata ?? ''}\n${event.occurredAt ?? ''}`);
  }
  return `import-${hash.digest('hex').slice(0, 32)}`;
}

/** DynamoDB takes 4 MB in a transaction; what is beside the texts is at most a kilobyte an event. */
const MAX_BATCH_BYTES = 3 * 1024 * 1024;

/** How many of the waiting events, from the first on, make the next commit. */
export function nextBatchLength(waiting: readonly NumberedEvent[]): number {
  let bytes = 0;
  for (let i = 0; i < waiting.length; i++) {
    const { event } = waiting[i]!;
    bytes += (event.data.length + (event.metadata?.length ?? 0)) * 3;
    if (i > 0 && (bytes > MAX_BATCH_BYTES || i >= MAX_COMMIT_EVENTS)) return i;
  }
  return waiting.length;
}

/** The error of an event that is too large for an item, whatever its version will be. */
export function itemProblem(imported: ImportEvent): DaybookError | undefined {
  const { event } = imported;
  if (event.data.length + (event.metadata?.length ?? 0) < SURELY_SMALL) return undefined;
  // The longest version, commit id and shard that an import brings.
  const version = imported.version ?? Number.MAX_SAFE_INTEGER;
  try {
    checkSizes(stored([{ ...imported, version }], '9999-12-31T23:59:59.999Z'));
    return undefined;
  } catch (error) {
    if (isDaybookError(error, 'append.itemTooLarge')) return error;
    throw error;
  }
}

const SURELY_SMALL = 100 * 1024;

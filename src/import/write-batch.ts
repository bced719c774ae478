import { createHash } from 'node:crypto';
import { isDaybookError } from '../errors.ts';
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
  readonly refused?: { readonly event: NumberedEvent; readonly problem: string; readonly differs: boolean };
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
): Promise<{ readonly equal: number; readonly other?: NonNullable<BatchOutcome['refused']> }> {
  const { aggregateUuid, version: from } = batch[0]!;
  const there = await context.existing.read(aggregateUuid, from, batch.at(-1)!.version);
  if (there.recordedBefore === undefined) {
    const problem = `version ${from} would leave a hole: version ${from - 1} is neither before it in the file nor in the table`;
    return { equal: 0, other: { event: batch[0]!, problem, differs: false } };
  }
  const latest = there.events.at(-1)?.recordedAt ?? there.recordedBefore;
  if (latest > context.recordedAt) context.recordedAt = latest;
  for (const [i, stored] of there.events.entries()) {
    const event = batch[i]!;
    const difference = differenceOf(event, stored);
    if (difference !== undefined) return { equal: i, other: { event, problem: difference, differs: true } };
  }
  return { equal: there.events.length };
}

function differenceOf({ aggregateType, version, event }: NumberedEvent, stored: StoredEvent): string | undefined {
  const there = `version ${version} is there already with another`;
  if (stored.aggregateType !== aggregateType) return `${there} aggregate type: ${stored.aggregateType}`;
  if (stored.type !== event.type) return `${there} type: ${stored.type}`;
  if (!sameJson(stored.data, event.data)) return `${there} data`;
  if (!sameJson(stored.metadata, event.metadata)) return `${there} metadata`;
  if (event.occurredAt !== undefined && stored.occurredAt !== event.occurredAt) {
    return `${there} time of occurrence: ${stored.occurredAt}`;
  }
  return undefined;
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
  return toStored(change, { version: version - 1, recordedAt }, commitIdOf(batch), now);
}

/** The same events at the same place are the same commit, whoever imports them. */
function commitIdOf(batch: readonly NumberedEvent[]): string {
  const hash = createHash('sha256').update(`${batch[0]!.aggregateUuid}\n${batch[0]!.version}`);
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

/** Is an event too large for an item, whatever its version will be? The message says so, or undefined. */
export function itemProblem(imported: ImportEvent): string | undefined {
  const { event } = imported;
  if (event.data.length + (event.metadata?.length ?? 0) < SURELY_SMALL) return undefined;
  // The longest version, commit id and shard that an import brings.
  const version = imported.version ?? Number.MAX_SAFE_INTEGER;
  try {
    checkSizes(stored([{ ...imported, version }], '9999-12-31T23:59:59.999Z'));
    return undefined;
  } catch (error) {
    if (isDaybookError(error, 'append.itemTooLarge')) return error.message;
    throw error;
  }
}

const SURELY_SMALL = 100 * 1024;

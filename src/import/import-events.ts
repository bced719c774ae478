import './errors.ts';
import '../store/errors.ts';
import { DaybookError, type ErrorCode } from '../errors.ts';
import type { EventTable } from '../store/event-table.ts';
import { type ImportEvent, type ParseOptions, parseLine } from './parse-line.ts';
import { createReadAhead } from './read-ahead.ts';
import type { Line } from './read-lines.ts';
import {
  itemProblem,
  type NumberedEvent,
  nextBatchLength,
  type RefusedEvent,
  type WriteContext,
  writeBatch,
} from './write-batch.ts';

export interface ImportOptions extends ParseOptions {
  readonly table: EventTable;
  readonly lines: AsyncIterable<readonly Line[]>;
  /**
   * At the first line that cannot be taken: stop, or leave it out and go on. What is found out only at writing, that what
   * is stored differs or that there is a hole, may be found when lines behind it are under way or written already.
   */
  readonly onError: 'stop' | 'skip';
  /** Commits under way at once; default 32. */
  readonly concurrency?: number;
  /** Milliseconds since the epoch; default the system's clock. */
  readonly now?: () => number;
  onRefused?(refusal: Refusal): void;
  onProgress?(progress: ImportProgress): void;
}

/** A line that was not taken, and why. */
export interface Refusal {
  readonly line: number;
  readonly code: ErrorCode;
  /** For people; begins with the code. */
  readonly problem: string;
  /** What is stored differs from the file: more than a bad line. */
  readonly differs: boolean;
}

export interface ImportProgress {
  /** Non-empty lines read. */
  readonly lines: number;
  readonly written: number;
  readonly alreadyThere: number;
  readonly refused: number;
  readonly aggregates: number;
}

export interface ImportSummary extends ImportProgress {
  /** Lines refused because what is stored differs. */
  readonly differing: number;
  /** The line that ended the run, the lowest one refused, with `onError: 'stop'`. */
  readonly stoppedBy?: Refusal;
}

const CONCURRENCY = 32;

/** Lines read but not yet written: enough to keep all writers busy, little enough for flat memory. */
const MAX_WAITING = 4000;
const MAX_WAITING_CHARACTERS = 32 * 1024 * 1024;

interface Aggregate {
  readonly waiting: NumberedEvent[];
  busy: boolean;
  /** Events of it were found in the table, so the next batch looks first. */
  mayExist: boolean;
}

/**
 * Appends the lines' events, in order per aggregate and many aggregates at once. The n-th line of an aggregate is its
 * version n, unless lines say their versions. What is there already and equal is left as it is, so that a run may be repeated
 * or go on after it was killed; every commit is whole.
 */
export async function importEvents(options: ImportOptions): Promise<ImportSummary> {
  const { onError, concurrency = CONCURRENCY } = options;
  const { table } = options;
  const existing = createReadAhead(table);
  const context: WriteContext = { table, existing, now: options.now ?? Date.now, recordedAt: '' };
  const numbering = new Map<string, Numbered | DaybookError>();
  const active = new Map<string, Aggregate>();
  const ready: string[] = [];
  const count = { lines: 0, written: 0, alreadyThere: 0, refused: 0, aggregates: 0, differing: 0 };
  /** The last batch was there already: this is a repeated run, where looking first saves a call. */
  let repeated = false;
  let underWay = 0;
  let waiting = 0;
  let characters = 0;
  let stoppedBy: Refusal | undefined;
  let failure: { readonly error: unknown } | undefined;
  /** What ended the source before its end. */
  let broken: { readonly error: unknown } | undefined;
  let wake: (() => void) | undefined;

  const ended = () => stoppedBy !== undefined || failure !== undefined;

  function refuse(line: number, { code, message: problem }: DaybookError, differs = false): void {
    const refusal = { line, code, problem, differs };
    count.refused++;
    if (differs) count.differing++;
    if (onError === 'stop' && (stoppedBy === undefined || line < stoppedBy.line)) {
      stoppedBy = refusal;
      dropBehind(line);
    }
    options.onRefused?.(refusal);
  }

  /** What waits behind the line that ended the run is not written. */
  function dropBehind(line: number): void {
    for (const [aggregateUuid, aggregate] of active) {
      const first = aggregate.waiting.findIndex((event) => event.line > line);
      if (first < 0) continue;
      release(aggregate.waiting.splice(first));
      if (aggregate.waiting.length === 0 && !aggregate.busy) active.delete(aggregateUuid);
    }
  }

  /** Gives an event its version and puts it in its aggregate's queue. */
  function take(event: ImportEvent): void {
    const numbered = number(numbering, event);
    if (numbered instanceof DaybookError) {
      refuse(event.line, numbered);
      return;
    }
    let aggregate = active.get(event.aggregateUuid);
    if (aggregate === undefined) {
      // A first line that is not version 1 goes on from what is in the table.
      aggregate = { waiting: [], busy: false, mayExist: repeated || (numbered.first && numbered.event.version > 1) };
      active.set(event.aggregateUuid, aggregate);
    }
    if (numbered.first) count.aggregates++;
    aggregate.waiting.push(numbered.event);
    waiting++;
    characters += numbered.event.event.data.length;
    if (!aggregate.busy && aggregate.waiting.length === 1) ready.push(event.aggregateUuid);
  }

  function start(): void {
    while (underWay < concurrency && ready.length > 0 && failure === undefined) {
      const aggregateUuid = ready.shift()!;
      const aggregate = active.get(aggregateUuid);
      // Undefined when all that waited was dropped.
      if (aggregate !== undefined) void work(aggregateUuid, aggregate);
    }
  }

  async function work(aggregateUuid: string, aggregate: Aggregate): Promise<void> {
    underWay++;
    aggregate.busy = true;
    const batch = aggregate.waiting.splice(0, nextBatchLength(aggregate.waiting));
    try {
      const outcome = await writeBatch(context, batch, aggregate.mayExist);
      count.written += outcome.written;
      count.alreadyThere += outcome.alreadyThere;
      aggregate.mayExist = outcome.alreadyThere > 0 && outcome.written === 0;
      repeated = aggregate.mayExist;
      if (outcome.refused !== undefined) block(aggregateUuid, aggregate, batch, outcome.refused);
    } catch (error) {
      failure ??= { error };
    }
    aggregate.busy = false;
    underWay--;
    release(batch);
    if (aggregate.waiting.length > 0) ready.push(aggregateUuid);
    else active.delete(aggregateUuid);
    options.onProgress?.(count);
    start();
    wake?.();
  }

  /** An event could not be written: none that follows it in its aggregate can. */
  function block(
    aggregateUuid: string,
    aggregate: Aggregate,
    batch: readonly NumberedEvent[],
    { event, error, differs }: RefusedEvent,
  ): void {
    refuse(event.line, error, differs);
    const after = new DaybookError('import.afterRefused', { version: event.version, line: event.line });
    numbering.set(aggregateUuid, after);
    // Of a run that stopped, what follows is not tried: nothing waits any more.
    if (onError === 'stop') return;
    const dropped = aggregate.waiting.splice(0);
    for (const later of [...batch.slice(batch.indexOf(event) + 1), ...dropped]) refuse(later.line, after);
    release(dropped);
  }

  function release(events: readonly NumberedEvent[]): void {
    waiting -= events.length;
    for (const { event } of events) characters -= event.data.length;
  }

  /** The lines up to the source's end, or to where it broke: what came before that is written. */
  async function* readable(source: AsyncIterable<readonly Line[]>): AsyncGenerator<readonly Line[]> {
    try {
      yield* source;
    } catch (error) {
      broken = { error };
    }
  }

  /** Until there is room for more lines, or nothing is under way when told so. */
  async function settle(enough: () => boolean): Promise<void> {
    start();
    while (!enough() && failure === undefined) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = undefined;
    }
  }

  for await (const lines of readable(options.lines)) {
    for (const { number: line, text } of lines) {
      if (ended()) break;
      count.lines++;
      const parsed = text instanceof DaybookError ? text : parseLine(line, text, options);
      const event = parsed instanceof DaybookError ? parsed : (itemProblem(parsed) ?? parsed);
      if (event instanceof DaybookError) refuse(line, event);
      else take(event);
      if (waiting >= MAX_WAITING || characters >= MAX_WAITING_CHARACTERS) {
        await settle(() => waiting < MAX_WAITING / 2 && characters < MAX_WAITING_CHARACTERS / 2);
      }
    }
    start();
    options.onProgress?.(count);
    if (ended()) break;
  }
  // What came before the line that ended the run is written.
  await settle(() => active.size === 0);
  while (underWay > 0) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  if (failure !== undefined) throw failure.error;
  if (broken !== undefined && stoppedBy === undefined) {
    const cause = (broken as { readonly error: unknown }).error;
    const problem = cause instanceof Error ? cause.message : String(cause);
    const taken = count.written + count.alreadyThere;
    throw new DaybookError('import.unreadable', { lines: count.lines, taken, problem }, { cause });
  }
  return { ...count, ...(stoppedBy !== undefined && { stoppedBy }) };
}

/** What is known of an aggregate whose lines are taken. */
interface Numbered {
  readonly aggregateType: string;
  /** The version of its last line. */
  last: number;
}

/**
 * The version of an event: what its line says, which must follow on, or the next one. An error in the map is of an
 * aggregate none of whose lines can be taken any more.
 */
function number(
  numbering: Map<string, Numbered | DaybookError>,
  event: ImportEvent,
): { readonly event: NumberedEvent; readonly first: boolean } | DaybookError {
  const { aggregateUuid, aggregateType, version } = event;
  const before = numbering.get(aggregateUuid);
  if (before === undefined) {
    const first = version ?? 1;
    numbering.set(aggregateUuid, { aggregateType, last: first });
    return { event: { ...event, version: first }, first: true };
  }
  if (before instanceof DaybookError) return before;
  const { aggregateType: actual, last } = before;
  if (aggregateType !== actual) {
    return new DaybookError('aggregate.wrongType', { aggregateUuid, expected: aggregateType, actual, version: last });
  }
  const next = last + 1;
  if (version !== undefined && version < next) return new DaybookError('import.tooLate', { version, last });
  if (version !== undefined && version > next) {
    return new DaybookError('import.hole', {
      version,
      before: `the line before it of this aggregate is version ${last}`,
    });
  }
  before.last = next;
  return { event: { ...event, version: next }, first: false };
}

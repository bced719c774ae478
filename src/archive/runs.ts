import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { RecordedEvent } from '../event/recorded-event.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import type { TextColumn } from './column-vectors.ts';

/** Events of one aggregate that follow on each other in a source, by version: the rows from `start` up to, not including, `end`. */
export interface Run {
  readonly aggregateUuid: string;
  readonly aggregateType: string;
  readonly start: number;
  readonly end: number;
  readonly rows: Rows;
}

/** What is known of rows before an event is made of one. */
export interface Rows {
  version(row: number): number;
  /** Epoch milliseconds. */
  occurredAt(row: number): number;
  recordedAt(row: number): number;
  /** An event of this run as a fold sees it; undefined where it is to be made of what is stored, or of no wanted type. */
  seen(run: Run, row: number): SeenFields | RecordedEvent | undefined;
  /** The event as it is stored; undefined where that was not read. */
  stored(run: Run, row: number): StoredEvent | undefined;
}

/** An event as far as its declared fields say it. */
export interface SeenFields {
  readonly aggregateUuid: string;
  readonly aggregateType: string;
  readonly version: number;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly occurredAt?: string;
  readonly recordedAt?: string;
}

/** Runs, ordered by aggregate and version, some at a time. */
export type Source = AsyncIterable<readonly Run[]>;

/** Rows that are events. */
export function storedRows(events: readonly StoredEvent[]): Rows {
  return {
    version: (row) => events[row]!.version,
    occurredAt: (row) => Date.parse(events[row]!.occurredAt),
    recordedAt: (row) => Date.parse(events[row]!.recordedAt),
    stored: (_, row) => events[row],
    seen: () => undefined,
  };
}

/** Events in order as runs. */
export function runsOf(events: readonly StoredEvent[]): Run[] {
  const runs: Run[] = [];
  const rows = storedRows(events);
  for (let start = 0; start < events.length; ) {
    const { aggregateUuid, aggregateType } = events[start]!;
    let end = start + 1;
    // A version that does not go up ends a run too: whoever looks at the runs' order sees it.
    while (end < events.length && events[end]!.aggregateUuid === aggregateUuid) {
      if (events[end]!.version <= events[end - 1]!.version) break;
      end++;
    }
    runs.push({ aggregateUuid, aggregateType, start, end, rows });
    start = end;
  }
  return runs;
}

/** Rows with the columns that say whose they are. */
export interface ColumnRows extends Rows {
  readonly count: number;
  /** NULL where it is the one of the row before, the last one of the chunk before too; so are the types. */
  readonly aggregateUuids: TextColumn;
  readonly aggregateTypes: TextColumn;
}

/** Chunks of rows, one after the other, as runs. */
export class RunsOfColumns {
  #aggregateUuid = '';
  #aggregateType = '';

  of(rows: ColumnRows): Run[] {
    const { count, aggregateUuids, aggregateTypes } = rows;
    const runs: Run[] = [];
    for (let start = 0; start < count; ) {
      let version = rows.version(start);
      let end = start + 1;
      while (end < count && rows.version(end) > version && !aggregateUuids.has(end)) version = rows.version(end++);
      if (aggregateUuids.has(start)) {
        this.#aggregateUuid = aggregateUuids.text(start);
        const aggregateType = aggregateTypes.text(start);
        // Equal texts become one: comparing them costs nothing then.
        if (aggregateType !== this.#aggregateType) this.#aggregateType = aggregateType;
      }
      runs.push({ aggregateUuid: this.#aggregateUuid, aggregateType: this.#aggregateType, start, end, rows });
      start = end;
    }
    return runs;
  }
}

/** Orders texts as DuckDB does, by their UTF-8: UTF-16 has the characters beyond its plane before U+E000. */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

const rank = (unit: number) => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);

/** Each source in its order, or refused: a merge of what is not sorted would lose events without a word. */
async function* inOrder(source: Source): Source {
  let last: Run | undefined;
  for await (const runs of source) {
    for (const run of runs) {
      if (last !== undefined) {
        const order = compareTexts(last.aggregateUuid, run.aggregateUuid);
        if (order > 0 || (order === 0 && last.rows.version(last.end - 1) >= run.rows.version(run.start))) {
          throw new DaybookError('archive.notSorted', { aggregateUuid: run.aggregateUuid, after: last.aggregateUuid });
        }
      }
      last = run;
    }
    yield runs;
  }
}

/** Several sorted sources as one, each event once: of those with the same aggregate and version the first one that comes. */
export async function* mergeRuns(sources: readonly Source[]): Source {
  const heads: Head[] = [];
  for (const source of sources) {
    const head = new Head(inOrder(source)[Symbol.asyncIterator]());
    if (await head.fill()) heads.push(head);
  }
  let merged: Run[] = [];
  let aggregateUuid: string | undefined;
  let last = 0;
  while (heads.length > 0) {
    let first = heads[0]!;
    // The nearest version of the same aggregate in another source: up to it, the first one's events come as they are.
    let limit = Number.POSITIVE_INFINITY;
    for (let i = 1; i < heads.length; i++) {
      const head = heads[i]!;
      const order = first.run === head.run ? 0 : compareTexts(first.run.aggregateUuid, head.run.aggregateUuid);
      if (order < 0) continue;
      if (order > 0) limit = Number.POSITIVE_INFINITY;
      if (order === 0) limit = Math.min(limit, Math.max(first.version(), head.version()));
      if (order > 0 || head.version() < first.version()) first = head;
    }
    const { run } = first;
    if (run.aggregateUuid !== aggregateUuid) {
      aggregateUuid = run.aggregateUuid;
      last = 0;
    }
    const { rows } = run;
    let start = first.row;
    while (start < run.end && rows.version(start) <= last) start++;
    if (start > first.row && start < run.end) {
      first.row = start;
      continue; // behind what it repeats, another source may be first
    }
    let end = start;
    if (limit === Number.POSITIVE_INFINITY) end = run.end;
    else while (end < run.end && (end === start || rows.version(end) < limit)) end++;
    if (end > start) {
      merged.push(start === run.start && end === run.end ? run : { ...run, start, end });
      last = rows.version(end - 1);
    }
    first.row = end;
    if (end < run.end || first.next()) continue;
    // What was merged is used before more is read, so that no more is held than the sources hold.
    yield merged;
    merged = [];
    if (!(await first.fill())) heads.splice(heads.indexOf(first), 1);
  }
  if (merged.length > 0) yield merged;
}

/** Where a source is. */
class Head {
  run!: Run;
  row = 0;
  readonly #source: AsyncIterator<readonly Run[]>;
  #runs: readonly Run[] = [];
  #at = 0;

  constructor(source: AsyncIterator<readonly Run[]>) {
    this.#source = source;
  }

  version(): number {
    return this.run.rows.version(this.row);
  }

  /** Moves to the next run at hand. */
  next(): boolean {
    this.#at++;
    if (this.#at >= this.#runs.length) return false;
    this.run = this.#runs[this.#at]!;
    this.row = this.run.start;
    return true;
  }

  /** Fetches more runs. */
  async fill(): Promise<boolean> {
    do {
      const { done, value } = await this.#source.next();
      if (done === true) return false;
      this.#runs = value;
      this.#at = -1;
    } while (!this.next());
    return true;
  }
}

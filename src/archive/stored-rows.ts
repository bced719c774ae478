import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import type { RecordedEvent } from '../event/recorded-event.ts';
import type { StoredEvent } from '../event/stored-event.ts';
import {
  BEHIND,
  JsonColumn,
  readDoubles,
  readIntegers,
  readSmallIntegers,
  releaseTexts,
  TextColumn,
} from './column-vectors.ts';
import { isoTime } from './iso-time.ts';
import { type ColumnRows, type Run, RunsOfColumns, type Source } from './runs.ts';

/** Rows of the archive, as SQL reads them. */
export interface Relation {
  /** What stands after FROM. */
  readonly from: string;
  /** What stands after WHERE. */
  readonly where: string;
  readonly values: Readonly<Record<string, string | number>>;
}

/**
 * The rows of a relation, in its order, a chunk of some 2,000 at a time; one of a type that is not wanted has no type, and `null` for its data.
 * An event is made when it is asked for, so that it dies young: kept for a whole relation, collecting them costs as much as all the rest.
 */
export async function* readStoredRows(
  connection: DuckDBConnection,
  { from, where, values }: Relation,
  types: readonly string[],
  schemaVersions: readonly number[] = [],
): AsyncGenerator<StoredRows, void, undefined> {
  const code = typeCode(types);
  const result = await connection.stream(
    `SELECT version::DOUBLE, (${code})::INTEGER, schema_version::INTEGER, commit_first::DOUBLE, commit_last::DOUBLE,
        recorded_at::TIMESTAMP_MS, occurred_at::TIMESTAMP_MS, ${WHOSE}, commit_id,
        CASE WHEN ${code} = 0 THEN 'null' ELSE coalesce(data, '') END || $behind, metadata
      FROM ${besideLast(from, where)}`,
    { ...values, ...typeValues(types), behind: BEHIND },
  );
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    yield new StoredRows(chunk, types, schemaVersions);
  }
}

/** The same as runs. */
export async function* readStoredRuns(...given: Parameters<typeof readStoredRows>): Source {
  const runs = new RunsOfColumns();
  for await (const rows of readStoredRows(...given)) yield runs.of(rows);
}

/** The columns that say whose a row is: only of a row that is of another aggregate than the one before. */
export const WHOSE = 'CASE WHEN is_other THEN aggregate_uuid END, CASE WHEN is_other THEN aggregate_type END';

/** What `WHOSE` is asked of. DuckDB keeps the last row only, and compares two ids in less time than handing one over takes. */
export const besideLast = (from: string, where = 'true'): string =>
  `(SELECT *, aggregate_uuid IS DISTINCT FROM lag(aggregate_uuid) OVER () AS is_other FROM ${from} WHERE ${where})`;

/** The parameters that `typeCode` needs. */
export const typeValues = (types: readonly string[]) =>
  Object.fromEntries(types.map((type, i) => [`type${i + 1}`, type]));

/** The type's place in the list, from 1, or what is made of it; 0 for any other. */
export function typeCode(types: readonly string[], codeOf = (place: number) => `${place}`): string {
  const cases = types.map((_, i) => `WHEN $type${i + 1} THEN ${codeOf(i + 1)}`);
  return cases.length === 0 ? '0' : `CASE type ${cases.join(' ')} ELSE 0 END`;
}

/** A chunk of rows by their columns. */
export class StoredRows implements ColumnRows {
  readonly count: number;
  readonly aggregateUuids: TextColumn;
  readonly aggregateTypes: TextColumn;
  readonly #versions: Float64Array;
  readonly #codes: Int32Array;
  readonly #types: readonly string[];
  readonly #schemaVersions: Int32Array;
  readonly #seenVersions: readonly number[];
  readonly #commitFirsts: Float64Array;
  readonly #commitLasts: Float64Array;
  readonly #recordedAt: Float64Array;
  readonly #occurredAt: Float64Array;
  readonly #commitIds: TextColumn;
  readonly #data: JsonColumn;
  readonly #metadata: TextColumn;

  constructor(chunk: DuckDBDataChunk, types: readonly string[], schemaVersions: readonly number[]) {
    this.count = chunk.rowCount;
    this.#types = types;
    this.#seenVersions = schemaVersions;
    this.#versions = readDoubles(chunk, 0);
    this.#codes = readSmallIntegers(chunk, 1);
    this.#schemaVersions = readSmallIntegers(chunk, 2);
    this.#commitFirsts = readDoubles(chunk, 3);
    this.#commitLasts = readDoubles(chunk, 4);
    this.#recordedAt = readIntegers(chunk, 5);
    this.#occurredAt = readIntegers(chunk, 6);
    this.aggregateUuids = new TextColumn(chunk, 7);
    this.aggregateTypes = new TextColumn(chunk, 8);
    this.#commitIds = new TextColumn(chunk, 9);
    this.#data = new JsonColumn(chunk, 10);
    this.#metadata = new TextColumn(chunk, 11);
    releaseTexts(chunk);
  }

  version(row: number): number {
    return this.#versions[row]!;
  }

  occurredAt(row: number): number {
    return this.#occurredAt[row]!;
  }

  recordedAt(row: number): number {
    return this.#recordedAt[row]!;
  }

  stored({ aggregateUuid, aggregateType }: Pick<Run, 'aggregateUuid' | 'aggregateType'>, row: number): StoredEvent {
    const code = this.#codes[row]!;
    const metadata = this.#metadata.text(row);
    const recordedAt = isoTime(this.#recordedAt[row]!);
    const event = {
      aggregateUuid,
      aggregateType,
      version: this.#versions[row]!,
      type: code === 0 ? '' : this.#types[code - 1]!,
      schemaVersion: this.#schemaVersions[row]!,
      commitId: this.#commitIds.text(row),
      commitFirst: this.#commitFirsts[row]!,
      commitLast: this.#commitLasts[row]!,
      recordedAt,
      occurredAt: this.#occurredAt[row] === this.#recordedAt[row] ? recordedAt : isoTime(this.#occurredAt[row]!),
      data: this.#data.text(row),
    };
    // No JSON text is empty: it stands for none.
    return metadata === '' ? event : { ...event, metadata };
  }

  /** As `decodeStored` makes it of what is stored; what it would refuse is left to it. */
  seen({ aggregateUuid, aggregateType }: Run, row: number): RecordedEvent | undefined {
    const code = this.#codes[row]!;
    const schemaVersion = this.#schemaVersions[row]!;
    if (code === 0 || schemaVersion !== this.#seenVersions[code - 1]) return undefined;
    const data = this.#data.value(row);
    const metadata = parsed(this.#metadata.text(row));
    if (data === undefined || metadata === BROKEN) return undefined;
    const recordedAt = isoTime(this.#recordedAt[row]!);
    return {
      aggregateUuid,
      aggregateType,
      version: this.#versions[row]!,
      type: this.#types[code - 1]!,
      data,
      metadata,
      schemaVersion,
      recordedAt,
      occurredAt: this.#occurredAt[row] === this.#recordedAt[row] ? recordedAt : isoTime(this.#occurredAt[row]!),
      commitId: this.#commitIds.text(row),
    };
  }
}

const BROKEN = Symbol();

function parsed(metadata: string): unknown {
  if (metadata === '') return undefined;
  try {
    return JSON.parse(metadata);
  } catch {
    return BROKEN;
  }
}

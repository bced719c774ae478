import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import type { StoredEvent } from '../event/stored-event.ts';
import { readBooleans, readDoubles, readIntegers, readSmallIntegers, TextColumn } from './column-vectors.ts';
import { isoTime } from './iso-time.ts';
import { type ColumnRows, type Run, RunsOfColumns, type SeenFields, type Source } from './runs.ts';
import type { SparseCopy } from './sparse-copy.ts';
import { besideLast, readStoredRows, type StoredRows, typeCode, typeValues, WHOSE } from './stored-rows.ts';
import type { TypedColumn } from './typed-columns.ts';

/** What of one event type a fold sees. */
export interface SeenType {
  readonly type: string;
  /** Typed columns are read of events of this version only; others are upcast from their text. */
  readonly schemaVersion: number;
  readonly fields: readonly string[];
}

export interface TypedOptions {
  readonly path: string;
  /** Where only what is asked for is there. */
  readonly copy?: SparseCopy;
  /** In the order of their codes. */
  readonly seen: readonly SeenType[];
  /** Those that an event is seen with. */
  readonly clocks: readonly Clock[];
  /** The clock that rows are asked for besides. */
  readonly rangeClock?: Clock;
  /** The columns that a compacted file has of these events, if it has them. */
  readonly columns: readonly TypedColumn[];
}

type Clock = 'occurred' | 'recorded';

/** A field with the column of this file that it is read from. */
interface Field {
  readonly name: string;
  readonly column: string;
  readonly type: 'bigint' | 'double' | 'boolean' | 'varchar';
}

/** Of each type its fields; undefined where one of them has no column here: then its events are read as text. */
type Layout = readonly (readonly Field[] | undefined)[];

/** What is read of every row. */
const KEYS = ['aggregate_uuid', 'aggregate_type', 'version', 'type', 'schema_version'];

/** What DuckDB calls the types of columns. A time is not read: its text may have been written in many ways. */
const DUCKDB_TYPES = { bigint: 'BIGINT', double: 'DOUBLE', boolean: 'BOOLEAN', varchar: 'VARCHAR' } as const;
/** An integer is read as JSON.parse reads it: rounded where it is no safe one. */
const READ_AS = { ...DUCKDB_TYPES, bigint: 'DOUBLE' } as const;
type Kind = (typeof READ_AS)[Field['type']];

/**
 * The rows of a compacted file by their typed columns. Where one holds no value, where an event is of another schema version,
 * or where a field has no column, the event's text is read instead. Undefined when no type has its columns here.
 */
export async function typedSource(
  connect: () => Promise<DuckDBConnection>,
  options: TypedOptions,
): Promise<Source | undefined> {
  const connection = await connect();
  const path = `'${options.path.replaceAll("'", "''")}'`;
  const from = `read_parquet(${path}, file_row_number = true, hive_partitioning = false)`;
  const file = `read_parquet(${path}, hive_partitioning = false)`;
  const described = await connection.run(`DESCRIBE SELECT * FROM ${from}`);
  const types = new Map(((await described.getRows()) as string[][]).map(([name, type]) => [name!, type!]));
  const layout: Layout = options.seen.map(({ type, fields }) => {
    const found = fields.map((name): Field | undefined => {
      const typed = options.columns.find(({ eventType, path }) => eventType === type && path.join('\n') === name);
      if (typed === undefined || typed.path.length !== 1 || typed.type === 'timestamp') return undefined;
      if (types.get(typed.column) !== DUCKDB_TYPES[typed.type]) return undefined;
      return { name, column: typed.column, type: typed.type };
    });
    return found.includes(undefined) ? undefined : (found as Field[]);
  });
  if (layout.every((fields) => fields === undefined)) return undefined;
  const columns = layout.flatMap((fields) => fields?.map(({ column }) => column) ?? []);
  const times = (['occurred', 'recorded'] as const).filter(
    (clock) => options.clocks.includes(clock) || clock === options.rangeClock,
  );
  await options.copy?.columns(connection, [...KEYS, ...times.map((clock) => `${clock}_at`), ...columns]);
  return rowsBy(connection, await connect(), { file, from }, options, layout, times);
}

async function* rowsBy(
  connection: DuckDBConnection,
  texts: DuckDBConnection,
  { file, from }: { readonly file: string; readonly from: string },
  options: TypedOptions,
  layout: Layout,
  times: readonly Clock[],
): Source {
  const code = seenCode(options.seen, layout);
  const { places, placed } = placesOf(layout);
  const columns = [
    ...times.map((clock) => `${clock}_at::TIMESTAMP_MS`),
    ...places.map(({ cases }) => `CASE code ${cases.join(' ')} END`),
  ];
  const result = await connection.stream(
    `SELECT version::DOUBLE, code, ${[WHOSE, ...columns].join(', ')}
      FROM ${besideLast(`(SELECT *, (${code})::INTEGER AS code FROM ${file})`)}`,
    typeValues(options.seen.map(({ type }) => type)),
  );
  const fallback = new TextFallback(texts, from, options, code);
  const runs = new RunsOfColumns();
  let before = 0;
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const rows = new TypedRows(chunk, options, places, placed, times);
    for (let row = 0; row < rows.count; row++) {
      if (rows.needsText(row)) rows.texts.set(row, await fallback.next(before + row, rows.version(row)));
    }
    before += rows.count;
    yield runs.of(rows);
  }
}

/** The type's place in the list, from 1; negative where the event's text is needed; 0 for any other. */
function seenCode(seen: readonly SeenType[], layout: Layout): string {
  return typeCode(
    seen.map(({ type }) => type),
    (code) => {
      const isThere = layout[code - 1]?.map(({ column }) => ` AND "${column}" IS NOT NULL`).join('');
      if (isThere === undefined) return `${-code}`;
      return `CASE WHEN schema_version = ${seen[code - 1]!.schemaVersion}${isThere} THEN ${code} ELSE ${-code} END`;
    },
  );
}

/** A column of the answer. */
interface Place {
  readonly kind: Kind;
  /** By the event's code, what it is read from. */
  readonly cases: string[];
}

interface PlacedField {
  readonly name: string;
  readonly place: number;
}

/** An event is of one type, so fields of different types share a column: what is copied does not grow with the number of types. */
function placesOf(layout: Layout) {
  const places: Place[] = [];
  const placed = layout.map((fields = [], i): readonly PlacedField[] => {
    const taken = new Set<number>();
    return fields.map(({ name, column, type }) => {
      const kind = READ_AS[type];
      let place = places.findIndex((place, at) => place.kind === kind && !taken.has(at));
      if (place < 0) place = places.push({ kind, cases: [] }) - 1;
      taken.add(place);
      places[place]!.cases.push(`WHEN ${i + 1} THEN "${column}"::${kind}`);
      return { name, place };
    });
  });
  return { places, placed };
}

/** A chunk of rows by their columns. */
class TypedRows implements ColumnRows {
  readonly count: number;
  readonly aggregateUuids: TextColumn;
  readonly aggregateTypes: TextColumn;
  /** Of rows that are read as text. */
  readonly texts = new Map<number, Text>();
  readonly #versions: Float64Array;
  readonly #codes: Int32Array;
  readonly #occurredAt: Float64Array | undefined;
  readonly #recordedAt: Float64Array | undefined;
  readonly #seen: readonly SeenType[];
  readonly #seesOccurred: boolean;
  readonly #seesRecorded: boolean;
  readonly #values: readonly (readonly FieldValues[])[];

  constructor(
    chunk: DuckDBDataChunk,
    { seen, clocks }: TypedOptions,
    places: readonly Place[],
    placed: readonly (readonly PlacedField[])[],
    times: readonly Clock[],
  ) {
    this.count = chunk.rowCount;
    this.#versions = readDoubles(chunk, 0);
    this.#codes = readSmallIntegers(chunk, 1);
    this.aggregateUuids = new TextColumn(chunk, 2);
    this.aggregateTypes = new TextColumn(chunk, 3);
    const timeOf = (clock: Clock) =>
      times.includes(clock) ? readIntegers(chunk, 4 + times.indexOf(clock)) : undefined;
    this.#occurredAt = timeOf('occurred');
    this.#recordedAt = timeOf('recorded');
    this.#seen = seen;
    this.#seesOccurred = clocks.includes('occurred');
    this.#seesRecorded = clocks.includes('recorded');
    const values = places.map(({ kind }, i) => READERS[kind](chunk, 4 + times.length + i));
    this.#values = placed.map((fields) => fields.map(({ name, place }) => ({ name, value: values[place]! })));
  }

  version(row: number): number {
    return this.#versions[row]!;
  }

  occurredAt(row: number): number {
    return this.#occurredAt?.[row] ?? Number.NaN;
  }

  recordedAt(row: number): number {
    return this.#recordedAt?.[row] ?? Number.NaN;
  }

  needsText(row: number): boolean {
    return this.#codes[row]! < 0;
  }

  stored(run: Run, row: number): StoredEvent | undefined {
    const text = this.texts.get(row);
    return text?.rows.stored(run, text.row);
  }

  seen({ aggregateUuid, aggregateType }: Run, row: number): SeenFields | undefined {
    const code = this.#codes[row]!;
    if (code <= 0) return undefined;
    const data: Record<string, unknown> = {};
    const values = this.#values[code - 1]!;
    for (let i = 0; i < values.length; i++) data[values[i]!.name] = values[i]!.value(row);
    const event = {
      aggregateUuid,
      aggregateType,
      version: this.#versions[row]!,
      type: this.#seen[code - 1]!.type,
      data,
    };
    if (!this.#seesOccurred && !this.#seesRecorded) return event;
    return {
      ...event,
      ...(this.#seesOccurred && { occurredAt: isoTime(this.#occurredAt![row]!) }),
      ...(this.#seesRecorded && { recordedAt: isoTime(this.#recordedAt![row]!) }),
    };
  }
}

interface FieldValues {
  readonly name: string;
  readonly value: (row: number) => unknown;
}

const READERS: Record<Kind, (chunk: DuckDBDataChunk, column: number) => (row: number) => unknown> = {
  DOUBLE: (chunk, column) => {
    const values = readDoubles(chunk, column);
    return (row) => values[row];
  },
  BOOLEAN: (chunk, column) => {
    const values = readBooleans(chunk, column);
    return (row) => values[row] !== 0;
  },
  VARCHAR: (chunk, column) => {
    const values = new TextColumn(chunk, column);
    return (row) => values.text(row);
  },
};

/** A row of another answer, which has the text. */
interface Text {
  readonly rows: StoredRows;
  readonly row: number;
}

/** So many rows ahead are read as text, once one is. */
const AHEAD = 16_384;

/** The events of the rows that need their text, in the order in which they are asked for. */
class TextFallback {
  readonly #copy: SparseCopy | undefined;
  readonly #connection: DuckDBConnection;
  readonly #from: string;
  readonly #types: readonly string[];
  readonly #needed: string;
  #end = 0;
  #batches: AsyncIterator<StoredRows> | undefined;
  #batch: StoredRows | undefined;
  #at = 0;

  constructor(connection: DuckDBConnection, from: string, { seen, copy }: TypedOptions, code: string) {
    this.#copy = copy;
    this.#connection = connection;
    this.#from = from;
    this.#types = seen.map(({ type }) => type);
    this.#needed = `${code} < 0`;
  }

  async next(row: number, version: number): Promise<Text> {
    if (row >= this.#end) {
      await this.#copy?.whole();
      this.#end = row + AHEAD;
      const where = `file_row_number >= ${row} AND file_row_number < ${this.#end} AND ${this.#needed}`;
      const relation = { from: this.#from, where, values: {} };
      this.#batches = readStoredRows(this.#connection, relation, this.#types);
      this.#batch = undefined;
      this.#at = 0;
    }
    while (this.#batch === undefined || this.#at >= this.#batch.count) {
      const { value, done } = await this.#batches!.next();
      if (done === true) throw new Error(`row ${row} of ${this.#from} has no text`);
      this.#batch = value;
      this.#at = 0;
    }
    const text = { rows: this.#batch, row: this.#at++ };
    const found = text.rows.version(text.row);
    if (found !== version) throw new Error(`row ${row} of ${this.#from} is version ${version}, its text ${found}`);
    return text;
  }
}

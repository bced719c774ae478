import type { DuckDBConnection, DuckDBDataChunk } from '@duckdb/node-api';
import type { StoredEvent } from '../event/stored-event.ts';
import { readIntegers, readSmallIntegers, readTexts } from './column-vectors.ts';
import { isoTime } from './iso-time.ts';

/** Rows of the archive, as SQL reads them. */
export interface Relation {
  /** What stands after FROM. */
  readonly from: string;
  /** What stands after WHERE. */
  readonly where: string;
  /** A row's number, which counts up in the relation's order. */
  readonly row: string;
  readonly values: Readonly<Record<string, string | number>>;
}

/** Between texts that come as one: no JSON text holds it, for it has to be escaped there. */
const BETWEEN = '\u001f';
/** So many rows' texts come as one. */
const TOGETHER = 256;

/**
 * The events of a relation, in its order, a few hundred at a time; the data of types that are not wanted is `null`. Numbers
 * come as the memory that they lie in, and texts many as one: text by text, the binding takes longer than all the rest.
 * Events are made when they are asked for, so that they die young: kept for a whole relation, collecting them costs as much.
 */
export async function* readStoredRows(
  connection: DuckDBConnection,
  relation: Relation,
  types: readonly string[],
): AsyncGenerator<readonly StoredEvent[], void, undefined> {
  const values = { ...relation.values, ...typeValues(types) };
  const groups = await groupsOf(connection, relation, types, values);
  const result = await connection.run(numbersSql(relation, types), values);
  let numbers: Numbers | undefined;
  let row = 0;
  let aggregateUuid = '';
  let aggregateType = '';
  for (const group of groups) {
    const texts = split(group) ?? (await textsOneByOne(connection, relation, types, values, group));
    const events = new Array<StoredEvent>(group.rows);
    for (let at = 0; at < group.rows; at++, row++) {
      if (numbers === undefined || row === numbers.count) {
        numbers = numbersOf((await result.fetchChunk())!);
        row = 0;
      }
      // Equal texts become one: most rows follow on another of their aggregate.
      if (texts.aggregateUuid[at] !== aggregateUuid) aggregateUuid = texts.aggregateUuid[at]!;
      if (texts.aggregateType[at] !== aggregateType) aggregateType = texts.aggregateType[at]!;
      const code = numbers.type[row]!;
      const metadata = texts.metadata[at]!;
      const recordedAt = isoTime(numbers.recordedAt[row]!);
      const event = {
        aggregateUuid,
        aggregateType,
        version: numbers.version[row]!,
        type: code === 0 ? numbers.otherType(row) : types[code - 1]!,
        schemaVersion: numbers.schemaVersion[row]!,
        commitId: texts.commitId[at]!,
        commitFirst: numbers.commitFirst[row]!,
        commitLast: numbers.commitLast[row]!,
        recordedAt,
        occurredAt:
          numbers.occurredAt[row] === numbers.recordedAt[row] ? recordedAt : isoTime(numbers.occurredAt[row]!),
        data: texts.data[at]!,
      };
      events[at] = metadata === '' ? event : { ...event, metadata };
    }
    yield events;
  }
}

/** The parameters that `typeCode` needs. */
export const typeValues = (types: readonly string[]) =>
  Object.fromEntries(types.map((type, i) => [`type${i + 1}`, type]));

/** The type's place in the list, from 1; 0 for any other. */
export function typeCode(types: readonly string[]): string {
  const cases = types.map((_, i) => `WHEN $type${i + 1} THEN ${i + 1}`);
  return cases.length === 0 ? '0' : `CASE type ${cases.join(' ')} ELSE 0 END`;
}

function numbersSql({ from, where }: Relation, types: readonly string[]): string {
  return `
    SELECT version::BIGINT, (${typeCode(types)})::INTEGER, CASE WHEN ${typeCode(types)} = 0 THEN type END,
      schema_version::INTEGER, commit_first::BIGINT, commit_last::BIGINT, recorded_at::TIMESTAMP_MS, occurred_at::TIMESTAMP_MS
    FROM ${from} WHERE ${where}`;
}

type Numbers = ReturnType<typeof numbersOf>;

function numbersOf(chunk: DuckDBDataChunk) {
  return {
    count: chunk.rowCount,
    version: readIntegers(chunk, 0),
    type: readSmallIntegers(chunk, 1),
    otherType: readTexts(chunk, 2),
    schemaVersion: readSmallIntegers(chunk, 3),
    commitFirst: readIntegers(chunk, 4),
    commitLast: readIntegers(chunk, 5),
    recordedAt: readIntegers(chunk, 6),
    occurredAt: readIntegers(chunk, 7),
  };
}

const NAMES = ['aggregateUuid', 'aggregateType', 'commitId', 'data', 'metadata'] as const;
type Texts = Record<(typeof NAMES)[number], string[]>;

/** In the order of the names. Of metadata that is not there the empty text, which is no JSON. */
const textColumns = (types: readonly string[]) => [
  'aggregate_uuid',
  'aggregate_type',
  'commit_id',
  `CASE WHEN ${typeCode(types)} = 0 THEN 'null' ELSE data END`,
  `coalesce(metadata, '')`,
];

/** The texts of a few hundred rows, joined. */
interface Group {
  /** Rows of this group have this number ÷ `TOGETHER`. */
  readonly number: number;
  readonly rows: number;
  /** One of each column. */
  readonly joined: readonly string[];
}

async function groupsOf(
  connection: DuckDBConnection,
  { from, where, row }: Relation,
  types: readonly string[],
  values: Relation['values'],
): Promise<readonly Group[]> {
  const joined = textColumns(types).map((sql) => `string_agg(${sql}, '${BETWEEN}')`);
  const result = await connection.run(
    `SELECT ${row} // ${TOGETHER} AS part, count(*), ${joined.join(', ')}
      FROM ${from} WHERE ${where} GROUP BY part ORDER BY part`,
    { ...values },
  );
  const groups: Group[] = [];
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const numbers = readIntegers(chunk, 0);
    const rows = readIntegers(chunk, 1);
    const columns = NAMES.map((_, i) => chunk!.getColumnValues(i + 2) as string[]);
    for (let i = 0; i < chunk.rowCount; i++) {
      groups.push({ number: numbers[i]!, rows: rows[i]!, joined: columns.map((column) => column[i]!) });
    }
  }
  return groups;
}

/** The texts of a group by column; undefined when one of them holds what stands between them. */
function split({ joined, rows }: Group): Texts | undefined {
  const columns = joined.map((text) => text.split(BETWEEN));
  return columns.every(({ length }) => length === rows) ? byName(columns) : undefined;
}

const byName = (columns: readonly string[][]) =>
  Object.fromEntries(NAMES.map((name, i) => [name, columns[i]!])) as Texts;

/** Value by value: slow, and right whatever was written. */
async function textsOneByOne(
  connection: DuckDBConnection,
  { from, where, row }: Relation,
  types: readonly string[],
  values: Relation['values'],
  { number }: Group,
): Promise<Texts> {
  const sql = `SELECT ${textColumns(types).join(', ')} FROM ${from} WHERE (${where}) AND ${row} // ${TOGETHER} = ${number}`;
  return byName((await (await connection.run(sql, { ...values })).getColumns()) as string[][]);
}

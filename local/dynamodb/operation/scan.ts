import type { Json } from '../../cloud.ts';
import type { Engine } from '../engine.ts';
import { invalid } from '../errors.ts';
import type { Rows } from '../table/rows.ts';
import { hashOf } from '../table/rows.ts';
import type { SecondaryIndex } from '../table/secondary-index.ts';
import type { Table } from '../table/table.ts';
import type { Item } from '../value/value.ts';
import { checkExpressionParameters, readBindings } from './parameters.ts';
import { nested } from './query.ts';
import {
  checkNoKeyIsNested,
  checkStartKey,
  findIndex,
  Page,
  readFilterParameter,
  readSelect,
  readStartKey,
  startPlace,
  toSelection,
} from './read-many.ts';

/** A segment of a parallel scan: hashes in [from, to), as eight hex digits. */
interface Segment {
  readonly from: string;
  readonly to: string;
}

function readSegment(input: Json): Segment {
  const { Segment: segment = null, TotalSegments: total = null } = input;
  if (segment !== null && total === null) {
    throw invalid(
      'The TotalSegments parameter is required but was not present in the request when Segment parameter is present',
    );
  }
  if (total === null) return { from: '', to: '~' };
  if (segment === null) {
    throw invalid(
      'The Segment parameter is required but was not present in the request when parameter TotalSegments is present',
    );
  }
  if (segment >= total) {
    throw invalid(
      `The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: ${segment} is not less than TotalSegments: ${total}`,
    );
  }
  const border = (i: number) =>
    i === total
      ? '~'
      : Math.ceil((2 ** 32 * i) / total)
          .toString(16)
          .padStart(8, '0');
  return { from: border(segment), to: border(segment + 1) };
}

function checkInSegment(start: Item, table: Table, index: SecondaryIndex | undefined, segment: Segment, input: Json) {
  const hash = hashOf(start[(index?.key ?? table.key).hash.name]!);
  if (hash >= segment.from && hash < segment.to) return;
  throw invalid(
    `The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: ${input.TotalSegments} Segment: ${input.Segment}`,
  );
}

/** Takes rows in the order of their hashes; true when the page was full before the segment's end. */
function walk(
  rows: Rows,
  segment: Segment,
  after:
    | { readonly hash: string; readonly order: string; readonly tie: string; readonly partition: string }
    | undefined,
  page: Page,
): boolean {
  const { partitions } = rows;
  const at = after === undefined ? partitions.seek(segment.from, '') : partitions.seek(after.partition, after.hash);
  for (;;) {
    const partition = partitions.at(at);
    if (partition === undefined || partition.order >= segment.to) return false;
    const inside =
      after !== undefined && partition.tie === after.hash
        ? partition.rows.first((row) => row.order > after.order || (row.order === after.order && row.tie > after.tie))
        : partition.rows.start();
    for (let row = partition.rows.at(inside); row !== undefined; row = partition.rows.at(inside)) {
      if (page.isLimited || !page.hasRoom) return true;
      page.take(row);
      partition.rows.forward(inside);
    }
    partitions.forward(at);
  }
}

export function scan(engine: Engine, input: Json): Json {
  checkExpressionParameters(
    input,
    ['ProjectionExpression', 'FilterExpression'],
    ['AttributesToGet', 'ScanFilter', 'ConditionalOperator'],
  );
  const start = readStartKey(input);
  const segment = readSegment(input);
  const bindings = readBindings(input);
  const filter = readFilterParameter(input, 'ScanFilter', bindings);
  const select = readSelect(input, bindings);
  bindings.checkAllUsed();

  const table = engine.table(input.TableName);
  const index = findIndex(table, input);
  if (start !== undefined) {
    checkStartKey(start, table, index);
    checkInSegment(start, table, index, segment, input);
  }
  checkNoKeyIsNested([...nested(select.paths), ...(filter?.nestedNames ?? [])], table, index);
  const selection = toSelection(select, index, filter);

  const page = new Page(engine, input, table, index, selection, filter);
  const after =
    start === undefined
      ? undefined
      : {
          ...startPlace(start, table, index),
          partition: hashOf(start[(index?.key ?? table.key).hash.name]!),
        };
  return page.answer(walk(index?.rows ?? table.rows, segment, after, page));
}

import type { Json } from '../../cloud.ts';
import type { Engine } from '../engine.ts';
import { invalid, invalidValue } from '../errors.ts';
import type { Bindings, BoundCondition, Path } from '../expression/bind.ts';
import { matches } from '../expression/evaluate.ts';
import { type Predicate, readFilter } from '../expression/legacy.ts';
import { readCondition } from '../expression/parsed.ts';
import { projectItem } from '../expression/paths.ts';
import { checkKey, checkKeyAttribute, type Key, keyNames, pick, rowKey } from '../table/key.ts';
import type { Row } from '../table/rows.ts';
import type { SecondaryIndex } from '../table/secondary-index.ts';
import type { Table } from '../table/table.ts';
import { type Item, readItem } from '../value/value.ts';
import type { View } from '../visibility.ts';
import { Capacity } from './capacity.ts';
import { readProjectionParameter } from './parameters.ts';

/** "A single Query operation can retrieve a maximum of 1 MB of data", counted before the filter; a Scan alike. */
const MAX_PAGE_BYTES = 1024 * 1024;

/** A filter: what it tests, and the attributes that it names. */
export interface Filter {
  readonly matches: Predicate;
  readonly names: readonly string[];
  readonly nestedNames: readonly string[];
  readonly parameter: string;
}

function pathsOf(condition: BoundCondition): readonly Path[] {
  if ('left' in condition) {
    return [...pathsOf(condition.left), ...pathsOf(condition.right)];
  }
  if (condition.kind === 'not') return pathsOf(condition.condition);
  const paths: Path[] = [];
  for (let arg of condition.args) {
    while ('size' in arg) arg = arg.size;
    if ('path' in arg) paths.push(arg.path);
  }
  return paths;
}

export function readFilterParameter(input: Json, legacy: string, bindings: Bindings): Filter | undefined {
  if (input[legacy] != null) {
    const filter = readFilter(input[legacy], input.ConditionalOperator);
    return { ...filter, nestedNames: [], parameter: legacy };
  }
  if (input.ConditionalOperator != null && input.KeyConditions == null) {
    throw invalid('ConditionalOperator cannot be used without Filter or Expected');
  }
  if (input.FilterExpression == null) return undefined;
  const condition = readCondition('FilterExpression', input.FilterExpression, bindings);
  const paths = pathsOf(condition);
  return {
    matches: (item) => matches(condition, item),
    names: paths.map(([name]) => String(name)),
    nestedNames: paths.filter(({ length }) => length > 1).map(([name]) => String(name)),
    parameter: 'Filter Expression',
  };
}

/** Key attributes are scalars: nothing can be looked up inside them. */
export function checkNoKeyIsNested(names: readonly string[], table: Table, index: SecondaryIndex | undefined): void {
  for (const [key, kind] of [[table.key, 'Key'] as const, [index?.key, 'IndexKey'] as const]) {
    const name = key === undefined ? undefined : keyNames(key).find((candidate) => names.includes(candidate));
    if (name === undefined) continue;
    throw invalid(
      `Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: ${kind}: ${name}`,
    );
  }
}

/** What a Query or a Scan shows of each item. */
export interface Selection {
  readonly countOnly: boolean;
  readonly paths: readonly Path[] | undefined;
  /** The table has to be asked for each item, since the (local) index does not hold all that is to be shown. */
  readonly fetches: boolean;
  /** The filter of a local index sees the whole item; that of a global one may name only what is projected. */
  readonly filtersWhole: boolean;
}

export function readSelect(input: Json, bindings: Bindings): { select: Json; paths: readonly Path[] | undefined } {
  const paths = readProjectionParameter(input, bindings);
  const parameter = input.ProjectionExpression != null ? 'ProjectionExpression' : 'AttributesToGet';
  const select = input.Select ?? undefined;
  if (select === 'SPECIFIC_ATTRIBUTES' && paths === undefined) {
    throw invalid('Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES');
  }
  if (paths !== undefined && select === 'COUNT') {
    throw invalid(`Cannot specify the ${parameter} when choosing to get only the Count`);
  }
  if (paths !== undefined && (select === 'ALL_ATTRIBUTES' || select === 'ALL_PROJECTED_ATTRIBUTES')) {
    const what = select === 'ALL_ATTRIBUTES' ? 'ALL_ATTRIBUTES' : 'ALL_PROJECTED_ATTRIBUTES';
    throw invalid(`Cannot specify the ${parameter} when choosing to get ${what}`);
  }
  return { select, paths };
}

export function toSelection(
  { select, paths }: { select: Json; paths: readonly Path[] | undefined },
  index: SecondaryIndex | undefined,
  filter: Filter | undefined,
): Selection {
  if (select === 'ALL_PROJECTED_ATTRIBUTES' && index === undefined) {
    throw invalid('ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName');
  }
  let fetches = false;
  let filtersWhole = false;
  if (index?.projected !== undefined) {
    const isMissing = (name: string) => index.projected?.has(name) === false;
    const missing = (paths ?? []).map(([name]) => String(name)).filter(isMissing);
    filtersWhole = index.kind === 'local' && filter?.names.some(isMissing) === true;
    if (index.kind === 'global' && select === 'ALL_ATTRIBUTES') {
      throw invalidValue(
        `Select type ALL_ATTRIBUTES is not supported for global secondary index ${index.name} because its projection type is not ALL`,
      );
    }
    if (index.kind === 'global' && missing.length > 0) {
      throw invalidValue(`Global secondary index ${index.name} does not project [${[...new Set(missing)].join(', ')}]`);
    }
    const unseen = index.kind === 'global' ? (filter?.names ?? []).filter(isMissing) : [];
    if (unseen.length > 0) {
      throw invalidValue(
        `Secondary index ${index.name} does not project one or more filter attributes: [${[...new Set(unseen)].join(', ')}]`,
      );
    }
    fetches = select === 'ALL_ATTRIBUTES' || missing.length > 0;
  }
  return { countOnly: select === 'COUNT', paths, fetches, filtersWhole };
}

export function findIndex(table: Table, input: Json): SecondaryIndex | undefined {
  if (input.IndexName == null) return undefined;
  const index = table.indexes.get(input.IndexName);
  if (index === undefined) throw invalid(`The table does not have the specified index: ${input.IndexName}`);
  if (index.kind === 'global' && input.ConsistentRead === true) {
    throw invalid('Consistent reads are not supported on global secondary indexes');
  }
  return index;
}

const INVALID_START = 'The provided starting key is invalid';

/** Reads ExclusiveStartKey: the values alone, before the table is known. */
export function readStartKey(input: Json): Item | undefined {
  if (input.ExclusiveStartKey == null) return undefined;
  try {
    return readItem(input.ExclusiveStartKey);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ValidationException') throw error;
    const bare = /duplicates|numeric value|significant digits|number with magnitude/.test(error.message);
    throw bare ? error : invalid(`${INVALID_START}: ${error.message}`);
  }
}

/** A start key names exactly the keys of the table and of the index. */
export function checkStartKey(start: Item, table: Table, index: SecondaryIndex | undefined): void {
  const names = new Set([...keyNames(table.key), ...(index === undefined ? [] : keyNames(index.key))]);
  if (Object.keys(start).length !== names.size) {
    if (index !== undefined) throw invalid(INVALID_START);
    throw invalid(`${INVALID_START}: The provided key element does not match the schema`);
  }
  const checkIn = (key: Key) => {
    for (const attribute of key.attributes) {
      if (start[attribute.name] === undefined) throw invalid(INVALID_START);
      checkKeyAttribute(attribute, start[attribute.name], attribute === key.hash);
    }
  };
  if (index !== undefined) checkIn(index.key);
  try {
    checkKey(table.key, pick(start, keyNames(table.key)));
  } catch (error) {
    throw error instanceof Error ? invalid(`${INVALID_START}: ${error.message}`) : error;
  }
}

/** Where a start key lies in the table or the index. */
export function startPlace(start: Item, table: Table, index: SecondaryIndex | undefined) {
  const base = rowKey(table.key, start);
  if (index === undefined) return { ...base, tie: '' };
  return { ...rowKey(index.key, start), tie: index.tie(start, base) };
}

/** Takes rows one after the other until the page is full, and makes the answer. */
export class Page {
  readonly #input: Json;
  readonly #table: Table;
  readonly #index: SecondaryIndex | undefined;
  readonly #selection: Selection;
  readonly #filter: Filter | undefined;
  readonly #items: Item[] = [];
  #count = 0;
  #scanned = 0;
  #bytes = 0;
  #tableUnits = 0;
  #last: Row | undefined;
  readonly #view: View | undefined;

  constructor(
    engine: Engine,
    input: Json,
    table: Table,
    index: SecondaryIndex | undefined,
    selection: Selection,
    filter: Filter | undefined,
  ) {
    const mode = input.ConsistentRead === true ? 'committed' : 'eventual';
    this.#view = engine.visibility.view(table, index, mode, engine.now());
    this.#input = input;
    this.#table = table;
    this.#index = index;
    this.#selection = selection;
    this.#filter = filter;
  }

  get hasRoom(): boolean {
    return this.#bytes < MAX_PAGE_BYTES;
  }

  get isLimited(): boolean {
    return this.#input.Limit != null && this.#scanned >= this.#input.Limit;
  }

  /** Takes what this read sees of a row, if anything. */
  take(stored: Row): void {
    const row = this.#view === undefined ? stored : this.#view(stored);
    if (row === undefined) return;
    this.#last = row;
    this.#scanned++;
    this.#bytes += row.size;
    const { fetches, filtersWhole } = this.#selection;
    const whole = fetches || filtersWhole ? this.#table.find(rowKey(this.#table.key, row.item))! : row;
    // "DynamoDB fetches the entire item from the base table": at least half a unit for each.
    if (whole !== row) this.#tableUnits += Math.ceil(whole.size / 4096);
    if (this.#filter !== undefined && !this.#filter.matches(filtersWhole ? whole.item : row.item)) return;
    const item = fetches ? whole.item : row.item;
    this.#count++;
    if (this.#selection.countOnly) return;
    this.#items.push(this.#selection.paths === undefined ? item : projectItem(item, this.#selection.paths));
  }

  /** The answer; `more` says whether rows were left behind for want of room. */
  answer(more: boolean): Json {
    const output: Json = {};
    if (!this.#selection.countOnly) output.Items = this.#items;
    output.Count = this.#count;
    output.ScannedCount = this.#scanned;
    if (this.#last !== undefined && (more || this.isLimited)) {
      const names = [...keyNames(this.#table.key), ...(this.#index === undefined ? [] : keyNames(this.#index.key))];
      output.LastEvaluatedKey = pick(this.#last.item, names);
    }
    const capacity = this.#capacity();
    if (capacity !== undefined) output.ConsumedCapacity = capacity;
    return output;
  }

  #capacity(): Json {
    const factor = this.#input.ConsistentRead === true ? 1 : 0.5;
    const capacity = new Capacity(this.#table);
    const units = Math.max(1, Math.ceil(this.#bytes / 4096)) * factor;
    capacity.add(this.#index === undefined ? units : this.#tableUnits * factor);
    if (this.#index !== undefined) capacity.addIndex(this.#index.name, units);
    return capacity.describe(this.#input.ReturnConsumedCapacity);
  }
}

import type { Json } from '../../cloud.ts';
import type { Engine } from '../engine.ts';
import { invalid, invalidValue } from '../errors.ts';
import type { KeyRequirement, KeyRequirements } from '../expression/key-condition.ts';
import { toKeyRequirements } from '../expression/key-condition.ts';
import { readKeyConditions } from '../expression/legacy.ts';
import { readCondition } from '../expression/parsed.ts';
import type { Key, KeyAttribute } from '../table/key.ts';
import { isEmpty } from '../table/key.ts';
import type { Partition, Row } from '../table/rows.ts';
import type { Position, SortedList } from '../table/sorted-list.ts';
import { orderText, sameValue } from '../value/compare.ts';
import type { Item } from '../value/value.ts';
import { checkExpressionParameters, readBindings } from './parameters.ts';
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

function checkRequirement({ name, type }: KeyAttribute, { operator, values }: KeyRequirement, isHash: boolean): void {
  if (operator === 'unsupported') throw invalid('Attempted conditional constraint is not an indexable operation');
  for (const value of values) {
    if (value[type] === undefined) throw invalidValue('Condition parameter type does not match schema type');
    if (isEmpty(value)) {
      const kind = type === 'S' ? 'string' : 'binary';
      throw invalid(
        `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty ${kind} value. Key: ${name}`,
      );
    }
  }
  if (isHash && operator !== '=') throw invalid('Query key condition not supported');
  if (operator === 'begins_with' && type === 'N') {
    throw invalid(
      'Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N',
    );
  }
}

/** The hash key with `=`, and at most the range key besides it. */
function checkRequirements(key: Key, requirements: KeyRequirements): void {
  if (key.range === undefined && requirements.size > 1) throw invalid('Query key condition not supported');
  const hash = requirements.get(key.hash.name);
  if (hash === undefined) throw invalid(`Query condition missed key schema element: ${key.hash.name}`);
  checkRequirement(key.hash, hash, true);
  if (key.range === undefined) return;
  const range = requirements.get(key.range.name);
  if (range !== undefined) checkRequirement(key.range, range, false);
  else if (requirements.size > 1) throw invalid(`Query condition missed key schema element: ${key.range.name}`);
}

/** The places [from, to) of the rows whose range key meets the requirement. */
function bounds(rows: SortedList<Row>, range: KeyRequirement | undefined): { from: Position; to: Position } {
  if (range === undefined) return { from: rows.start(), to: rows.end() };
  const [first = '', second = first] = range.values.map(orderText);
  const notBefore = (text: string) => rows.first((row) => row.order >= text);
  const behind = (text: string) => rows.first((row) => row.order > text);
  switch (range.operator) {
    case '<':
      return { from: rows.start(), to: notBefore(first) };
    case '<=':
      return { from: rows.start(), to: behind(first) };
    case '>':
      return { from: behind(first), to: rows.end() };
    case '>=':
      return { from: notBefore(first), to: rows.end() };
    case 'between':
      return { from: notBefore(first), to: behind(second) };
    case 'begins_with':
      return { from: notBefore(first), to: rows.first((row) => row.order > first && !row.order.startsWith(first)) };
    default:
      return { from: notBefore(first), to: behind(first) };
  }
}

function isBefore(a: Position, b: Position): boolean {
  return a.chunk < b.chunk || (a.chunk === b.chunk && a.offset < b.offset);
}

function walk(
  partition: Partition,
  range: KeyRequirement | undefined,
  after: Omit<Row, 'item' | 'size'> | undefined,
  forward: boolean,
  page: Page,
): boolean {
  const { rows } = partition;
  let { from, to } = bounds(rows, range);
  if (after !== undefined) {
    const isPast = ({ order, tie }: Row) => order > after.order || (order === after.order && tie > after.tie);
    const isThere = ({ order, tie }: Row) => order > after.order || (order === after.order && tie >= after.tie);
    const place = rows.first(forward ? isPast : isThere);
    if (forward && isBefore(from, place)) from = place;
    if (!forward && isBefore(place, to)) to = place;
  }
  const at = forward ? { ...from } : { ...to };
  for (;;) {
    if (!forward && (!isBefore(from, at) || !rows.back(at))) return false;
    if (forward && !isBefore(at, to)) return false;
    if (page.isLimited || !page.hasRoom) return true;
    const row = rows.at(at);
    if (row === undefined) return false;
    page.take(row);
    if (forward) rows.forward(at);
  }
}

/** A start key has to lie where the query itself would come by. */
function checkStartInBounds(start: Item, key: Key, requirements: KeyRequirements): void {
  const hash = requirements.get(key.hash.name)!;
  const sameHash = sameValue(start[key.hash.name]!, hash.values[0]!);
  const range = key.range === undefined ? undefined : requirements.get(key.range.name);
  if (range === undefined) {
    if (sameHash) return;
    throw invalid('The provided starting key is outside query boundaries based on provided conditions');
  }
  const value = orderText(start[key.range!.name]!);
  const [first = '', second = first] = range.values.map(orderText);
  const fits = {
    '=': value === first,
    '<': value < first,
    '<=': value <= first,
    '>': value > first,
    '>=': value >= first,
    between: value >= first && value <= second,
    begins_with: value.startsWith(first),
    unsupported: false,
  }[range.operator];
  if (!fits) throw invalid('The provided starting key does not match the range key predicate');
  if (!sameHash) throw invalid('The query can return at most one row and cannot be restarted');
}

export function query(engine: Engine, input: Json): Json {
  checkExpressionParameters(
    input,
    ['ProjectionExpression', 'FilterExpression', 'KeyConditionExpression'],
    input.KeyConditionExpression == null
      ? ['AttributesToGet', 'QueryFilter', 'ConditionalOperator']
      : ['AttributesToGet', 'QueryFilter', 'ConditionalOperator', 'KeyConditions'],
  );
  const start = readStartKey(input);
  if (input.KeyConditions == null && input.KeyConditionExpression == null) {
    throw invalid('Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.');
  }
  const bindings = readBindings(input);
  const condition =
    input.KeyConditionExpression == null
      ? undefined
      : readCondition('KeyConditionExpression', input.KeyConditionExpression, bindings);
  const filter = readFilterParameter(input, 'QueryFilter', bindings);
  const select = readSelect(input, bindings);
  bindings.checkAllUsed();
  const requirements = condition === undefined ? readKeyConditions(input.KeyConditions) : toKeyRequirements(condition);

  const table = engine.table(input.TableName);
  const index = findIndex(table, input);
  const key = index?.key ?? table.key;
  if (start !== undefined) checkStartKey(start, table, index);
  checkRequirements(key, requirements);
  if (start !== undefined) checkStartInBounds(start, key, requirements);
  checkNoKeyIsNested([...nested(select.paths), ...(filter?.nestedNames ?? [])], table, index);
  for (const { name } of key.attributes) {
    if (filter?.names.includes(name) === true) {
      throw invalid(`${filter.parameter} can only contain non-primary key attributes: Primary key attribute: ${name}`);
    }
  }
  const selection = toSelection(select, index, filter);

  const page = new Page(engine, input, table, index, selection, filter);
  const partition = (index?.rows ?? table.rows).partition(orderText(requirements.get(key.hash.name)!.values[0]!));
  if (partition === undefined) return page.answer(false);
  const after = start === undefined ? undefined : startPlace(start, table, index);
  const range = key.range === undefined ? undefined : requirements.get(key.range.name);
  return page.answer(walk(partition, range, after, input.ScanIndexForward !== false, page));
}

export function nested(paths: readonly (readonly (string | number)[])[] | undefined): readonly string[] {
  return (paths ?? []).filter(({ length }) => length > 1).map(([name]) => String(name));
}

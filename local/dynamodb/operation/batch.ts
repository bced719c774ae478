import type { Json } from '../../cloud.ts';
import type { Engine } from '../engine.ts';
import { invalid } from '../errors.ts';
import { projectItem } from '../expression/paths.ts';
import { checkItemKey, checkKey, rowKey } from '../table/key.ts';
import type { Table, Write } from '../table/table.ts';
import { itemSize, MAX_ITEM_BYTES } from '../value/size.ts';
import { type Item, readItem } from '../value/value.ts';
import { Capacities } from './capacity.ts';
import { collectionMetrics } from './metrics.ts';
import { checkExpressionParameters, readBindings, readProjectionParameter } from './parameters.ts';

/** "If you ask to retrieve 100 items, but each individual item is 300 KB in size, the system returns 52 items (so as not to exceed the 16 MB limit)". */
const MAX_ANSWER_BYTES = 16_000_000;

interface TableReads {
  readonly name: string;
  readonly request: Json;
  readonly keys: readonly Item[];
  readonly show: (item: Item) => Item;
}

function readTableReads(name: string, request: Json): TableReads {
  checkExpressionParameters(request, ['ProjectionExpression'], ['AttributesToGet']);
  const bindings = readBindings(request);
  const paths = readProjectionParameter(request, bindings);
  bindings.checkAllUsed();
  return {
    name,
    request,
    keys: request.Keys.map((key: Json) => readItem(key)),
    show: paths === undefined ? (item) => item : (item) => projectItem(item, paths),
  };
}

export function batchGetItem(engine: Engine, input: Json): Json {
  const reads = Object.keys(input.RequestItems).map((name) => readTableReads(name, input.RequestItems[name]));
  if (reads.reduce((sum, { keys }) => sum + keys.length, 0) > 100) {
    throw invalid('Too many items requested for the BatchGetItem call');
  }
  const located = reads.map((read) => {
    const table = engine.table(read.name);
    const seen = new Set<string>();
    const places = read.keys.map((key) => {
      checkKey(table.key, key);
      const place = rowKey(table.key, key);
      const text = `${place.hash}\u0000${place.order}`;
      if (seen.has(text)) throw invalid('Provided list of item keys contains duplicates');
      seen.add(text);
      return place;
    });
    return { ...read, table, places };
  });
  const capacities = new Capacities();
  const output: Json = { Responses: {}, UnprocessedKeys: {} };
  let bytes = 0;
  for (const { name, request, table, places, show } of located) {
    const found: Item[] = [];
    const left: Json[] = [];
    places.forEach((place, i) => {
      const mode = request.ConsistentRead === true ? 'committed' : 'eventual';
      const row = engine.visibility.see(table, place, mode, engine.now());
      if (bytes + (row?.size ?? 0) > MAX_ANSWER_BYTES || engine.faults.leaves?.('BatchGetItem') === true) {
        left.push(request.Keys[i]);
        return;
      }
      capacities.of(table).addRead(row, request.ConsistentRead === true);
      if (row === undefined) return;
      bytes += row.size;
      found.push(show(row.item));
    });
    output.Responses[name] = found;
    if (left.length > 0) output.UnprocessedKeys[name] = { ...request, Keys: left };
  }
  const consumed = capacities.describe(input.ReturnConsumedCapacity);
  if (consumed !== undefined) output.ConsumedCapacity = consumed;
  return output;
}

interface BatchedWrite {
  readonly request: Json;
  readonly tableName: string;
  readonly item: Item;
  readonly size: number;
  readonly isPut: boolean;
}

function readBatchedWrite(tableName: string, request: Json): BatchedWrite {
  const put = request.PutRequest ?? undefined;
  const remove = request.DeleteRequest ?? undefined;
  if ((put === undefined) === (remove === undefined)) {
    throw invalid(
      'Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes',
    );
  }
  const item = readItem(put === undefined ? remove.Key : put.Item);
  const size = put === undefined ? 0 : itemSize(item);
  if (size > MAX_ITEM_BYTES) {
    throw invalid('Item size has exceeded the maximum allowed size');
  }
  return { tableName, request, item, size, isPut: put !== undefined };
}

function toWrite(table: Table, { item, size, isPut }: BatchedWrite): Write {
  if (isPut) {
    checkItemKey(table.key, item);
    for (const index of table.indexes.values()) index.checkPut(item);
  } else {
    checkKey(table.key, item);
  }
  const key = rowKey(table.key, item);
  return { table, key, old: table.find(key), item: isPut ? item : undefined, size };
}

export function batchWriteItem(engine: Engine, input: Json): Json {
  const requests = Object.keys(input.RequestItems).flatMap((name) =>
    input.RequestItems[name].map((request: Json) => readBatchedWrite(name, request)),
  ) as readonly BatchedWrite[];
  if (requests.length > 25) throw invalid('Too many items requested for the BatchWriteItem call');
  const seen = new Set<string>();
  const writes = requests.map((request) => {
    const write = toWrite(engine.table(request.tableName), request);
    const text = `${write.table.name} ${write.key.hash}\u0000${write.key.order}`;
    if (seen.has(text)) throw invalid('Provided list of item keys contains duplicates');
    seen.add(text);
    return write;
  });
  const capacities = new Capacities();
  const output: Json = { UnprocessedItems: {} };
  writes.forEach((write, i) => {
    if (engine.faults.leaves?.('BatchWriteItem') === true) {
      const { tableName, request } = requests[i]!;
      output.UnprocessedItems[tableName] ??= [];
      output.UnprocessedItems[tableName].push(request);
      return;
    }
    // "The individual PutItem and DeleteItem operations … are atomic; however BatchWriteItem as a whole is not".
    engine.commit([write]);
    capacities.of(write.table).addWrite(write);
    const metrics = collectionMetrics(input, write.table, requests[i]!.item);
    if (metrics === undefined) return;
    output.ItemCollectionMetrics ??= {};
    output.ItemCollectionMetrics[write.table.name] ??= [];
    output.ItemCollectionMetrics[write.table.name].push(metrics);
  });
  const consumed = capacities.describe(input.ReturnConsumedCapacity);
  if (consumed !== undefined) output.ConsumedCapacity = consumed;
  return output;
}

import { type Json, ServiceError } from '../../cloud.ts';
import type { Engine } from '../engine.ts';
import { conditionFailed, invalid } from '../errors.ts';
import { projectItem } from '../expression/paths.ts';
import { checkKey, rowKey } from '../table/key.ts';
import type { Write } from '../table/table.ts';
import { type Item, readItem } from '../value/value.ts';
import { Capacity } from './capacity.ts';
import { collectionMetrics } from './metrics.ts';
import { checkExpressionParameters, readBindings, readProjectionParameter } from './parameters.ts';
import {
  isAllowed,
  type PreparedWrite,
  readDelete,
  readPut,
  readUpdateItem,
  type WriteRequest,
} from './write-plans.ts';

/** ReturnValues: the item, or what the update touched of it, before or after. */
function returned(mode: Json, { old, item }: Write, { paths }: PreparedWrite): Item | undefined {
  switch (mode) {
    case 'ALL_OLD':
      return old?.item;
    case 'ALL_NEW':
      return item;
    case 'UPDATED_OLD':
    case 'UPDATED_NEW': {
      const shown = mode === 'UPDATED_OLD' ? old?.item : item;
      const part = shown === undefined ? undefined : projectItem(shown, paths);
      for (const _ in part) return part;
      return undefined;
    }
    default:
      return undefined;
  }
}

function write(engine: Engine, input: Json, request: WriteRequest): Json {
  const prepared = request.prepare(engine.table(request.tableName));
  const { table, key } = prepared;
  if (engine.visibility.isOngoing(table, key, engine.now())) {
    throw new ServiceError('TransactionConflictException', 'Transaction is ongoing for the item');
  }
  const old = table.find(key);
  if (!isAllowed(prepared, old)) throw conditionFailed(prepared.showsOldOnFailure ? old?.item : undefined);
  const change: Write = { table, key, old, ...prepared.next(old) };
  const output: Json = {};
  const attributes = returned(input.ReturnValues, change, prepared);
  if (attributes !== undefined) output.Attributes = attributes;
  if (input.ReturnConsumedCapacity === 'TOTAL' || input.ReturnConsumedCapacity === 'INDEXES') {
    const capacity = new Capacity(table);
    capacity.addWrite(change);
    output.ConsumedCapacity = capacity.describe(input.ReturnConsumedCapacity);
  }
  const metrics = collectionMetrics(input, table, prepared.keyItem);
  if (metrics !== undefined) output.ItemCollectionMetrics = metrics;
  engine.commit([change]);
  return output;
}

function onlyOld(input: Json): void {
  if (input.ReturnValues != null && input.ReturnValues !== 'ALL_OLD' && input.ReturnValues !== 'NONE') {
    throw invalid('ReturnValues can only be ALL_OLD or NONE');
  }
}

export function putItem(engine: Engine, input: Json): Json {
  onlyOld(input);
  return write(engine, input, readPut(input));
}

export function deleteItem(engine: Engine, input: Json): Json {
  onlyOld(input);
  return write(engine, input, readDelete(input));
}

export function updateItem(engine: Engine, input: Json): Json {
  return write(engine, input, readUpdateItem(input));
}

export function getItem(engine: Engine, input: Json): Json {
  checkExpressionParameters(input, ['ProjectionExpression'], ['AttributesToGet']);
  const key = readItem(input.Key);
  const bindings = readBindings(input);
  const paths = readProjectionParameter(input, bindings);
  bindings.checkAllUsed();
  const table = engine.table(input.TableName);
  checkKey(table.key, key);
  const place = rowKey(table.key, key);
  const row =
    input.ConsistentRead === true ? table.find(place) : engine.visibility.see(table, place, 'eventual', engine.now());
  const output: Json = {};
  if (row !== undefined) output.Item = paths === undefined ? row.item : projectItem(row.item, paths);
  if (input.ReturnConsumedCapacity === 'TOTAL' || input.ReturnConsumedCapacity === 'INDEXES') {
    const capacity = new Capacity(table);
    capacity.addRead(row, input.ConsistentRead === true);
    output.ConsumedCapacity = capacity.describe(input.ReturnConsumedCapacity);
  }
  return output;
}

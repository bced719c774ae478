import { createHash } from 'node:crypto';
import { type Json, ServiceError } from '../../cloud.ts';
import type { Engine } from '../engine.ts';
import { invalid } from '../errors.ts';
import { projectItem } from '../expression/paths.ts';
import { checkKey, rowKey } from '../table/key.ts';
import type { Row } from '../table/rows.ts';
import type { Table, Write } from '../table/table.ts';
import { type Item, readItem } from '../value/value.ts';
import { Capacities, readUnits, writeUnits } from './capacity.ts';
import { collectionMetrics } from './metrics.ts';
import { checkExpressionParameters, readBindings, readProjectionParameter } from './parameters.ts';
import {
  isAllowed,
  type PreparedWrite,
  readConditionCheck,
  readDelete,
  readPut,
  readUpdateItem,
  type WriteRequest,
} from './write-plans.ts';

/** "The aggregate size of the items in the transaction cannot exceed 4 MB" (API reference). */
const MAX_BYTES = 4 * 1024 * 1024;

/** Why one action of a transaction stopped it; None for those that did not. */
interface Reason {
  readonly Code: 'None' | 'ConditionalCheckFailed' | 'TransactionConflict' | 'ValidationError';
  readonly Message?: string;
  readonly Item?: Item;
}

const NONE: Reason = { Code: 'None' };

function cancelled(reasons: readonly Reason[]): ServiceError {
  const codes = reasons.map(({ Code }) => Code).join(', ');
  const message = `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`;
  return new ServiceError('TransactionCanceledException', message, {
    fields: { Message: message, CancellationReasons: reasons },
  });
}

class Refusal {
  readonly reason: Reason;

  constructor(reason: Reason) {
    this.reason = reason;
  }
}

/** Does something for each action; whatever AWS reports as an action's ValidationError becomes its reason. */
function forEachAction<T, R>(actions: readonly T[], act: (action: T, i: number) => R | Refusal): readonly R[] {
  const results: R[] = [];
  const reasons = actions.map((action, i): Reason => {
    try {
      const result = act(action, i);
      if (result instanceof Refusal) return result.reason;
      results.push(result);
      return NONE;
    } catch (error) {
      if (!(error instanceof ServiceError) || error.code !== 'ValidationException') throw error;
      return { Code: 'ValidationError', Message: error.message };
    }
  });
  if (reasons.some((reason) => reason !== NONE)) throw cancelled(reasons);
  return results;
}

function conditionFailed(write: PreparedWrite, old: Row | undefined): Refusal {
  const shown = write.showsOldOnFailure && old !== undefined ? { Item: old.item } : {};
  return new Refusal({ ...shown, Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' });
}

const CONFLICT = new Refusal({ Code: 'TransactionConflict', Message: 'Transaction is ongoing for the item' });

const READERS: Readonly<Record<string, (input: Json) => WriteRequest>> = {
  ConditionCheck: readConditionCheck,
  Put: readPut,
  Delete: readDelete,
  Update: readUpdateItem,
};

function readAction(action: Json): WriteRequest {
  const kinds = Object.keys(READERS).filter((kind) => action[kind] != null);
  const [kind] = kinds;
  if (kind === undefined) {
    throw invalid('Invalid Request: TransactWriteRequest should contain Delete or Put or Update request');
  }
  if (kinds.length > 1) throw invalid('TransactItems can only contain one of Check, Put, Update or Delete');
  return READERS[kind]!(action[kind]);
}

function checkDistinct(places: readonly { readonly table: Table; readonly hash: string; readonly order: string }[]) {
  const seen = new Set(places.map(({ table, hash, order }) => `${table.name} ${hash}\u0000${order}`));
  if (seen.size < places.length) {
    throw invalid('Transaction request cannot include multiple operations on one item');
  }
}

function checkBytes(bytes: number): void {
  if (bytes > MAX_BYTES) throw invalid(`Transaction payload size cannot exceed 4MB. Payload Size: ${bytes}`);
}

export function transactWriteItems(engine: Engine, input: Json): Json {
  const requests: readonly WriteRequest[] = input.TransactItems.map(readAction);
  const tables = requests.map(({ tableName }) => engine.table(tableName));
  const prepared = forEachAction(requests, (request, i) => request.prepare(tables[i]!));
  checkDistinct(prepared.map(({ table, key }) => ({ table, ...key })));
  const token: string | undefined = input.ClientRequestToken ?? undefined;
  const fingerprint = token === undefined ? '' : fingerprintOf(input.TransactItems);
  const repeated = token !== undefined && engine.isRepeated(token, fingerprint);
  return repeated ? answerRepeated(input, prepared) : write(engine, input, prepared, token, fingerprint);
}

/** What ten minutes of transactions hold must not be kept once more beside the tables: some megabytes each at the most. */
function fingerprintOf(items: Json): string {
  return createHash('sha256').update(JSON.stringify(items)).digest('base64');
}

/** "Subsequent calls with the same client token return the number of read capacity units consumed in reading the item". */
function answerRepeated(input: Json, prepared: readonly PreparedWrite[]): Json {
  const capacities = new Capacities();
  for (const { table, key } of prepared) capacities.of(table).add(2 * readUnits(table.find(key)?.size ?? 0, true));
  const consumed = capacities.describe(input.ReturnConsumedCapacity);
  return consumed === undefined ? {} : { ConsumedCapacity: consumed };
}

function write(
  engine: Engine,
  input: Json,
  prepared: readonly PreparedWrite[],
  token: string | undefined,
  fingerprint: string,
): Json {
  const now = engine.now();
  const writes = forEachAction(prepared, (action): Write | Refusal => {
    if (engine.visibility.isOngoing(action.table, action.key, now)) return CONFLICT;
    const old = action.table.find(action.key);
    if (!isAllowed(action, old)) return conditionFailed(action, old);
    const next = action.readOnly ? { item: old?.item, size: old?.size ?? 0 } : action.next(old);
    return { table: action.table, key: action.key, old, ...next };
  });
  checkBytes(writes.reduce((sum, { size }) => sum + size, 0));
  const capacities = new Capacities();
  const output: Json = {};
  writes.forEach((change, i) => {
    const { table, readOnly, keyItem } = prepared[i]!;
    // "DynamoDB performs two underlying … writes of every item in the transaction: one to prepare and one to commit".
    if (readOnly) capacities.of(table).add(2 * writeUnits(change.old?.size ?? 0));
    else capacities.of(table).addWrite(change, 2);
    const metrics = readOnly ? undefined : collectionMetrics(input, table, keyItem);
    if (metrics === undefined) return;
    output.ItemCollectionMetrics ??= {};
    output.ItemCollectionMetrics[table.name] ??= [];
    output.ItemCollectionMetrics[table.name].push(metrics);
  });
  const consumed = capacities.describe(input.ReturnConsumedCapacity);
  if (consumed !== undefined) output.ConsumedCapacity = consumed;
  const changes = writes.filter((_, i) => !prepared[i]!.readOnly);
  engine.commit(changes, token === undefined ? undefined : { token, fingerprint });
  engine.spread(changes);
  return output;
}

interface Get {
  readonly tableName: string;
  readonly key: Item;
  readonly show: (item: Item) => Item;
}

function readGet({ Get: get }: Json): Get {
  checkExpressionParameters(get, ['ProjectionExpression'], []);
  const bindings = readBindings(get);
  const paths = readProjectionParameter(get, bindings);
  bindings.checkAllUsed();
  const show = paths === undefined ? (item: Item) => item : (item: Item) => projectItem(item, paths);
  return { tableName: get.TableName, key: readItem(get.Key), show };
}

export function transactGetItems(engine: Engine, input: Json): Json {
  const gets: readonly Get[] = input.TransactItems.map(readGet);
  const tables = gets.map(({ tableName }) => engine.table(tableName));
  const places = forEachAction(gets, ({ key }, i) => {
    const table = tables[i]!;
    checkKey(table.key, key);
    return { table, ...rowKey(table.key, key) };
  });
  checkDistinct(places);
  const now = engine.now();
  const rows = forEachAction(places, (place) =>
    engine.visibility.isOngoing(place.table, place, now) ? CONFLICT : { row: place.table.find(place) },
  ).map(({ row }) => row);
  checkBytes(rows.reduce((sum, row) => sum + (row?.size ?? 0), 0));
  const capacities = new Capacities();
  places.forEach(({ table }, i) => {
    capacities.of(table).add(2 * readUnits(rows[i]?.size ?? 0, true));
  });
  const output: Json = {};
  const consumed = capacities.describe(input.ReturnConsumedCapacity);
  if (consumed !== undefined) output.ConsumedCapacity = consumed;
  output.Responses = rows.map((row, i) => (row === undefined ? {} : { Item: gets[i]!.show(row.item) }));
  return output;
}

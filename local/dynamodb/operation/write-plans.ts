import type { Json } from '../../cloud.ts';
import { invalid, invalidValue } from '../errors.ts';
import { applyUpdate } from '../expression/apply-update.ts';
import type { Path } from '../expression/bind.ts';
import type { BoundAction } from '../expression/bind-update.ts';
import { type Predicate, readAttributeUpdates } from '../expression/legacy.ts';
import { readUpdate } from '../expression/parsed.ts';
import { checkItemKey, checkKey, type RowKey, rowKey } from '../table/key.ts';
import type { Row } from '../table/rows.ts';
import type { Table } from '../table/table.ts';
import { itemSize, MAX_ITEM_BYTES } from '../value/size.ts';
import { checkDepth, type Item, newItem, readItem } from '../value/value.ts';
import { checkExpressionParameters, readBindings, readWriteCondition } from './parameters.ts';

/** A write whose request was read and found right, before its table was looked at. */
export interface WriteRequest {
  readonly tableName: string;
  /** Checks the request against the table's schema. */
  prepare(table: Table): PreparedWrite;
}

export interface PreparedWrite {
  readonly table: Table;
  readonly key: RowKey;
  readonly keyItem: Item;
  readonly condition: Predicate | undefined;
  /** A check only: nothing is written. */
  readonly readOnly: boolean;
  readonly showsOldOnFailure: boolean;
  /** The item after the write, undefined when it is deleted, and its bytes. Throws when the item does not bear it. */
  next(old: Row | undefined): { readonly item: Item | undefined; readonly size: number };
  /** Top-level or nested paths that an update touches. */
  readonly paths: readonly Path[];
}

const NOTHING = newItem();
const GONE = { item: undefined, size: 0 };

/** Does the old item, or its absence, meet the write's condition? */
export function isAllowed(write: PreparedWrite, old: Row | undefined): boolean {
  return write.condition === undefined || write.condition(old?.item ?? NOTHING);
}

function common(input: Json, condition: Predicate | undefined) {
  return { condition, showsOldOnFailure: input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' };
}

export function readPut(input: Json): WriteRequest {
  checkExpressionParameters(input, ['ConditionExpression'], ['Expected']);
  const item = readItem(input.Item);
  const size = itemSize(item);
  if (size > MAX_ITEM_BYTES) throw invalid('Item size has exceeded the maximum allowed size');
  const bindings = readBindings(input);
  const condition = readWriteCondition(input, bindings);
  bindings.checkAllUsed();
  return {
    tableName: input.TableName,
    prepare(table) {
      checkItemKey(table.key, item);
      for (const index of table.indexes.values()) index.checkPut(item);
      return {
        table,
        key: rowKey(table.key, item),
        keyItem: item,
        ...common(input, condition),
        readOnly: false,
        next: () => ({ item, size }),
        paths: [],
      };
    },
  };
}

function readKeyed(input: Json, readOnly: boolean): WriteRequest {
  checkExpressionParameters(input, ['ConditionExpression'], ['Expected']);
  const keyItem = readItem(input.Key);
  const bindings = readBindings(input);
  const condition = readWriteCondition(input, bindings);
  bindings.checkAllUsed();
  return {
    tableName: input.TableName,
    prepare(table) {
      checkKey(table.key, keyItem);
      const key = rowKey(table.key, keyItem);
      return { table, key, keyItem, ...common(input, condition), readOnly, next: () => GONE, paths: [] };
    },
  };
}

export const readDelete = (input: Json): WriteRequest => readKeyed(input, false);
export const readConditionCheck = (input: Json): WriteRequest => readKeyed(input, true);

function checkKeyUntouched(table: Table, actions: readonly BoundAction[]): void {
  for (const { name } of table.key.attributes) {
    if (actions.some(({ path }) => path[0] === name)) {
      throw invalidValue(`Cannot update attribute ${name}. This attribute is part of the key`);
    }
  }
}

/** What an index keys on has to stay a scalar. */
function checkIndexPaths(table: Table, actions: readonly BoundAction[]): void {
  for (const index of table.indexes.values()) {
    for (const { name } of index.key.attributes) {
      if (actions.some(({ path }) => path[0] === name && path.length > 1)) {
        throw invalid(
          `Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: IndexKey: ${name}`,
        );
      }
    }
  }
}

export function readUpdateItem(input: Json): WriteRequest {
  checkExpressionParameters(input, ['UpdateExpression', 'ConditionExpression'], ['AttributeUpdates', 'Expected']);
  const keyItem = readItem(input.Key);
  const bindings = readBindings(input);
  const isLegacy = input.AttributeUpdates != null;
  let actions: readonly BoundAction[] = [];
  if (isLegacy) actions = readAttributeUpdates(input.AttributeUpdates);
  else if (input.UpdateExpression != null) actions = readUpdate(input.UpdateExpression, bindings);
  const condition = readWriteCondition(input, bindings);
  bindings.checkAllUsed();
  return {
    tableName: input.TableName,
    prepare(table) {
      checkKey(table.key, keyItem);
      checkKeyUntouched(table, actions);
      checkIndexPaths(table, actions);
      return {
        table,
        key: rowKey(table.key, keyItem),
        keyItem,
        ...common(input, condition),
        readOnly: false,
        next(old) {
          const mismatch = isLegacy ? 'Type mismatch for attribute to update' : undefined;
          const item = applyUpdate(old?.item ?? keyItem, actions, mismatch);
          checkDepth(item);
          const size = itemSize(item);
          if (size > MAX_ITEM_BYTES) {
            throw invalid('Item size to update has exceeded the maximum allowed size');
          }
          for (const index of table.indexes.values()) index.checkUpdate(old?.item, item);
          return { item, size };
        },
        paths: actions.map(({ path }) => path),
      };
    },
  };
}

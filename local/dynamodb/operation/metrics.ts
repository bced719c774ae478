import type { Json } from '../../cloud.ts';
import { pick } from '../table/key.ts';
import type { Table } from '../table/table.ts';
import type { Item } from '../value/value.ts';

/**
 * ItemCollectionMetrics: "information about item collections … If the table does not have any local secondary indexes,
 * this information is not returned". The estimate is a range in gigabytes, "subject to change over time".
 */
export function collectionMetrics(input: Json, table: Table, item: Item): Json {
  if (input.ReturnItemCollectionMetrics !== 'SIZE' || table.definition.localIndexes.length === 0) return undefined;
  return { ItemCollectionKey: pick(item, [table.key.hash.name]), SizeEstimateRangeGB: [0, 1] };
}

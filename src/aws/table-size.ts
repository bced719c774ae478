import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TableSize } from '../check/price.ts';
import { AGGREGATES_INDEX } from './dynamo-aggregates.ts';

/** How much the events table holds: "DynamoDB updates this value approximately every six hours". */
export async function tableSize(client: DynamoDBClient, tableName: string): Promise<TableSize> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: tableName }));
  const index = Table?.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === AGGREGATES_INDEX);
  return {
    events: Table?.ItemCount ?? 0,
    bytes: Table?.TableSizeBytes ?? 0,
    aggregates: index?.ItemCount ?? 0,
    indexBytes: index?.IndexSizeBytes ?? 0,
  };
}

/** How many items a table holds, and their bytes, by the same count. */
export async function itemCount(
  client: DynamoDBClient,
  tableName: string,
): Promise<{ readonly items: number; readonly bytes: number }> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: tableName }));
  return { items: Table?.ItemCount ?? 0, bytes: Table?.TableSizeBytes ?? 0 };
}

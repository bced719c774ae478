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

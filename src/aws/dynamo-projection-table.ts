import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { bucketOf } from '../event/bucket.ts';
import {
  type BuildPointer,
  type ProjectionItem,
  type ProjectionTable,
  pointerName,
} from '../projection/projection-table.ts';
import { batchGet } from './batch-get.ts';

export interface DynamoProjectionTableOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

/**
 * Projections in DynamoDB: `Build` = `<projection>/<build>/<bucket>`, `Key` = aggregateUuid; the pointer of a projection
 * and version is the item `<projection>`, `pointer#v<version>`.
 *
 * @example
 * const projections = dynamoProjectionTable({ client: new DynamoDBClient(), tableName: process.env.PROJECTIONS_TABLE! });
 */
export function dynamoProjectionTable({ client, tableName: TableName }: DynamoProjectionTableOptions): ProjectionTable {
  const keyOf = (projection: string, build: string, aggregateUuid: string) => ({
    Build: { S: `${projection}/${build}/${bucketOf(aggregateUuid)}` },
    Key: { S: aggregateUuid },
  });
  const put = (
    projection: string,
    build: string,
    item: ProjectionItem,
    condition: string,
    values: Record<string, AttributeValue>,
  ) =>
    unlessRefused(
      client.send(
        new PutItemCommand({
          TableName,
          Item: {
            ...keyOf(projection, build, item.aggregateUuid),
            Position: { N: String(item.position) },
            Applied: { N: String(item.applied) },
            State: { S: item.state },
            UpdatedAt: { S: new Date().toISOString() },
          },
          ConditionExpression: condition,
          ExpressionAttributeNames: { '#position': 'Position' },
          ExpressionAttributeValues: values,
        }),
      ),
    );

  return {
    async get(projection, build, aggregateUuid) {
      const { Item } = await client.send(
        new GetItemCommand({ TableName, Key: keyOf(projection, build, aggregateUuid), ConsistentRead: true }),
      );
      return Item && decode(Item);
    },
    async getMany(projection, build, aggregateUuids) {
      const keys = aggregateUuids.map((aggregateUuid) => keyOf(projection, build, aggregateUuid));
      return (await batchGet({ client, tableName: TableName, keys, consistent: true })).map(decode);
    },
    advance: (projection, build, item, from) =>
      from === 0
        ? put(projection, build, item, 'attribute_not_exists(#position) OR #position = :from', { ':from': { N: '0' } })
        : put(projection, build, item, '#position = :from', { ':from': { N: String(from) } }),
    store: (projection, build, item) =>
      put(projection, build, item, 'attribute_not_exists(#position) OR #position < :to', {
        ':to': { N: String(item.position) },
      }),
    async *list(projection, build, bucket, after) {
      const Build = { S: `${projection}/${build}/${bucket}` };
      let ExclusiveStartKey: Record<string, AttributeValue> | undefined =
        after === undefined ? undefined : { Build, Key: { S: after } };
      do {
        const page = await client.send(
          new QueryCommand({
            TableName,
            KeyConditionExpression: '#build = :build',
            ExpressionAttributeNames: { '#build': 'Build' },
            ExpressionAttributeValues: { ':build': Build },
            ConsistentRead: true,
            ...(ExclusiveStartKey !== undefined && { ExclusiveStartKey }),
          }),
        );
        yield (page.Items ?? []).map(decode);
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey !== undefined);
    },
    async pointer(projection, version) {
      const { Item } = await client.send(
        new GetItemCommand({ TableName, Key: pointerKey(projection, version), ConsistentRead: true }),
      );
      return Item === undefined ? {} : decodePointer(Item);
    },
  };
}

/** The pointer of a version, as it is stored. */
export function pointerKey(projection: string, version: number) {
  return { Build: { S: projection }, Key: { S: pointerName(version) } };
}

/** True when it was done, false when its condition did not hold; any other failure stays one. */
export async function unlessRefused(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}

function decode(item: Record<string, AttributeValue>): ProjectionItem {
  return {
    aggregateUuid: item.Key?.S ?? '',
    position: Number(item.Position?.N),
    applied: Number(item.Applied?.N),
    state: item.State?.S ?? 'null',
  };
}

export function decodePointer(item: Record<string, AttributeValue>): BuildPointer {
  const { Active, Previous, Building, BuildingBy, Phase } = item;
  return {
    ...(Active?.S !== undefined && { active: Active.S }),
    ...(Previous?.S !== undefined && { previous: Previous.S }),
    ...(Building?.S !== undefined && { building: Building.S }),
    ...(BuildingBy?.S !== undefined && { buildingBy: BuildingBy.S }),
    ...((Phase?.S === 'folding' || Phase?.S === 'joined') && { phase: Phase.S }),
  };
}

import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  type PutItemCommandInput,
  QueryCommand,
  type QueryCommandOutput,
  TransactionCanceledException,
  TransactionConflictException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { bucketOf } from '../event/bucket.ts';
import {
  type BuildPointer,
  LIVE_PART,
  type ProjectionItem,
  type ProjectionTable,
  pointerName,
  type RollupValue,
  type ValueChange,
} from '../projection/projection-table.ts';
import { batchGet } from './batch-get.ts';
import { newRoom, prepareToRead, putItem, readItems } from './read-items.ts';
import { isPassingName } from './retry.ts';

export interface DynamoProjectionTableOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

/**
 * Projections in DynamoDB: `Build` = `<projection>/<build>/<bucket>`, `Key` = aggregateUuid; a rollup's values are beside them,
 * `<projection>/<build>/<bucket>/values`, `<key>#<part>`, where the part is `live` or a slice's; the pointer of a projection and
 * version is the item `<projection>`, `pointer#v<version>`.
 *
 * @example
 * const projections = dynamoProjectionTable({ client: new DynamoDBClient(), tableName: process.env.PROJECTIONS_TABLE! });
 */
export function dynamoProjectionTable({ client, tableName: TableName }: DynamoProjectionTableOptions): ProjectionTable {
  prepareToRead(client);
  const keyOf = (projection: string, build: string, aggregateUuid: string) => ({
    Build: { S: `${projection}/${build}/${bucketOf(aggregateUuid)}` },
    Key: { S: aggregateUuid },
  });
  const valueKey = (projection: string, build: string, bucket: string, key: string, part: string) => ({
    Build: { S: valuesOf(projection, build, bucket) },
    Key: { S: `${key}#${part}` },
  });
  const putOf = (
    projection: string,
    build: string,
    item: ProjectionItem,
    ConditionExpression: string,
    ExpressionAttributeValues: Record<string, AttributeValue>,
  ) => ({
    TableName,
    Item: {
      ...keyOf(projection, build, item.aggregateUuid),
      Position: { N: String(item.position) },
      Applied: { N: String(item.applied) },
      State: { S: item.state },
      UpdatedAt: { S: new Date().toISOString() },
    },
    ConditionExpression,
    ExpressionAttributeNames: { '#position': 'Position' },
    ExpressionAttributeValues,
  });
  const changeOf = (projection: string, build: string, bucket: string, { from, ...value }: ValueChange) => ({
    TableName,
    Item: { ...valueKey(projection, build, bucket, value.key, LIVE_PART), ...encodeValue(value) },
    ...(from === 0
      ? { ConditionExpression: 'attribute_not_exists(#entries)' }
      : { ConditionExpression: '#entries = :from', ExpressionAttributeValues: { ':from': { N: String(from) } } }),
    ExpressionAttributeNames: { '#entries': 'Entries' },
  });
  async function* query(Build: string, after: string | undefined, beginsWith?: string) {
    let ExclusiveStartKey: Record<string, AttributeValue> | undefined =
      after === undefined ? undefined : { Build: { S: Build }, Key: { S: after } };
    const room = newRoom();
    do {
      const bytes = await readItems(
        client,
        new QueryCommand({
          TableName,
          KeyConditionExpression:
            beginsWith === undefined ? '#build = :build' : '#build = :build AND begins_with(#key, :begin)',
          ExpressionAttributeNames: { '#build': 'Build', ...(beginsWith !== undefined && { '#key': 'Key' }) },
          ExpressionAttributeValues: {
            ':build': { S: Build },
            ...(beginsWith !== undefined && { ':begin': { S: beginsWith } }),
          },
          ConsistentRead: true,
          ...(ExclusiveStartKey !== undefined && { ExclusiveStartKey }),
        }),
        room,
      );
      const page = JSON.parse(bytes.toString()) as QueryCommandOutput;
      ExclusiveStartKey = page.LastEvaluatedKey;
      yield page.Items ?? [];
    } while (ExclusiveStartKey !== undefined);
  }

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
    async advance(projection, build, item, from, changes = []) {
      const put =
        from === 0
          ? putOf(projection, build, item, 'attribute_not_exists(#position) OR #position = :from', {
              ':from': { N: '0' },
            })
          : putOf(projection, build, item, '#position = :from', { ':from': { N: String(from) } });
      if (changes.length === 0) return await unlessConflict(unlessRefused(putItem(client, new PutItemCommand(put))));
      const bucket = bucketOf(item.aggregateUuid);
      return await unlessLost(client, [put, ...changes.map((change) => changeOf(projection, build, bucket, change))]);
    },
    store: (projection, build, item) =>
      unlessRefused(
        putItem(
          client,
          new PutItemCommand(
            putOf(projection, build, item, 'attribute_not_exists(#position) OR #position < :to', {
              ':to': { N: String(item.position) },
            }),
          ),
        ),
      ),
    async *list(projection, build, bucket, after) {
      for await (const page of query(`${projection}/${build}/${bucket}`, after)) yield page.map(decode);
    },
    async liveValues(projection, build, bucket, names) {
      const keys = names.map((key) => valueKey(projection, build, bucket, key, LIVE_PART));
      return (await batchGet({ client, tableName: TableName, keys, consistent: true })).map(decodeValue);
    },
    async storePartial(projection, build, bucket, part, value, replace = false) {
      await unlessRefused(
        putItem(
          client,
          new PutItemCommand({
            TableName,
            Item: { ...valueKey(projection, build, bucket, value.key, part), ...encodeValue(value) },
            ...(!replace && {
              ConditionExpression: 'attribute_not_exists(#key)',
              ExpressionAttributeNames: { '#key': 'Key' },
            }),
          }),
        ),
      );
    },
    async *values(projection, build, bucket, key) {
      const Build = valuesOf(projection, build, bucket);
      for await (const page of query(Build, undefined, key === undefined ? undefined : `${key}#`)) {
        const found = page.map(decodeValue);
        yield key === undefined ? found : found.filter((value) => value.key === key); // `a#` begins `a#b` too
      }
    },
    async pointer(projection, version) {
      const { Item } = await client.send(
        new GetItemCommand({ TableName, Key: pointerKey(projection, version), ConsistentRead: true }),
      );
      return Item === undefined ? {} : decodePointer(Item);
    },
  };
}

/** A put meets a transaction at its item: the same as a lost race. */
async function unlessConflict(call: Promise<boolean>): Promise<boolean> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof TransactionConflictException) return false;
    throw error;
  }
}

/** The partition of a bucket's values. */
export function valuesOf(projection: string, build: string, bucket: string): string {
  return `${projection}/${build}/${bucket}/values`;
}

/** False when a condition did not hold, or another transaction was at one of the items: read again. All or nothing is written. */
async function unlessLost(
  client: DynamoDBClient,
  puts: readonly (PutItemCommandInput & { Item: Record<string, AttributeValue> | undefined })[],
): Promise<boolean> {
  try {
    await client.send(new TransactWriteItemsCommand({ TransactItems: puts.map((Put) => ({ Put })) }));
    return true;
  } catch (error) {
    if (!(error instanceof TransactionCanceledException)) throw error;
    const reasons = (error.CancellationReasons ?? []).map(({ Code = 'None' }) => Code);
    const isLost = (code: string) => code === 'None' || code === 'ConditionalCheckFailed' || isPassingName(code);
    if (reasons.length > 0 && reasons.every(isLost)) return false;
    throw error;
  }
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

function encodeValue({ value, entries, sum }: RollupValue): Record<string, AttributeValue> {
  return {
    Value: { S: value },
    Entries: { N: String(entries) },
    Sum: { N: String(sum) },
    UpdatedAt: { S: new Date().toISOString() },
  };
}

function decodeValue(item: Record<string, AttributeValue>): RollupValue {
  const name = item.Key?.S ?? '';
  return {
    key: name.slice(0, name.lastIndexOf('#')), // no part has one
    value: item.Value?.S ?? 'null',
    entries: Number(item.Entries?.N),
    sum: Number(item.Sum?.N),
  };
}

export function decodePointer(item: Record<string, AttributeValue>): BuildPointer {
  const { Active, ActiveSince, ActiveBy, Previous, Building, BuildingBy, Phase } = item;
  return {
    ...(Active?.S !== undefined && { active: Active.S }),
    ...(ActiveSince?.S !== undefined && { activeSince: ActiveSince.S }),
    ...(ActiveBy?.S !== undefined && { activeBy: ActiveBy.S }),
    ...(Previous?.S !== undefined && { previous: Previous.S }),
    ...(Building?.S !== undefined && { building: Building.S }),
    ...(BuildingBy?.S !== undefined && { buildingBy: BuildingBy.S }),
    ...((Phase?.S === 'folding' || Phase?.S === 'joined') && { phase: Phase.S }),
  };
}

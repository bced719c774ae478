import {
  type AttributeValue,
  BatchWriteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import type { BuildRecord, Builds } from '../replay/builds.ts';
import {
  type DynamoBuildsOptions,
  decodeRecord,
  dynamoBuildProgress,
  RECORD,
  recordKey,
  updateOf,
} from './dynamo-build-progress.ts';
import { decodePointer, pointerKey, unlessRefused, valuesOf } from './dynamo-projection-table.ts';

/** "BatchWriteItem … up to 25 item put or delete operations". */
const DELETES = 25;
/** The partition that names the projections with records: no projection has such a name. */
const REGISTRY = '#projections';

/**
 * Records of builds in the projections' table: `Build` = `<projection>`, `Key` = `build#<name>`, and the names of their projections in
 * `#projections`; the lock is part of the
 * version's pointer.
 */
export function dynamoBuilds(options: DynamoBuildsOptions): Builds {
  const { client, tableName: TableName } = options;
  const update = updateOf(options);
  const pointer = async (projection: string, version: number) => {
    const { Item = {} } = await client.send(
      new GetItemCommand({ TableName, Key: pointerKey(projection, version), ConsistentRead: true }),
    );
    return decodePointer(Item);
  };

  async function* query(partition: string, begin?: string) {
    let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
    do {
      const page = await client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: begin === undefined ? '#build = :of' : '#build = :of AND begins_with(#key, :begin)',
          ExpressionAttributeNames: { '#build': 'Build', ...(begin !== undefined && { '#key': 'Key' }) },
          ExpressionAttributeValues: {
            ':of': { S: partition },
            ...(begin !== undefined && { ':begin': { S: begin } }),
          },
          ConsistentRead: true,
          ...(ExclusiveStartKey !== undefined && { ExclusiveStartKey }),
        }),
      );
      yield page.Items ?? [];
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey !== undefined);
  }

  /** Deletes what lies in a partition, until it is late; true when nothing is left. */
  const empty = async (partition: string, isLate: () => boolean): Promise<boolean> => {
    const Build = { S: partition };
    for (;;) {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: '#build = :build',
          ProjectionExpression: '#key',
          ExpressionAttributeNames: { '#build': 'Build', '#key': 'Key' },
          ExpressionAttributeValues: { ':build': Build },
          Limit: 40 * DELETES,
        }),
      );
      if (Items.length === 0) return true;
      for (let i = 0; i < Items.length; i += DELETES) {
        let left = Items.slice(i, i + DELETES).map(({ Key }) => ({ DeleteRequest: { Key: { Build, Key: Key! } } }));
        while (left.length > 0) {
          const { UnprocessedItems } = await client.send(
            new BatchWriteItemCommand({ RequestItems: { [TableName]: left } }),
          );
          left = (UnprocessedItems?.[TableName] ?? []) as typeof left;
          if (isLate()) return false;
        }
      }
      if (isLate()) return false;
    }
  };

  return {
    ...dynamoBuildProgress(options),
    async add(record) {
      // First: a record whose projection is not named would not be found once the app has it no more.
      const named = { Build: { S: REGISTRY }, Key: { S: record.projection } };
      await client.send(new PutItemCommand({ TableName, Item: named }));
      await unlessRefused(
        client.send(
          new PutItemCommand({
            TableName,
            Item: { ...recordKey(record.projection, record.build), ...encode(record) },
            ConditionExpression: 'attribute_not_exists(#key)',
            ExpressionAttributeNames: { '#key': 'Key' },
          }),
        ),
      );
    },
    async *list(projection) {
      for await (const page of query(projection, RECORD)) yield* page.map(decodeRecord);
    },
    async *projections() {
      for await (const page of query(REGISTRY)) yield* page.map(({ Key }) => Key?.S ?? '');
    },
    mark: (projection, build, status, { at, error }) =>
      update(
        recordKey(projection, build),
        error === undefined
          ? 'SET #status = :status, EndedAt = :at REMOVE #error'
          : 'SET #status = :status, EndedAt = :at, #error = :error',
        { ':status': { S: status }, ':at': { S: at }, ...(error !== undefined && { ':error': { S: error } }) },
        { condition: 'attribute_exists(Folded)', names: { '#status': 'Status', '#error': 'Error' } },
      ),
    async resumed(projection, build) {
      await update(
        recordKey(projection, build),
        'SET #status = :running REMOVE EndedAt, #error, SliceError',
        { ':running': { S: 'running' } },
        { condition: 'attribute_exists(Folded)', names: { '#status': 'Status', '#error': 'Error' } },
      );
    },
    async lock(projection, version, { build, execution }, insteadOf) {
      const free = 'attribute_not_exists(Building) OR BuildingBy = :execution';
      const locked = await update(
        pointerKey(projection, version),
        'SET Building = :build, BuildingBy = :execution, Phase = :folding',
        {
          ':build': { S: build },
          ':execution': { S: execution },
          ':folding': { S: 'folding' },
          ...(insteadOf !== undefined && { ':ended': { S: insteadOf } }),
        },
        { condition: insteadOf === undefined ? free : `${free} OR BuildingBy = :ended` },
      );
      if (locked) return { build, execution };
      const { building = build, buildingBy = execution } = await pointer(projection, version);
      return { build: building, execution: buildingBy };
    },
    async release(projection, version, execution) {
      await update(
        pointerKey(projection, version),
        'REMOVE Building, BuildingBy, Phase',
        { ':execution': { S: execution } },
        { condition: 'BuildingBy = :execution' },
      );
    },
    async forgetPrevious(projection, version, build) {
      await update(
        pointerKey(projection, version),
        'REMOVE Previous',
        { ':build': { S: build } },
        { condition: 'Previous = :build AND (attribute_not_exists(Building) OR Building <> :build)' },
      );
    },
    async removeStates(projection, build, bucket, isLate) {
      return (
        (await empty(`${projection}/${build}/${bucket}`, isLate)) &&
        (await empty(valuesOf(projection, build, bucket), isLate))
      );
    },
  };
}

function encode(record: BuildRecord): Record<string, AttributeValue> {
  const numbers = Object.entries(record.folded).map(([slice, bytes]) => [slice, { N: String(bytes) }] as const);
  return {
    Version: { N: String(record.version) },
    Kind: { S: record.kind },
    Status: { S: record.status },
    Execution: { S: record.execution },
    StartedAt: { S: record.startedAt },
    Request: { S: JSON.stringify(record.request) },
    Estimate: { S: JSON.stringify(record.estimate) },
    Folded: { M: Object.fromEntries(numbers) },
    Progress: { M: {} },
  };
}

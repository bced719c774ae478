import {
  type AttributeValue,
  BatchWriteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import type { BuildKind, BuildRecord, BuildStatus, Builds, StepProgress } from '../replay/builds.ts';
import { decodePointer, pointerKey, unlessRefused, valuesOf } from './dynamo-projection-table.ts';

export interface DynamoBuildsOptions {
  readonly client: DynamoDBClient;
  /** The projections' table. */
  readonly tableName: string;
}

/** "BatchWriteItem … up to 25 item put or delete operations". */
const DELETES = 25;
const RECORD = 'build#';
/** The partition that names the projections with records: no projection has such a name. */
const REGISTRY = '#projections';

const dollarsOf = (dollars: number) => ({ N: dollars.toFixed(12) });

/**
 * Records of builds in the projections' table: `Build` = `<projection>`, `Key` = `build#<name>`, and the names of their projections in
 * `#projections`; the lock is part of the
 * version's pointer.
 */
export function dynamoBuilds({ client, tableName: TableName }: DynamoBuildsOptions): Builds {
  const keyOf = (projection: string, build: string) => ({ Build: { S: projection }, Key: { S: RECORD + build } });
  const update = (
    Key: Record<string, AttributeValue>,
    UpdateExpression: string,
    ExpressionAttributeValues: Record<string, AttributeValue>,
    more: { readonly condition?: string; readonly names?: Record<string, string> } = {},
  ) =>
    unlessRefused(
      client.send(
        new UpdateItemCommand({
          TableName,
          Key,
          UpdateExpression,
          ExpressionAttributeValues,
          ...(more.condition !== undefined && { ConditionExpression: more.condition }),
          ...(more.names !== undefined && { ExpressionAttributeNames: more.names }),
        }),
      ),
    );
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
    async add(record) {
      // First: a record whose projection is not named would not be found once the app has it no more.
      const named = { Build: { S: REGISTRY }, Key: { S: record.projection } };
      await client.send(new PutItemCommand({ TableName, Item: named }));
      await unlessRefused(
        client.send(
          new PutItemCommand({
            TableName,
            Item: { ...keyOf(record.projection, record.build), ...encode(record) },
            ConditionExpression: 'attribute_not_exists(#key)',
            ExpressionAttributeNames: { '#key': 'Key' },
          }),
        ),
      );
    },
    async get(projection, build) {
      const { Item } = await client.send(
        new GetItemCommand({ TableName, Key: keyOf(projection, build), ConsistentRead: true }),
      );
      return Item && decode(Item);
    },
    async *list(projection) {
      for await (const page of query(projection, RECORD)) yield* page.map(decode);
    },
    async *projections() {
      for await (const page of query(REGISTRY)) yield* page.map(({ Key }) => Key?.S ?? '');
    },
    async folded(projection, build, slice, bytes, spent) {
      await update(
        keyOf(projection, build),
        'SET Folded.#slice = :bytes ADD Spent :spent',
        { ':bytes': { N: String(bytes) }, ':spent': dollarsOf(spent) },
        { condition: 'attribute_exists(Folded)', names: { '#slice': slice } },
      );
    },
    async progress(projection, build, step, part, { done, of, spent }) {
      const value = { M: { Done: { N: String(done) }, Of: { N: String(of) } } };
      await update(
        keyOf(projection, build),
        'SET Progress.#step = :progress ADD Spent :spent',
        { ':progress': value, ':spent': dollarsOf(spent) },
        { condition: 'attribute_exists(Progress)', names: { '#step': `${step}/${part}` } },
      );
    },
    async spend(projection, build, dollars) {
      let spent = 0;
      const call = client.send(
        new UpdateItemCommand({
          TableName,
          Key: keyOf(projection, build),
          UpdateExpression: 'ADD Spent :dollars',
          ConditionExpression: 'attribute_exists(Folded)',
          ExpressionAttributeValues: { ':dollars': dollarsOf(dollars) },
          ReturnValues: 'UPDATED_NEW',
        }),
      );
      await unlessRefused(
        call.then(({ Attributes }) => {
          spent = Number(Attributes?.Spent?.N ?? 0);
        }),
      );
      return spent;
    },
    async sliceFailed(projection, build, error) {
      await update(
        keyOf(projection, build),
        'SET SliceError = :error',
        { ':error': { S: error } },
        { condition: 'attribute_exists(Folded)' },
      );
    },
    mark: (projection, build, status, { at, error }) =>
      update(
        keyOf(projection, build),
        error === undefined
          ? `SET #status = :status, EndedAt = :at REMOVE #error${status === 'running' ? ', SliceError' : ''}`
          : 'SET #status = :status, EndedAt = :at, #error = :error',
        { ':status': { S: status }, ':at': { S: at }, ...(error !== undefined && { ':error': { S: error } }) },
        { condition: 'attribute_exists(Folded)', names: { '#status': 'Status', '#error': 'Error' } },
      ),
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
        { condition: 'Previous = :build' },
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

function decode(item: Record<string, AttributeValue>): BuildRecord {
  const text = (name: string) => item[name]?.S ?? '';
  const folded = Object.entries(item.Folded?.M ?? {}).map(([slice, bytes]) => [slice, Number(bytes.N)] as const);
  const progress: Record<string, StepProgress> = {};
  for (const [name, { M }] of Object.entries(item.Progress?.M ?? {})) {
    const step = name.slice(0, name.indexOf('/')); // a step's parts add up
    progress[step] = { done: (progress[step]?.done ?? 0) + Number(M?.Done?.N), of: Number(M?.Of?.N) };
  }
  return {
    projection: text('Build'),
    build: text('Key').slice(RECORD.length),
    version: Number(item.Version?.N),
    kind: text('Kind') as BuildKind,
    status: text('Status') as BuildStatus,
    execution: text('Execution'),
    startedAt: text('StartedAt'),
    ...(item.EndedAt?.S !== undefined && { endedAt: item.EndedAt.S }),
    request: JSON.parse(text('Request')),
    estimate: JSON.parse(text('Estimate')),
    folded: Object.fromEntries(folded),
    progress,
    ...(item.Spent?.N !== undefined && { spent: Number(item.Spent.N) }),
    ...(item.Error?.S !== undefined && { error: item.Error.S }),
    ...(item.SliceError?.S !== undefined && { sliceError: item.SliceError.S }),
  };
}

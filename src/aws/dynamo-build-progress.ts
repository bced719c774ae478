import { type AttributeValue, type DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { BuildKind, BuildProgress, BuildRecord, BuildStatus, StepProgress } from '../replay/builds.ts';
import { unlessRefused } from './dynamo-projection-table.ts';

export interface DynamoBuildsOptions {
  readonly client: DynamoDBClient;
  /** The projections' table. */
  readonly tableName: string;
}

export const RECORD = 'build#';

const dollarsOf = (dollars: number) => ({ N: dollars.toFixed(12) });

export const recordKey = (projection: string, build: string) => ({
  Build: { S: projection },
  Key: { S: RECORD + build },
});

/** An update of one item of the table; false when its condition did not hold. */
export const updateOf =
  ({ client, tableName: TableName }: DynamoBuildsOptions) =>
  (
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

/** What a function that works on a build asks of its record, and adds to it. */
export function dynamoBuildProgress(options: DynamoBuildsOptions): BuildProgress {
  const { client, tableName: TableName } = options;
  const update = updateOf(options);
  return {
    async get(projection, build) {
      const { Item } = await client.send(
        new GetItemCommand({ TableName, Key: recordKey(projection, build), ConsistentRead: true }),
      );
      return Item && decodeRecord(Item);
    },
    async folded(projection, build, slice, bytes, spent) {
      await update(
        recordKey(projection, build),
        'SET Folded.#slice = :bytes ADD Spent :spent',
        { ':bytes': { N: String(bytes) }, ':spent': dollarsOf(spent) },
        { condition: 'attribute_exists(Folded)', names: { '#slice': slice } },
      );
    },
    async progress(projection, build, step, part, { done, of, spent }) {
      const value = { M: { Done: { N: String(done) }, Of: { N: String(of) } } };
      await update(
        recordKey(projection, build),
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
          Key: recordKey(projection, build),
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
        recordKey(projection, build),
        'SET SliceError = :error',
        { ':error': { S: error } },
        { condition: 'attribute_exists(Folded)' },
      );
    },
  };
}

/** A record of the table. */
export function decodeRecord(item: Record<string, AttributeValue>): BuildRecord {
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

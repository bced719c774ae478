import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { type Adoption, type Cursor, type CursorTable, NO_CURSOR } from '../feed/cursor-table.ts';
import { batchGet } from './batch-get.ts';

export interface DynamoCursorTableOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** The feed's id. */
  readonly feed: string;
}

type Item = Record<string, AttributeValue>;

/**
 * The cursors of one feed in DynamoDB: `Cursor` = `<feedId>|<aggregateUuid>`; the reconciler's checkpoint and the
 * feed's adoption are the item `<feedId>|`.
 *
 * @example
 * const cursors = dynamoCursorTable({ client: new DynamoDBClient(), tableName: 'Confirmed', feed: 'feed-1' });
 */
export function dynamoCursorTable({ client, tableName: TableName, feed }: DynamoCursorTableOptions): CursorTable {
  const keyOf = (aggregate: string) => ({ Cursor: { S: `${feed}|${aggregate}` } });

  /** One conditional update; `done` says whether the condition held, the cursor is the one after it, or before it where that is asked for. */
  const update = async (
    aggregate: string,
    expression: string,
    condition: string | undefined,
    values: Item,
    { names, before = false }: { readonly names?: Record<string, string>; readonly before?: boolean } = {},
  ) => {
    try {
      const { Attributes } = await client.send(
        new UpdateItemCommand({
          TableName,
          Key: keyOf(aggregate),
          UpdateExpression: expression,
          ...(condition !== undefined && { ConditionExpression: condition }),
          ExpressionAttributeValues: values,
          ...(names !== undefined && { ExpressionAttributeNames: names }),
          ReturnValues: before ? 'ALL_OLD' : 'ALL_NEW',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return { done: true, cursor: cursorOf(Attributes) };
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return { done: false, cursor: cursorOf(error.Item) };
      throw error;
    }
  };

  /** What the feed itself notes: its checkpoint, its adoption, its status. */
  const ownItem = async () => {
    const { Item } = await client.send(new GetItemCommand({ TableName, Key: keyOf(''), ConsistentRead: true }));
    return Item;
  };

  return {
    async readMany(aggregates, { consistent = false } = {}) {
      const items = await batchGet({ client, tableName: TableName, keys: aggregates.map(keyOf), consistent });
      return new Map(items.map((item) => [(item.Cursor?.S ?? '').slice(feed.length + 1), cursorOf(item)]));
    },

    async read(aggregate) {
      const { Item } = await client.send(
        new GetItemCommand({ TableName, Key: keyOf(aggregate), ConsistentRead: true }),
      );
      return cursorOf(Item);
    },

    async raise(aggregate, from, to, commit) {
      // from ≤ confirmed + 1 and confirmed < to, absent being 0.
      const between = 'Confirmed >= :least AND Confirmed < :to';
      const condition = from === 1 ? `attribute_not_exists(Confirmed) OR (${between})` : between;
      const values = { ':to': n(to), ':least': n(from - 1), ...(commit !== undefined && { ':commit': { S: commit } }) };
      const expression =
        commit === undefined
          ? 'SET Confirmed = :to REMOVE Holed, HoledAt, Attempts, CommitOf, CommitId'
          : 'SET Confirmed = :to, CommitOf = :to, CommitId = :commit REMOVE Holed, HoledAt, Attempts';
      const { done, cursor } = await update(aggregate, expression, condition, values, { before: true });
      if (!done) return { raised: false, before: cursor.confirmed, cursor };
      const { holed: _, holedAt: __, attempts: ___, commit: ____, ...rest } = cursor;
      const after = { ...rest, confirmed: to, ...(commit !== undefined && { commit }) };
      return { raised: true, before: cursor.confirmed, cursor: after };
    },

    async begin(aggregate, { confirmed, base }) {
      const absent = 'attribute_not_exists(Confirmed)';
      const values = { ':confirmed': n(confirmed) };
      if (base === 0) return (await update(aggregate, 'SET Confirmed = :confirmed', absent, values)).done;
      // `Base` is a reserved word.
      const names = { names: { '#base': 'Base' } };
      const expression = 'SET Confirmed = :confirmed, #base = :base';
      return (await update(aggregate, expression, absent, { ...values, ':base': n(base) }, names)).done;
    },

    async offer(aggregate, to, at) {
      await update(aggregate, 'SET Offered = :to, OfferedAt = :at', undefined, { ':to': n(to), ':at': n(at) });
    },

    async noteHead(aggregate, head) {
      const condition = 'attribute_not_exists(Head) OR Head < :head';
      return (await update(aggregate, 'SET Head = :head', condition, { ':head': n(head) })).cursor;
    },

    async markHole(aggregate, { version, since, attempts }) {
      const still = 'Confirmed = :before';
      const condition = version === 1 ? `attribute_not_exists(Confirmed) OR ${still}` : still;
      const { done, cursor } = await update(
        aggregate,
        'SET Holed = :version, HoledAt = :since, Attempts = :attempts',
        condition,
        { ':before': n(version - 1), ':version': n(version), ':since': n(since), ':attempts': n(attempts) },
      );
      return { marked: done, cursor };
    },

    async checkpoint() {
      const Item = await ownItem();
      if (Item?.StartedAt?.N === undefined) return undefined;
      const after = Item.After?.S;
      return { startedAt: Number(Item.StartedAt.N), ...(after !== undefined && { after }) };
    },

    async saveCheckpoint({ after, startedAt }) {
      const values: Item = { ':startedAt': n(startedAt), ...(after !== undefined && { ':after': { S: after } }) };
      // `After` is no reserved word today; a placeholder keeps it so.
      await client.send(
        new UpdateItemCommand({
          TableName,
          Key: keyOf(''),
          UpdateExpression:
            after === undefined
              ? 'SET StartedAt = :startedAt REMOVE #after'
              : 'SET StartedAt = :startedAt, #after = :after',
          ExpressionAttributeNames: { '#after': 'After' },
          ExpressionAttributeValues: values,
        }),
      );
    },

    async adoption() {
      return adoptionOf(await ownItem());
    },

    async statusRound() {
      const round = (await ownItem())?.StatusRound?.S;
      return round === undefined ? undefined : JSON.parse(round);
    },

    async saveStatusRound(round) {
      await client.send(
        new UpdateItemCommand({
          TableName,
          Key: keyOf(''),
          UpdateExpression: 'SET StatusRound = :round',
          ExpressionAttributeValues: { ':round': { S: JSON.stringify(round) } },
        }),
      );
    },

    async noteAdoption(from, since) {
      const noted = { from, since };
      try {
        await client.send(
          new UpdateItemCommand({
            TableName,
            Key: keyOf(''),
            UpdateExpression: 'SET AdoptedFrom = :from, AdoptionSince = :since',
            ConditionExpression: 'attribute_not_exists(AdoptedFrom)',
            ExpressionAttributeValues: { ':from': { S: from }, ':since': n(since) },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        );
        return noted;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return adoptionOf(error.Item) ?? noted;
        throw error;
      }
    },

    async saveAdoption(place) {
      const [name, value] = 'after' in place ? ['AdoptionAfter', { S: place.after }] : ['AdoptedAt', n(place.doneAt)];
      await client.send(
        new UpdateItemCommand({
          TableName,
          Key: keyOf(''),
          UpdateExpression: `SET ${name} = :value`,
          ExpressionAttributeValues: { ':value': value },
        }),
      );
    },
  };
}

function adoptionOf(item: Item | undefined): Adoption | undefined {
  if (item?.AdoptedFrom?.S === undefined) return undefined;
  const after = item.AdoptionAfter?.S;
  const doneAt = numberOf(item.AdoptedAt);
  return {
    from: item.AdoptedFrom.S,
    since: numberOf(item.AdoptionSince) ?? 0,
    ...(after !== undefined && { after }),
    ...(doneAt !== undefined && { doneAt }),
  };
}

const n = (value: number): AttributeValue => ({ N: String(value) });

/** The cursor that an item of the table holds. */
export function cursorOf(item: Item | undefined): Cursor {
  if (item === undefined) return NO_CURSOR;
  const base = numberOf(item.Base);
  const head = numberOf(item.Head);
  const offered = numberOf(item.Offered);
  const offeredAt = numberOf(item.OfferedAt);
  const holed = numberOf(item.Holed);
  const holedAt = numberOf(item.HoledAt);
  const attempts = numberOf(item.Attempts);
  const confirmed = numberOf(item.Confirmed) ?? 0;
  // Written together; code that does not know of it raises `Confirmed` alone.
  const commit = numberOf(item.CommitOf) === confirmed ? item.CommitId?.S : undefined;
  return {
    confirmed,
    ...(commit !== undefined && { commit }),
    ...(base !== undefined && { base }),
    ...(head !== undefined && { head }),
    ...(offered !== undefined && { offered }),
    ...(offeredAt !== undefined && { offeredAt }),
    ...(holed !== undefined && { holed }),
    ...(holedAt !== undefined && { holedAt }),
    ...(attempts !== undefined && { attempts }),
  };
}

const numberOf = (value: AttributeValue | undefined): number | undefined =>
  value?.N === undefined ? undefined : Number(value.N);

import '../feed/errors.ts';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  TransactionCanceledException,
  TransactionConflictException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { DaybookError } from '../errors.ts';
import type { PositionMove, PositionTable, Standing } from '../feed/position-table.ts';
import { batchGet } from './batch-get.ts';
import {
  conditionsOf,
  LEASE_ATTRIBUTES,
  PARKED_ATTRIBUTES,
  parkedAttributes,
  positionKey,
  standingOf,
} from './position-item.ts';

export interface DynamoPositionTableOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** The feed's id. */
  readonly feed: string;
}

/** "TransactWriteItems … up to 100 distinct items": one of them is the position. */
const MOST_ITEMS = 99;

/** What a cancelled transaction says that lies in the effect itself: no retry mends it. */
const REFUSALS = new Set(['ConditionalCheckFailed', 'ValidationError', 'ItemCollectionSizeLimitExceeded']);

/**
 * An item of a wrong shape, or one item twice: DynamoDB refuses the request before it looks at any. Of some the SDK cannot even make
 * a request; what it sent it says in `$metadata`.
 */
function isUnwritable(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  if (error.name === 'ValidationException' || error.name === 'SerializationException') return true;
  return (error instanceof TypeError || error instanceof RangeError) && !('$metadata' in error);
}

/**
 * The positions of one feed's consumers in DynamoDB: `Consumer` = `<consumer>|<feedId>|<aggregateUuid>`. An effect is a
 * list of what TransactWriteItems takes.
 *
 * @example
 * const positions = dynamoPositionTable({ client: new DynamoDBClient(), tableName: 'Positions', feed: 'feed-1' });
 */
export function dynamoPositionTable(options: DynamoPositionTableOptions): PositionTable<TransactWriteItem> {
  const { client, tableName, feed } = options;

  const readItems = async (consumer: string, aggregates: readonly string[]) => {
    const prefix = positionKey(consumer, feed, '');
    const keys = aggregates.map((aggregate) => ({ Consumer: { S: prefix + aggregate } }));
    const items = await batchGet({ client, tableName, keys, consistent: true });
    return items.map((item) => [(item.Consumer?.S ?? '').slice(prefix.length), item] as const);
  };

  const standingsOf = async (consumer: string, aggregates: readonly string[]) => {
    const items = await readItems(consumer, aggregates);
    return new Map(items.map(([aggregate, item]) => [aggregate, standingOf(item)]));
  };

  const updateOf = (
    { consumer, aggregate }: Pick<PositionMove, 'consumer' | 'aggregate'>,
    update: string,
    condition: string,
    values: Record<string, AttributeValue>,
  ) => ({
    TableName: tableName,
    Key: { Consumer: { S: positionKey(consumer, feed, aggregate) } },
    UpdateExpression: update,
    ConditionExpression: condition,
    // The word is reserved.
    ...(`${update}${condition}`.includes('#position') && { ExpressionAttributeNames: { '#position': 'Position' } }),
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
  });

  /** False when the condition does not hold, or another transaction is at the item in this very moment. */
  const holds = async (input: UpdateItemCommandInput): Promise<boolean> => {
    try {
      await client.send(new UpdateItemCommand(input));
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException || error instanceof TransactionConflictException)
        return false;
      throw error;
    }
  };

  /** Undefined when the condition does not hold. */
  const standingAfter = async (input: UpdateItemCommandInput): Promise<Standing | undefined> => {
    try {
      const { Attributes } = await client.send(new UpdateItemCommand({ ...input, ReturnValues: 'ALL_NEW' }));
      return standingOf(Attributes ?? {});
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return undefined;
      throw error;
    }
  };

  const moveOf = (move: PositionMove) => {
    const { condition, values } = conditionsOf(move);
    // What failed was the version behind the old position: its attempts end with it.
    const removed = ['Attempts', ...(move.release === true ? LEASE_ATTRIBUTES : [])];
    const update = `SET #position = :to REMOVE ${removed.join(', ')}`;
    return updateOf(move, update, condition, { ...values, ':to': { N: String(move.to) } });
  };

  return {
    async read(consumer, aggregates) {
      const items = await readItems(consumer, aggregates);
      const known = items.filter(([, item]) => item.Position?.N !== undefined);
      return new Map(known.map(([aggregate, item]) => [aggregate, Number(item.Position!.N)]));
    },

    standings: standingsOf,

    async raise(consumer, aggregate, to) {
      const condition = 'attribute_not_exists(#position) OR #position < :to';
      const values = { ':to': { N: String(to) } };
      // Where the condition does not hold, it stands there or higher already.
      await standingAfter(updateOf({ consumer, aggregate }, 'SET #position = :to', condition, values));
    },

    async commit(move, items) {
      const { consumer, aggregate, to: version } = move;
      if (items.length > MOST_ITEMS) {
        const problem = `it has ${items.length} items, a transaction takes ${MOST_ITEMS} beside the position`;
        throw new DaybookError('feed.effectInvalid', { consumer, aggregate, version, problem });
      }
      if (items.length === 0) return await holds(moveOf(move));
      const refused = (reasons: readonly string[], cause: unknown) =>
        new DaybookError('feed.effectRefused', { consumer, aggregate, version, reasons }, { cause });
      try {
        const TransactItems = [{ Update: moveOf(move) }, ...items];
        await client.send(new TransactWriteItemsCommand({ TransactItems }));
        return true;
      } catch (error) {
        if (isUnwritable(error)) throw refused([error.name], error);
        if (!(error instanceof TransactionCanceledException)) throw error;
        const reasons = (error.CancellationReasons ?? []).map(({ Code = 'None' }) => Code);
        if (reasons[0] === 'ConditionalCheckFailed') return false;
        if (reasons.some((code) => REFUSALS.has(code))) {
          throw refused(
            reasons.slice(1).flatMap((code, i) => (code === 'None' ? [] : [`item ${i}: ${code}`])),
            error,
          );
        }
        // Another transaction at one of the items: what it did is read, and the effect made again.
        if (reasons.every((code) => code === 'None' || code === 'TransactionConflict')) return false;
        throw error;
      }
    },

    async lease({ consumer, aggregate, holder, until, now }) {
      const condition = 'attribute_not_exists(LeaseUntil) OR LeaseUntil <= :now OR LeaseHolder = :holder';
      return await standingAfter(
        updateOf({ consumer, aggregate }, 'SET LeaseHolder = :holder, LeaseUntil = :until', condition, {
          ':holder': { S: holder },
          ':until': { N: String(until) },
          ':now': { N: String(now) },
        }),
      );
    },

    async release({ consumer, aggregate, holder }) {
      const update = `REMOVE ${LEASE_ATTRIBUTES.join(', ')}`;
      await holds(updateOf({ consumer, aggregate }, update, 'LeaseHolder = :holder', { ':holder': { S: holder } }));
    },

    async fail(move, park) {
      const { condition, values } = conditionsOf(move);
      const parked = Object.entries(park === undefined ? {} : parkedAttributes(park, feed));
      const moves = move.to > move.from; // another version fails then, for the first time
      const set = [
        ...(move.to > 0 ? ['#position = :to'] : []),
        ...(moves ? ['Attempts = :one'] : []),
        ...parked.map(([name]) =>
          name === 'Waiting' ? `${name} = if_not_exists(${name}, :${name})` : `${name} = :${name}`,
        ),
      ];
      const clauses = [
        ...(set.length > 0 ? [`SET ${set.join(', ')}`] : []),
        ...(move.release === true ? [`REMOVE ${LEASE_ATTRIBUTES.join(', ')}`] : []),
        ...(moves ? [] : ['ADD Attempts :one']),
      ];
      return await holds(
        updateOf(move, clauses.join(' '), condition, {
          ...values,
          ...(move.to > 0 && { ':to': { N: String(move.to) } }),
          ...Object.fromEntries(parked.map(([name, value]) => [`:${name}`, value])),
          ':one': { N: '1' },
        }),
      );
    },

    async wait(consumer, aggregate, version) {
      const condition = 'attribute_exists(ParkedIn) AND Waiting < :version';
      const values = { ':version': { N: String(version) } };
      const waits = await standingAfter(updateOf({ consumer, aggregate }, 'SET Waiting = :version', condition, values));
      return waits ?? (await standingsOf(consumer, [aggregate])).get(aggregate) ?? { position: 0, attempts: 0 };
    },

    async unpark(move) {
      const { condition, values } = conditionsOf({ ...move, parked: true });
      const removed = [...PARKED_ATTRIBUTES, 'Attempts', ...(move.release === true ? LEASE_ATTRIBUTES : [])];
      const upTo = { ...values, ':reached': { N: String(move.from) } };
      // Another redrive may have parked it beyond all that waits: what comes there is taken for noted.
      const nothingWaits = `${condition} AND attribute_exists(ParkedIn) AND Waiting <= :reached AND ParkedVersion <= :reached`;
      return await holds(updateOf(move, `REMOVE ${removed.join(', ')}`, nothingWaits, upTo));
    },
  };
}

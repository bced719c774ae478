import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { DaybookError } from '../errors.ts';
import type { PositionMove, PositionTable } from '../feed/position-table.ts';
import { batchGet } from './batch-get.ts';

export interface DynamoPositionTableOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** The feed's id. */
  readonly feed: string;
}

/** "TransactWriteItems … up to 100 distinct items": one of them is the position. */
const MOST_ITEMS = 99;

/**
 * The positions of one feed's consumers in DynamoDB: `Consumer` = `<consumer>|<feedId>|<aggregateUuid>`. An effect is a
 * list of what TransactWriteItems takes.
 *
 * @example
 * const positions = dynamoPositionTable({ client: new DynamoDBClient(), tableName: 'Positions', feed: 'feed-1' });
 */
export function dynamoPositionTable(options: DynamoPositionTableOptions): PositionTable<TransactWriteItem> {
  const { client, tableName: TableName, feed } = options;
  const nameOf = (consumer: string, aggregate: string) => `${consumer}|${feed}|${aggregate}`;

  /** `position = from`, absent being 0. */
  const moveOf = ({ consumer, aggregate, from, to }: PositionMove) => ({
    TableName,
    Key: { Consumer: { S: nameOf(consumer, aggregate) } },
    UpdateExpression: 'SET #position = :to',
    ConditionExpression: from === 0 ? 'attribute_not_exists(#position)' : '#position = :from',
    ExpressionAttributeNames: { '#position': 'Position' },
    ExpressionAttributeValues: { ':to': { N: String(to) }, ...(from !== 0 && { ':from': { N: String(from) } }) },
  });

  return {
    async read(consumer, aggregates) {
      const prefix = nameOf(consumer, '');
      const keys = aggregates.map((aggregate) => ({ Consumer: { S: prefix + aggregate } }));
      const items = await batchGet({ client, tableName: TableName, keys, consistent: true });
      return new Map(items.map((item) => [(item.Consumer?.S ?? '').slice(prefix.length), Number(item.Position?.N)]));
    },

    async raise(consumer, aggregate, to) {
      try {
        await client.send(
          new UpdateItemCommand({
            ...moveOf({ consumer, aggregate, from: 0, to }),
            ConditionExpression: 'attribute_not_exists(#position) OR #position < :to',
          }),
        );
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error; // it stands there or higher already
      }
    },

    async commit(move, items) {
      const { consumer, aggregate, to: version } = move;
      if (items.length > MOST_ITEMS) {
        const problem = `it has ${items.length} items, a transaction takes ${MOST_ITEMS} beside the position`;
        throw new DaybookError('feed.effectInvalid', { consumer, aggregate, version, problem });
      }
      try {
        if (items.length === 0) await client.send(new UpdateItemCommand(moveOf(move)));
        else {
          const TransactItems = [{ Update: moveOf(move) }, ...items];
          await client.send(new TransactWriteItemsCommand({ TransactItems }));
        }
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        if (!(error instanceof TransactionCanceledException)) throw error;
        const reasons = (error.CancellationReasons ?? []).map(({ Code = 'None' }) => Code);
        if (reasons[0] === 'ConditionalCheckFailed') return false;
        // Anything but a condition (a conflict, throttling) passes when the batch is brought again.
        if (!reasons.includes('ConditionalCheckFailed') && !reasons.includes('ValidationError')) throw error;
        const named = reasons.slice(1).flatMap((code, i) => (code === 'None' ? [] : [`item ${i}: ${code}`]));
        throw new DaybookError(
          'feed.effectRefused',
          { consumer, aggregate, version, reasons: named },
          { cause: error },
        );
      }
    },
  };
}

import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import type { EarlierFeed, EarlierPage } from '../feed/earlier-feed.ts';
import { realPauses } from '../store/backoff.ts';
import { cursorOf, dynamoCursorTable } from './dynamo-cursor-table.ts';
import { environment } from './environment.ts';
import { positionKey } from './position-item.ts';
import { retry } from './retry.ts';

export interface DynamoEarlierFeedsOptions {
  readonly client: DynamoDBClient;
  readonly confirmedTable: string;
  readonly positionsTable: string;
  /** The id of the feed that goes on from it. */
  readonly feed: string;
  /** Items that a page looks at: of other feeds' too, so it may give fewer. Default 1000. */
  readonly pageSize?: number;
}

type Item = Record<string, AttributeValue>;

const BACKOFF = { attempts: 8, baseMs: 25, capMs: 1000 };

/**
 * What the tables of cursors and positions hold of other feeds, by their ids. Both are scanned whole: their keys begin with the feed or
 * the consumer, and are hashed.
 *
 * @example
 * const earlier = dynamoEarlierFeeds({ client, confirmedTable, positionsTable, feed: 'feed-2' })('feed-1');
 */
export function dynamoEarlierFeeds(options: DynamoEarlierFeedsOptions): (earlier: string) => EarlierFeed {
  const { client, confirmedTable, positionsTable, feed, pageSize = 1000 } = options;

  async function scan<T>(
    tableName: string,
    key: string,
    filter: string,
    text: string,
    after: string | undefined,
    read: (name: string, item: Item) => T | undefined,
  ): Promise<EarlierPage<T>> {
    const command = new ScanCommand({
      TableName: tableName,
      Limit: pageSize,
      FilterExpression: filter,
      ExpressionAttributeNames: { '#key': key },
      ExpressionAttributeValues: { ':text': { S: text } },
      ...(after !== undefined && { ExclusiveStartKey: { [key]: { S: after } } }),
    });
    const { Items = [], LastEvaluatedKey } = await retry(() => client.send(command), BACKOFF, realPauses);
    const entries = Items.flatMap((item) => read(item[key]?.S ?? '', item) ?? []);
    const next = LastEvaluatedKey?.[key]?.S;
    return { entries, ...(next !== undefined && { next }) };
  }

  return (earlier) => ({
    adoption: () => dynamoCursorTable({ client, tableName: confirmedTable, feed: earlier }).adoption(),

    async hasRun() {
      const place = await dynamoCursorTable({ client, tableName: confirmedTable, feed: earlier }).checkpoint();
      return place !== undefined;
    },

    cursors(after) {
      const prefix = `${earlier}|`;
      return scan(confirmedTable, 'Cursor', 'begins_with(#key, :text)', prefix, after, (name, item) => {
        const aggregate = name.slice(prefix.length);
        return aggregate === '' ? undefined : { aggregate, cursor: cursorOf(item) }; // '' is the checkpoint
      });
    },

    positions(after) {
      return scan(positionsTable, 'Consumer', 'contains(#key, :text)', `|${earlier}|`, after, (name, item) => {
        // `<consumer>|<feedId>|<aggregateUuid>`: only an aggregate's id may hold a bar.
        const [consumer = '', of, ...aggregate] = name.split('|');
        if (of !== earlier) return undefined;
        // Who was at it in the old feed is at it no more.
        const { Consumer: _, Position, LeaseHolder: __, LeaseUntil: ___, ...rest } = item;
        return { consumer, aggregate: aggregate.join('|'), position: Number(Position?.N ?? 0), rest };
      });
    },

    async keep({ consumer, aggregate, position, rest = {} }) {
      const command = new PutItemCommand({
        TableName: positionsTable,
        Item: {
          ...(rest as Item),
          ...('ParkedIn' in (rest as Item) && { ParkedIn: { S: feed } }), // listed with the feed that it waits in
          Consumer: { S: positionKey(consumer, feed, aggregate) },
          ...(position > 0 && { Position: { N: String(position) } }),
        },
        ConditionExpression: 'attribute_not_exists(#consumer)',
        ExpressionAttributeNames: { '#consumer': 'Consumer' },
      });
      try {
        await retry(() => client.send(command), BACKOFF, realPauses);
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return false;
        throw error;
      }
    },
  });
}

/** How the feed of a function's environment begins: set by the construct's `feed.from` when it waits for its adoption. */
export function adoptionOf(
  client: DynamoDBClient,
  feed: string,
): { readonly adoption?: { readonly from: string; readonly earlier: (feed: string) => EarlierFeed } } {
  const from = process.env.FEED_FROM;
  if (from === undefined) return {};
  const tables = { confirmedTable: environment('CONFIRMED_TABLE'), positionsTable: environment('POSITIONS_TABLE') };
  return { adoption: { from, earlier: dynamoEarlierFeeds({ client, feed, ...tables }) } };
}

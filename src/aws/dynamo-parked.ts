import {
  type AttributeValue,
  type DynamoDBClient,
  QueryCommand,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { ParkedAggregate } from '../feed/position-table.ts';
import { environment } from './environment.ts';
import { PARKED_AGGREGATES, standingOf } from './position-item.ts';

export interface DynamoParkedOptions {
  readonly client: DynamoDBClient;
  /** The positions table. */
  readonly tableName: string;
  /** The feed's id. */
  readonly feed: string;
}

/**
 * The parked aggregates of one consumer, or of all, by consumer and aggregate. They come from a sparse index: what is not
 * parked costs nothing, and what was parked in this very second may be missing.
 *
 * @example
 * for await (const { aggregate, version, code } of parkedAggregates(options, 'overdraft-fees')) console.log(aggregate, version, code);
 */
export async function* parkedAggregates(
  { client, tableName, feed }: DynamoParkedOptions,
  consumer?: string,
): AsyncGenerator<ParkedAggregate> {
  let start: Record<string, AttributeValue> | undefined;
  do {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: tableName,
        IndexName: PARKED_AGGREGATES,
        KeyConditionExpression: `ParkedIn = :feed${consumer === undefined ? '' : ' AND begins_with(Consumer, :consumer)'}`,
        ExpressionAttributeValues: {
          ':feed': { S: feed },
          ...(consumer !== undefined && { ':consumer': { S: `${consumer}|${feed}|` } }),
        },
        ...(start !== undefined && { ExclusiveStartKey: start }),
      }),
    );
    for (const item of Items) {
      const { position, attempts, parked } = standingOf(item);
      const [name = '', ...rest] = (item.Consumer?.S ?? '').split('|');
      // An aggregate's id may hold a bar, a feed's does not.
      const aggregate = rest.slice(1).join('|');
      if (parked !== undefined) yield { consumer: name, aggregate, position, attempts, ...parked };
    }
    start = LastEvaluatedKey;
  } while (start !== undefined);
}

/**
 * For the reconciler: how many there are, of all consumers; at most as many as a page of the index counts, which is enough to
 * be alarmed.
 */
export function parkedOf(client: DynamoDBClient, feed: string): { readonly countParked: () => Promise<number> } {
  const input: QueryCommandInput = {
    TableName: environment('POSITIONS_TABLE'),
    IndexName: PARKED_AGGREGATES,
    KeyConditionExpression: 'ParkedIn = :feed',
    ExpressionAttributeValues: { ':feed': { S: feed } },
    Select: 'COUNT',
  };
  return { countParked: async () => (await client.send(new QueryCommand(input))).Count ?? 0 };
}

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoEventTable } from 'daybook';
import { consumeEvents, dynamoPositionTable } from 'daybook/consume';
import { MoneyDeposited } from './events.ts';

const { EVENTS_TABLE, POSITIONS_TABLE, POINTS_TABLE, FEED_ID: feed = '' } = process.env;
const client = new DynamoDBClient();

/** A point for each euro that is deposited, for accounts that take part. */
export const handler = consumeEvents({
  name: 'points',
  feed,
  events: [MoneyDeposited],
  positions: dynamoPositionTable({ client, tableName: POSITIONS_TABLE ?? '', feed }),
  table: dynamoEventTable({ client, tableName: EVENTS_TABLE ?? '' }),
  attempts: 2,
  effect: (event) => [
    {
      Update: {
        TableName: POINTS_TABLE,
        Key: { Account: { S: event.aggregateUuid } },
        UpdateExpression: 'ADD Points :points',
        ConditionExpression: 'attribute_exists(Account)',
        ExpressionAttributeValues: { ':points': { N: String(Math.floor(event.data.amount / 100)) } },
      },
    },
  ],
});

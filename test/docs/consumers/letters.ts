import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoEventTable } from 'daybook';
import { consumeEvents, dynamoPositionTable } from 'daybook/consume';
import { MoneyDeposited } from './events.ts';

const { EVENTS_TABLE, POSITIONS_TABLE, LETTERS_URL = '', FEED_ID: feed = '' } = process.env;
const client = new DynamoDBClient();

/** A letter for each deposit, by a service that knows an idempotency key. */
export const handler = consumeEvents({
  name: 'letters',
  feed,
  events: [MoneyDeposited],
  positions: dynamoPositionTable({ client, tableName: POSITIONS_TABLE ?? '', feed }),
  table: dynamoEventTable({ client, tableName: EVENTS_TABLE ?? '' }),
  act: async (event, { idempotencyKey, traceparent }) => {
    const headers = { 'idempotency-key': idempotencyKey, ...(traceparent !== undefined && { traceparent }) };
    const body = JSON.stringify({ to: event.aggregateUuid, amount: event.data.amount });
    const answer = await fetch(LETTERS_URL, { method: 'POST', headers, body });
    if (!answer.ok) throw new Error(`letters: ${answer.status}`);
  },
});

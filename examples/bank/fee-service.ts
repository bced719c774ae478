import { DynamoDBClient, GetItemCommand, type TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { dynamoEventTable } from 'daybook';
import { consumeEvents, dynamoPositionTable } from 'daybook/consume';
import { MoneyDeposited, MoneyWithdrawn } from './events.ts';

/** What an overdraft costs, in cents. */
const FEE = 10_00;

const { EVENTS_TABLE, POSITIONS_TABLE, OVERDRAFTS_TABLE, FEED_ID: feed = '' } = process.env;
const client = new DynamoDBClient();

/**
 * Another team's service: it charges a fee for each withdrawal that leaves an account below zero. A bus neither orders nor
 * counts, so Bob's withdrawal may arrive before the deposit that covers it. The consumer gives events in order per account,
 * reads what has not arrived from the events table, and writes the fee in one transaction with its position: Bob is never
 * fined wrongly, and nobody twice.
 */
export const handler = consumeEvents({
  name: 'overdraft-fees',
  feed,
  events: [MoneyDeposited, MoneyWithdrawn],
  positions: dynamoPositionTable({ client, tableName: POSITIONS_TABLE ?? '', feed }),
  table: dynamoEventTable({ client, tableName: EVENTS_TABLE ?? '' }),
  effect: async (event): Promise<TransactWriteItem[]> => {
    const before = await readAccount(event.aggregateUuid);
    const { amount } = event.data;
    const balance = event.type === 'MoneyDeposited' ? before.balance + amount : before.balance - amount;
    const fined = event.type === 'MoneyWithdrawn' && balance < 0;
    return [
      {
        Put: {
          TableName: OVERDRAFTS_TABLE,
          Item: {
            AggregateUuid: { S: event.aggregateUuid },
            Version: { N: String(event.version) },
            Balance: { N: String(balance) },
            Fees: { N: String(before.fees + (fined ? FEE : 0)) },
          },
        },
      },
    ];
  },
});

async function readAccount(aggregateUuid: string): Promise<{ balance: number; fees: number }> {
  const { Item } = await client.send(
    new GetItemCommand({
      TableName: OVERDRAFTS_TABLE,
      Key: { AggregateUuid: { S: aggregateUuid } },
      ConsistentRead: true,
    }),
  );
  return { balance: Number(Item?.Balance?.N ?? 0), fees: Number(Item?.Fees?.N ?? 0) };
}

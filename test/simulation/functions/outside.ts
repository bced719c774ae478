import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import { dynamoEventTable } from '../../../src/aws/dynamo-event-table.ts';
import { dynamoPositionTable } from '../../../src/aws/dynamo-position-table.ts';
import { environment } from '../../../src/aws/environment.ts';
import { reportOf } from '../../../src/aws/report.ts';
import { consumeEvents } from '../../../src/feed/consume/consume-events.ts';
import { Deposited } from './app.ts';

/** The world outside DynamoDB, which may fail, or never answer: given by the simulation to each execution environment. */
declare const outsideWorld: (consumer: string, feed: string, event: unknown, key: string) => Promise<void>;

let run: ReturnType<typeof consumeEvents> | undefined;

/** A subscriber whose effect lies outside DynamoDB: called at least once, in order. */
export const handler = (event: unknown, context: Context) => {
  if (run === undefined) {
    const client = new DynamoDBClient();
    const feed = environment('FEED_ID');
    const name = environment('CONSUMER');
    run = consumeEvents({
      name,
      feed,
      events: [Deposited],
      positions: dynamoPositionTable({ client, tableName: environment('POSITIONS_TABLE'), feed }),
      table: dynamoEventTable({ client, tableName: environment('EVENTS_TABLE') }),
      async act(deposited, { idempotencyKey }) {
        await outsideWorld(name, feed, deposited, idempotencyKey);
      },
      report: reportOf(name),
    });
  }
  return run(event, context);
};

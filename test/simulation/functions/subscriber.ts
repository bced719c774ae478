import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Context } from 'aws-lambda';
import { dynamoEventTable } from '../../../src/aws/dynamo-event-table.ts';
import { dynamoPositionTable } from '../../../src/aws/dynamo-position-table.ts';
import { environment } from '../../../src/aws/environment.ts';
import { reportOf } from '../../../src/aws/report.ts';
import { consumeEvents } from '../../../src/feed/consume/consume-events.ts';
import { Deposited } from './app.ts';

/** Does the effect fail this time? Given by the simulation to each execution environment. */
declare const failsNow: (consumer: string, aggregate: string, version: number) => boolean;

let run: ReturnType<typeof consumeEvents> | undefined;

/** A subscriber whose effect is an item: committed with its position in one transaction. */
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
      effect({ aggregateUuid, version, data }) {
        if (failsNow(name, aggregateUuid, version)) throw new Error('the effect fails');
        const Effect = { S: `${name}|${feed}|${aggregateUuid}|${version}` };
        return [
          { Put: { TableName: environment('EFFECTS_TABLE'), Item: { Effect, Data: { S: JSON.stringify(data) } } } },
        ];
      },
      report: reportOf(name),
    });
  }
  return run(event, context);
};

import { setTimeout as pause } from 'node:timers/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createEventStore, dynamoEventTable, dynamoProjectionTable, readProjected } from 'daybook';
import { Order, totals } from './shop.ts';

const [events = '', projections = ''] = process.argv.slice(2);
const client = new DynamoDBClient();
const store = createEventStore({ table: dynamoEventTable({ client, tableName: events }) });
const aggregateUuid = 'order-1';
await store.append({ aggregate: Order, aggregateUuid, expectedVersion: 0 }, [
  { type: 'OrderPlaced', data: { total: 20 } },
  { type: 'OrderPlaced', data: { total: 22 } },
]);

const table = dynamoProjectionTable({ client, tableName: projections });
for (;;) {
  const projected = await readProjected(table, totals, aggregateUuid);
  if (projected?.position === 2) {
    console.log(JSON.stringify(projected.state));
    break;
  }
  await pause(100);
}

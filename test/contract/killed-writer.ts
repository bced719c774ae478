/** A process of its own that writes until it is killed: `killed-writer.ts ENDPOINT TABLE FIRST`, from its FIRST commit on. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createEventStore, dynamoEventTable } from '../../src/index.ts';
import { Account } from './bank.ts';
import { COMMITS, commitOf } from './killed-commits.ts';

const [endpoint = '', tableName = '', first = '0'] = process.argv.slice(2);
const client = new DynamoDBClient({
  endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});
const store = createEventStore({ table: dynamoEventTable({ client, tableName }) });

for (let n = Number(first); n < COMMITS; n++) {
  const { expectedVersion, events, commitId } = commitOf(n);
  await store.append({ aggregate: Account, aggregateUuid: 'by-id', expectedVersion }, events, { commitId });
  await store.handle(Account, 'by-state', () => events);
  // Only what was written by then is known to the one that starts it again.
  process.stdout.write(`${n}\n`);
}

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createEventStore, dynamoEventTable } from '../../../src/index.ts';
import { SDK_CONFIG } from '../../local/sdk-handler.ts';
import { AGGREGATE } from '../ledger.ts';

/** Reads one aggregate from end to end, through the real client and a socket, and tells its parent what memory that took. */
const [endpoint = '', events = ''] = process.argv.slice(2);
const half = Number(events) / 2;
const { requestHandler: _, ...config } = SDK_CONFIG as typeof SDK_CONFIG & { readonly requestHandler?: unknown };
const client = new DynamoDBClient({ ...config, endpoint });
const store = createEventStore({ table: dynamoEventTable({ client, tableName: 'events' }) });

// A first page, so that what is loaded and compiled once is there.
for await (const { version } of store.read(AGGREGATE, { limit: 2000 })) if (version < 1) throw new Error('no version');
(globalThis as { gc?: () => void }).gc!();
const start = measure();
const halves = [
  { held: 0, resident: 0 },
  { held: 0, resident: 0 },
];
let count = 0;
for await (const { version } of store.read(AGGREGATE)) {
  count++;
  if (version !== count) throw new Error(`version ${version} came as the ${count}th`);
  if (count % 500 !== 0) continue;
  const peak = halves[count <= half ? 0 : 1]!;
  const now = measure();
  peak.held = Math.max(peak.held, now.held);
  peak.resident = Math.max(peak.resident, now.resident);
}
const [first, second] = halves as [typeof start, typeof start];
process.send!({
  count,
  held: Math.max(first.held, second.held) - start.held,
  resident: Math.max(first.resident, second.resident) - start.resident,
  growth: second.held - first.held,
});
client.destroy();
process.disconnect();

/** In bytes: what JavaScript holds, its garbage and buffers too; and all that the process has of the machine. */
function measure() {
  const { heapUsed, external, rss } = process.memoryUsage();
  return { held: heapUsed + external, resident: rss };
}

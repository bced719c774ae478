import assert from 'node:assert/strict';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createCloud } from '../../../local/cloud.ts';
import { createDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import { startHttp } from '../../../local/host/http.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { importEvents } from '../../../src/import/import-events.ts';
import { readLines } from '../../../src/import/read-lines.ts';
import type { EventTable } from '../../../src/index.ts';
import { makeDynamoTables } from '../../contract/dynamo-tables.ts';
import { SDK_CONFIG } from '../../local/sdk-handler.ts';
import { defineBench } from '../figure.ts';
import { transfer, typeOf } from '../ledger.ts';

const EVENTS = 1_000;
const AGGREGATES = 20;

/** An import into the embedded DynamoDB over HTTP, both in one process: what `daybook import` can reach at most, on one core. */
export default defineBench({
  name: 'import',
  rounds: 7,
  figures: [
    {
      name: 'import-rate',
      what: 'events imported into the embedded DynamoDB over HTTP, client and server on one core, wall',
      formula: { kind: 'rate', of: 'daybook', by: 'wall' },
      budget: { atLeast: 500 },
    },
  ],
  async prepare() {
    const kernel = realKernel({ seed: 1 });
    const cloud = createCloud(kernel);
    createDynamoDb(cloud);
    const failures: unknown[] = [];
    const front = await startHttp({
      cloud,
      roleOfAccessKey: () => undefined,
      s3: () => Promise.reject(new Error('no S3 here')),
      defect: (error) => failures.push(error),
    });
    const client = new DynamoDBClient({ ...SDK_CONFIG, endpoint: front.endpoint });
    const file = Buffer.from(
      Array.from({ length: EVENTS }, (_, i) => {
        const line = { aggregateUuid: `ledger-${i % AGGREGATES}`, type: typeOf(i), data: transfer(i) };
        return `${JSON.stringify(line)}\n`;
      }).join(''),
    );
    let table: EventTable;
    return {
      sides: {
        daybook: {
          count: EVENTS,
          async before() {
            ({ table } = await makeDynamoTables(client));
          },
          async run() {
            const summary = await importEvents({ table, lines: readLines(chunksOf(file)), onError: 'stop' });
            assert.equal(summary.written, EVENTS);
            assert.deepEqual(failures, []);
          },
        },
      },
      async close() {
        client.destroy();
        await front.stop();
        kernel.stop();
      },
    };
  },
});

async function* chunksOf(bytes: Buffer) {
  for (let start = 0; start < bytes.length; start += 65_536) yield bytes.subarray(start, start + 65_536);
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { expect, it } from 'vitest';
import { createCloud } from '../../local/cloud.ts';
import { createDynamoDb } from '../../local/dynamodb/dynamodb.ts';
import { startHttp } from '../../local/host/http.ts';
import { realKernel } from '../../local/kernel/real-kernel.ts';
import { createEventStore } from '../../src/index.ts';
import { SDK_CONFIG } from '../local/sdk-handler.ts';
import { nodeProgram } from '../node-program.ts';
import { Account } from './bank.ts';
import { makeDynamoTables } from './dynamo-tables.ts';
import { COMMITS, commitOf } from './killed-commits.ts';

/** Starts the writer, and kills it once it has said that `upTo` is written; gives the last commit that it said, and its end. */
async function writeUntilKilled(endpoint: string, tableName: string, first: number, upTo: number) {
  const argv = [...(await nodeProgram('test/contract/killed-writer.ts')), endpoint, tableName, String(first)];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  let last = first - 1;
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line);
    // It goes on writing while the signal is under way: it dies between two commits, or in one.
    if (last >= upTo) child.kill('SIGKILL');
  }
  const [code, signal] = await ended;
  return { last, end: signal ?? code };
}

it('a writer that is killed again and again leaves each commit once, and none in part', async () => {
  const cloud = createCloud(realKernel({ seed: 1 }));
  createDynamoDb(cloud);
  const defects: unknown[] = [];
  const front = await startHttp({
    cloud,
    roleOfAccessKey: () => undefined,
    s3: async () => ({ status: 404, headers: {}, body: '' }),
    defect: (error) => defects.push(error),
  });
  try {
    const client = new DynamoDBClient({ ...SDK_CONFIG, endpoint: front.endpoint });
    const { table, tableName } = await makeDynamoTables(client);
    let first = 0;
    const ends: unknown[] = [];
    for (const upTo of [3, 31, 70, COMMITS]) {
      const { last, end } = await writeUntilKilled(front.endpoint, tableName, first, upTo);
      // What it said last is written; it is run again all the same, as one does who does not know.
      first = Math.max(0, last - 1);
      ends.push(end);
    }
    expect(ends).toEqual(['SIGKILL', 'SIGKILL', 'SIGKILL', 0]);
    const store = createEventStore({ table });
    const seen: unknown[] = [];
    for await (const { version, data, commitId } of store.read('by-id')) seen.push({ version, data, commitId });
    const expected = Array.from({ length: COMMITS }, (_, n) => commitOf(n)).flatMap(
      ({ commitId, events, expectedVersion }) =>
        events.map(({ data }, i) => ({ version: expectedVersion + i + 1, data, commitId })),
    );
    expect(seen).toEqual(expected);
    // Without a commit id a command that is run again is done again, but never in part.
    const sizes = new Map<string, number[]>();
    for await (const { commitId, version } of store.read('by-state')) {
      sizes.set(commitId, [...(sizes.get(commitId) ?? []), version]);
    }
    for await (const page of table.query('by-state', {})) {
      for (const { commitId, commitFirst, commitLast } of page) {
        expect(sizes.get(commitId)).toHaveLength(commitLast - commitFirst + 1);
      }
    }
    expect((await store.load(Account, 'by-state')).version).toBeGreaterThanOrEqual(expected.length);
    expect(defects).toEqual([]);
  } finally {
    await front.stop();
  }
});

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { App } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type LocalRuntime, startLocal } from '../../local/index.ts';
import { main } from '../../src/cli/main.ts';
import { createEventStore, dynamoEventTable, type EventStore } from '../../src/index.ts';
import { Account } from './consumers/events.ts';
import { ShopStack } from './consumers/stack.ts';

vi.stubEnv('CDK_VALIDATION', 'false');

const guide = readFileSync(new URL('../../docs/consumers.md', import.meta.url), 'utf8');
const TRACE = '00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01';
const folder = mkdtempSync(join(tmpdir(), 'daybook-consumers-'));

interface Letter {
  readonly key: string | undefined;
  readonly traceparent: string | undefined;
  readonly amount: number;
}
const letters: Letter[] = [];
let server: Server;
let runtime: LocalRuntime;
let client: DynamoDBClient;
let store: EventStore;
let points: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      const { 'idempotency-key': key, traceparent } = request.headers as Record<string, string | undefined>;
      letters.push({ key, traceparent, amount: JSON.parse(body).amount });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const lettersUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const context = { 'daybook:local': true, 'aws:cdk:enable-path-metadata': true };
  const app = new App({ outdir: folder, analyticsReporting: false, context });
  new ShopStack(app, 'Shop', { lettersUrl });
  app.synth();
  runtime = await startLocal({ assembly: folder });
  const { outputs, byPath } = runtime.stacks.Shop!;
  points = byPath['Shop/Points']!;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  client = new DynamoDBClient({ endpoint: runtime.endpoint, region: runtime.account.region, credentials });
  store = createEventStore({
    table: dynamoEventTable({ client, tableName: outputs.DaybookEventsTableName! }),
    trace: () => TRACE,
  });
  for (const [name, value] of Object.entries({
    AWS_ENDPOINT_URL: runtime.endpoint,
    AWS_REGION: runtime.account.region,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    DAYBOOK_EVENTS_TABLE: outputs.DaybookEventsTableName!,
    DAYBOOK_POSITIONS_TABLE: outputs.DaybookPositionsTableName!,
    DAYBOOK_FEED: outputs.DaybookFeedName!,
  }))
    vi.stubEnv(name, value);
}, 120_000);

afterAll(async () => {
  vi.unstubAllEnvs();
  client?.destroy();
  await runtime?.stop();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

const takePart = (account: string) =>
  client.send(new PutItemCommand({ TableName: points, Item: { Account: { S: account }, Points: { N: '0' } } }));
const pointsOf = async (account: string) => {
  const Key = { Account: { S: account } };
  return (await client.send(new GetItemCommand({ TableName: points, Key, ConsistentRead: true }))).Item?.Points?.N;
};
const deposit = async (account: string, amount: number) =>
  await store.append(await store.load(Account, account), [{ type: 'MoneyDeposited', data: { amount } }]);

async function daybook(...args: string[]) {
  const lines: string[] = [];
  const out = (text: string) => lines.push(text);
  const code = await main(args, { columns: 120, colored: false, out, err: out });
  return { code, lines };
}

/** What differs from run to run: names that are generated, times, and how often the shard was tried. */
const steady = (text: string) =>
  text
    .replace(/Shop-\S+/g, 'Shop-PointsKeeperFunction')
    .replace(/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME')
    .replace(/ +/g, ' ')
    .trimEnd();

/** The output that the guide shows for a command. */
function shown(command: string): string[] {
  const [, block = ''] = guide.split(`$ npx daybook ${command}\n`);
  return block
    .split(/\n(?:\$|```)/)[0]!
    .split('\n')
    .map(steady);
}

describe('the guide to consumers, in the embedded runtime', () => {
  it('an effect in DynamoDB, from the feed; what acts outside, from the bus; with the trace of the append', async () => {
    await takePart('alice');
    await deposit('alice', 2500);
    await deposit('alice', 500); // too small for a letter: no rule lets it through
    await deposit('alice', 1000);
    await vi.waitFor(async () => expect(await pointsOf('alice')).toBe('40'), { timeout: 40_000, interval: 100 });
    // The small one comes from the table: of a type that is asked for nothing is left out.
    await vi.waitFor(() => expect(letters.map(({ key }) => key)).toEqual(['alice:1', 'alice:2', 'alice:3']), {
      timeout: 40_000,
      interval: 100,
    });
    expect(letters.map(({ traceparent }) => traceparent)).toEqual([TRACE, TRACE, TRACE]);
  }, 90_000);

  it('an aggregate that fails is parked, others go on; it is listed, shown, mended and redriven as the guide says', async () => {
    await deposit('bob', 700); // he does not take part
    await deposit('bob', 300);
    await deposit('alice', 100);
    await vi.waitFor(async () => expect(await pointsOf('alice')).toBe('41'), { timeout: 40_000, interval: 100 });
    await vi.waitFor(
      async () => expect((await daybook('parked', 'points', '--json')).lines.join()).toContain('"waiting":2'),
      { timeout: 40_000, interval: 200 },
    );
    const listed = await daybook('parked');
    expect(listed.lines.map(steady)).toEqual(shown('parked'));
    const one = await daybook('parked', 'points', 'bob');
    expect(one.lines.map(steady)).toEqual(shown('parked points bob'));
    const early = await daybook('redrive', 'points', '--all');
    expect(early.code).toBe(1);
    expect(early.lines[0]).toBe('parked      bob  at version 1: feed.effectRefused');

    await takePart('bob');
    const redriven = await daybook('redrive', 'points', '--all');
    expect(redriven.lines.map(steady)).toEqual(shown('redrive points --all'));
    expect(redriven.code).toBe(0);
    expect(await pointsOf('bob')).toBe('10');
    await deposit('bob', 100);
    await vi.waitFor(async () => expect(await pointsOf('bob')).toBe('11'), { timeout: 40_000, interval: 100 });
    expect((await daybook('parked')).lines).toEqual(['nothing is parked']);
  }, 180_000);
});

describe('the guide', () => {
  it('shows code of files that run here', () => {
    const root = new URL('../../', import.meta.url);
    const blocks = [...guide.matchAll(/<!-- (\S+) -->\n```ts\n([\s\S]*?)```/g)];
    expect(blocks.length).toBeGreaterThanOrEqual(3);
    expect([...guide.matchAll(/```ts\n/g)]).toHaveLength(blocks.length);
    for (const [, file = '', code] of blocks) expect(code).toBe(readFileSync(new URL(file, root), 'utf8'));
  });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AthenaClient } from '@aws-sdk/client-athena';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { DuckDBInstance } from '@duckdb/node-api';
import { createEventStore, dynamoEventTable } from 'daybook';
import { s3EventArchive } from 'daybook/archive';
import { type LocalRuntime, startLocal } from 'daybook/local';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Account } from '../../../examples/bank/account.ts';
import type { Finding } from '../../../src/archive/findings.ts';
import {
  filesListKey,
  type Generation,
  manifestKey,
  NO_GENERATION,
  parseGeneration,
} from '../../../src/archive/generation.ts';
import { athenaCurrentGeneration } from '../../../src/aws/athena-current-generation.ts';
import { main } from '../../../src/cli/main.ts';
import { bucketOf } from '../../../src/event/bucket.ts';
import { bankAssembly } from '../../bank-assembly.ts';

/** The bank as it is deployed, with an archive that its own compaction made: what is done to the files by hand is named. */
let runtime: LocalRuntime;
let clients: { dynamodb: DynamoDBClient; s3: S3Client; athena: AthenaClient; states: SFNClient; lambda: LambdaClient };
let Bucket: string;
let generation: Generation;
const folder = mkdtempSync(join(tmpdir(), 'daybook-compacted-'));
/** Five aggregates, each in a bucket of its own, with as many events as their place says, and one event more that is still raw. */
const IDS = ['alice', 'bob', 'carol', 'dora', 'frank'];
const eventsOf = (id: string) => 4 + 2 * IDS.indexOf(id);
const ALL = IDS.reduce((sum, id) => sum + eventsOf(id) + 1, 0);

beforeAll(async () => {
  expect(new Set(IDS.map(bucketOf)).size).toBe(IDS.length);
  runtime = await startLocal({ assembly: await bankAssembly(), deliverWithinMs: 1000 });
  process.env.AWS_ACCESS_KEY_ID = 'local';
  process.env.AWS_SECRET_ACCESS_KEY = 'local';
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const config = { endpoint: runtime.endpoint, region: runtime.account.region, credentials };
  clients = {
    dynamodb: new DynamoDBClient(config),
    s3: new S3Client({ ...config, forcePathStyle: true }),
    athena: new AthenaClient(config),
    states: new SFNClient(config),
    lambda: new LambdaClient(config),
  };
  Bucket = output('ArchiveBucketName');
  for (const id of IDS) {
    const deposits = Array.from({ length: eventsOf(id) - 1 }, (_, i) => deposit(i));
    await append(id, 0, [{ type: 'AccountOpened', data: { holder: id } }, ...deposits]);
  }
  await delivered();
  await compact();
  for (const id of IDS) await append(id, eventsOf(id), [deposit(99)]);
  await delivered();
}, 400_000);
afterAll(async () => {
  for (const client of Object.values(clients ?? {})) client.destroy();
  await runtime?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const output = (name: string) => runtime.stacks.Bank!.outputs[`Daybook${name}`]!;
const deposit = (amount: number) => ({ type: 'MoneyDeposited' as const, data: { amount: amount + 1 } });
const table = () => dynamoEventTable({ client: clients.dynamodb, tableName: output('EventsTableName') });

async function append(
  id: string,
  expectedVersion: number,
  events: Parameters<ReturnType<typeof createEventStore>['append']>[1],
) {
  await createEventStore({ table: table() }).append(
    { aggregate: Account, aggregateUuid: id, expectedVersion },
    events as never,
  );
}

async function delivered(): Promise<void> {
  await runtime.idle();
  await runtime.flush();
}

/** Everything that has arrived, today's too. */
async function compact(): Promise<void> {
  const before = new Date(Date.now() + 48 * 3_600_000).toISOString().slice(0, 10);
  const { executionArn } = await clients.states.send(
    new StartExecutionCommand({
      stateMachineArn: output('CompactionStateMachineArn'),
      input: JSON.stringify({ before }),
    }),
  );
  const currentGeneration = athenaCurrentGeneration({ client: clients.athena, database: output('DatabaseName') });
  let current = NO_GENERATION;
  while (current === NO_GENERATION) {
    await new Promise((done) => setTimeout(done, 200));
    current = await currentGeneration();
    const { status, error, cause } = await clients.states.send(new DescribeExecutionCommand({ executionArn }));
    if (status !== 'RUNNING') throw new Error(`${status}: ${error} ${cause}`);
  }
  await clients.states.send(new StopExecutionCommand({ executionArn }));
  generation = parseGeneration(current, (await bytesOf(manifestKey(current))).toString());
  expect(generation).toMatchObject({ events: ALL - IDS.length, files: IDS.map(() => ({})) });
  // It would wait for two hours and then do this.
  for (const { key } of generation.taken) await clients.s3.send(new DeleteObjectCommand({ Bucket, Key: key }));
}

const bytesOf = async (Key: string) =>
  Buffer.from(await (await clients.s3.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToByteArray());

/** What was taken or overwritten by hand, to put back after each test: originals of compacted events are not there to help. */
const kept = new Map<string, Buffer>();
async function replace(key: string, bytes: Buffer | undefined): Promise<void> {
  if (!kept.has(key)) kept.set(key, await bytesOf(key));
  if (bytes === undefined) await clients.s3.send(new DeleteObjectCommand({ Bucket, Key: key }));
  else await clients.s3.send(new PutObjectCommand({ Bucket, Key: key, Body: bytes }));
}
afterEach(async () => {
  for (const [Key, Body] of kept) await clients.s3.send(new PutObjectCommand({ Bucket, Key, Body }));
  kept.clear();
});

const fileOf = (id: string) => generation.files.find(({ bucket }) => bucket === bucketOf(id))!;

/** The file's rows through a query, written as Parquet again. */
async function rewritten(key: string, select: (rows: string) => string): Promise<Buffer> {
  const [from, to] = [join(folder, 'from.parquet'), join(folder, 'to.parquet')];
  await writeFile(from, await bytesOf(key));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`COPY (${select(`read_parquet('${from}')`)}) TO '${to}' (FORMAT parquet, COMPRESSION zstd)`);
  connection.closeSync();
  instance.closeSync();
  return await readFile(to);
}

interface Verified {
  readonly complete: boolean;
  readonly archived: number;
  readonly events: number;
  readonly findings: Finding[];
  readonly restored?: string;
}

async function verified(...more: string[]): Promise<Verified> {
  const out: string[] = [];
  const terminal = { columns: 200, colored: false, out: (text: string) => out.push(text), err: () => {} };
  const where = ['--stack', 'Bank', '--endpoint-url', runtime.endpoint, '--region', runtime.account.region];
  const code = await main(['verify', '--yes', '--json', '--lag', '0', ...more, ...where], terminal);
  const report = JSON.parse(out[0]!);
  expect(code).toBe(report.complete ? 0 : 1);
  return report;
}

const missing = (id: string, to = eventsOf(id)) =>
  expect.objectContaining({ kind: 'missing', aggregate: id, from: 1, to });

async function readAll(): Promise<string[]> {
  const { s3, athena } = clients;
  const archive = s3EventArchive({ s3, bucket: Bucket, athena, database: output('DatabaseName') });
  const found: string[] = [];
  const store = createEventStore({ table: table(), archive });
  for await (const { aggregateUuid, version } of store.readAll({})) found.push(`${aggregateUuid} ${version}`);
  return found;
}

describe('of an archive that was compacted', { timeout: 240_000 }, () => {
  it('verify finds everything, by the content hashes of the manifest too; readAll gives each event once', async () => {
    expect(await verified()).toMatchObject({ complete: true, events: ALL, archived: ALL, findings: [] });
    const expected = IDS.flatMap((id) => Array.from({ length: eventsOf(id) + 1 }, (_, i) => `${id} ${i + 1}`));
    const found = await readAll();
    expect([...found].sort()).toEqual(expected.sort());
    for (const id of IDS) {
      const versions = found.filter((one) => one.startsWith(`${id} `)).map((one) => Number(one.split(' ')[1]));
      expect(versions).toEqual(versions.map((_, i) => i + 1));
    }
  });

  it('verify names what was deleted, cut off, damaged inside and copied, and each event that is gone with it', async () => {
    const [alice, bob, carol, dora] = IDS.map(fileOf);
    await replace(alice!.key, undefined);
    const cut = (await bytesOf(bob!.key)).subarray(0, bob!.bytes - 50);
    await replace(bob!.key, cut);
    const damaged = await bytesOf(carol!.key);
    damaged.fill(0xa5, 40, 400); // pages, not the footer
    await replace(carol!.key, damaged);
    // A copy that nobody reads is no fault; one that queries read is: an event of dora stands twice.
    await replace(
      dora!.key,
      await rewritten(dora!.key, (rows) => `FROM ${rows} UNION ALL FROM ${rows} WHERE version = 3`),
    );
    const { complete, findings } = await verified();
    expect(complete).toBe(false);
    const of = (kind: Finding['kind']) => findings.filter((finding) => finding.kind === kind);
    expect(of('gone')).toEqual([{ kind: 'gone', key: alice!.key, bytes: alice!.bytes }]);
    expect(of('unreadable')).toEqual(
      expect.arrayContaining([
        { kind: 'unreadable', key: bob!.key, bytes: bob!.bytes, reason: expect.stringContaining('No magic bytes') },
        expect.objectContaining({ kind: 'unreadable', key: carol!.key }),
      ]),
    );
    expect(of('unreadable')).toHaveLength(2);
    expect(of('missing')).toHaveLength(3);
    expect(of('missing')).toEqual(expect.arrayContaining([missing('alice'), missing('bob'), missing('carol')]));
    expect(of('twice')).toEqual([{ kind: 'twice', aggregate: 'dora', version: 3, key: dora!.key }]);
    expect(of('changed')).toEqual(
      expect.arrayContaining([
        { kind: 'changed', key: bob!.key, expected: `${bob!.bytes} bytes`, actual: `${cut.length} bytes` },
        { kind: 'changed', key: dora!.key, expected: `${dora!.rows} rows`, actual: `${dora!.rows + 1} rows` },
      ]),
    );
    expect(of('extra')).toEqual([]);
    expect(of('differing')).toEqual([]);
  });

  it('verify names one by one the events of a file that was written anew: left out, added, with another content', async () => {
    const dora = fileOf('dora');
    await replace(
      dora.key,
      await rewritten(
        dora.key,
        (rows) => `
        SELECT * REPLACE (CASE version WHEN 4 THEN 77 ELSE version END AS version,
          CASE version WHEN 2 THEN '{"amount":1000}' ELSE data END AS data) FROM ${rows} WHERE version <> 6`,
      ),
    );
    const { findings } = await verified();
    expect(findings.filter(({ kind }) => kind !== 'changed' && kind !== 'hole')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'missing', aggregate: 'dora', from: 4, to: 4 }),
        expect.objectContaining({ kind: 'missing', aggregate: 'dora', from: 6, to: 6 }),
        expect.objectContaining({ kind: 'extra', aggregate: 'dora', from: 77, to: 77, key: dora.key }),
        { kind: 'differing', aggregate: 'dora', version: 2, key: dora.key },
      ]),
    );
    expect(findings.filter(({ kind }) => ['missing', 'extra', 'differing', 'twice'].includes(kind))).toHaveLength(4);
  });

  it('verify compares a file with the manifest’s content hash, and names the event whose type of aggregate is another', async () => {
    const frank = fileOf('frank');
    const elsewhere = `SELECT * REPLACE (CASE version WHEN 1 THEN 'Acount' ELSE aggregate_type END AS aggregate_type)`;
    await replace(frank.key, await rewritten(frank.key, (rows) => `${elsewhere} FROM ${rows}`));
    const { findings } = await verified();
    expect(findings).toEqual(
      expect.arrayContaining([
        {
          kind: 'changed',
          key: frank.key,
          expected: `content ${frank.contentHash.split(':')[1]}`,
          actual: expect.stringMatching(/^content \d+$/),
        },
        { kind: 'differing', aggregate: 'frank', version: 1, key: frank.key },
      ]),
    );
  });

  it('verify looks at the lists that Athena reads: a line that was taken out, one that stands twice, a list that is gone', async () => {
    const [alice, bob, carol] = IDS.map((id) => filesListKey(generation.generation, bucketOf(id)));
    await replace(alice!, Buffer.from(''));
    await replace(bob!, Buffer.concat([await bytesOf(bob!), await bytesOf(bob!)]));
    await replace(carol!, undefined);
    const { complete, findings } = await verified();
    expect(complete).toBe(false);
    const key = fileOf('bob').key;
    expect(findings).toEqual(
      [
        { kind: 'changed', key: alice, expected: fileOf('alice').key, actual: '' },
        { kind: 'changed', key: bob, expected: key, actual: `${key}, ${key}` },
        { kind: 'gone', key: carol, bytes: 0 },
      ].sort((a, b) => (a.key! < b.key! ? -1 : 1)),
    );
  });

  it('verify --fix makes a manifest anew that is gone, of what its compaction left, and compares by it', async () => {
    const key = manifestKey(generation.generation);
    const bytes = await bytesOf(key);
    await replace(key, undefined);
    await expect(readAll()).rejects.toMatchObject({ code: 'archive.manifestGone', details: { key } });
    const report = await verified('--fix');
    expect(report).toMatchObject({ complete: true, events: ALL, archived: ALL, findings: [], restored: key });
    expect((await bytesOf(key)).toString()).toBe(bytes.toString());
    expect((await verified('--fix')).restored).toBeUndefined();
  });

  it('readAll never leaves out what it cannot read: it names the file', async () => {
    const { key } = fileOf('carol');
    await replace(key, undefined);
    await expect(readAll()).rejects.toMatchObject({ code: 'archive.unreadable', details: { key } });
    const cut = kept.get(key)!.subarray(0, 300);
    await replace(key, cut);
    await expect(readAll()).rejects.toMatchObject({ code: 'archive.unreadable', details: { key } });
    // The keys can be read and the texts not: what lies behind the first columns is damaged.
    const damaged = Buffer.from(kept.get(key)!);
    const text = damaged.indexOf(Buffer.from('{"amount"'));
    damaged.fill(0xa5, text < 0 ? 700 : text, (text < 0 ? 700 : text) + 60);
    await replace(key, damaged);
    const found = await readAll().catch((error: unknown) => error);
    if (found instanceof Error) expect(found).toMatchObject({ code: 'archive.unreadable', details: { key } });
    else expect((await verified()).complete).toBe(false);
  });

  it('the check on a schedule counts what is not there and what cannot be read, proves the rest, and ends', async () => {
    const [alice, bob, carol] = IDS.map(fileOf);
    await replace(alice!.key, undefined);
    await replace(bob!.key, (await bytesOf(bob!.key)).subarray(0, 500));
    await replace(
      carol!.key,
      await rewritten(
        carol!.key,
        (rows) => `SELECT * REPLACE (CASE version WHEN 3 THEN '{}' ELSE data END AS data) FROM ${rows}`,
      ),
    );
    const FunctionName = runtime.stacks.Bank!.byPath['Bank/Daybook/Verification/Check/Function']!;
    const check = async () => {
      const { Payload, FunctionError } = await clients.lambda.send(new InvokeCommand({ FunctionName, Payload: '{}' }));
      expect(FunctionError).toBeUndefined();
      return JSON.parse(Buffer.from(Payload!).toString());
    };
    const first = await check();
    expect(first).toMatchObject({
      aggregates: IDS.length,
      // All of dora and frank, and carol's before the one that differs.
      proven: eventsOf('dora') + eventsOf('frank') + 2 + 2,
      // Of the others the rest counts as on its way: it was recorded less than half an hour ago.
      on_the_way: 3,
      round_complete: true,
    });
    expect(first.unreadable).toBeGreaterThan(0);
    expect(first.differing).toBeGreaterThan(0);
    expect(first.complete_up_to! < new Date().toISOString()).toBe(true);
  });
});

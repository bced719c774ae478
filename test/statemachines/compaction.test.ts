import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  StartQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import { ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  DescribeExecutionCommand,
  RedriveExecutionCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Daybook } from 'daybook/cdk';
import { startLocal } from 'daybook/local';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { bucketOf } from '../../src/event/bucket.ts';
import type { StoredEvent } from '../../src/event/stored-event.ts';
import { writeParquet } from '../src/archive/parquet-file.ts';
import { deposits } from '../src/archive/stored-events.ts';

/** Instead of two hours. */
const KEEP = Duration.seconds(8);

/** The whole machine in the embedded runtime: the template's own functions, roles, tables and states. */
let host: Awaited<ReturnType<typeof hostArchive>>;

beforeAll(async () => {
  host = await hostArchive();
}, 400_000);
afterAll(() => host?.close());

async function hostArchive() {
  const directory = mkdtempSync(join(tmpdir(), 'daybook-compaction-'));
  const app = new App({
    outdir: join(directory, 'cdk.out'),
    analyticsReporting: false,
    context: { 'daybook:local': true },
  });
  const stack = new Stack(app, 'Archive');
  new Daybook(stack, 'Daybook', { compaction: { keepReplacedFor: KEEP }, dashboard: false });
  const runtime = await startLocal({ assembly: app.synth().directory });
  const output = (name: string) => runtime.stacks.Archive!.outputs[`Daybook${name}`]!;
  const config = {
    endpoint: runtime.endpoint,
    region: runtime.account.region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  };
  const athena = new AthenaClient(config);
  const states = new SFNClient(config);
  const s3 = new S3Client({ ...config, forcePathStyle: true });
  const Bucket = output('ArchiveBucketName');
  let files = 0;
  process.env.AWS_ACCESS_KEY_ID = 'local';
  process.env.AWS_SECRET_ACCESS_KEY = 'local';
  const flags = ['--stack', 'Archive', '--endpoint-url', runtime.endpoint, '--region', runtime.account.region];
  return {
    states,
    /** The command line, pointed at this stack. */
    async daybook(...args: string[]) {
      const out: string[] = [];
      const err: string[] = [];
      const say = { columns: 120, colored: false, out: (t: string) => out.push(t), err: (t: string) => err.push(t) };
      const code = await main([...args, ...flags], say);
      return { code, out, err };
    },
    async close() {
      for (const client of [athena, states, s3]) client.destroy();
      await runtime.stop();
      rmSync(directory, { recursive: true });
    },
    /** Raw files as Firehose lays them out, one for each bucket. */
    async deliver(day: string, events: readonly StoredEvent[]) {
      for (const bucket of new Set(events.map((event) => bucketOf(event.aggregateUuid)))) {
        const path = join(directory, 'raw.parquet');
        await writeParquet(
          path,
          events.filter((event) => bucketOf(event.aggregateUuid) === bucket),
        );
        const Key = `events/day=${day}/bucket=${bucket}/feed-${String(files++).padStart(4, '0')}.parquet`;
        await s3.send(new PutObjectCommand({ Bucket, Key, Body: readFileSync(path) }));
      }
    },
    async keys(Prefix: string): Promise<string[]> {
      return ((await s3.send(new ListObjectsV2Command({ Bucket, Prefix }))).Contents ?? []).map(({ Key }) => Key!);
    },
    async sql(QueryString: string): Promise<string[][]> {
      const { QueryExecutionId } = await athena.send(
        new StartQueryExecutionCommand({
          QueryString,
          WorkGroup: output('WorkGroupName'),
          QueryExecutionContext: { Database: output('DatabaseName') },
        }),
      );
      for (;;) {
        const { QueryExecution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId }));
        const { State, StateChangeReason } = QueryExecution!.Status!;
        if (State === 'SUCCEEDED') break;
        if (State !== 'QUEUED' && State !== 'RUNNING') throw new Error(`${QueryString}: ${State} ${StateChangeReason}`);
        await pause(20);
      }
      const { ResultSet } = await athena.send(new GetQueryResultsCommand({ QueryExecutionId }));
      return ResultSet!.Rows!.slice(1).map(({ Data = [] }) => Data.map(({ VarCharValue = '' }) => VarCharValue));
    },
    async start(request: object = {}): Promise<string> {
      const { executionArn } = await states.send(
        new StartExecutionCommand({
          stateMachineArn: output('CompactionStateMachineArn'),
          input: JSON.stringify(request),
        }),
      );
      return executionArn!;
    },
    async ended(executionArn: string) {
      for (;;) {
        const {
          status,
          output: answer,
          error,
          cause,
        } = await states.send(new DescribeExecutionCommand({ executionArn }));
        if (status === 'SUCCEEDED') return JSON.parse(answer!);
        if (status !== 'RUNNING' && status !== 'PENDING_REDRIVE') throw new Error(`${status}: ${error} ${cause}`);
        await pause(50);
      }
    },
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

// count, sum of versions and distinct keys: an event twice, or one that is missing, changes one of them.
const CHECK = `SELECT count(*), sum(version), count(DISTINCT aggregate_uuid || '/' || cast(version AS varchar)) FROM events`;
const ids = Array.from({ length: 6 }, (_, i) => `account-${i}`);
const histories = (from: number, to: number) => ids.flatMap((id) => deposits(id, to).slice(from));

it('compacts while queries run: each sees every event once, before and after the originals are gone', async () => {
  expect((await host.daybook('archive', 'compact', '--dry-run')).out[0]).toMatch(
    /^There is nothing to compact before \S+: nothing arrived before that day\. Nothing was written\.$/,
  );
  await host.deliver('2026-01-08', histories(0, 10));
  await host.deliver('2026-01-09', histories(8, 20)); // two of each came again
  const wanted = [String(6 * 20), String((6 * 20 * 21) / 2), String(6 * 20)];
  expect(await host.sql(CHECK)).toEqual([wanted]);

  let running = true;
  const seen: string[][] = [];
  let askedAgain = 0;
  const reader = (async () => {
    while (running) {
      // A query that opens an original in the moment of its deletion fails, and is asked again (docs/compaction.md).
      const answer = await host.sql(CHECK).catch((error: Error) => error);
      if (!(answer instanceof Error)) seen.push(answer[0]!);
      else if (answer.message.includes('HIVE_CANNOT_OPEN_SPLIT')) askedAgain++;
      else throw answer;
      await pause(10);
    }
  })();
  const result = await host.ended(await host.start());
  running = false;
  await reader;
  expect(result).toMatchObject({ outcome: 'switched', events: 120, excluded: 0, conflicts: 0 });
  expect(result.deleted.raw).toBeGreaterThan(0);
  expect(await host.keys('events/')).toEqual([]);
  expect(seen.length).toBeGreaterThan(3);
  expect(askedAgain).toBeLessThan(5);
  for (const one of seen) expect(one).toEqual(wanted);
  expect(await host.sql(CHECK)).toEqual([wanted]);
}, 400_000);

it('late rows and repeats are right at once, and are taken by the next run', async () => {
  await host.deliver('2026-01-08', histories(15, 25)); // a day that was closed long ago
  const wanted = [String(6 * 25), String((6 * 25 * 26) / 2), String(6 * 25)];
  expect(await host.sql(CHECK)).toEqual([wanted]);
  // Two at once: one switches, the other is superseded or finds nothing; both end well.
  const both = await Promise.all([host.start(), host.start()]);
  const results = await Promise.all(both.map((execution) => host.ended(execution)));
  expect(results.map(({ outcome }) => outcome)).toContain('switched');
  expect(await host.sql(CHECK)).toEqual([wanted]);
  await host.ended(await host.start());
  expect(await host.sql(CHECK)).toEqual([wanted]);
  expect(await host.keys('events/')).toEqual([]);
}, 400_000);

it('stopped wherever it is, it changes nothing that queries see, and the next run ends it', async () => {
  await host.deliver('2026-01-10', histories(25, 30));
  const wanted = [String(6 * 30), String((6 * 30 * 31) / 2), String(6 * 30)];
  for (const after of [0, 150, 500, 1200, 2500]) {
    const executionArn = await host.start();
    await pause(after);
    await host.states.send(new StopExecutionCommand({ executionArn })).catch(() => {});
    expect(await host.sql(CHECK)).toEqual([wanted]);
  }
  const stopped = await host.start(); // it needs longer than a stop takes: its first states are calls
  await host.states.send(new StopExecutionCommand({ executionArn: stopped }));
  await host.states.send(new RedriveExecutionCommand({ executionArn: stopped }));
  await host.ended(stopped);
  // Whoever switched may have been stopped before it cleaned: the first run after that time cleans for it.
  await pause(KEEP.toMilliseconds() + 1000);
  await host.ended(await host.start());
  expect(await host.sql(CHECK)).toEqual([wanted]);
  expect(await host.keys('events/')).toEqual([]);
}, 400_000);

it('started by hand it says what it would take, how far it is, and what it came to', async () => {
  const [[before] = []] = await host.sql('SELECT count(*) FROM events');
  await host.deliver('2026-01-11', histories(30, 32));
  const asked = await host.daybook('archive', 'compact', '--dry-run', '--json');
  expect(asked).toMatchObject({ code: 0, err: [] });
  const estimate = JSON.parse(asked.out[0]!);
  expect(estimate).toMatchObject({ days: ['2026-01-11', '2026-01-11'], before: new Date().toISOString().slice(0, 10) });
  expect(estimate.files).toBe(estimate.buckets);
  expect(estimate.rewritten).toBe(estimate.buckets); // each has its file of the year
  expect(estimate.dollars).toBeGreaterThan(0);
  const said = await host.daybook('archive', 'compact', '--dry-run');
  expect(said.out[0]).toBe('A compaction of the arrival days 2026-01-11 to 2026-01-11. Nothing was written.');
  expect((await host.daybook('archive', 'compact', '--dry-run', '--before', '2026-01-11')).out[0]).toMatch(
    /^There is nothing to compact before 2026-01-11: the generation \S+ has all of it\. Nothing was written\.$/,
  );
  const refused = await host.daybook('archive', 'compact', '--before', 'yesterday');
  expect(refused.code).toBe(2);
  expect(refused.err.join('\n')).toMatch(/--before is "yesterday"; allowed is a day of UTC/);
  expect((await host.daybook('archive', 'compact', '--before', '2026-02-30')).code).toBe(2);

  const started = await host.daybook('archive', 'compact', '--name', 'mine', '--json');
  expect(JSON.parse(started.out[0]!)).toMatchObject({ name: 'mine', execution: expect.stringMatching(/:mine$/) });
  const watched = await host.daybook('archive', 'compact', '--name', 'mine', '--watch');
  expect(watched.err).toContainEqual(
    expect.stringContaining('the originals stay until queries that began before have ended'),
  );
  expect(watched.code).toBe(0);
  expect(watched.out[0]).toMatch(/^\S+ is current: \d+ events were written, verified and switched to$/);
  const other = await host.daybook('archive', 'compact', '--name', 'mine', '--before', '2026-01-01');
  expect(other).toMatchObject({ code: 1, err: [expect.stringMatching(/cli\.compactionExists/)] });
  expect(watched.out.at(-1)).toMatch(/^\d+ raw files and \d+ files of older generations were deleted$/);
  expect(await host.sql('SELECT count(*) FROM events')).toEqual([[String(Number(before) + 6 * 2)]]);
  const idle = await host.daybook('archive', 'compact', '--watch', '--json');
  expect(JSON.parse(idle.out[0]!)).toMatchObject({ outcome: 'nothing' });
}, 400_000);

it('refuses a request that it does not know', async () => {
  await expect(host.start({ after: '2026' }).then((execution) => host.ended(execution))).rejects.toThrow(
    /archive\.badCompaction/,
  );
}, 60_000);

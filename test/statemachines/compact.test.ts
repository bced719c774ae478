import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Json, ServiceError } from '../../local/cloud.ts';
import { compactBucket, summaryOf } from '../../src/archive/compact-bucket.ts';
import { cleanUp } from '../../src/archive/compact-clean.ts';
import { planCompaction } from '../../src/archive/compact-plan.ts';
import { prepareSwitch } from '../../src/archive/compact-switch.ts';
import { currentViewSql, type GlueTable, generationOf, viewText } from '../../src/archive/current-view.ts';
import { readGeneration } from '../../src/archive/generation.ts';
import { FunctionError, functionArn, Workbench } from '../local/stepfunctions/workbench.ts';
import { type FolderBucket, folderBucket } from '../src/archive/folder-bucket.ts';
import { deposits } from '../src/archive/stored-events.ts';

/** The machine as it is deployed, in virtual time, over the real verbs and a folder: each state can be stopped at exactly. */
const KEEP_SECONDS = 7200;
const definition = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../statemachines/compact.asl.json'), 'utf8').replaceAll(
    /\$\{(\w+)\}/g,
    (_, name: string) =>
      ({
        DatabaseName: 'archive',
        KeepSeconds: String(KEEP_SECONDS),
        CompactPlanFunctionArn: functionArn('plan'),
        CompactBucketFunctionArn: functionArn('bucket'),
        CompactSwitchFunctionArn: functionArn('switch'),
        CompactCleanFunctionArn: functionArn('clean'),
      })[name] ?? `no value for ${name}`,
  ),
);

/** What the machine calls, by the state that calls it, in the order in which it comes there. */
const CALLS = [
  'ReadColumns',
  'ReadCurrent',
  'Plan',
  'CompactBuckets',
  'ReadBeforeSwitch',
  'PrepareSwitch',
  'Switch',
  'ReadForCleaning',
  'Clean',
] as const;
type State = (typeof CALLS)[number];

let bucket: FolderBucket;
let table: GlueTable;
let bench: Workbench;
let machine: string;
let running: Set<Promise<unknown>>;
/** Called once when the machine comes to this state's call; what it throws the call fails with. */
let trap: { readonly at: State; readonly spring: () => Promise<'go on' | 'die'> } | undefined;

const abc = deposits('abc', 6);
const other = deposits('other', 3);

beforeEach(async () => {
  bucket = folderBucket(mkdtempSync(join(tmpdir(), 'daybook-compact-machine-')));
  running = new Set();
  trap = undefined;
  const originalSql = currentViewSql(['version'], 'none');
  const columns = [{ name: 'version', type: 'bigint' }];
  table = {
    Name: 'events_current',
    VersionId: '0',
    TableType: 'VIRTUAL_VIEW',
    ViewOriginalText: viewText({ originalSql, catalog: 'awsdatacatalog', schema: 'archive', columns }),
    Parameters: { 'daybook.generation': 'none' },
  };
  const now = () => bench.kernel.clock.now();
  const most = { columns: [], memoryLimit: 256, threads: 1 };
  const functions = {
    plan: called('Plan', ({ table, request, execution }: Json) =>
      planCompaction(bucket, { table, request, execution, nowMs: now() }),
    ),
    bucket: called('CompactBuckets', async ({ plan, slice }: Json) =>
      summaryOf(await compactBucket(bucket, plan, slice, most)),
    ),
    switch: called('PrepareSwitch', ({ plan, table }: Json) =>
      prepareSwitch(bucket, plan, { table, archiveBucket: 'cold', nowMs: now() }),
    ),
    clean: called('Clean', ({ table }: Json) => cleanUp(bucket, { table, keepMs: KEEP_SECONDS * 1000, nowMs: now() })),
  };
  bench = new Workbench(functions, { glue });
  machine = await bench.create(definition);
  await bucket.deliver('2025-12-29', abc.slice(0, 4));
  await bucket.deliver('2025-12-30', abc.slice(3)); // one came again
  await bucket.deliver('2025-12-30', other);
});
afterEach(() => rmSync(bucket.folder, { recursive: true }));

/** A function takes real time, in which the machine's clock stands. */
function called(state: State, verb: (event: Json) => Promise<unknown>) {
  return (event: Json): Promise<Json> => {
    const call = (async () => {
      const fate = await sprung(state);
      if (fate === 'die') throw new FunctionError('DaybookError', 'killed');
      return await verb(event).catch((error: Error) => {
        throw new FunctionError(error.name, error.message);
      });
    })();
    const settled = call.then(
      () => {},
      () => {},
    );
    running.add(settled);
    void settled.then(() => running.delete(settled));
    return call;
  };
}

/** `GetTable` and an `UpdateTable` that is refused when somebody was quicker. */
let read = 0;
async function glue(operation: string, { Name, TableInput, VersionId }: Json): Promise<Json> {
  if (operation === 'UpdateTable') {
    const fate = await sprung('Switch');
    if (fate === 'die') throw new ServiceError('InvalidInputException', 'killed');
    if (VersionId !== table.VersionId) throw new ServiceError('ConcurrentModificationException', 'changed meanwhile');
    table = { ...TableInput, VersionId: String(Number(VersionId) + 1) };
    return {};
  }
  if (Name === 'events_compacted') {
    read = 0;
    if ((await sprung('ReadColumns')) === 'die') throw new ServiceError('InvalidInputException', 'killed');
    return { Table: { Name, Parameters: { 'daybook.typedColumns': '[]' } } };
  }
  const state = (['ReadCurrent', 'ReadBeforeSwitch', 'ReadForCleaning'] as const)[read++ % 3]!;
  if ((await sprung(state)) === 'die') throw new ServiceError('InvalidInputException', 'killed');
  return { Table: table };
}

async function sprung(state: State): Promise<'go on' | 'die'> {
  if (trap?.at !== state) return 'go on';
  const { spring } = trap;
  trap = undefined;
  return await spring();
}

const start = async (): Promise<string> =>
  (await bench.states('StartExecution', { stateMachineArn: machine, input: '{}' })).executionArn;
const stop = (executionArn: string) => bench.states('StopExecution', { executionArn });
const statusOf = async (executionArn: string): Promise<string> =>
  (await bench.states('DescribeExecution', { executionArn })).status;

/** Lets time pass until nothing is left to do, for as many hours; meanwhile each function takes the time that it takes. */
async function pass(hours = 3): Promise<void> {
  const until = bench.kernel.clock.now() + hours * 3_600_000;
  while (bench.kernel.clock.now() < until) {
    await bench.pass(0);
    for (let quiet = 0; quiet < 3; quiet++) {
      while (running.size > 0) {
        await Promise.all(running);
        quiet = 0;
      }
      await bench.pass(0);
    }
    await bench.pass(60_000);
  }
}

/** What the view `events` shows: the current generation, and of the raw rows those that are not in it, each once. */
async function seen(): Promise<unknown[]> {
  const { files } = await readGeneration(bucket.readText, generationOf(table));
  const raw = bucket.all('events/').map(({ key }) => join(bucket.folder, key));
  const read = (paths: readonly string[]) =>
    paths.length === 0
      ? `SELECT '' AS aggregate_uuid, 0::BIGINT AS version WHERE false`
      : `SELECT aggregate_uuid, version FROM read_parquet([${paths.map((path) => `'${path}'`).join(', ')}])`;
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  const current = read(files.map(({ key }) => join(bucket.folder, key)));
  const rows = await connection.runAndReadAll(
    `SELECT aggregate_uuid, version::INT FROM (SELECT * FROM (${current}) UNION ALL
       (SELECT DISTINCT * FROM (${read(raw)}) r WHERE NOT EXISTS
         (FROM (${current}) c WHERE c.aggregate_uuid = r.aggregate_uuid AND c.version = r.version))) ORDER BY ALL`,
  );
  const answer = rows.getRowsJson();
  connection.closeSync();
  instance.closeSync();
  return answer;
}
const everything = [...abc, ...other].map(({ aggregateUuid, version }) => [aggregateUuid, version]);

/** Ended: each event once, in one generation, and nothing of what was before or was left half done. */
async function expectDone(): Promise<void> {
  expect(await seen()).toEqual(everything);
  const generation = await readGeneration(bucket.readText, generationOf(table));
  expect(generation.events).toBe(everything.length);
  expect(bucket.all('events/')).toEqual([]);
  expect(
    bucket
      .all('compacted/files/')
      .map(({ key }) => key)
      .sort(),
  ).toEqual(generation.files.map(({ key }) => key).sort());
}

it('goes from raw files to one generation, and deletes them two hours after the switch', async () => {
  const execution = await start();
  await pass(1);
  expect(await statusOf(execution)).toBe('RUNNING');
  expect(bucket.all('events/')).toHaveLength(3);
  expect(await seen()).toEqual(everything);
  await pass(2);
  expect(JSON.parse((await bench.states('DescribeExecution', { executionArn: execution })).output)).toMatchObject({
    outcome: 'switched',
    events: 9,
    deleted: { raw: 3 },
  });
  await expectDone();
});

describe.each(CALLS)('at %s', (at) => {
  it('stopped before it: everything is seen, and redriven it ends', async () => {
    const execution = await start();
    trap = { at, spring: () => stop(execution).then(() => 'die') };
    await pass();
    expect(await statusOf(execution)).toBe('ABORTED');
    expect(await seen()).toEqual(everything);
    await bench.states('RedriveExecution', { executionArn: execution });
    await pass();
    expect(await statusOf(execution)).toBe('SUCCEEDED');
    await expectDone();
  });

  it('stopped while it is done, which it is all the same: everything is seen, and another run ends it', async () => {
    const execution = await start();
    trap = { at, spring: () => stop(execution).then(() => 'go on') };
    await pass();
    expect(await statusOf(execution)).toBe('ABORTED');
    expect(await seen()).toEqual(everything);
    const again = await start();
    await pass();
    expect(await statusOf(again)).toBe('SUCCEEDED');
    await expectDone();
  });

  it('failed there: everything is seen, and redriven it ends', async () => {
    const execution = await start();
    trap = { at, spring: async () => 'die' };
    await pass();
    expect(await statusOf(execution)).toBe('FAILED');
    expect(await seen()).toEqual(everything);
    await bench.states('RedriveExecution', { executionArn: execution });
    await pass();
    expect(await statusOf(execution)).toBe('SUCCEEDED');
    await expectDone();
  });
});

it('stopped while it waits for queries: another run deletes what it would have', async () => {
  const execution = await start();
  await pass(1);
  await stop(execution);
  expect(await seen()).toEqual(everything);
  expect(bucket.all('events/')).toHaveLength(3);
  await pass(2);
  await start();
  await pass();
  await expectDone();
});

it('knows every state that calls something', () => {
  const calling = Object.entries(definition.States as Record<string, Json>)
    .filter(([, { Type }]) => Type === 'Task' || Type === 'Map')
    .map(([name]) => name);
  expect(calling.sort()).toEqual([...CALLS].sort());
});

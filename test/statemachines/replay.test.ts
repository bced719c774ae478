import { fileURLToPath } from 'node:url';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  ListFunctionsCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { createEventStore, dynamoEventTable, dynamoProjectionTable, readProjected } from 'daybook';
import { startLocal, synthesize } from 'daybook/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Account } from '../../examples/bank/account.ts';
import { balances } from '../../examples/bank/projections.ts';
import { main } from '../../src/cli/main.ts';
import { expectSchema } from '../functions/schemas.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Asks again and again, for as long as the machine may take under load. */
async function until<T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T> {
  for (let tries = 0; tries < 500; tries++) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    await pause(100);
  }
  throw new Error(`${what} did not come about`);
}

describe('the replay machine, as the bank deploys it', () => {
  let runtime: Awaited<ReturnType<typeof startLocal>>;
  let assembly: Awaited<ReturnType<typeof synthesize>>;
  let output: (name: string) => string;
  let clients: { dynamodb: DynamoDBClient; states: SFNClient; events: EventBridgeClient; lambda: LambdaClient };
  const told: { detailType: string; source: string }[] = [];
  const environment = { ...process.env };

  beforeAll(async () => {
    assembly = await synthesize(`${root}stacks/app.ts`);
    runtime = await startLocal({
      assembly: assembly.directory,
      deliverWithinMs: 1000,
      onTrace: ({ service, what, detail }) => {
        if (service === 'events' && what === 'event put') told.push(detail as (typeof told)[number]);
      },
    });
    const [stack] = Object.values(runtime.stacks).filter(({ outputs }) => 'DaybookEventsTableName' in outputs);
    output = (name) => stack!.outputs[`Daybook${name}`]!;
    const config = {
      endpoint: runtime.endpoint,
      region: runtime.account.region,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    };
    clients = {
      dynamodb: new DynamoDBClient(config),
      states: new SFNClient(config),
      events: new EventBridgeClient(config),
      lambda: new LambdaClient(config),
    };
    Object.assign(process.env, runtime.environment, {
      DAYBOOK_REPLAY_STATE_MACHINE: output('ReplayStateMachineArn'),
      DAYBOOK_PROJECTIONS_TABLE: output('ProjectionsTableName'),
      DAYBOOK_EVENTS_TABLE: output('EventsTableName'),
      DAYBOOK_DATABASE: output('DatabaseName'),
      DAYBOOK_WORK_GROUP: output('WorkGroupName'),
      DAYBOOK_ARCHIVE_BUCKET: output('ArchiveBucketName'),
    });
    const store = createEventStore({
      table: dynamoEventTable({ client: clients.dynamodb, tableName: output('EventsTableName') }),
    });
    for (const id of ['a', 'b', 'c']) {
      await store.append({ aggregate: Account, aggregateUuid: id, expectedVersion: 0 }, [
        { type: 'AccountOpened', data: { holder: id } },
        { type: 'MoneyDeposited', data: { amount: 100 } },
      ]);
    }
    await until('the bank’s events in the projection', async () => (await balanceOf('c')) === 100);
  });

  afterAll(async () => {
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
    Object.assign(process.env, environment);
    for (const client of Object.values(clients ?? {})) client.destroy();
    await runtime?.stop();
    assembly?.dispose();
  });

  const projections = () =>
    dynamoProjectionTable({ client: clients.dynamodb, tableName: output('ProjectionsTableName') });
  const balanceOf = async (id: string, build?: string) =>
    (await readProjected(projections(), balances, id, build === undefined ? {} : { build }))?.state.balance;
  const buildOf = async (id: string) => (await readProjected(projections(), balances, id))?.build;

  async function daybook(...args: string[]) {
    const out: string[] = [];
    const err: string[] = [];
    const terminal = {
      columns: Number.POSITIVE_INFINITY,
      colored: false,
      out: (line: string) => out.push(line),
      err: (line: string) => err.push(line),
    };
    const code = await main(args, terminal);
    return { code, out: out.join('\n'), err: err.join('\n') };
  }
  const replay = async (...args: string[]) => {
    const { code, out, err } = await daybook('replay', ...args, '--json');
    expect({ code, err }).toMatchObject({ code: 0 });
    return JSON.parse(out);
  };
  const statusOf = async (build: string) => {
    const { code, out } = await daybook('replay', 'list', '--projection', 'balances', '--json');
    expect(code).toBe(0);
    const records = out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
    return records.find((record) => record.build === build) as { status: string; role?: string } | undefined;
  };

  it('plans dry, with every step’s price, and writes nothing', async () => {
    const plan = await replay('plan', '--projection', 'balances');
    expect(plan).toMatchObject({ projection: 'balances', kind: 'rebuild', estimate: { aggregates: 3, events: 6 } });
    expect(plan.estimate.dollars).toBeGreaterThan(0);
    expect(await projections().pointer('balances', 1)).toEqual({});
    const { out } = await daybook('replay', 'plan', '--projection', 'balances');
    expect(out).toMatch(/rebuild of balances, version 1: 3 aggregates. Nothing was written/);
    expect(out).toMatch(/together/);
  });

  it('rebuilds beside live readers and promotes by one write; the build before stays to go back to', async () => {
    const first = await replay('start', '--projection', 'balances', '--name', 'first', '--verify', 'all', '--watch');
    expectSchema('replay-result', first);
    expect(first).toMatchObject({
      kind: 'rebuild',
      build: 'first',
      aggregates: 3,
      versions: 6,
      applied: 6,
      sampled: 3,
      differences: 0,
    });
    expect(await buildOf('a')).toBe('first');
    await replay('start', '--projection', 'balances', '--name', 'second', '--watch');
    expect(await buildOf('a')).toBe('second');
    const back = await replay('rollback', '--projection', 'balances', '--name', 'back', '--watch');
    expectSchema('replay-result', back);
    expect(back).toMatchObject({ kind: 'rollback', build: 'first' });
    expect(await buildOf('a')).toBe('first');
    await until('the records', async () => (await statusOf('second'))?.status === 'promoted');
    expect(await statusOf('first')).toMatchObject({ role: 'live' });
    expect(await statusOf('second')).toMatchObject({ role: 'the one before' });
    const types = told.filter(({ source }) => source === 'daybook.replay').map(({ detailType }) => detailType);
    for (const type of ['Replay Started', 'Replay Progress', 'Replay Promoted', 'Replay Rolled Back']) {
      expect(types).toContain(type);
    }
  });

  it('makes a report of the aggregates that a query names, and SQL reads it at once', async () => {
    await until('the archive', async () => {
      const { out } = await daybook('sql', 'SELECT count(*) AS n FROM events', '--format', 'csv');
      return /\b6\b/.test(out);
    });
    const range = [
      '--sql',
      "SELECT DISTINCT aggregate_uuid FROM events WHERE aggregate_uuid <> 'b'",
      '--first',
      '2',
      '--last',
      '2',
    ];
    const report = await replay('start', '--projection', 'balances', ...range, '--name', 'some', '--watch');
    expectSchema('replay-result', report);
    expect(report).toMatchObject({ kind: 'report', build: 'some', aggregates: 2, applied: 2 });
    expect(await balanceOf('a', 'some')).toBe(100);
    expect(await balanceOf('b', 'some')).toBeUndefined();
    const query =
      "SELECT aggregate_uuid, json_extract_scalar(state, '$.balance') AS balance FROM reports WHERE projection = 'balances' AND build = 'some' ORDER BY 1";
    const { out, err } = await daybook('sql', query, '--format', 'jsonl');
    expect(
      out
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line)),
      err,
    ).toEqual([
      { aggregate_uuid: 'a', balance: '100' },
      { aggregate_uuid: 'c', balance: '100' },
    ]);
    expect(await buildOf('a')).toBe('first');
  });

  it('is started by an event on the bus', async () => {
    await clients.events.send(
      new PutEventsCommand({
        Entries: [
          {
            EventBusName: output('EventBusName'),
            Source: 'finance',
            DetailType: 'Replay Requested',
            Detail: JSON.stringify({ projection: 'balances', types: ['MoneyDeposited'] }),
          },
        ],
      }),
    );
    await until('a report that was asked for', async () => {
      const { executions = [] } = await clients.states.send(
        new ListExecutionsCommand({ stateMachineArn: output('ReplayStateMachineArn') }),
      );
      for (const { executionArn, status } of executions) {
        const { input } = await clients.states.send(new DescribeExecutionCommand({ executionArn }));
        if (input?.includes('types') && status === 'SUCCEEDED') return true;
      }
      return false;
    });
  });

  it('refuses what it cannot do with words that help, and the lock is not taken', async () => {
    const unknown = await daybook('replay', 'start', '--projection', 'balance', '--name', 'wrong', '--watch');
    expect(unknown.code).toBe(1);
    expect(unknown.err).toContain('there is no projection');
    expect(unknown.err).toContain('mend the request');
    expect(unknown.err).not.toMatch(/replay resume|trace|errorType/);
    const sql = 'SELECT nothing_of_this FROM nowhere_at_all';
    const bad = await daybook('replay', 'start', '--projection', 'balances', '--name', 'bad', '--sql', sql, '--watch');
    expect(bad.code).toBe(1);
    expect(bad.err).toContain('mend the request');
    expect(bad.err).toContain('nowhere_at_all');
    expect(bad.err).not.toContain('QueryExecutionId');
    for (const what of ['watch', 'stop', 'resume'])
      expect((await daybook('replay', what, 'nobody')).err).toContain('cli.noReplay');
    const dear = await daybook(
      'replay',
      'start',
      '--projection',
      'balances',
      '--name',
      'dear',
      '--budget',
      '0.0000001',
      '--watch',
    );
    expect(dear.err).toContain('replay.overBudget');
    expect((await projections().pointer('balances', 1)).building).toBeUndefined();
    expect((await daybook('replay', 'start', '--projection', 'balances', '--name', 'first')).err).toContain(
      'cli.replayExists',
    );
    expect((await daybook('replay', 'stop', 'first')).err).toContain('cli.replayNotRunning');
    expect((await daybook('replay', 'start')).code).toBe(2);
    expect((await daybook('replay', 'start', '--projection', 'x', '--first', '1')).code).toBe(2);
  });

  /** Lets a function fail at its next call, as a bad deployment does; the answer mends it. */
  async function breakFunction(part: string): Promise<() => Promise<unknown>> {
    const { Functions = [] } = await clients.lambda.send(new ListFunctionsCommand({}));
    const [FunctionName] = Functions.map((one) => one.FunctionName!).filter((name) => name.includes(`Replay${part}`));
    const { Environment } = await clients.lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const set = (PROJECTIONS_TABLE: string) =>
      clients.lambda.send(
        new UpdateFunctionConfigurationCommand({
          FunctionName,
          Environment: { Variables: { ...Environment?.Variables, PROJECTIONS_TABLE } },
        }),
      );
    await set('nowhere');
    return () => set(Environment!.Variables!.PROJECTIONS_TABLE!);
  }

  it.each(['Fold', 'CatchUp', 'Verify'])(
    'that fails in %s is resumed from there, once that is mended',
    async (part) => {
      const before = await buildOf('a');
      const name = `broken-${part.toLowerCase()}`;
      const mend = await breakFunction(part);
      const { code, err } = await daybook('replay', 'start', '--projection', 'balances', '--name', name, '--watch');
      expect(code).toBe(1);
      expect(err).toContain(`npx daybook replay resume ${name}`);
      expect(await buildOf('a')).toBe(before);
      await until('the record', async () => (await statusOf(name))?.status === 'failed');
      expect((await projections().pointer('balances', 1)).building).toBe(name);
      await mend();
      expect(await replay('resume', name, '--watch')).toMatchObject({ build: name, aggregates: 3, applied: 6 });
      expect(await buildOf('a')).toBe(name);
      expect(await balanceOf('a')).toBe(100);
    },
  );

  it.each([0, 200, 600, 1200])('stopped after %d ms, nothing of it is promoted and nothing stays', async (ms) => {
    const before = await projections().pointer('balances', 1);
    const name = `stopped-${ms}`;
    await replay('start', '--projection', 'balances', '--name', name);
    await pause(ms);
    const { code, err } = await daybook('replay', 'stop', name);
    if (code === 1) return expect(err).toContain('cli.replayNotRunning'); // it was faster
    await until('the lock', async () => (await projections().pointer('balances', 1)).building === undefined);
    await until('the record', async () => ['stopped', undefined].includes((await statusOf(name))?.status) || undefined);
    expect(await projections().pointer('balances', 1)).toEqual(before);
    expect(await balanceOf('a')).toBe(100);
    const again = await daybook('replay', 'resume', name);
    expect(again.err).toContain('cli.replayNotResumable');
  });
});

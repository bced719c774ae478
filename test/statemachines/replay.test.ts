import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  ListFunctionsCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { DescribeExecutionCommand, ListExecutionsCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import {
  createEventStore,
  dynamoEventTable,
  dynamoProjectionTable,
  readProjected,
  readRollup,
  waitForRollup,
} from 'daybook';
import { startLocal } from 'daybook/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Account } from '../../examples/bank/account.ts';
import {
  balances,
  type Month,
  type Movements,
  monthlyStatement,
  movementsByMonth,
  type Overdraft,
  overdrafts,
} from '../../examples/bank/projections.ts';
import { dynamoBuilds } from '../../src/aws/dynamo-builds.ts';
import { main } from '../../src/cli/main.ts';
import { bankAssembly } from '../bank-assembly.ts';
import { expectSchema } from '../functions/schemas.ts';

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
  let output: (name: string) => string;
  let clients: { dynamodb: DynamoDBClient; states: SFNClient; events: EventBridgeClient; lambda: LambdaClient };
  const told: { detailType: string; source: string }[] = [];
  const environment = { ...process.env };

  beforeAll(async () => {
    runtime = await startLocal({
      assembly: await bankAssembly(),
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
  }, 240_000);

  afterAll(async () => {
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
    Object.assign(process.env, environment);
    for (const client of Object.values(clients ?? {})) client.destroy();
    await runtime?.stop();
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
    const none = { stateMachineArn: output('ReplayStateMachineArn'), name: 'none', input: 'null' };
    await clients.states.send(new StartExecutionCommand(none)); // as the console takes it
    for (const what of ['watch', 'stop', 'resume'])
      expect((await daybook('replay', what, 'none')).err).toMatch(/^cli\.replay/);
    expect((await daybook('replay', 'list')).code).toBe(0);
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
    // The same request under the name of one that has ended is that one: it says what it came to, and what it took.
    const again = ['replay', 'start', '--projection', 'balances', '--name', 'first', '--verify', 'all'];
    const same = await daybook(...again);
    expect(same.code, same.err).toBe(0);
    expect(same.out).toMatch(/estimated +[\d,]+ events[^$]+\$[\d.]+\n +taken +\d+ events +\d+ s +\$0\.\d+/);
    const { estimated, taken } = JSON.parse((await daybook(...again, '--json')).out);
    expect(Object.keys(estimated)).toEqual(Object.keys(taken));
    expect(taken.dollars).toBeGreaterThan(0);
    expect((await daybook('replay', 'stop', 'first')).err).toContain('cli.replayNotRunning');
    expect((await daybook('replay', 'start')).code).toBe(2);
    for (const name of ['with space', 'x'.repeat(81)]) {
      const { code, err } = await daybook('replay', 'plan', '--projection', 'balances', '--name', name);
      expect({ code, err }).toMatchObject({
        code: 2,
        err: expect.stringContaining('allowed are 1 to 80 letters, digits'),
      });
    }
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

  it('whose budget is spent on the way fails, is not resumed in vain, and is given up', async () => {
    const mend = await breakFunction('CatchUp');
    const args = ['--projection', 'balances', '--name', 'overspent', '--budget', '0.5', '--watch'];
    expect((await daybook('replay', 'start', ...args)).code).toBe(1);
    await mend();
    const builds = dynamoBuilds({ client: clients.dynamodb, tableName: output('ProjectionsTableName') });
    await until('the record', async () => (await builds.get('balances', 'overspent'))?.status === 'failed');
    await builds.spend('balances', 'overspent', 0.5);
    for (const command of [
      ['resume', 'overspent', '--watch'],
      ['watch', 'overspent'],
      ['resume', 'overspent'],
    ]) {
      const { code, err } = await daybook('replay', ...command);
      expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining('of its budget of $0.5') });
      expect(err).toContain('Resumed it would fail again: npx daybook replay stop overspent');
    }
    expect(await replay('stop', 'overspent')).toEqual({ build: 'overspent', stopped: true });
    expect(await projections().pointer('balances', 1)).not.toHaveProperty('building');
  }, 60_000);

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
    // A plan that was under way, or had not begun, may take the lock only now: it gives it back itself.
    await runtime.idle();
    expect(await projections().pointer('balances', 1)).toEqual(before);
    expect(await balanceOf('a')).toBe(100);
    const again = await daybook('replay', 'resume', name);
    expect(again.err).toContain('cli.replayNotResumable');
  });

  it('that waits for its turn is listed as such, before it has a record', async () => {
    await replay('start', '--projection', 'balances', '--name', 'holds');
    await until('the lock', async () => (await projections().pointer('balances', 1)).building === 'holds');
    await replay('start', '--projection', 'balances', '--name', 'waits', '--queue');
    const { out } = await daybook('replay', 'list', '--projection', 'balances', '--json');
    const listed = out.split('\n').map((line) => JSON.parse(line));
    expect(listed.find(({ build }) => build === 'waits')).toMatchObject({ projection: 'balances', status: 'waiting' });
    for (const name of ['waits', 'holds']) await daybook('replay', 'stop', name);
    await until('the lock', async () => (await projections().pointer('balances', 1)).building === undefined);
    await runtime.idle();
  });

  it('answers the bank: statements of a month, balances as of a date by either clock, overdrafts', async () => {
    const store = createEventStore({
      table: dynamoEventTable({ client: clients.dynamodb, tableName: output('EventsTableName') }),
    });
    type Movement = { id: string; version: number; amount: number; at: string; isLate: boolean };
    const movements: Movement[] = [];
    const book = async (id: string, amount: number, day: string, isLate = false) => {
      const at = `2026-${day}T12:00:00.000Z`;
      const version = movements.filter((one) => one.id === id).length + 1;
      await store.append({ aggregate: Account, aggregateUuid: id, expectedVersion: version - 1 }, [
        amount > 0
          ? { type: 'MoneyDeposited', data: { amount }, occurredAt: at }
          : { type: 'MoneyWithdrawn', data: { amount: -amount }, occurredAt: at },
      ]);
      movements.push({ id, version, amount, at, isLate });
    };
    for (const [id, amount, day] of [
      ['x', 500, '01-03'],
      ['x', -700, '01-20'],
      ['x', 300, '02-02'],
      ['x', -400, '02-10'],
      ['y', 900, '01-31'],
      ['y', -100, '02-28'],
    ] as const) {
      await book(id, amount, day);
    }
    await pause(5);
    const known = new Date().toISOString();
    await pause(5);
    await book('y', -850, '01-31', true); // told later, and happened before
    await book('x', 450, '02-11', true);

    // The answers, by plain addition over what was booked.
    const upTo = (id: string, isIn: (one: Movement) => boolean) =>
      movements.filter((one) => one.id === id && isIn(one)).reduce((sum, { amount }) => sum + amount, 0);
    const january = ({ at }: Movement) => at < '2026-02';
    const months = (id: string) => {
      const found: Record<string, Month> = {};
      let closing = 0;
      for (const { amount, at } of movements.filter((one) => one.id === id && january(one))) {
        const month = at.slice(0, 7);
        const { deposits, withdrawals } = found[month] ?? { deposits: 0, withdrawals: 0 };
        closing += amount;
        found[month] = {
          deposits: deposits + Math.max(amount, 0),
          withdrawals: withdrawals - Math.min(amount, 0),
          closing,
        };
      }
      return found;
    };

    const only = ['--aggregate', 'x', '--aggregate', 'y'];
    const past = ['--from', '2000-01-01T00:00:00Z', '--to'];
    const asked = {
      statement: [
        'monthly-statement',
        '--from',
        '2026-01-01T00:00:00Z',
        '--to',
        '2026-01-31T23:59:59.999Z',
        '--seed',
        'before',
      ],
      'as-happened': ['balances', ...past, '2026-01-31T23:59:59.999Z'],
      'as-known': ['balances', ...past, known, '--clock', 'recorded'],
      overdrawn: ['overdrafts', '--first', '1'],
    };
    await Promise.all(
      Object.entries(asked).map(async ([name, [projection, ...range]]) => {
        await replay('start', '--projection', projection!, '--name', name, ...only, ...range, '--watch');
      }),
    );
    for (const id of ['x', 'y']) {
      const statement = await readProjected(projections(), monthlyStatement, id, { build: 'statement' });
      expect(statement?.state.months).toEqual(months(id));
      expect(await balanceOf(id, 'as-happened')).toBe(upTo(id, january));
      expect(await balanceOf(id, 'as-known')).toBe(upTo(id, ({ isLate }) => !isLate));
    }
    const overdrawn = async (id: string) =>
      (await readProjected(projections(), overdrafts, id, { build: 'overdrawn' }))?.state.overdrafts;
    expect(await overdrawn('x')).toEqual([
      { from: 2, at: '2026-01-20T12:00:00.000Z', lowest: -200, to: 3 },
      { from: 4, at: '2026-02-10T12:00:00.000Z', lowest: -300, to: 5 },
    ] satisfies Overdraft[]);
    expect(await overdrawn('y')).toEqual([
      { from: 3, at: '2026-01-31T12:00:00.000Z', lowest: -50 },
    ] satisfies Overdraft[]);
  }, 240_000);

  it('rebuilds a rollup that every account adds to beside live traffic, twice, and goes back: each event is in it once', async () => {
    const table = dynamoEventTable({ client: clients.dynamodb, tableName: output('EventsTableName') });
    const store = createEventStore({ table });
    const accounts = Array.from({ length: 4 }, (_, i) => `busy-${i}`);
    let isOver = false;
    const traffic = accounts.map(async (id, i) => {
      for (let n = 0; !isOver; n++) {
        const type = n % 5 === 4 ? 'MoneyWithdrawn' : 'MoneyDeposited';
        const occurredAt = new Date(Date.UTC(2026, n % 3, 1 + i)).toISOString();
        await store.handle(
          Account,
          id,
          () => ({ type, data: { amount: 1 + ((n * 7 + i) % 50) }, occurredAt }) as const,
        );
        await pause(250);
      }
    });
    const isRead = async (build: string) => {
      const { values, build: read } = await readRollup(projections(), movementsByMonth);
      expect(read).toBe(build);
      return values.size;
    };
    try {
      for (const build of ['months-1', 'months-2']) {
        const args = ['--projection', 'movements-by-month', '--name', build, '--verify', 'all', '--watch'];
        expect(await replay('start', ...args)).toMatchObject({ kind: 'rebuild', build, differences: 0 });
        expect(await isRead(build)).toBeGreaterThan(0);
      }
      const back = await replay('rollback', '--projection', 'movements-by-month', '--name', 'months-back', '--watch');
      expect(back).toMatchObject({ kind: 'rollback', build: 'months-1' });
    } finally {
      isOver = true;
      await Promise.all(traffic);
    }
    const byMonth: Record<string, Movements> = {};
    let counted = 0;
    for await (const id of store.list({ type: 'Account' })) {
      let last = 0;
      for await (const { type, version, occurredAt, data } of store.read(id)) {
        last = version;
        if (type !== 'MoneyDeposited' && type !== 'MoneyWithdrawn') continue;
        const { amount } = data as { amount: number };
        const month = byMonth[occurredAt.slice(0, 7)] ?? { count: 0, deposited: 0, withdrawn: 0, largest: 0 };
        counted++;
        byMonth[occurredAt.slice(0, 7)] = {
          count: month.count + 1,
          deposited: month.deposited + (type === 'MoneyDeposited' ? amount : 0),
          withdrawn: month.withdrawn + (type === 'MoneyWithdrawn' ? amount : 0),
          largest: Math.max(month.largest, amount),
        };
      }
      const { position } = await waitForRollup(projections(), movementsByMonth, id, last, { timeout: 30_000 });
      expect(position).toBe(last);
    }
    const { values, entries, build } = await readRollup(projections(), movementsByMonth);
    expect(Object.fromEntries(values)).toEqual(byMonth);
    expect({ entries, build }).toEqual({ entries: counted, build: 'months-1' });
    const one = await readRollup(projections(), movementsByMonth, { key: '2026-02' });
    expect(Object.fromEntries(one.values)).toEqual({ '2026-02': byMonth['2026-02'] });
  }, 240_000);
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEventStore } from 'daybook';
import { type MemoryProjectionTable, memoryEventTable, memoryProjectionTable } from 'daybook/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Account } from '../../../examples/bank/account.ts';
import { balances } from '../../../examples/bank/projections.ts';
import { NO_GENERATION } from '../../../src/archive/generation.ts';
import { readProjected } from '../../../src/projection/read.ts';
import { createRunner } from '../../../src/projection/runner.ts';
import type { Builds } from '../../../src/replay/builds.ts';
import { sumOfParts } from '../../../src/replay/catch-up.ts';
import { cleanUp } from '../../../src/replay/clean-up.ts';
import { type ExecutionEnded, endReplay } from '../../../src/replay/end.ts';
import { noteFailure } from '../../../src/replay/failure.ts';
import { type Plan, plan } from '../../../src/replay/plan.ts';
import { selectedIn } from '../../../src/replay/selection.ts';
import { memoryBuilds } from '../../../src/testing/memory-builds.ts';
import { catchUpAll, verifyAll } from './all-parts.ts';
import { folderArchive } from './folder-archive.ts';

const never = () => false;
const DAY = 86_400_000;

describe('a replay, from outside', () => {
  let folder: string;
  let table: MemoryProjectionTable;
  let builds: Builds;
  let events = memoryEventTable();
  let gone: string[];
  let over: Map<string, ExecutionEnded>;
  let now: number;
  let pause: () => Promise<void>;
  let size: { events: number; bytes: number; aggregates: number; indexBytes: number };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-replay-'));
    table = memoryProjectionTable();
    builds = memoryBuilds(table);
    events = memoryEventTable();
    gone = [];
    over = new Map();
    pause = async () => {};
    now = Date.UTC(2026, 10, 28);
    size = { events: 1000, bytes: 100_000, aggregates: 100, indexBytes: 10_000 };
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const ports = () => ({
    files: folderArchive(folder),
    table,
    builds,
    events,
    size: async () => size,
    isRunning: async (execution: string) => !gone.includes(execution),
    ended: async (execution: string) => over.get(execution),
    now: () => now,
    pause,
  });
  const ask = (name: string, more: object = {}, options: { selected?: string } = {}) =>
    plan(
      ports(),
      [balances],
      { name, execution: `arn:${name}`, generation: NO_GENERATION, ...options },
      { projection: 'balances', ...more },
    );
  const made = async (name: string, more: object = {}, options: { selected?: string } = {}): Promise<Plan> => {
    const answer = await ask(name, more, options);
    if ('busy' in answer) throw new Error(`busy: ${answer.busy}`);
    return answer;
  };
  const deposit = async (aggregateUuid: string, amounts: readonly number[]) => {
    const store = createEventStore({ table: events });
    for (const amount of amounts) {
      const { version } = await store.load(Account, aggregateUuid);
      await store.append({ aggregate: Account, aggregateUuid, expectedVersion: version }, [
        { type: 'MoneyDeposited', data: { amount } },
      ]);
    }
  };
  /** Catches up and verifies, as the state machine does. */
  const finish = async (planned: Plan) => {
    const runner = createRunner(balances);
    const caughtUp = await catchUpAll(ports(), runner, planned);
    return verifyAll(ports(), runner, planned, caughtUp);
  };
  const written = async () => {
    const keys: string[] = [];
    for await (const page of folderArchive(folder).list('')) keys.push(...page.map(({ key }) => key));
    return keys;
  };
  const balanceOf = async (aggregateUuid: string, build: string) =>
    (await readProjected(table, balances, aggregateUuid, { build }))?.state.balance;
  const ended = (name: string, more: Partial<ExecutionEnded>): ExecutionEnded => ({
    executionArn: `arn:${name}`,
    name,
    status: 'FAILED',
    input: JSON.stringify({ projection: 'balances' }),
    ...more,
  });

  it('is planned dry: priced by step, and nothing is written', async () => {
    size = { events: 10_000_000, bytes: 3e9, aggregates: 100_000, indexBytes: 1e7 };
    const { estimate } = await made('dry', { dryRun: true });
    expect(estimate).toMatchObject({ events: 10_000_000, aggregates: 100_000 });
    expect(estimate.steps.map(({ step }) => step)).toEqual(['fold', 'catchUp', 'verify']);
    // 100,000 heads at 1,500 a second, eight parts at once.
    expect(estimate.seconds).toBeGreaterThan(9);
    expect(estimate.seconds).toBeLessThan(15);
    // 100,000 states written at 0.625 dollars a million are 6 cents of it, heads and their states 2 cents.
    expect(estimate.dollars).toBeGreaterThan(0.08);
    expect(estimate.dollars).toBeLessThan(1);
    expect(await written()).toEqual([]);
    expect(await table.pointer('balances', 1)).toEqual({});
    expect(await builds.get('balances', 'dry')).toBeUndefined();
  });

  it('is refused when its estimate is above the budget, before anything is written', async () => {
    size = { events: 10_000_000, bytes: 3e9, aggregates: 1_000_000, indexBytes: 1e8 };
    await expect(ask('dear', { budget: 0.01 })).rejects.toMatchObject({
      code: 'replay.overBudget',
      details: { projection: 'balances', budget: 0.01 },
    });
    expect(await written()).toEqual([]);
    expect(await table.pointer('balances', 1)).toEqual({});
    await expect(ask('dear', { budget: 100 })).resolves.toMatchObject({ kind: 'rebuild' });
  });

  it('waits for the one that runs when it was asked to, and takes the place of one that does not run any more', async () => {
    await made('first');
    await expect(ask('second', { ifBusy: 'queue' })).resolves.toEqual({ busy: 'first' });
    await expect(ask('second')).rejects.toMatchObject({ code: 'replay.alreadyBuilding' });
    gone = ['arn:first'];
    await made('second');
    expect(await table.pointer('balances', 1)).toMatchObject({ building: 'second', buildingBy: 'arn:second' });
  });

  it('is refused by a name that a build has: what live events keep, and what a replay of long ago has made', async () => {
    for (const more of [{}, { types: ['MoneyDeposited'] }, { rollback: true }])
      await expect(ask('live-v1', more)).rejects.toMatchObject({ code: 'replay.nameTaken' });
    await finish(await made('spring'));
    await made('spring'); // planned again, after a lost answer
    await builds.mark('balances', 'spring', 'promoted', { at: '' });
    await builds.release('balances', 1, 'arn:spring');
    table.setPointer('balances', { active: 'spring', previous: 'live-v1' });
    await expect(ask('spring')).rejects.toMatchObject({ code: 'replay.nameTaken', details: { name: 'spring' } });
    // What is told of that execution, or once more of the first, leaves the build as it is; also once it is the one before.
    table.setPointer('balances', { active: 'other', previous: 'spring' });
    for (const status of ['FAILED', 'ABORTED'] as const) {
      expect(await endReplay(ports(), ended('spring', { status }), never)).toBeUndefined();
      expect(await builds.get('balances', 'spring')).toMatchObject({ status: 'promoted' });
    }
    table.setPointer('balances', { active: 'spring', previous: 'live-v1' });
    await builds.mark('balances', 'spring', 'removed', { at: '' });
    await expect(ask('spring')).rejects.toMatchObject({ code: 'replay.stopped' });
    expect(await table.pointer('balances', 1)).toEqual({ active: 'spring', previous: 'live-v1' });
  });

  it('is refused by the name of the replay that runs: a rollback, not the build that it goes back to', async () => {
    await finish(await made('one'));
    table.setPointer('balances', { active: 'two', previous: 'one' });
    await made('back', { rollback: true });
    await expect(ask('clash')).rejects.toMatchObject({ details: { building: 'back', refused: 'clash' } });
    await expect(ask('later', { ifBusy: 'queue' })).resolves.toEqual({ busy: 'back' });
  });

  it('takes the aggregates that a query names, and no others', async () => {
    await deposit('a', [1, 2]);
    await deposit('b', [5]);
    await deposit('c', [7]);
    await folderArchive(folder).writeText(
      'queries/1.csv',
      '"aggregate_uuid","n"\n"a","2"\n"c","1"\n"c","1"\n"gone","1"\n',
    );
    const range = {
      kind: 'times',
      from: '2020-01-01T00:00:00Z',
      aggregates: { sql: 'SELECT aggregate_uuid, n FROM x' },
    };
    const planned = await made('selected', { range }, { selected: 'queries/1.csv' });
    expect(planned).toMatchObject({ kind: 'report', selection: { count: 3 } });
    expect(await finish(planned)).toMatchObject({ aggregates: 2, versions: 3, applied: 3 });
    expect(await balanceOf('a', 'selected')).toBe(3);
    expect(await balanceOf('b', 'selected')).toBeUndefined();
    expect(await balanceOf('c', 'selected')).toBe(7);
  });

  it('reads ids as Athena writes them, and refuses a query that names none', () => {
    expect(selectedIn('"id","x"\n"a ""b""","1"\n"with\nbreak","2"\n,"3"\n"last","a\n""b"""\n', '')).toEqual([
      'a "b"',
      'with\nbreak',
      'last',
    ]);
    expect(() => selectedIn('"id"\n', 'SELECT 1')).toThrow('SELECT 1');
    expect(() => selectedIn('', 'SELECT 1')).toThrow('answered with none');
  });

  it('counts only the event types that are asked for', async () => {
    await deposit('a', [1, 2]);
    const planned = await made('types', { types: ['AccountOpened'] });
    expect(planned.kind).toBe('report');
    expect(await finish(planned)).toMatchObject({ versions: 2, applied: 0 });
  });

  it('goes back to the build before: brought to the heads, verified, its states its own', async () => {
    await deposit('a', [1, 2]);
    await finish(await made('old'));
    table.setPointer('balances', { active: 'new', previous: 'old' });
    await deposit('a', [3]);
    await deposit('b', [9]);
    const back = await made('back', { rollback: true });
    expect(back).toMatchObject({ kind: 'rollback', build: 'old', name: 'back', slices: [] });
    expect(await finish(back)).toMatchObject({ aggregates: 2, versions: 4 });
    expect(await balanceOf('a', 'old')).toBe(6);
    expect(await balanceOf('b', 'old')).toBe(9);
    await expect(ask('again', { rollback: true })).rejects.toMatchObject({ code: 'replay.alreadyBuilding' });
    table.setPointer('balances', { active: 'new' });
    await expect(ask('none', { rollback: true })).rejects.toMatchObject({ code: 'replay.nothingToRollBack' });
  });

  it('is refused where another rollback has ended between its look and its lock, which it gives back', async () => {
    table.setPointer('balances', { active: 'new', previous: 'old' });
    const overtaken = {
      ...ports(),
      table: {
        ...table,
        async pointer(...given: Parameters<typeof table.pointer>) {
          const found = await table.pointer(...given);
          table.setPointer('balances', { ...found, active: 'old', previous: 'new' });
          return found;
        },
      },
    };
    const call = { name: 'late', execution: 'arn:late', generation: NO_GENERATION };
    await expect(plan(overtaken, [balances], call, { projection: 'balances', rollback: true })).rejects.toMatchObject({
      code: 'replay.overtaken',
      details: { build: 'old' },
    });
    expect(await table.pointer('balances', 1)).toEqual({ active: 'old', previous: 'new' });
    expect(await made('next', { rollback: true })).toMatchObject({ build: 'new' });
  });

  it('says where its states differ from the live build at the same version, and folds all again when asked', async () => {
    for (const id of ['a', 'b', 'c']) await deposit(id, [1]);
    await table.store('balances', 'live-v1', {
      aggregateUuid: 'a',
      position: 1,
      applied: 1,
      state: '{"holder":"","balance":99,"closed":false}',
    });
    expect(await finish(await made('b1', { verify: 'all' }))).toMatchObject({
      sampled: 3,
      differences: 1,
      differing: ['a'],
    });
  });

  it('that fails keeps its lock and states, for it can be resumed; subscribers are told how', async () => {
    await deposit('a', [1]);
    await finish(await made('b1'));
    const failure = ended('b1', { error: 'DaybookError', cause: 'replay.foldFailed' });
    expect(await endReplay(ports(), failure, never)).toMatchObject({
      detailType: 'Replay Failed',
      detail: { projection: 'balances', build: 'b1', resume: 'npx daybook replay resume b1' },
    });
    expect(await builds.get('balances', 'b1')).toMatchObject({
      status: 'failed',
      error: 'DaybookError: replay.foldFailed',
    });
    expect(await table.pointer('balances', 1)).toMatchObject({ building: 'b1' });
    expect(await balanceOf('a', 'b1')).toBe(1);
  });

  it.each([
    { error: 'DaybookError', cause: 'replay.budgetSpent: it has spent it' },
    { error: 'replay.lostLock', cause: 'another rebuild took the place' },
  ])('that would fail again is told without what resumes it: %j', async (failure) => {
    await made('b1');
    const told = await endReplay(ports(), ended('b1', failure), never);
    expect(told).toMatchObject({ detailType: 'Replay Failed', detail: failure });
    expect(told?.detail).not.toHaveProperty('resume');
  });

  it('that fails in a slice says which aggregate, version and type, until it is resumed; a refusal says its message alone', async () => {
    const planned = await made('b1');
    const why = 'replay.foldFailed: balances cannot fold Odd (aggregate a, version 3): boom';
    const work = async () => {
      throw new Error(why);
    };
    await expect(noteFailure(builds, planned, work)).rejects.toThrow(why);
    const failure = ended('b1', { error: 'States.ExceedToleratedFailureThreshold', cause: 'too many items failed' });
    for (const _ of ['told', 'told again']) {
      const told = await endReplay(ports(), failure, never);
      expect(told).toMatchObject({ detailType: 'Replay Failed', detail: { error: failure.error, cause: why } });
      expect(await builds.get('balances', 'b1')).toMatchObject({ error: `${failure.error}: ${why}` });
    }
    await builds.resumed('balances', 'b1');
    expect((await endReplay(ports(), failure, never))?.detail.cause).toBe('too many items failed');

    const lambda = { errorType: 'DaybookError', errorMessage: 'replay.overBudget: it is', trace: ['at x'] };
    const refused = ended('dear', { error: 'DaybookError', cause: JSON.stringify(lambda) });
    const told = await endReplay(ports(), refused, never);
    expect(told?.detail.cause).toBe('replay.overBudget: it is');
    expect(told?.detail.resume).toBeUndefined();
    const Status = { State: 'FAILED', StateChangeReason: 'COLUMN_NOT_FOUND: line 1:8' };
    const query = ended('sql', { error: 'States.TaskFailed', cause: JSON.stringify({ QueryExecution: { Status } }) });
    expect((await endReplay(ports(), query, never))?.detail.cause).toBe(Status.StateChangeReason);
  });

  it('that is stopped leaves neither lock nor states; a rollback that is stopped leaves the earlier build', async () => {
    await deposit('a', [1]);
    await finish(await made('b1'));
    expect((await endReplay(ports(), ended('b1', { status: 'ABORTED' }), never))?.detailType).toBe('Replay Stopped');
    expect(await table.pointer('balances', 1)).toEqual({});
    expect(await balanceOf('a', 'b1')).toBeUndefined();
    expect(await builds.get('balances', 'b1')).toMatchObject({ status: 'stopped' });

    await finish(await made('b2'));
    table.setPointer('balances', { active: 'b3', previous: 'b2' });
    await made('back', { rollback: true });
    await endReplay(ports(), ended('back', { status: 'ABORTED' }), never);
    expect(await table.pointer('balances', 1)).toEqual({ active: 'b3', previous: 'b2' });
    expect(await balanceOf('a', 'b2')).toBe(1);
  });

  it('that is stopped while its functions work: what they write meanwhile goes too, and they write no more', async () => {
    await deposit('a', [1]);
    const report = await made('r', { types: ['MoneyDeposited'] });
    const runner = createRunner(balances);
    let late = 0;
    pause = async () => {
      late++;
      await table.store('balances', 'r', { aggregateUuid: 'a', position: 1, applied: 1, state: '{}' });
      await expect(catchUpAll(ports(), runner, report)).rejects.toMatchObject({
        code: 'replay.stopped',
      });
    };
    await endReplay(ports(), ended('r', { status: 'ABORTED' }), never);
    expect(late).toBe(1);
    expect(await balanceOf('a', 'r')).toBeUndefined();
    // Redriven from outside it cannot go on, and however that ends it is no report that is ready.
    await expect(verifyAll(ports(), runner, report, sumOfParts([]))).rejects.toMatchObject({
      code: 'replay.stopped',
    });
    pause = async () => {};
    for (const status of ['FAILED', 'SUCCEEDED'] as const) {
      const told = await endReplay(ports(), ended('r', { status }), never);
      expect(told?.detail.resume).toBeUndefined();
      expect(await builds.get('balances', 'r')).toMatchObject({ status: 'stopped' });
    }
    // The daily cleaning up looks again for as long as a function could have worked on.
    const clean = () => cleanUp(ports(), [balances], { buildDays: 14, reportDays: 90 }, never);
    expect((await clean()).removed).toEqual(['balances/r']);
    expect(await builds.get('balances', 'r')).toMatchObject({ status: 'stopped' });
    now += DAY;
    expect((await clean()).removed).toEqual(['balances/r']);
    expect(await builds.get('balances', 'r')).toMatchObject({ status: 'removed' });
    expect((await clean()).removed).toEqual([]);
  });

  it('that is stopped after its promotion stays live with all its states, and its record says so', async () => {
    await deposit('a', [1]);
    await finish(await made('b1'));
    table.setPointer('balances', { active: 'b1', previous: 'live-v1' }); // the promotion, whose announcement never ran
    expect(await endReplay(ports(), ended('b1', { status: 'ABORTED' }), never)).toMatchObject({
      detailType: 'Replay Promoted',
      detail: { projection: 'balances', build: 'b1', kind: 'rebuild' },
    });
    expect(await balanceOf('a', 'b1')).toBe(1);
    expect(await builds.get('balances', 'b1')).toMatchObject({ status: 'promoted' });
    now += 100 * DAY;
    expect((await cleanUp(ports(), [balances], { buildDays: 14, reportDays: 90 }, never)).removed).toEqual([]);
  });

  it('back to a build that is stopped after its promotion is told as such; one that failed then and has been followed is the build before', async () => {
    await deposit('a', [1]);
    await finish(await made('b1'));
    table.setPointer('balances', { active: 'b2', previous: 'b1' });
    await finish(await made('back', { rollback: true }));
    table.setPointer('balances', { active: 'b1', activeBy: 'arn:back', previous: 'b2' });
    expect(await endReplay(ports(), ended('back', { status: 'ABORTED' }), never)).toMatchObject({
      detailType: 'Replay Rolled Back',
      detail: { projection: 'balances', build: 'b1', kind: 'rollback' },
    });
    expect(await builds.get('balances', 'back')).toMatchObject({ status: 'promoted' });
    expect(await balanceOf('a', 'b1')).toBe(1);

    await finish(await made('b3'));
    table.setPointer('balances', { active: 'b4', activeBy: 'arn:b4', previous: 'b3' });
    await endReplay(ports(), ended('b3', { status: 'ABORTED' }), never);
    expect(await balanceOf('a', 'b3')).toBe(1);
  });

  it('whose end nobody told is ended by the daily cleaning up: stopped, failed, resumed elsewhere', async () => {
    const retention = { buildDays: 14, reportDays: 90 };
    const clean = () => cleanUp(ports(), [balances], retention, never);
    await deposit('a', [1]);
    await finish(await made('b1'));
    expect((await clean()).removed).toEqual([]); // it runs
    over.set('arn:b1', ended('b1', { status: 'FAILED', error: 'States.Runtime' }));
    expect((await clean()).removed).toEqual([]);
    expect(await builds.get('balances', 'b1')).toMatchObject({ status: 'failed', error: 'States.Runtime' });
    const failedAt = (await builds.get('balances', 'b1'))?.endedAt;
    now += DAY;
    await clean();
    expect((await builds.get('balances', 'b1'))?.endedAt).toBe(failedAt); // its retention does not begin anew
    over.set('arn:b1', ended('b1', { status: 'ABORTED' }));
    expect((await clean()).removed).toEqual(['balances/b1']);
    expect(await table.pointer('balances', 1)).toEqual({});
    expect(await balanceOf('a', 'b1')).toBeUndefined();
  });

  it('that was stopped while its plan was made holds no lock', async () => {
    gone = ['arn:b1'];
    await made('b1');
    expect(await table.pointer('balances', 1)).toEqual({});
    expect(await builds.get('balances', 'b1')).toMatchObject({ status: 'stopped' });
  });

  it.each([
    {},
    { projection: 7 },
    { projection: '' },
    { projection: 'x'.repeat(5000) },
    { projection: 'a/b' },
    null,
    [],
  ])('of no projection is told as refused, with nothing to resume: %j', async (request) => {
    const cause = 'replay.unknownProjection: there is no such projection';
    const refused = ended('x', { error: 'DaybookError', cause, input: JSON.stringify(request) });
    const told = await endReplay(ports(), refused, never);
    expect(told).toMatchObject({ detailType: 'Replay Failed', detail: { projection: '', build: 'x', cause } });
    expect(told!.detail).not.toHaveProperty('resume');
  });

  it('of which nothing is told, or a plan alone, leaves nothing to keep', async () => {
    expect(await endReplay(ports(), ended('x', { input: null }), never)).toBeUndefined();
    expect(await endReplay(ports(), ended('x', { status: 'SUCCEEDED' }), never)).toBeUndefined();
  });

  it('is cleaned up after its retention: not what is read, made, or can be gone back to', async () => {
    await deposit('a', [1]);
    for (const [name, more] of [
      ['one', {}],
      ['two', {}],
      ['report', { types: ['MoneyDeposited'] }],
      ['failed', {}],
    ] as const) {
      await finish(await made(name, more));
      await endReplay(ports(), ended(name, { status: name === 'failed' ? 'FAILED' : 'SUCCEEDED' }), never);
      await builds.release('balances', 1, `arn:${name}`); // as a promotion does
    }
    // What live events made before the first replay has no record.
    await table.store('balances', 'live-v1', { aggregateUuid: 'a', position: 1, applied: 1, state: '{"balance":1}' });
    const activeSince = new Date(now).toISOString();
    table.setPointer('balances', { active: 'two', activeSince, previous: 'one' });
    const retention = { buildDays: 14, reportDays: 90 };
    now += 13 * DAY;
    expect(await cleanUp(ports(), [balances], retention, never)).toEqual({ done: true, removed: [] });
    expect(await balanceOf('a', 'live-v1')).toBe(1);
    now += 2 * DAY;
    expect(await cleanUp(ports(), [balances], retention, never)).toEqual({
      done: true,
      removed: ['balances/failed', 'balances/one'],
    });
    expect(await balanceOf('a', 'one')).toBeUndefined();
    expect(await balanceOf('a', 'live-v1')).toBeUndefined();
    expect(await table.pointer('balances', 1)).toEqual({ active: 'two', activeSince });
    now += 76 * DAY;
    // Also of a projection that was taken out of the app.
    expect((await cleanUp(ports(), [], retention, never)).removed).toEqual(['balances/report']);
    expect(await balanceOf('a', 'two')).toBe(1);
  });
});

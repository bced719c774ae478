import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { createEventStore, defineRollup, readRollup, type StoredEvent } from 'daybook';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Account } from '../../examples/bank/account.ts';
import { MoneyDeposited } from '../../examples/bank/events.ts';
import { balances } from '../../examples/bank/projections.ts';
import { compactBucket } from '../../src/archive/compact-bucket.ts';
import { cleanUp } from '../../src/archive/compact-clean.ts';
import { planCompaction } from '../../src/archive/compact-plan.ts';
import { prepareSwitch } from '../../src/archive/compact-switch.ts';
import { currentViewSql, viewText } from '../../src/archive/current-view.ts';
import { type Generation, manifestKey } from '../../src/archive/generation.ts';
import { bucketOf } from '../../src/event/bucket.ts';
import { type FolderBucket, folderBucket } from '../src/archive/folder-bucket.ts';
import { replayStage, type Stage } from './replay-stage.ts';

const HOUR = 3_600_000;
/** Three accounts of the bucket that is cut, and one of another. */
const CUT = Array.from({ length: 200 }, (_, i) => `account-${i}`)
  .filter((id) => bucketOf(id) === '9')
  .slice(0, 3);
const OTHER = 'a';

const byRest = defineRollup({
  name: 'by-rest',
  events: [MoneyDeposited],
  map: ({ data: { amount } }) => [{ key: String(amount % 4), value: amount }],
  combine: (a, b) => a + b,
});

describe('a bucket that is folded in several passes, by the state machine', { timeout: 120_000 }, () => {
  let stage: Stage;
  let bucket: FolderBucket;
  /** What each account holds, by plain addition. */
  const expected = new Map<string, { balance: number; versions: number }>();
  let builds = 0;
  let days = 0;
  let now = Date.UTC(2026, 10, 28);

  beforeAll(async () => {
    stage = await replayStage([balances, byRest]);
    bucket = folderBucket(stage.folder);
    stage.view = {
      Name: 'events_current',
      VersionId: '0',
      TableType: 'VIRTUAL_VIEW',
      ViewOriginalText: viewText({
        originalSql: currentViewSql(['version'], 'none'),
        catalog: 'awsdatacatalog',
        schema: 'db',
        columns: [{ name: 'version', type: 'bigint' }],
      }),
      Parameters: { 'daybook.generation': 'none' },
    };
    stage.planned = { passBytes: 1 }; // each file is a pass
    for (let day = 0; day < 3; day++) await deliverDay();
    await bucket.deliver('2026-01-01', await deposit(OTHER, 2));
  });
  afterEach(() => {
    stage.befalls = () => undefined;
  });
  afterAll(() => stage?.close());

  async function deposit(aggregateUuid: string, count: number): Promise<StoredEvent[]> {
    const { balance, versions } = expected.get(aggregateUuid) ?? { balance: 0, versions: 0 };
    const amounts = Array.from({ length: count }, (_, i) => versions + i + 1);
    await createEventStore({ table: stage.events }).append(
      { aggregate: Account, aggregateUuid, expectedVersion: versions },
      amounts.map((amount) => ({ type: 'MoneyDeposited' as const, data: { amount } })),
    );
    const sum = amounts.reduce((total, amount) => total + amount, balance);
    expected.set(aggregateUuid, { balance: sum, versions: versions + count });
    const appended: StoredEvent[] = [];
    for await (const page of stage.events.query(aggregateUuid, { from: versions + 1 })) appended.push(...page);
    return appended;
  }

  /** A day on which each account of the bucket has two events, in one file. */
  async function deliverDay(): Promise<void> {
    const all: StoredEvent[] = [];
    for (const id of CUT) all.push(...(await deposit(id, 2)));
    await bucket.deliver(`2026-01-${String(++days).padStart(2, '0')}`, all);
  }

  /** A real one, that has cleaned up after itself hours later. */
  async function compact(): Promise<void> {
    now += 24 * HOUR;
    const given = { table: stage.view, request: {}, execution: String(now), nowMs: now };
    const compaction = await planCompaction(bucket, given);
    for (const slice of compaction.slices) await compactBucket(bucket, compaction, slice, { columns: [] });
    const step = await prepareSwitch(bucket, compaction, { table: stage.view, archiveBucket: 'cold', nowMs: now });
    if (step.outcome !== 'switch') throw new Error(step.outcome);
    stage.view = { ...step.tableInput, VersionId: '1' };
    const cleaned = await cleanUp(bucket, { table: stage.view, keepMs: 2 * HOUR, nowMs: now + 3 * HOUR });
    expect(cleaned.done).toBe(true);
  }

  const total = () => [...expected.values()].reduce((sum, { versions }) => sum + versions, 0);

  /** The build is live, and every account in it is what plain addition comes to. */
  async function expectPromoted(build: string, what: string): Promise<void> {
    expect((await stage.table.pointer('balances', 1)).active, what).toBe(build);
    for (const [id, { balance, versions }] of expected) {
      const item = await stage.table.get('balances', build, id);
      expect({ ...item, state: JSON.parse(item!.state).balance }, `${what}, ${id}`).toMatchObject({
        ...{ position: versions, applied: versions, state: balance },
      });
    }
  }

  const passesOf = (of: string) => stage.folds.filter((fold) => fold.bucket === of).map(({ pass }) => pass);
  const run = () => stage.run(`p${++builds}`, { projection: 'balances', verify: 'all' });

  it('comes to what one fold of all events comes to, and tells of each pass', async () => {
    const { status, output } = await run();
    expect(status).toBe('SUCCEEDED');
    expect(output).toMatchObject({ eventsFolded: total(), caughtUp: 0, differences: 0 });
    expect(passesOf('9')).toEqual([0, 1, 2]);
    expect(passesOf(bucketOf(OTHER))).toEqual([0]);
    const told = stage.announced.filter(({ detail }) => detail.step === 'fold' && detail.slice === '9');
    expect(told.map(({ detail }) => detail.events)).toEqual([6, 6, 6]);
    await expectPromoted('p1', 'nothing befell it');
    const { activeBy, activeSince } = await stage.table.pointer('balances', 1);
    expect(activeBy).toMatch(/:execution:replay:p1$/);
    expect(Math.abs(Date.now() - Date.parse(activeSince!))).toBeLessThan(60_000);
  });

  it('is forgotten as the build before only while no rollback goes back to it', async () => {
    const { active } = await stage.table.pointer('balances', 1);
    await run();
    await stage.builds.lock('balances', 1, { build: active!, execution: 'arn:back' });
    await stage.builds.forgetPrevious('balances', 1, active!);
    expect(await stage.table.pointer('balances', 1)).toMatchObject({ previous: active });
    await stage.builds.release('balances', 1, 'arn:back');
    await stage.builds.forgetPrevious('balances', 1, active!);
    expect(await stage.table.pointer('balances', 1)).not.toHaveProperty('previous');
  });

  it('killed at any call of a pass, or without the answer to what is told between two, goes on with that pass', async () => {
    const found: number[] = [];
    const isMiddle = () => stage.folds.at(-1)?.pass === 1;
    stage.befalls = (call, what, by) => {
      const isCall = by === 'Fold' ? /PutItem|UpdateItem|^download/.test(what) : what === 'events PutEvents';
      if (isCall && isMiddle()) found.push(call);
      return undefined;
    };
    expect((await run()).status).toBe('SUCCEEDED');
    expect(found.length).toBeGreaterThan(5);
    for (const n of found) {
      let what = '';
      stage.befalls = (call, of, by) => {
        if (call !== n) return undefined;
        what = `call ${n}, ${by}: ${of}`;
        return 'kill';
      };
      let { status } = await run();
      stage.befalls = () => undefined;
      const isRedriven = status === 'FAILED';
      expect(isRedriven, what).toBe(what.includes('Fold'));
      if (isRedriven) ({ status } = await stage.redrive());
      expect(status, `${what}: ${stage.causes.join('\n')}`).toBe('SUCCEEDED');
      expect(passesOf('9'), what).toEqual(isRedriven ? [0, 1, 1, 2] : [0, 1, 2]);
      await expectPromoted(`p${builds}`, what);
    }
  });

  it('is listed again when a compaction has taken its files between two passes, and again when the next one has', async () => {
    let compactions = 0;
    stage.befalls = async (_, what, by) => {
      const isDue =
        by === 'Fold' &&
        ((compactions === 0 && /^download events\/day=2026-01-02.bucket=9/.test(what)) ||
          (compactions === 1 && /^download compacted.files.bucket=9/.test(what)));
      if (isDue) {
        compactions++;
        await deliverDay();
        await compact();
      }
      return undefined;
    };
    const { status, output } = await run();
    expect(status, stage.causes.join('\n')).toBe('SUCCEEDED');
    expect(compactions).toBe(2);
    const folds = stage.folds.filter((fold) => fold.bucket === '9');
    expect(folds.map(({ pass, again }) => (again === null ? pass : 'again'))).toEqual([0, 1, 'again', 'again']);
    expect(new Set(folds.slice(2).map(({ again }) => again.generation)).size).toBe(2);
    expect(folds[2]!.again.gone).toMatch(/^events\//);
    expect(folds[3]!.again.gone).toMatch(/^compacted\/files\//);
    // Each event once, and none is left to the table.
    expect(output).toMatchObject({ eventsFolded: total(), caughtUp: 0 });
    await expectPromoted(`p${builds}`, 'compacted twice');
  });

  it('killed after it was listed again is resumed when that list is gone as well', async () => {
    await deliverDay();
    await compact();
    let compacted = false;
    stage.befalls = async (_, what, by) => {
      if (by !== 'Fold' || !/^download compacted.files.bucket=9/.test(what)) return undefined;
      if (compacted) return 'kill';
      compacted = true;
      await deliverDay();
      await compact();
      return undefined;
    };
    expect(await run()).toMatchObject({ status: 'FAILED' });
    stage.befalls = () => undefined;
    await deliverDay();
    await compact(); // cleans up the list of the one before
    const { status, output } = await stage.redrive();
    expect(status, stage.causes.join('\n')).toBe('SUCCEEDED');
    expect(output).toMatchObject({ eventsFolded: total(), caughtUp: 0 });
    await expectPromoted(`p${builds}`, 'resumed days later');
  });

  it('of a rollup, killed once partials of it are written, is resumed when a compaction has taken its files and more has arrived', async () => {
    stage.befalls = (_, what, by) => (by === 'Fold' && what.endsWith('UpdateItem') ? 'kill' : undefined);
    expect(await stage.run('rests', { projection: 'by-rest', verify: 'all' })).toMatchObject({ status: 'FAILED' });
    stage.befalls = () => undefined;
    const left = [];
    for await (const page of stage.table.values('by-rest', 'rests', '9')) left.push(...page);
    expect(left.length).toBeGreaterThan(0);
    await deliverDay();
    await compact();
    const { status } = await stage.redrive();
    expect(status, stage.causes.join('\n')).toBe('SUCCEEDED');
    const wanted: Record<string, number> = {};
    for (const { versions } of expected.values())
      for (let amount = 1; amount <= versions; amount++) wanted[amount % 4] = (wanted[amount % 4] ?? 0) + amount;
    const { build, values } = await readRollup(stage.table, byRest);
    expect(build).toBe('rests');
    expect(Object.fromEntries(values)).toEqual(wanted);
  });

  it('fails by the name of a file that is lost, and goes on once it is there again', async () => {
    await deliverDay();
    const [file] = bucket.all(`events/day=2026-01-${String(days).padStart(2, '0')}/`);
    const path = join(stage.folder, file!.key);
    const { active } = await stage.table.pointer('balances', 1);
    stage.befalls = (_, what) => {
      if (what === `download ${file!.key}`) renameSync(path, `${path}.kept`);
      return undefined;
    };
    expect(await run()).toMatchObject({ status: 'FAILED' });
    stage.befalls = () => undefined;
    expect((await stage.builds.get('balances', `p${builds}`))?.error).toContain(file!.key);
    expect((await stage.table.pointer('balances', 1)).active).toBe(active);
    renameSync(`${path}.kept`, path);
    const { status, output } = await stage.redrive();
    expect(status, stage.causes.join('\n')).toBe('SUCCEEDED');
    expect(output).toMatchObject({ eventsFolded: total(), caughtUp: 0 });
    await expectPromoted(`p${builds}`, 'the file is there again');
  });

  it('resumed, it goes on without a raw file that was moved out of the archive, and reads from the table what it held', async () => {
    await deliverDay();
    const [file] = bucket.all(`events/day=2026-01-${String(days).padStart(2, '0')}/`);
    const [path, outside] = [join(stage.folder, file!.key), join(stage.folder, 'kept.parquet')];
    stage.befalls = (_, what) => {
      if (what === `download ${file!.key}`) renameSync(path, outside);
      return undefined;
    };
    expect(await run()).toMatchObject({ status: 'FAILED' });
    stage.befalls = () => undefined;
    expect((await stage.builds.get('balances', `p${builds}`))?.error).toContain(`${file!.key} is gone`);
    const { status, output } = await stage.redrive();
    expect(status, stage.causes.join('\n')).toBe('SUCCEEDED');
    expect(output.caughtUp).toBe(CUT.length);
    await expectPromoted(`p${builds}`, 'without the file');
    renameSync(outside, path);
  });

  describe('of a compacted file that is lost', () => {
    let key = '';
    const path = () => join(stage.folder, key);

    /** Its build fails by the file's name, once the bucket was listed again. */
    async function fails(): Promise<void> {
      await deliverDay();
      await compact();
      const { active } = await stage.table.pointer('balances', 1);
      key = bucket.all('compacted/files/bucket=9/')[0]!.key;
      renameSync(path(), `${path()}.kept`);
      expect(await run()).toMatchObject({ status: 'FAILED' });
      expect((await stage.builds.get('balances', `p${builds}`))?.error).toContain(`${key} is gone`);
      expect(stage.folds.filter((fold) => fold.bucket === '9')).toHaveLength(2);
      expect((await stage.table.pointer('balances', 1)).active).toBe(active);
    }

    it('says so again until it is mended, and goes on once it is there', async () => {
      await fails();
      expect(await stage.redrive()).toMatchObject({ status: 'FAILED' });
      renameSync(`${path()}.kept`, path());
      const { status, output } = await stage.redrive();
      expect(status, stage.causes.join('\n')).toBe('SUCCEEDED');
      expect(output).toMatchObject({ eventsFolded: total(), caughtUp: 0 });
      await expectPromoted(`p${builds}`, 'the file is there again');
    });

    it('goes on once its generation lists it no more, as `verify --fix` leaves it', async () => {
      await fails();
      const generation = stage.view.Parameters!['daybook.generation']!;
      const manifest = manifestKey(generation);
      const was = JSON.parse(await bucket.readText(manifest)) as Generation;
      const files = was.files.filter((file) => file.key !== key);
      const events = files.reduce((sum, { rows }) => sum + rows, 0);
      await bucket.writeText(manifest, JSON.stringify({ ...was, files, events }));
      const { status, output } = await stage.redrive();
      expect(status, stage.causes.join('\n')).toBe('SUCCEEDED');
      expect(output.caughtUp).toBeGreaterThan(0);
      await expectPromoted(`p${builds}`, 'the generation was mended');
    });
  });
});

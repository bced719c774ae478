import { type MemoryProjectionTable, memoryProjectionTable } from 'daybook/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { balances } from '../../../examples/bank/projections.ts';
import type { BuildPointer } from '../../../src/projection/projection-table.ts';
import type { ArchiveFiles } from '../../../src/replay/archive-files.ts';
import type { BuildKind, BuildRecord, BuildStatus, Builds } from '../../../src/replay/builds.ts';
import { cleanUp } from '../../../src/replay/clean-up.ts';
import type { ExecutionEnded } from '../../../src/replay/end.ts';
import { plan } from '../../../src/replay/plan.ts';
import { memoryBuilds } from '../../../src/testing/memory-builds.ts';

const DAY = 86_400_000;
const BEGIN = Date.UTC(2026, 10, 1);

describe('the retention of builds', () => {
  let table: MemoryProjectionTable;
  let builds: Builds;
  let now: number;
  let over: Map<string, ExecutionEnded | 'running'>;
  /** Befalls between the look at a pointer and what is done about it. */
  let afterLook: () => Promise<void>;

  beforeEach(() => {
    table = memoryProjectionTable();
    builds = memoryBuilds(table);
    now = BEGIN;
    over = new Map();
    afterLook = async () => {};
  });

  const onDay = (day: number) => new Date(BEGIN + day * DAY).toISOString();
  /** A build that ended on that day, with one state. */
  async function add(build: string, kind: BuildKind, status: BuildStatus, day: number): Promise<void> {
    const record = { projection: 'balances', build, version: 1, kind, status: 'running', execution: `arn:${build}` };
    await builds.add({ ...record, startedAt: onDay(day), folded: {}, progress: {} } as unknown as BuildRecord);
    await builds.mark('balances', build, status, { at: onDay(day) });
    await table.store('balances', build, { aggregateUuid: 'a', position: 1, applied: 1, state: '{"balance":1}' });
  }
  const live = (pointer: BuildPointer) => table.setPointer('balances', pointer);
  async function cleanOn(day: number): Promise<readonly string[]> {
    now = BEGIN + day * DAY;
    const looking = {
      ...table,
      async pointer(...given: Parameters<typeof table.pointer>) {
        const found = await table.pointer(...given);
        await afterLook();
        return found;
      },
    };
    const ended = async (execution: string) => over.get(execution);
    const ports = { table: looking, builds, ended, now: () => now, pause: async () => {} };
    const { removed } = await cleanUp(ports, [balances], { buildDays: 14, reportDays: 90 }, () => false);
    return removed.map((name) => name.replace('balances/', ''));
  }
  /** False when it was refused: what it would go back to is forgotten. */
  async function beginRollback(name: string): Promise<boolean> {
    const size = async () => ({ events: 1, bytes: 1, aggregates: 1, indexBytes: 1 });
    const ports = { table, builds, size, isRunning: async () => true, now: () => now, files: {} as ArchiveFiles };
    const call = { name, execution: `arn:${name}`, generation: 'none' };
    try {
      return 'build' in (await plan(ports, [balances], call, { projection: 'balances', rollback: true }));
    } catch (error) {
      expect(error).toMatchObject({ code: expect.stringMatching(/^replay.(nothingToRollBack|overtaken)$/) });
      return false;
    }
  }
  const has = async (build: string) => (await table.get('balances', build, 'a')) !== undefined;

  it('ends at its border, neither before nor at it', async () => {
    await add('one', 'rebuild', 'promoted', 0);
    await add('two', 'rebuild', 'promoted', 1);
    live({ active: 'two', previous: 'one', activeSince: onDay(1) });
    expect(await cleanOn(15)).toEqual([]);
    expect(await cleanOn(15 + 1 / DAY)).toEqual(['one']);
  });

  it('of what is not the build before any more does not begin anew with each rebuild, nor does that of a report or of one that failed', async () => {
    await add('report', 'report', 'ready', 0);
    await add('failed', 'rebuild', 'failed', 0);
    for (let week = 0; week < 15; week++) await add(`week-${week}`, 'rebuild', 'promoted', 7 * week);
    live({ active: 'week-14', previous: 'week-13', activeSince: onDay(98) });
    await cleanOn(99);
    expect(await has('report')).toBe(false);
    expect(await has('failed')).toBe(false);
    const left = [];
    for (let week = 0; week < 15; week++) if (await has(`week-${week}`)) left.push(week);
    expect(left).toEqual([13, 14]);
    expect(await table.pointer('balances', 1)).toMatchObject({ active: 'week-14', previous: 'week-13' });
  });

  it('of the build before begins with what made it so: a rollback as well', async () => {
    await add('one', 'rebuild', 'promoted', 0);
    await add('two', 'rebuild', 'promoted', 10);
    await add('back', 'rollback', 'promoted', 23);
    live({ active: 'one', previous: 'two', activeSince: onDay(23) });
    expect(await cleanOn(25)).toEqual([]);
    expect(await cleanOn(36)).toEqual([]);
    expect(await table.pointer('balances', 1)).toMatchObject({ previous: 'two' });
    expect(await cleanOn(38)).toEqual(['two']);
    expect(await table.pointer('balances', 1)).not.toHaveProperty('previous');
  });

  it('of one that failed ends with its lock: live events are applied to it no more', async () => {
    await add('one', 'rebuild', 'promoted', 0);
    await add('failed', 'rebuild', 'failed', 1);
    live({ active: 'one', activeSince: onDay(0), building: 'failed', buildingBy: 'arn:failed', phase: 'joined' });
    expect(await cleanOn(14)).toEqual([]);
    expect(await table.pointer('balances', 1)).toMatchObject({ building: 'failed' });
    over.set('arn:failed', 'running'); // redriven in the console, of which no record tells
    expect(await cleanOn(16)).toEqual([]);
    expect(await table.pointer('balances', 1)).toMatchObject({ building: 'failed' });
    over.clear();
    expect(await cleanOn(16)).toEqual(['failed']);
    expect(await table.pointer('balances', 1)).toEqual({ active: 'one', activeSince: onDay(0) });
  });

  it('of a rollback that failed ends with its lock, too, and leaves the build to its own', async () => {
    await add('one', 'rebuild', 'promoted', 0);
    await add('two', 'rebuild', 'promoted', 10);
    await add('back', 'rollback', 'failed', 11);
    const pointer = { active: 'two', previous: 'one', activeSince: onDay(10) };
    live({ ...pointer, building: 'one', buildingBy: 'arn:back', phase: 'joined' });
    expect(await cleanOn(24.5)).toEqual([]);
    expect(await table.pointer('balances', 1)).toMatchObject({ building: 'one' });
    expect(await cleanOn(26)).toEqual(['one']);
    expect(await table.pointer('balances', 1)).toEqual({ active: 'two', activeSince: onDay(10) });
  });

  it.each(['one', 'live-v1'])('leaves %s alone that a rollback goes back to, whenever it begins', async (previous) => {
    let wasBegun = false;
    for (let look = 1; look <= 8; look++) {
      live({ active: 'two', previous, activeSince: onDay(1) });
      await add('one', 'rebuild', 'promoted', 0);
      await add('two', 'rebuild', 'promoted', 1);
      await table.store('balances', previous, { aggregateUuid: 'a', position: 1, applied: 1, state: '{}' });
      let looks = 0;
      let begun = false;
      afterLook = async () => {
        if (++looks !== look) return;
        begun = await beginRollback(`back-${look}`);
      };
      await cleanOn(20);
      expect(begun, `at look ${look}`).toBe((await table.pointer('balances', 1)).building === previous);
      if (begun) expect(await has(previous), `at look ${look}`).toBe(true);
      if (begun) expect(await table.pointer('balances', 1), `at look ${look}`).toMatchObject({ previous });
      wasBegun ||= begun;
    }
    expect(wasBegun).toBe(true);
  });
});

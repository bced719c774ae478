import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEventStore, type StoredEvent } from 'daybook';
import { type MemoryProjectionTable, memoryEventTable, memoryProjectionTable } from 'daybook/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Account } from '../../../examples/bank/account.ts';
import { balances } from '../../../examples/bank/projections.ts';
import { compactBucket } from '../../../src/archive/compact-bucket.ts';
import { cleanUp } from '../../../src/archive/compact-clean.ts';
import { planCompaction } from '../../../src/archive/compact-plan.ts';
import { prepareSwitch } from '../../../src/archive/compact-switch.ts';
import { currentViewSql, type GlueTable, generationOf, viewText } from '../../../src/archive/current-view.ts';
import { bucketOf } from '../../../src/event/bucket.ts';
import type { ProjectionTable } from '../../../src/projection/projection-table.ts';
import { createRunner } from '../../../src/projection/runner.ts';
import { type FoldResult, foldSlice } from '../../../src/replay/fold.ts';
import { type Plan, plan, type Slice } from '../../../src/replay/plan.ts';
import { cutIntoPasses } from '../../../src/replay/slice-files.ts';
import { memoryBuilds } from '../../../src/testing/memory-builds.ts';
import { type FolderBucket, folderBucket } from '../archive/folder-bucket.ts';
import { catchUpAll, verifyAll } from './all-parts.ts';
import { folderArchive } from './folder-archive.ts';

const HOUR = 3_600_000;
/** Three aggregates of one bucket. */
const IDS = Array.from({ length: 200 }, (_, i) => `account-${i}`)
  .filter((id) => bucketOf(id) === '9')
  .slice(0, 3);

describe('a slice of more than one pass', () => {
  let folder: string;
  let bucket: FolderBucket;
  let table: MemoryProjectionTable;
  let events: ReturnType<typeof memoryEventTable>;
  let glue: GlueTable;
  const runner = createRunner(balances);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-passes-'));
    bucket = folderBucket(folder);
    table = memoryProjectionTable();
    events = memoryEventTable();
    glue = {
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
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const ports = (over: ProjectionTable = table) => ({
    files: folderArchive(folder),
    table: over,
    builds: memoryBuilds(table),
    events,
    size: async () => ({ events: 30, bytes: 10_000, aggregates: 3, indexBytes: 1000 }),
    isRunning: async () => true,
    now: () => Date.UTC(2026, 10, 28),
  });

  /** So many deposits of 1, 2, 3 … for each of the aggregates; the answer is what was appended. */
  async function deposit(count: number): Promise<StoredEvent[]> {
    const store = createEventStore({ table: events });
    const appended: StoredEvent[] = [];
    for (const aggregateUuid of IDS) {
      const { version } = await store.load(Account, aggregateUuid);
      const batch = Array.from({ length: count }, (_, i) => ({
        type: 'MoneyDeposited' as const,
        data: { amount: version + i + 1 },
      }));
      await store.append({ aggregate: Account, aggregateUuid, expectedVersion: version }, batch);
      for await (const page of events.query(aggregateUuid, { from: version + 1 })) appended.push(...page);
    }
    return appended;
  }

  async function planned(passBytes: number): Promise<Plan> {
    const options = { name: 'b1', execution: 'arn:b1', generation: generationOf(glue), passBytes };
    const made = await plan(ports(), [balances], options, { projection: 'balances' });
    if ('busy' in made) throw new Error('busy');
    return made;
  }

  /** As the state machine goes on, from a pass: the answers in their order. */
  async function fold(made: Plan, slice: Slice, from = 0): Promise<{ results: FoldResult[]; gone: string[] }> {
    const results: FoldResult[] = [];
    const gone: string[] = [];
    let now = slice;
    let again: { gone: string; generation: string } | undefined;
    for (let pass: number | undefined = from; pass !== undefined; ) {
      const options = { pass, ...(again !== undefined && { again }) };
      const answer: Awaited<ReturnType<typeof foldSlice>> = await foldSlice(ports(), runner, made, now, options);
      if ('gone' in answer) {
        gone.push(answer.gone);
        pass = 0;
        again = { gone: answer.gone, generation: generationOf(glue) };
        continue;
      }
      results.push(answer);
      again = undefined;
      now = answer.slice;
      pass = answer.next;
    }
    return { results, gone };
  }

  const sum = (results: readonly FoldResult[], of: 'events' | 'applied' | 'behindHole') =>
    results.reduce((total, result) => total + result[of], 0);

  /** What the table says of every aggregate is in the build, and how many had to be read from the table for it. */
  async function caughtUp(made: Plan): Promise<number> {
    const progress = await catchUpAll(ports(), runner, made);
    await verifyAll(ports(), runner, made, progress);
    return progress.caughtUp;
  }

  /** A real one: planned, merged, switched to, and, hours later, cleaned up after. */
  async function compact(nowMs: number) {
    const given = { table: glue, request: {}, execution: String(nowMs), nowMs };
    const compaction = await planCompaction(bucket, given);
    for (const slice of compaction.slices) await compactBucket(bucket, compaction, slice, { columns: [] });
    const step = await prepareSwitch(bucket, compaction, { table: glue, archiveBucket: 'cold', nowMs });
    if (step.outcome !== 'switch') throw new Error(step.outcome);
    glue = { ...step.tableInput, VersionId: '1' };
    const cleaned = await cleanUp(bucket, { table: glue, keepMs: 2 * HOUR, nowMs: nowMs + 3 * HOUR });
    expect(cleaned.done).toBe(true);
  }

  it('is cut in the order of time, one file at least to a pass', () => {
    const file = (key: string, bytes: number) => ({ key, bytes });
    const [a, b, c, d] = [file('a', 4), file('b', 5), file('c', 20), file('d', 1)];
    expect(cutIntoPasses([a, b, c, d], 9)).toEqual([[a, b], [c], [d]]);
    expect(cutIntoPasses([a, b, c, d], 1000)).toEqual([[a, b, c, d]]);
    expect(cutIntoPasses([], 9)).toEqual([]);
  });

  it('carries its states from pass to pass, and comes to what one pass comes to', async () => {
    const days = [await deposit(3), await deposit(2), await deposit(4)];
    // What has arrived on a day has come again on the next.
    for (const [i, of] of days.entries()) await bucket.deliver(`2026-01-0${i + 1}`, [...of, ...(days[i - 1] ?? [])]);
    const made = await planned(1);
    expect(made.slices).toMatchObject([{ bucket: '9', files: 3, passes: 3 }]);
    const { results } = await fold(made, made.slices[0]!);
    expect(results.map(({ events: read, applied, next }) => ({ read, applied, next }))).toEqual([
      { read: 9, applied: 9, next: 1 },
      { read: 6, applied: 6, next: 2 },
      { read: 12, applied: 12, next: undefined },
    ]);
    expect(await caughtUp(made)).toBe(0);
    for (const id of IDS)
      expect(JSON.parse((await table.get('balances', 'b1', id))!.state)).toMatchObject({ balance: 45 });
  });

  it('goes on with the pass that was killed between two of its writes, and may run twice at once', async () => {
    for (const day of ['2026-01-01', '2026-01-02', '2026-01-03']) await bucket.deliver(day, await deposit(3));
    const made = await planned(1);
    const [slice] = made.slices;
    await foldSlice(ports(), runner, made, slice!);
    let writes = 0;
    const dying: ProjectionTable = {
      ...table,
      store: async (...given) => {
        if (++writes === 2) throw new Error('killed');
        return await table.store(...given);
      },
    };
    await expect(foldSlice(ports(dying), runner, made, slice!, { pass: 1 })).rejects.toThrow('killed');
    expect(writes).toBeGreaterThan(1);
    await Promise.all([fold(made, slice!, 1), fold(made, slice!, 1)]);
    expect(await caughtUp(made)).toBe(0);
    // A pass of long ago, run again, turns nothing back.
    await foldSlice(ports(), runner, made, slice!, { pass: 0 });
    expect(await caughtUp(made)).toBe(0);
  });

  it('leaves what arrived out of order to catching up, and loses none of it', async () => {
    const [first, second] = [await deposit(3), await deposit(3)];
    await bucket.deliver('2026-01-01', second);
    await bucket.deliver('2026-01-02', first);
    const made = await planned(1);
    const { results } = await fold(made, made.slices[0]!);
    expect(sum(results, 'behindHole')).toBe(9);
    expect(await caughtUp(made)).toBe(3);
  });

  it.each([
    ['before its first pass', 1_000_000],
    ['between two passes', 1],
  ])('is listed again when a compaction has cleaned up %s, and goes on from its states', async (_, passBytes) => {
    for (const day of ['2026-01-01', '2026-01-02', '2026-01-03']) await bucket.deliver(day, await deposit(3));
    const made = await planned(passBytes);
    const [slice] = made.slices;
    const first = slice!.passes > 1 ? await foldSlice(ports(), runner, made, slice!) : undefined;
    await compact(Date.UTC(2026, 10, 28));
    await bucket.deliver('2026-11-28', await deposit(2));
    const { results, gone } = await fold(made, slice!, first === undefined ? 0 : 1);
    expect(gone).toHaveLength(1);
    expect(gone[0]).toMatch(/^events\/day=2026-01-0/);
    // Each event once, also those of after the plan, which the bucket has by now.
    expect(sum(results, 'applied')).toBe(first === undefined ? 33 : 24);
    expect(results.at(-1)!.slice).toMatchObject({ carried: true, generation: generationOf(glue) });
    expect(await caughtUp(made)).toBe(0);
  });

  it('does not go on without a file that no compaction has taken', async () => {
    const key = await bucket.deliver('2026-01-01', await deposit(1));
    const made = await planned(1);
    await bucket.delete([key]);
    const [slice] = made.slices;
    expect(await foldSlice(ports(), runner, made, slice!)).toEqual({ gone: key });
    const again = { gone: key, generation: 'none' };
    await expect(foldSlice(ports(), runner, made, slice!, { again })).rejects.toMatchObject({
      code: 'replay.fileLost',
      details: { key, generation: 'none' },
    });
  });
});

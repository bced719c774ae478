import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEventStore, defineProjection, defineRollup, type StoredEvent } from 'daybook';
import { type MemoryProjectionTable, memoryEventTable, memoryProjectionTable } from 'daybook/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Account } from '../../../examples/bank/account.ts';
import { MoneyDeposited } from '../../../examples/bank/events.ts';
import { balances } from '../../../examples/bank/projections.ts';
import { NO_GENERATION } from '../../../src/archive/generation.ts';
import { bucketOf } from '../../../src/event/bucket.ts';
import { type Envelope, toEnvelopeEvent } from '../../../src/feed/envelope.ts';
import { project, projectBatch } from '../../../src/projection/project.ts';
import { readAllProjected, readProjected, readRollup } from '../../../src/projection/read.ts';
import { createRunner } from '../../../src/projection/runner.ts';
import { type CatchUpPorts, catchUp, catchUpStart, sumOfParts } from '../../../src/replay/catch-up.ts';
import { partsOf } from '../../../src/replay/estimate.ts';
import { type FoldResult, foldSlice } from '../../../src/replay/fold.ts';
import { type Plan, type PlanOptions, type PlanPorts, plan } from '../../../src/replay/plan.ts';
import type { ReplayRequest } from '../../../src/replay/request.ts';
import { memoryBuilds } from '../../../src/testing/memory-builds.ts';
import { catchUpAll, verifyAll } from './all-parts.ts';
import { folderArchive } from './folder-archive.ts';

describe('a replay', () => {
  let folder: string;
  let files: ReturnType<typeof folderArchive>;
  let table: MemoryProjectionTable;
  let eventTable = memoryEventTable();
  let gone: string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-replay-'));
    files = folderArchive(folder);
    table = memoryProjectionTable();
    eventTable = memoryEventTable();
    gone = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** `count` deposits of 1, 2, 3 … cents, an hour apart. */
  async function deposit(aggregateUuid: string, count: number): Promise<StoredEvent[]> {
    const store = createEventStore({ table: eventTable });
    for (let n = 0; n < count; n++) {
      const { version } = await store.load(Account, aggregateUuid);
      const occurredAt = new Date(Date.UTC(2026, 0, 1, version)).toISOString();
      await store.append({ aggregate: Account, aggregateUuid, expectedVersion: version }, [
        { type: 'MoneyDeposited', data: { amount: version + 1 }, occurredAt },
      ]);
    }
    return stored(aggregateUuid);
  }

  async function stored(aggregateUuid: string): Promise<StoredEvent[]> {
    const all: StoredEvent[] = [];
    for await (const page of eventTable.query(aggregateUuid, {})) all.push(...page);
    return all;
  }

  /** The ports of every step, over what the test has now. */
  const ports = (): PlanPorts & CatchUpPorts => ({
    files,
    table,
    builds: memoryBuilds(table),
    events: eventTable,
    size: async () => ({ events: 1000, bytes: 100_000, aggregates: 100, indexBytes: 10_000 }),
    isRunning: async (execution) => !gone.includes(execution),
    now: () => Date.UTC(2026, 10, 28),
  });

  async function planned(
    request: unknown,
    {
      name = 'b1',
      projections = [balances],
      ...more
    }: Partial<PlanOptions> & { projections?: Parameters<typeof plan>[1] } = {},
  ): Promise<Plan> {
    const made = await plan(
      ports(),
      projections,
      { name, execution: `arn:${name}`, generation: NO_GENERATION, ...more },
      request,
    );
    if ('busy' in made) throw new Error(`busy: ${made.busy}`);
    return made;
  }

  const envelopeOf = (all: readonly StoredEvent[], from: number): Envelope => ({
    format: 1,
    feed: 'feed',
    aggregate: all[0]!.aggregateUuid,
    from,
    to: all.length,
    head: all.length,
    events: all.slice(from - 1).map(toEnvelopeEvent),
  });

  /** All steps of the state machine up to the promotion; `between` happens after the fold, `joined` after the join. */
  async function run(
    request: Omit<ReplayRequest, 'projection'>,
    steps: { between?: () => Promise<void>; joined?: () => Promise<void> } = {},
    projection = balances as Parameters<typeof createRunner>[0],
  ) {
    const runner = createRunner(projection);
    const made = await planned({ projection: projection.name, ...request }, { projections: [projection] });
    const folded: FoldResult[] = [];
    for (const slice of made.slices) folded.push((await foldSlice(ports(), runner, made, slice)) as FoldResult);
    await steps.between?.();
    if (made.kind === 'rebuild') {
      table.setPointer(projection.name, { building: 'b1', phase: 'joined' }, projection.version);
    }
    await steps.joined?.();
    const caughtUp = await catchUpAll(ports(), runner, made);
    const verified = await verifyAll(ports(), runner, made, caughtUp);
    return { planned: made, folded, caughtUp, verified };
  }

  const balanceOf = async (id: string) => (await readProjected(table, balances, id, { build: 'b1' }))?.state.balance;

  it('folds the archive, each event once whatever it repeats, and needs nothing from the table then', async () => {
    const [a, b] = [await deposit('a', 30), await deposit('b', 3)];
    await files.deliver([...a.slice(0, 20), ...b]);
    await files.deliver([...a.slice(10), ...b].reverse());
    const { folded, caughtUp, verified } = await run({});
    expect(folded.reduce((sum, { events }) => sum + events, 0)).toBe(33);
    expect(caughtUp).toMatchObject({ aggregates: 2, versions: 33, caughtUp: 0 });
    expect(verified).toMatchObject({ aggregates: 2, versions: 33, applied: 33, sampled: 2 });
    expect(await balanceOf('a')).toBe((30 * 31) / 2);
  });

  it('reads from the table what the archive does not hold: a tail, a middle, a whole aggregate', async () => {
    const [a, b] = [await deposit('a', 10), await deposit('b', 10)];
    await deposit('c', 4);
    await files.deliver([...a.slice(0, 7), ...b.slice(0, 3), ...b.slice(4)]);
    const { folded, caughtUp } = await run({});
    expect(folded.reduce((sum, { behindHole }) => sum + behindHole, 0)).toBe(6);
    expect(caughtUp).toMatchObject({ aggregates: 3, versions: 24, caughtUp: 3, holed: [] });
    expect([await balanceOf('a'), await balanceOf('b'), await balanceOf('c')]).toEqual([55, 55, 10]);
  });

  it('loses nothing of the live traffic around the join, wherever it falls', async () => {
    const before = await deposit('a', 5);
    await files.deliver(before);
    const live = async (from: number) => {
      const { apply } = projectBatch({ table, events: eventTable }, [createRunner(balances)]);
      await apply(envelopeOf(await stored('a'), from));
    };
    await live(1);
    const { caughtUp } = await run(
      {},
      {
        // Folding: live events pass the new build by; catching up takes them from the table.
        between: async () => {
          await deposit('a', 2);
          await live(6);
          expect((await readProjected(table, balances, 'a', { build: 'b1' }))?.position).toBe(5);
        },
        // Joined: live events are applied, and what was passed by is read from the table first.
        joined: async () => {
          await deposit('a', 2);
          await live(8);
          expect((await readProjected(table, balances, 'a', { build: 'b1' }))?.position).toBe(9);
        },
      },
    );
    expect(caughtUp.caughtUp).toBe(0);
    expect(await balanceOf('a')).toBe(45);
    expect((await readProjected(table, balances, 'a'))?.state.balance).toBe(45);
  });

  it.each([
    ['at once', false],
    ['a page at a time', true],
  ])(
    'has aggregates that live events met just before the join and that the index lacks still, verified %s',
    async (_, late) => {
      const byAmount = defineRollup({
        name: 'by-amount',
        events: [MoneyDeposited],
        map: ({ data: { amount } }) => [{ key: String(amount), value: 1 }],
        combine: (a, b) => a + b,
      });
      const fresh = ['n-1', 'n-2', 'n-3', 'n-4'];
      await files.deliver(await deposit('a', 5));
      await deposit('only-live', 1);
      for (const projection of [balances, byAmount]) {
        const runner = createRunner(projection);
        const { apply } = projectBatch({ table, events: eventTable }, [runner]);
        for (const id of ['a', ...fresh]) {
          if ((await stored(id)).length === 0) await deposit(id, 3);
          await apply(envelopeOf(await stored(id), 1));
        }
        const made = await planned({ projection: projection.name }, { projections: [projection] });
        for (const slice of made.slices) await foldSlice(ports(), runner, made, slice);
        table.setPointer(projection.name, { building: 'b1', phase: 'joined' }, 1);
        const aggregates: typeof eventTable.aggregates = async (options) => {
          const { aggregateUuids, ...page } = await eventTable.aggregates(options);
          return { ...page, aggregateUuids: aggregateUuids.filter((id) => !fresh.includes(id)) };
        };
        const lagging = { ...ports(), events: { ...eventTable, aggregates } };
        const caughtUp = await catchUpAll(lagging, runner, made, () => late);
        expect(caughtUp.aggregates).toBe(2);
        const verified = await verifyAll(lagging, runner, made, caughtUp, () => late);
        expect(verified).toMatchObject({ aggregates: 6, versions: 18, applied: 18, differences: 0 });
      }
      for (const id of fresh) expect(await balanceOf(id)).toBe(6);
      const { values, entries } = await readRollup(table, byAmount, { build: 'b1' });
      expect(entries).toBe(18);
      expect(Object.fromEntries(values)).toEqual({ 1: 6, 2: 5, 3: 5, 4: 1, 5: 1 });
    },
  );

  it('folds a slice twice at once without counting anything twice, and a late one never turns time back', async () => {
    const a = await deposit('a', 6);
    await files.deliver(a);
    const runner = createRunner(balances);
    const made = await planned({ projection: 'balances' });
    const [slice] = made.slices;
    await Promise.all([foldSlice(ports(), runner, made, slice!), foldSlice(ports(), runner, made, slice!)]);
    await deposit('a', 1);
    await project(
      { table, events: eventTable },
      runner,
      { building: 'b1', phase: 'joined' },
      envelopeOf(await stored('a'), 7),
    );
    await foldSlice(ports(), runner, made, slice!);
    expect(await balanceOf('a')).toBe(28);
  });

  it('takes versions [a..b] of the named aggregates, both included, from the initial state or the one before', async () => {
    await files.deliver((await deposit('a', 10)).slice(0, 4));
    await deposit('b', 10);
    const range = { kind: 'versions', aggregates: ['a'], from: 3, to: 5 } as const;
    const { verified } = await run({ range });
    expect(verified).toMatchObject({ aggregates: 1, versions: 5, applied: 3 });
    expect(await balanceOf('a')).toBe(3 + 4 + 5);
    expect(await balanceOf('b')).toBeUndefined();
    table = memoryProjectionTable();
    await run({ range, seed: 'before' });
    expect(await balanceOf('a')).toBe(1 + 2 + 3 + 4 + 5);
  });

  it('takes times [t1..t2] by the clock that is named, both included, and writes the report beside the build', async () => {
    await files.deliver(await deposit('a', 6));
    await deposit('b', 1);
    const range = { kind: 'times', from: '2026-01-01T02:00:00Z', to: '2026-01-01T04:00:00.000Z' } as const;
    await run({ range });
    expect(await balanceOf('a')).toBe(3 + 4 + 5);
    const lines = [];
    for await (const page of files.list('reports/')) {
      for (const { key } of page) lines.push(...(await files.readText(key)).trim().split('\n'));
    }
    // b has no event in the range: it is not in the report.
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { aggregateUuid: 'a', position: 6, applied: 3, state: { holder: '', balance: 12, closed: false } },
    ]);
    table = memoryProjectionTable();
    await run({ range: { ...range, clock: 'recorded' } });
    expect(await balanceOf('a')).toBe(0);
  });

  const total = defineRollup({
    name: 'total',
    events: [MoneyDeposited],
    map: ({ data: { amount } }) => [{ key: amount % 2 === 0 ? 'even' : 'odd', value: amount }],
    combine: (a, b) => a + b,
  });

  it('reports a rollup over a range by key', async () => {
    await files.deliver((await deposit('a', 6)).slice(0, 4));
    await deposit('b', 3);
    const range = { kind: 'times', from: '2026-01-01T01:00:00Z', to: '2026-01-01T03:00:00Z' } as const;
    const { verified } = await run({ range, verify: 'all' }, {}, total);
    expect(verified).toMatchObject({ aggregates: 2, versions: 9, applied: 5 });
    const lines = [];
    for await (const page of files.list('reports/total/b1/')) {
      for (const { key } of page) lines.push(...(await files.readText(key)).trim().split('\n'));
    }
    expect(lines.map((line) => JSON.parse(line)).sort((x, y) => (x.key < y.key ? -1 : 1))).toEqual([
      { key: 'even', state: 2 + 4 + 2 },
      { key: 'odd', state: 3 + 3 },
    ]);
  });

  it('refuses a rollup whose values lack, or have more than, what its aggregates have added', async () => {
    await files.deliver(await deposit('a', 4));
    const bucket = bucketOf('a');
    const more = { key: 'odd', value: '1', entries: 1, sum: 7 };
    await expect(
      run({}, { between: () => table.storePartial('total', 'b1', bucket, 'slice-9', more) }, total),
    ).rejects.toThrow(`the values of bucket ${bucket} were made of`);
    table = memoryProjectionTable();
    // A partial that was written before with other entries stays, as it does when the map has changed meanwhile.
    await table.storePartial('total', 'b1', bucket, 'slice-0', { ...more, entries: 2 });
    await expect(run({}, {}, total)).rejects.toMatchObject({ code: 'replay.notVerified' });
  });

  /** All of one bucket: that is what pages are of. */
  function idsOf(count: number): readonly string[] {
    const ids: string[] = [];
    for (let i = 0; ids.length < count; i++) if (bucketOf(`a${i}`) === '7') ids.push(`a${i}`);
    return ids;
  }

  it.each([199, 200, 201, 400])('misses none of %d aggregates, at every page boundary', async (count) => {
    const store = createEventStore({ table: eventTable });
    for (const aggregateUuid of idsOf(count)) {
      await store.append({ aggregate: Account, aggregateUuid, expectedVersion: 0 }, [
        { type: 'AccountOpened', data: { holder: 'x' } },
        { type: 'MoneyDeposited', data: { amount: 1 } },
      ]);
    }
    const { verified } = await run({});
    expect(verified).toMatchObject({ aggregates: count, versions: 2 * count });
    let total = 0;
    for await (const { state } of readAllProjected(table, balances, { build: 'b1' })) total += state.balance;
    expect(total).toBe(count);
  });

  /** Of each account so many deposits of 1, in commits as large as may be. */
  async function fill(ids: readonly string[], count: number): Promise<StoredEvent[]> {
    const store = createEventStore({ table: eventTable });
    const all: StoredEvent[] = [];
    for (const aggregateUuid of ids) {
      for (let version = 0; version < count; version += 100) {
        const batch = Array.from({ length: Math.min(100, count - version) }, () => ({
          type: 'MoneyDeposited' as const,
          data: { amount: 1 },
        }));
        await store.append({ aggregate: Account, aggregateUuid, expectedVersion: version }, batch);
      }
      all.push(...(await stored(aggregateUuid)));
    }
    return all;
  }

  // What is asked for at once: 25 of BatchWriteItem, 100 of BatchGetItem and of a commit, pages of a query.
  it('loses nothing at the boundaries of pages and batches: so many aggregates in a bucket, so many events of one', async () => {
    const counts = [1, 24, 25, 26, 99, 100, 101];
    const byBucket = new Map(counts.map((_, i) => [i.toString(16), [] as string[]]));
    for (let i = 0; [...byBucket].some(([bucket, ids]) => ids.length < counts[Number(bucket)]!); i++) {
      const ids = byBucket.get(bucketOf(`a${i}`));
      if (ids !== undefined && ids.length < counts[Number(bucketOf(`a${i}`))]!) ids.push(`a${i}`);
    }
    const ids = [...byBucket.values()].flat();
    const singles = await fill(ids, 1);
    // Of the aggregates every second one is in the archive, of the events of one the first half.
    const cold = singles.filter((_, i) => i % 2 === 0);
    const wanted = new Map(ids.map((id) => [id, 1]));
    for (const count of [...counts, 1000]) {
      cold.push(...(await fill([`long-${count}`], count)).slice(0, Math.ceil(count / 2)));
      wanted.set(`long-${count}`, count);
    }
    await files.deliver(cold);
    const { verified } = await run({ verify: 'all' });
    const versions = [...wanted.values()].reduce((sum, count) => sum + count);
    expect(verified).toMatchObject({ aggregates: wanted.size, versions, applied: versions, sampled: wanted.size });
    const found = new Map<string, number>();
    for await (const { aggregateUuid, state } of readAllProjected(table, balances, { build: 'b1' }))
      found.set(aggregateUuid, state.balance);
    expect(found).toEqual(wanted);
  }, 240_000);

  it('chooses by either clock alike from hot and cold, though the clocks of the writers disagree by hours', async () => {
    const start = Date.UTC(2026, 0, 1, 12);
    const ids = ['a', 'b', 'c'];
    // Three writers in turn, of which one is hours ahead and one behind; time passes a minute at a time.
    for (let turn = 0; turn < 18; turn++) {
      const aggregateUuid = ids[turn % 2 === 0 ? 0 : 1 + (turn % 3 > 0 ? 1 : 0)]!;
      const ahead = [0, 3, -3][turn % 3]!;
      const store = createEventStore({
        table: eventTable,
        clock: { now: () => start + turn * 60_000 + ahead * 3_600_000 },
      });
      const { version } = await store.load(Account, aggregateUuid);
      // Told by the writer: when it happened runs back and forth from version to version.
      const occurredAt = new Date(start + turn * 60_000 + ahead * 3_600_000).toISOString();
      await store.append({ aggregate: Account, aggregateUuid, expectedVersion: version }, [
        { type: 'MoneyDeposited', data: { amount: 2 ** turn }, occurredAt },
      ]);
    }
    const all = (await Promise.all(ids.map(stored))).flat();
    const backwards = (of: 'recordedAt' | 'occurredAt') =>
      all.filter((event, i) => event.version > 1 && event[of] < all[i - 1]![of]).length;
    expect({ recorded: backwards('recordedAt'), occurred: backwards('occurredAt') > 3 }).toEqual({
      recorded: 0,
      occurred: true,
    });
    const upTo = { kind: 'times', from: '2026-01-01T09:00:00Z', to: '2026-01-01T12:09:00Z' } as const;
    for (const clock of ['recorded', 'occurred'] as const) {
      const wanted: Record<string, number> = {};
      for (const event of all) {
        const at = clock === 'recorded' ? event.recordedAt : event.occurredAt;
        if (at < '2026-01-01T09:00:00.000Z' || at > '2026-01-01T12:09:00.000Z') continue;
        wanted[event.aggregateUuid] = (wanted[event.aggregateUuid] ?? 0) + JSON.parse(event.data).amount;
      }
      expect(Object.values(wanted).reduce((sum, amount) => sum + amount)).toBeGreaterThan(0);
      // From the table alone, from the archive alone, and from both.
      for (const cold of [[], all, all.filter(({ version }) => version <= 3)]) {
        rmSync(folder, { recursive: true, force: true });
        mkdirSync(folder);
        table = memoryProjectionTable();
        if (cold.length > 0) await files.deliver(cold);
        await run({ range: { ...upTo, clock }, verify: 'all' });
        const found: Record<string, number> = {};
        for await (const { aggregateUuid, state } of readAllProjected(table, balances, { build: 'b1' }))
          if (state.balance > 0) found[aggregateUuid] = state.balance;
        expect(found, `${clock}, ${cold.length} of ${all.length} archived`).toEqual(wanted);
      }
    }
  }, 120_000);

  it('goes on where it stopped when its time is up', async () => {
    for (const aggregateUuid of idsOf(450)) {
      await createEventStore({ table: eventTable }).append({ aggregate: Account, aggregateUuid, expectedVersion: 0 }, [
        { type: 'MoneyDeposited', data: { amount: 1 } },
      ]);
    }
    const runner = createRunner(balances);
    const made = await planned({ projection: 'balances' });
    let calls = 0;
    const isLate = () => {
      calls++;
      return true;
    };
    const caughtUp = await catchUpAll(ports(), runner, made, isLate);
    expect(calls).toBeGreaterThan(16);
    expect(caughtUp).toMatchObject({ aggregates: 450, versions: 450 });
    expect(await verifyAll(ports(), runner, made, caughtUp, isLate)).toMatchObject({ aggregates: 450 });
  });

  it('is divided among functions by its size; whoever does a part, and in which order, all of it is done once', async () => {
    expect([0, 10_000, 10_001, 80_000, 1e9].map((aggregates) => partsOf(aggregates).length)).toEqual([1, 1, 2, 8, 16]);
    for (const aggregates of [0, 25_000, 1e6]) {
      expect([...partsOf(aggregates).join('')].sort().join('')).toBe('0123456789abcdef');
    }
    for (const id of ['a', 'b', 'c', 'd', 'e']) await deposit(id, 2);
    const runner = createRunner(balances);
    const made = { ...(await planned({ projection: 'balances' })), parts: partsOf(25_000) };
    const parts = await Promise.all(
      made.parts.map((part) => catchUp(ports(), runner, made, catchUpStart(part), () => false)),
    );
    expect(sumOfParts(parts)).toMatchObject({ aggregates: 5, versions: 10, caughtUp: 5 });
    expect(await verifyAll(ports(), runner, made, sumOfParts(parts))).toMatchObject({ aggregates: 5, applied: 10 });
  });

  describe('refuses', () => {
    const planOf = (name: string): Promise<Plan> => planned({ projection: 'balances' }, { name });

    it('a second rebuild of a projection while one is made, and says which', async () => {
      await planOf('b1');
      await planOf('b1');
      await expect(planOf('b2')).rejects.toThrow('balances is being rebuilt by b1, so b2 was refused');
    });

    it('a plan with a generation that compactions have cleaned up since, and takes no lock', async () => {
      await expect(planned({ projection: 'balances' }, { generation: 'g1' })).rejects.toMatchObject({
        code: 'replay.generationGone',
        details: { generation: 'g1' },
      });
      expect(await table.pointer('balances', 1)).toEqual({});
    });

    it('a file that changed after the plan: it is listed again, and read as it is now', async () => {
      await files.deliver(await deposit('a', 3));
      const made = await planOf('b1');
      const [slice] = made.slices;
      const fold = (options = {}, more = {}) =>
        foldSlice({ ...ports(), ...more }, createRunner(balances), made, slice!, options);
      for await (const [file] of files.list('events/')) {
        const { key } = file!;
        const whole = readFileSync(join(folder, key));
        truncateSync(join(folder, key), 100);
        expect(await fold()).toEqual({ gone: key });
        const again = { gone: key, generation: NO_GENERATION };
        await expect(fold({ again })).rejects.toMatchObject({ code: 'archive.unreadable', details: { key } });
        const download = async (from: string, path: string) => (await files.download(from, path)) + 1;
        await expect(fold({ again }, { files: { ...files, download } })).rejects.toMatchObject({
          code: 'replay.archiveFile',
          details: { key, expectedBytes: 100, actualBytes: 101 },
        });
        writeFileSync(join(folder, key), whole);
        expect(await fold({ again })).toMatchObject({ events: 3, aggregates: 1 });
      }
    });

    it.each<[string, (bytes: Buffer) => Buffer]>([
      ['damaged in its middle', (bytes) => bytes.fill(0, 4, bytes.length - 300)],
      ['cut off', (bytes) => bytes.subarray(0, bytes.length / 2)],
      ['no Parquet at all', () => Buffer.from('what is this?')],
    ])('a file that was %s before the plan, and names it', async (_, damage) => {
      await files.deliver([...(await deposit('a', 3)), ...(await deposit('b', 3))]);
      const keys: string[] = [];
      for await (const [file] of files.list('events/')) {
        const path = join(folder, file!.key);
        writeFileSync(path, damage(readFileSync(path)));
        keys.push(file!.key);
      }
      const made = await planOf('b1');
      const refused = await foldSlice(ports(), createRunner(balances), made, made.slices[0]!).catch((error) => error);
      expect(refused).toMatchObject({
        code: 'archive.unreadable',
        message: expect.stringContaining('npx daybook verify'),
      });
      expect(keys).toContain(refused.details.key);
    });

    it('to go on once more is spent than its budget, though less was estimated', async () => {
      await files.deliver([...(await deposit('a', 3)), ...(await deposit('b', 3))]);
      const shared = { ...ports() };
      const made = await planOf('b1');
      await shared.builds.add({ ...made, build: 'b1', status: 'running' } as never);
      const full = { ...made, request: { ...made.request, budget: 0.000001 } };
      await expect(foldSlice(shared, createRunner(balances), full, made.slices[0]!)).rejects.toMatchObject({
        code: 'replay.budgetSpent',
        details: { build: 'b1', budget: 0.000001 },
      });
    });

    it('a fold that throws, naming the event', async () => {
      await files.deliver(await deposit('a', 3));
      const brittle = defineProjection({
        name: 'brittle',
        aggregate: Account,
        initialState: () => 0,
        evolve: (state, event) => {
          if (event.version === 2) throw new Error('cannot');
          return state + 1;
        },
      });
      await expect(run({}, {}, brittle)).rejects.toMatchObject({
        code: 'replay.foldFailed',
        details: { projection: 'brittle', aggregateUuid: 'a', version: 2, type: 'MoneyDeposited', reason: 'cannot' },
      });
    });

    it('to promote a build that lacks an aggregate, lags, or differs in one state', async () => {
      await files.deliver([...(await deposit('a', 3)), ...(await deposit('b', 3))]);
      const tamper = async (
        change: (item: NonNullable<Awaited<ReturnType<typeof table.get>>>) => object | undefined,
      ) => {
        table = memoryProjectionTable();
        const runner = createRunner(balances);
        const made = await planOf('b1');
        for (const slice of made.slices) await foldSlice(ports(), runner, made, slice);
        const caughtUp = await catchUpAll(ports(), runner, made);
        const damaged = memoryProjectionTable();
        for (const id of ['a', 'b']) {
          const item = (await table.get('balances', 'b1', id))!;
          const changed = id === 'a' ? change(item) : item;
          if (changed !== undefined) await damaged.store('balances', 'b1', { ...item, ...changed });
        }
        return verifyAll({ ...ports(), table: damaged }, runner, made, caughtUp);
      };
      await expect(tamper((item) => item)).resolves.toMatchObject({ aggregates: 2, sampled: 2 });
      await expect(tamper(() => undefined)).rejects.toThrow('it holds 1 aggregates, the table 2');
      await expect(tamper((item) => ({ ...item, position: 2 }))).rejects.toThrow('has looked at 5 versions');
      await expect(tamper((item) => ({ ...item, applied: 2 }))).rejects.toThrow('a counted 2 events, the table has 3');
      await expect(tamper((item) => ({ ...item, state: '{"balance":7}' }))).rejects.toThrow('a differs at version 3');
    });
  });
});

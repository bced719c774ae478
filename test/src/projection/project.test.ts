import { createEventStore, defineEvent, defineProjection, defineRollup, type StoredEvent } from 'daybook';
import { type MemoryProjectionTable, memoryEventTable, memoryProjectionTable } from 'daybook/testing';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Account } from '../../../examples/bank/account.ts';
import { MoneyDeposited } from '../../../examples/bank/events.ts';
import { balances } from '../../../examples/bank/projections.ts';
import { consumeFeed } from '../../../src/feed/consume/consume-feed.ts';
import { type Envelope, toEnvelopeEvent } from '../../../src/feed/envelope.ts';
import type { Observed } from '../../../src/feed/observed.ts';
import { project, projectBatch } from '../../../src/projection/project.ts';
import type { BuildPointer, ProjectionTable } from '../../../src/projection/projection-table.ts';
import { readAllProjected, readProjected, readRollup } from '../../../src/projection/read.ts';
import { createRunner } from '../../../src/projection/runner.ts';

describe('projecting live', () => {
  let events = memoryEventTable();
  let table: MemoryProjectionTable;
  beforeEach(() => {
    events = memoryEventTable();
    table = memoryProjectionTable();
  });

  /** Deposits of 1, 2, 3 … cents. */
  async function deposit(aggregateUuid: string, count: number): Promise<StoredEvent[]> {
    const store = createEventStore({ table: events });
    for (let n = 0; n < count; n++) {
      await store.handle(
        Account,
        aggregateUuid,
        (_, amount: number) => ({ type: 'MoneyDeposited', data: { amount } }),
        n + 1,
      );
    }
    const all: StoredEvent[] = [];
    for await (const page of events.query(aggregateUuid, {})) all.push(...page);
    return all;
  }

  const stored = (aggregateUuid: string, count: number): StoredEvent[] =>
    Array.from({ length: count }, (_, i) => ({
      aggregateUuid,
      aggregateType: 'Account',
      version: i + 1,
      type: 'MoneyDeposited',
      schemaVersion: 1,
      commitId: `${aggregateUuid}${i + 1}`,
      commitFirst: i + 1,
      commitLast: i + 1,
      recordedAt: '2026-01-01T00:00:00.000Z',
      occurredAt: '2026-01-01T00:00:00.000Z',
      data: JSON.stringify({ amount: i + 1 }),
    }));

  const envelope = (all: readonly StoredEvent[], from: number, to: number): Envelope => ({
    format: 1,
    feed: 'feed',
    aggregate: all[0]!.aggregateUuid,
    from,
    to,
    head: all.length,
    events: all.slice(from - 1, to).map(toEnvelopeEvent),
  });

  const apply = (envelopeOf: Envelope, pointer: BuildPointer = {}, into: ProjectionTable = table) =>
    project({ table: into, events }, createRunner(balances), pointer, envelopeOf);
  const seen = async (id = 'a') => {
    const found = await readProjected(table, balances, id);
    return found && [found.position, found.state.balance];
  };

  it('counts each event once, whatever is repeated and overlaps', async () => {
    const all = await deposit('a', 6);
    for (const [from, to] of [
      [1, 3],
      [1, 3],
      [2, 5],
      [1, 2],
      [4, 6],
      [6, 6],
    ] as const)
      await apply(envelope(all, from, to));
    expect(await seen()).toEqual([6, 21]);
  });

  it('reads from the table what a consumer that started late did not get', async () => {
    const all = await deposit('a', 6);
    await apply(envelope(all, 5, 6));
    expect(await seen()).toEqual([6, 21]);
  });

  it('reads what is missing as it is now: a read of the past would end before it, and nobody would come again', async () => {
    const all = await deposit('a', 6);
    const stale: typeof events = {
      ...events,
      query: (id, options) => events.query(id, options.consistent === false ? { ...options, to: 2 } : options),
    };
    await project({ table, events: stale }, createRunner(balances), {}, envelope(all, 5, 6));
    expect(await seen()).toEqual([6, 21]);
  });

  it('does not honour the base of an adopted feed: its state is a function of all versions', async () => {
    const all = await deposit('a', 6);
    await apply({ ...envelope(all, 5, 6), base: 4 });
    expect(await seen()).toEqual([6, 21]);
  });

  it('stops before a hole and goes on when it is filled', async () => {
    const all = await deposit('a', 4);
    const holed = {
      ...events,
      query: () =>
        (async function* () {
          yield [all[0]!];
        })(),
    };
    await project({ table, events: holed }, createRunner(balances), {}, envelope(all, 3, 4));
    expect(await seen()).toEqual([1, 1]);
    await apply(envelope(all, 3, 4));
    expect(await seen()).toEqual([4, 10]);
  });

  it('is exactly once when several run at the same time', async () => {
    const all = await deposit('a', 20);
    // Each read is followed by a pause, so that every conditional put meets another's.
    const slow: ProjectionTable = {
      ...table,
      async get(...key) {
        const item = await table.get(...key);
        await new Promise((resolve) => setImmediate(resolve));
        return item;
      },
    };
    await Promise.all([1, 4, 2, 3, 1].map((from) => apply(envelope(all, from, from * 5), {}, slow)));
    expect(await seen()).toEqual([20, 210]);
  });

  it('applies a batch as it applies its envelopes one by one, with one read per projection', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ id: fc.constantFrom('a', 'b'), from: fc.nat(9), more: fc.nat(4) }), { maxLength: 12 }),
        fc.nat(4),
        async (picks, failing) => {
          const all = { a: stored('a', 14), b: stored('b', 14) };
          const tables = [memoryProjectionTable(), memoryProjectionTable()] as const;
          const eventTable = memoryEventTable();
          for (const id of ['a', 'b'] as const)
            for (const e of all[id]) await eventTable.put({ commitId: `${id}${e.version}`, events: [e] });
          const batch = picks.map(({ id, from, more }) => envelope(all[id], from + 1, Math.min(14, from + 1 + more)));
          let reads = 0;
          let puts = 0;
          const counting: ProjectionTable = {
            ...tables[0],
            async get(...key) {
              reads++;
              return await tables[0].get(...key);
            },
            async advance(projection, build, item, from) {
              // Another projector is faster now and then.
              if (++puts === failing) await tables[0].advance(projection, build, { ...item }, from);
              return await tables[0].advance(projection, build, item, from);
            },
          };
          const projector = projectBatch({ table: counting, events: eventTable }, [createRunner(balances)]);
          await projector.prepare(batch);
          for (const each of batch) await projector.apply(each);
          for (const each of batch)
            await project({ table: tables[1], events: eventTable }, createRunner(balances), {}, each);
          for (const id of ['a', 'b']) {
            expect(await tables[0].get('balances', 'live-v1', id)).toEqual(
              await tables[1].get('balances', 'live-v1', id),
            );
          }
          expect(reads).toBeLessThanOrEqual(puts >= failing && failing > 0 ? 1 : 0);
        },
      ),
    );
  });

  it('gives up with the aggregate’s name when it loses every race', async () => {
    const all = await deposit('a', 1);
    const contended: ProjectionTable = { ...table, advance: async () => false };
    await expect(apply(envelope(all, 1, 1), {}, contended)).rejects.toMatchObject({
      code: 'projection.contended',
      details: { projection: 'balances', aggregateUuid: 'a', attempts: 10 },
    });
  });

  it('keeps a changed projection apart from the build of the version before', async () => {
    const all = await deposit('a', 2);
    table.setPointer('balances', { active: 'old' }, 1);
    table.setPointer('balances', { active: 'new' }, 2);
    const changed = createRunner({ ...balances, version: 2 });
    for (const runner of [createRunner(balances), changed]) {
      await projectBatch({ table, events }, [runner]).apply(envelope(all, 1, 2));
    }
    expect((await readProjected(table, balances, 'a'))?.build).toBe('old');
    expect((await readProjected(table, { ...balances, version: 2 }, 'a'))?.build).toBe('new');
    expect(await readProjected(table, { ...balances, version: 3 }, 'a')).toBeUndefined();
  });

  it('brings what will be promoted on before what is read: no reader sees time turn back at the promotion', async () => {
    const all = await deposit('a', 3);
    const positions = async () => [
      (await table.get('balances', 'new', 'a'))?.position ?? 0,
      (await table.get('balances', 'old', 'a'))?.position ?? 0,
    ];
    const seen: number[][] = [];
    const watched: ProjectionTable = {
      ...table,
      async advance(...given) {
        const done = await table.advance(...given);
        seen.push(await positions());
        return done;
      },
    };
    const pointer = { active: 'old', building: 'new', phase: 'joined' } as const;
    for (let version = 1; version <= 3; version++)
      await project({ table: watched, events }, createRunner(balances), pointer, envelope(all, version, version));
    expect(seen).toHaveLength(6);
    for (const [next, read] of seen) expect(next).toBeGreaterThanOrEqual(read!);
  });

  it('stops an aggregate before the event that a fold fails on, tells of it, and goes on with everything else', async () => {
    let mended = false;
    const picky = defineProjection({
      name: 'picky',
      events: [MoneyDeposited],
      initialState: () => ({ balance: 0 }),
      evolve: (state, { aggregateUuid, version, data }) => {
        state.balance += data.amount; // in place, and then it fails: nothing of it may be kept
        if (!mended && aggregateUuid === 'a' && version === 3) throw new TypeError('private');
        return state;
      },
    });
    const [a, b] = [await deposit('a', 5), await deposit('b', 2)];
    const report: Observed[] = [];
    const handler = consumeFeed({
      feed: 'feed',
      report: (seen) => report.push(seen),
      ...projectBatch({ table, events }, [createRunner(picky), createRunner(balances)]),
    });
    const batch = [envelope(a, 1, 4), envelope(b, 1, 2)].map((each, i) => ({
      kinesis: { sequenceNumber: String(i), data: Buffer.from(JSON.stringify(each)).toString('base64') },
    }));
    expect(await handler({ Records: batch })).toEqual({ batchItemFailures: [] });
    const pickyAt = async (id: string) => {
      const found = await readProjected(table, picky, id);
      return found && [found.position, found.state.balance];
    };
    expect(await pickyAt('a')).toEqual([2, 3]);
    expect(await pickyAt('b')).toEqual([2, 3]);
    expect(await seen('a')).toEqual([4, 10]);
    expect(report[0]!.counts.get('FoldsFailed')).toBe(1);
    const told = { what: 'foldFailed', projection: 'picky', aggregateUuid: 'a', version: 3, type: 'MoneyDeposited' };
    expect(report[0]!.notes).toMatchObject([{ ...told, code: 'TypeError' }]);
    expect(JSON.stringify(report[0]!.notes)).not.toContain('private');
    mended = true;
    await project({ table, events }, createRunner(picky), {}, envelope(a, 5, 5));
    expect(await pickyAt('a')).toEqual([5, 15]);
  });

  it('stops an aggregate whose state outgrows an item of the table, and goes on with everything else', async () => {
    const all = defineProjection({
      name: 'all',
      events: [MoneyDeposited],
      initialState: () => '',
      evolve: (state, { aggregateUuid, version }) =>
        aggregateUuid === 'a' && version === 2 ? 'x'.repeat(400_000) : `${state}.`,
    });
    const [a, b] = [await deposit('a', 2), await deposit('b', 2)];
    const report: Observed[] = [];
    const handler = consumeFeed({
      feed: 'feed',
      report: (seen) => report.push(seen),
      ...projectBatch({ table, events }, [createRunner(all), createRunner(balances)]),
    });
    const batch = [envelope(a, 1, 2), envelope(b, 1, 2)].map((each, i) => ({
      kinesis: { sequenceNumber: String(i), data: Buffer.from(JSON.stringify(each)).toString('base64') },
    }));
    expect(await handler({ Records: batch })).toEqual({ batchItemFailures: [] });
    expect((await readProjected(table, all, 'b'))?.position).toBe(2);
    expect(await seen('a')).toEqual([2, 3]);
    expect(report[0]!.counts.get('FoldsFailed')).toBe(1);
    const told = { what: 'foldFailed', projection: 'all', aggregateUuid: 'a', version: 2 };
    expect(report[0]!.notes).toMatchObject([{ ...told, code: 'projection.stateTooLarge' }]);
  });

  it('waits for the code that knows a newer schema version', async () => {
    const all = (await deposit('a', 1)).map((event) => ({ ...event, schemaVersion: 2 }));
    await expect(apply(envelope(all, 1, 1))).rejects.toMatchObject({ code: 'event.newerSchema' });
  });

  it('passes over aggregates of another type', async () => {
    const all = (await deposit('a', 1)).map((event) => ({ ...event, aggregateType: 'Loan' }));
    await apply(envelope(all, 1, 1));
    expect(await seen()).toBeUndefined();
  });

  it('combines a rollup across aggregates, each event once', async () => {
    const byAmount = defineRollup({
      name: 'by-amount',
      events: [MoneyDeposited],
      map: ({ data: { amount } }) => (amount === 2 ? [] : [{ key: String(amount), value: 1 }]),
      combine: (a, b) => a + b,
    });
    for (const id of ['a', 'b', 'c']) {
      const all = await deposit(id, 3);
      for (const to of [3, 3]) await project({ table, events }, createRunner(byAmount), {}, envelope(all, 1, to));
    }
    expect(Object.fromEntries((await readRollup(table, byAmount)).values)).toEqual({ 1: 3, 3: 3 });
  });

  it('gives upcast data to a fold, and lists all states', async () => {
    const Renamed = defineEvent({
      type: 'MoneyDeposited',
      schemaVersion: 2,
      data: { type: 'object', properties: { cents: { type: 'integer' } }, required: ['cents'] },
      upcasts: { 1: (data) => ({ cents: (data as { amount: number }).amount }) },
    });
    const total = defineProjection({
      name: 'total',
      events: [Renamed],
      initialState: () => 0,
      evolve: (sum, event) => sum + event.data.cents,
    });
    const all = await deposit('a', 4);
    await project({ table, events }, createRunner(total), {}, envelope(all, 1, 4));
    const states = [];
    for await (const { aggregateUuid, state } of readAllProjected(table, total)) states.push([aggregateUuid, state]);
    expect(states).toEqual([['a', 10]]);
  });
});

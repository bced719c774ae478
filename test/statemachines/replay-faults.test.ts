import { type AnyProjection, BUCKETS, createEventStore, readProjected, type StoredEvent } from 'daybook';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Account } from '../../examples/bank/account.ts';
import { balances } from '../../examples/bank/projections.ts';
import { toEnvelopeEvent } from '../../src/feed/envelope.ts';
import { projectBatch } from '../../src/projection/project.ts';
import { createRunner } from '../../src/projection/runner.ts';
import { replayStage, type Stage } from './replay-stage.ts';

const WRITES = /PutItem|UpdateItem|BatchWriteItem|PutEvents|^write/;

/** What each account holds, by plain addition: no code of a replay has a part in it. */
type Expected = Map<string, { balance: number; versions: number }>;

describe('a replay, whatever befalls it', { timeout: 240_000 }, () => {
  let stage: Stage;
  const expected: Expected = new Map();
  let builds = 0;

  beforeAll(async () => {
    stage = await replayStage([balances]);
    // In the archive, in part in the archive, and not at all.
    for (const [id, count, archived] of [
      ['a', 5, 5],
      ['b', 4, 2],
      ['c', 3, 0],
    ] as const) {
      for (let n = 1; n <= count; n++) await deposit(id, n);
      const all = await stored(id);
      if (archived > 0) await stage.archive.deliver(all.slice(0, archived));
    }
  });
  afterEach(() => {
    stage.befalls = () => undefined;
    stage.answers = {};
    stage.projections = [balances];
    stage.isLate = () => false;
  });
  afterAll(() => stage?.close());

  async function deposit(id: string, amount: number): Promise<void> {
    const { balance, versions } = expected.get(id) ?? { balance: 0, versions: 0 };
    await createEventStore({ table: stage.events }).append(
      { aggregate: Account, aggregateUuid: id, expectedVersion: versions },
      [{ type: 'MoneyDeposited', data: { amount } }],
    );
    expected.set(id, { balance: balance + amount, versions: versions + 1 });
  }

  async function stored(id: string): Promise<StoredEvent[]> {
    const all: StoredEvent[] = [];
    for await (const page of stage.events.query(id, {})) all.push(...page);
    return all;
  }

  const pointer = () => stage.table.pointer('balances', 1);

  async function statesOf(build: string): Promise<Record<string, unknown>> {
    const found: Record<string, unknown> = {};
    for (const bucket of BUCKETS) {
      for await (const page of stage.table.list('balances', build, bucket)) {
        for (const { aggregateUuid, position, applied, state } of page)
          found[aggregateUuid] = { position, applied, balance: JSON.parse(state).balance };
      }
    }
    return found;
  }

  const wanted = () =>
    Object.fromEntries(
      [...expected].map(([id, { balance, versions }]) => [id, { position: versions, applied: versions, balance }]),
    );

  /** The build is live, whole, and nothing is left of its making. */
  async function expectPromoted(build: string, previous: string | undefined, after: string): Promise<void> {
    expect(await pointer(), after).toEqual({
      ...{ active: build, previous: previous ?? 'live-v1', activeSince: expect.stringMatching(/Z$/) },
      activeBy: expect.stringMatching(new RegExp(`:${build}$`)),
    });
    expect(await statesOf(build), after).toEqual(wanted());
    expect((await stage.builds.get('balances', build))?.status, after).toBe('promoted');
  }

  /**
   * The calls of a replay that nothing befalls behind which something may: each write, for between two of them it is all the same, and the
   * first call of each function.
   */
  async function points(): Promise<readonly number[]> {
    const { active } = await pointer();
    const name = `b${++builds}`;
    const seen = new Set<string>();
    const found: number[] = [];
    stage.befalls = (call, what, by) => {
      if (WRITES.test(what) || !seen.has(by)) found.push(call);
      seen.add(by);
      return undefined;
    };
    expect((await stage.run(name, { projection: 'balances' })).status).toBe('SUCCEEDED');
    await expectPromoted(name, active, 'nothing befell it');
    expect([...seen].sort()).toEqual(['CatchUp', 'Fold', 'Plan', 'Verify', 'machine']);
    expect(found.length).toBeGreaterThan(20);
    return found;
  }

  it('killed between any two writes, or without the answer to a call of the machine, goes on to the same end', async () => {
    let redriven = 0;
    for (const n of await points()) {
      const { active } = await pointer();
      const name = `b${++builds}`;
      let what = '';
      stage.befalls = (call) => {
        if (call !== n) return undefined;
        queueMicrotask(() => {
          what = `call ${n}, ${stage.lastCall}`;
        });
        return 'kill';
      };
      let { status } = await stage.run(name, { projection: 'balances' });
      stage.befalls = () => undefined;
      if (status === 'FAILED') {
        // Not half promoted: readers see the build before, and the lock is kept for the redrive.
        expect((await pointer()).active, what).toBe(active);
        redriven++;
        ({ status } = await stage.redrive());
      }
      expect(status, `${what}: ${stage.causes.join('\n')}`).toBe('SUCCEEDED');
      await expectPromoted(name, active, what);
    }
    expect(redriven).toBeGreaterThan(10);
  });

  it('stopped between any two writes is promoted whole or not at all, and nothing of it stays', async () => {
    let stopped = 0;
    for (const n of await points()) {
      const was = await pointer();
      const name = `b${++builds}`;
      stage.befalls = (call) => (call === n ? 'stop' : undefined);
      const { status } = await stage.run(name, { projection: 'balances' });
      stage.befalls = () => undefined;
      const after = `stopped at call ${n}`;
      if ((await pointer()).active === name) {
        await stage.cleanUp();
        await expectPromoted(name, was.active, after);
        continue;
      }
      expect(status, after).toBe('ABORTED');
      expect(await pointer(), after).toEqual(was);
      // What a function wrote that was still under way goes with the daily cleaning up.
      await stage.cleanUp();
      expect(await statesOf(name), after).toEqual({});
      expect(['stopped', 'removed', undefined], after).toContain((await stage.builds.get('balances', name))?.status);
      stopped++;
    }
    expect(stopped).toBeGreaterThan(15);
  });

  it('throttled at every third call, by whoever, comes through', async () => {
    const { active } = await pointer();
    const name = `b${++builds}`;
    let seen = 0;
    stage.befalls = (_, what) => (what.startsWith('dynamodb') && ++seen % 3 === 0 ? 'refuse' : undefined);
    let { status } = await stage.run(name, { projection: 'balances' });
    for (let again = 0; status !== 'SUCCEEDED' && again < 60; again++) ({ status } = await stage.redrive());
    expect(status).toBe('SUCCEEDED');
    await expectPromoted(name, active, 'throttled');
  });

  it('beside live traffic at each of its calls, to the last one, loses nothing; a batch under way may be late', async () => {
    const { active } = await pointer();
    const name = `b${++builds}`;
    const late: (() => Promise<void>)[] = [];
    const live = async (call: number) => {
      const id = ['a', 'b', 'c', `new-${call % 5}`][call % 4]!;
      await deposit(id, call);
      const all = await stored(id);
      const { versions } = expected.get(id)!;
      const envelope = {
        ...{ format: 1 as const, feed: 'feed', aggregate: id, from: versions, to: versions, head: versions },
        events: all.slice(-1).map(toEnvelopeEvent),
      };
      // The pointer is read when a batch begins: it may end some calls later.
      const batch = projectBatch({ table: stage.table, events: stage.events }, [createRunner(balances)]);
      await batch.prepare([envelope]);
      late.push(() => batch.apply(envelope));
      if (late.length > 3) await late.shift()!();
    };
    // Functions work at once; this writer does one thing after the other.
    let writer = Promise.resolve();
    stage.befalls = async (call) => {
      writer = writer.then(() => live(call));
      await writer;
      return undefined;
    };
    stage.told = { aggregates: 45_000 }; // five functions catch up and verify at once
    const { status, cause } = await stage.run(name, { projection: 'balances', verify: 'all' });
    stage.befalls = () => undefined;
    stage.told = {};
    for (const apply of late) await apply();
    expect({ status, cause }).toMatchObject({ status: 'SUCCEEDED' });
    await expectPromoted(name, active, 'live traffic');
    const told = stage.announced.filter(({ detail }) => detail.build === name && detail.step === 'catchUp');
    expect(told.map(({ detail }) => detail.part).sort()).toEqual(['05af', '16b', '27c', '38d', '49e']);
  });

  it('whose projection is deployed anew halfway fails by name, and goes on once both versions are there', async () => {
    const { active } = await pointer();
    const name = `b${++builds}`;
    const second = { ...balances, version: 2 } as unknown as AnyProjection;
    stage.befalls = (_, what) => {
      if (what === 'dynamodb UpdateItem' && stage.announced.at(-1)?.detailType === 'Replay Progress')
        stage.projections = [second];
      return undefined;
    };
    const failed = await stage.run(name, { projection: 'balances' });
    expect(failed).toMatchObject({ status: 'FAILED' });
    expect(failed.cause).toContain('projection.changed');
    expect((await pointer()).active).toBe(active);
    stage.befalls = () => undefined;
    stage.projections = [balances, second];
    expect((await stage.redrive()).status).toBe('SUCCEEDED');
    await expectPromoted(name, active, 'deployed anew');
    expect(await readProjected(stage.table, { ...balances, version: 2 }, 'a')).toBeUndefined();
  });

  it('whose fold throws in a slice fails, and its record names the event', async () => {
    const name = `b${++builds}`;
    const evolve = () => {
      throw new Error('boom');
    };
    stage.projections = [{ ...balances, evolve } as unknown as AnyProjection];
    expect(await stage.run(name, { projection: 'balances' })).toMatchObject({ status: 'FAILED' });
    const record = await stage.builds.get('balances', name);
    expect(record?.error).toMatch(/cannot fold MoneyDeposited \(aggregate [ab], version 1\): boom/);
    stage.projections = [balances];
    expect((await stage.redrive()).status).toBe('SUCCEEDED');
  });

  it.each(['Fold', 'CatchUp', 'Verify'])(
    'whose %s has no time left fails by name, and goes on from there',
    async (step) => {
      const { active } = await pointer();
      const name = `b${++builds}`;
      let calls = 0;
      stage.befalls = (_, what, by) =>
        by === step && !what.startsWith('read') && ++calls === 2 ? 'timeOut' : undefined;
      const failed = await stage.run(name, { projection: 'balances' });
      stage.befalls = () => undefined;
      expect(failed).toMatchObject({ status: 'FAILED' });
      expect(stage.causes.join('\n')).toContain('Task timed out after 900.00 seconds');
      expect((await pointer()).active).toBe(active);
      expect((await stage.redrive()).status).toBe('SUCCEEDED');
      await expectPromoted(name, active, `${step} timed out`);
    },
  );

  it.each(['Fold', 'Verify'])(
    'whose lock another rebuild took while its %s had failed says so when it is resumed',
    async (step) => {
      const { active } = await pointer();
      const name = `b${++builds}`;
      stage.befalls = (_, __, by) => (by === step ? 'kill' : undefined);
      expect(await stage.run(name, { projection: 'balances' })).toMatchObject({ status: 'FAILED' });
      stage.befalls = () => undefined;
      const { execution } = (await stage.builds.get('balances', name))!;
      await stage.builds.lock('balances', 1, { build: 'other', execution: 'arn:other' }, execution);
      const { status, error, cause } = await stage.redrive();
      expect({ status, error }).toEqual({ status: 'FAILED', error: 'replay.lostLock' });
      expect(cause).toContain(`took the place of ${name}`);
      expect((await pointer()).active).toBe(active);
      await stage.builds.release('balances', 1, 'arn:other');
    },
  );

  it('whose plan answers with garbage is not promoted', async () => {
    const { active } = await pointer();
    for (const garbage of [null, 'done', {}]) {
      const name = `b${++builds}`;
      stage.answers = { Plan: () => garbage };
      const { status } = await stage.run(name, { projection: 'balances' });
      stage.answers = {};
      expect((await pointer()).active, `the plan was ${JSON.stringify(garbage)}`).toBe(active);
      expect(status).toBe('FAILED');
    }
  });

  it.each(['Fold', 'CatchUp', 'Verify'])(
    'whose %s answers with garbage fails by name, and goes on from there',
    async (step) => {
      for (const garbage of [null, 'done', {}, { done: true }, { done: 'yes', events: '1', bucket: 0 }]) {
        const { active } = await pointer();
        const name = `b${++builds}`;
        const what = `${step} answered ${JSON.stringify(garbage)}`;
        let asked = 0;
        stage.answers = {
          [step]: () => {
            asked++;
            return garbage;
          },
        };
        const failed = await stage.run(name, { projection: 'balances' });
        stage.answers = {};
        expect(failed, what).toMatchObject({ status: 'FAILED' });
        expect(stage.causes.join('\n'), what).toContain(`replay.badAnswer: ${step}`);
        expect(asked, what).toBeLessThanOrEqual(BUCKETS.length);
        expect((await pointer()).active, what).toBe(active);
        const { status, cause } = await stage.redrive();
        expect({ status, cause }, `${what}: ${stage.causes.join('\n')}`).toMatchObject({ status: 'SUCCEEDED' });
        await expectPromoted(name, active, what);
      }
    },
  );
});

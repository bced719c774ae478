import {
  createEventStore,
  DaybookError,
  defineProjection,
  defineRollup,
  readProjected,
  readRollup,
  waitForProjected,
} from 'daybook';
import { memoryEventTable, memoryProjectionTable } from 'daybook/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { Account } from '../../../examples/bank/account.ts';
import { MoneyDeposited } from '../../../examples/bank/events.ts';
import { balances } from '../../../examples/bank/projections.ts';
import { advanceTo } from '../../../src/projection/project.ts';
import type { ProjectionTable } from '../../../src/projection/projection-table.ts';
import { createRunner } from '../../../src/projection/runner.ts';

describe('reading one’s own write', () => {
  let events = memoryEventTable();
  let table: ProjectionTable = memoryProjectionTable();
  beforeEach(() => {
    events = memoryEventTable();
    table = memoryProjectionTable();
  });

  const deposit = async (amount: number) => {
    const store = createEventStore({ table: events });
    const { version } = await store.load(Account, 'a');
    await store.append({ aggregate: Account, aggregateUuid: 'a', expectedVersion: version }, [
      { type: 'MoneyDeposited', data: { amount } },
    ]);
  };
  const project = (projection: Parameters<typeof createRunner>[0], to: number) =>
    advanceTo({ table, events }, createRunner(projection), `live-v${projection.version}`, { aggregateUuid: 'a', to });

  it('waits until the version is there, and says which build and position it read', async () => {
    await deposit(5);
    await deposit(7);
    await project(balances, 1);
    const waiting = waitForProjected(table, balances, 'a', 2, { interval: 5 });
    setTimeout(() => project(balances, 2), 20);
    expect(await waiting).toMatchObject({ position: 2, build: 'live-v1', state: { balance: 12 } });
  });

  it('waits as long as it may, though it was to look less often', async () => {
    await deposit(5);
    const waiting = waitForProjected(table, balances, 'a', 1, { timeout: 200, interval: 60_000 });
    setTimeout(() => project(balances, 1), 20);
    expect(await waiting).toMatchObject({ position: 1 });
  });

  it('says how far the projection is when its time is up', async () => {
    await deposit(5);
    await project(balances, 1);
    const options = { timeout: 20, interval: 5 };
    await expect(waitForProjected(table, balances, 'a', 2, options)).rejects.toMatchObject({
      code: 'projection.notYet',
      details: { projection: 'balances', build: 'live-v1', aggregateUuid: 'a', version: 2, position: 1 },
    });
    await expect(waitForProjected(table, balances, 'nobody', 1, options)).rejects.toMatchObject({
      code: 'projection.notYet',
      details: { position: 0 },
    });
  });

  describe('nothing is written of a fold that gives', () => {
    const states = (evolve: (state: unknown) => unknown) =>
      defineProjection({ name: 'odd', events: [MoneyDeposited], initialState: (): unknown => ({}), evolve });
    const circle: Record<string, unknown> = {};
    circle.self = circle;

    it.each([
      ['undefined', () => undefined, 'projection.badState'],
      ['a promise', async () => ({}), 'projection.badState'],
      ['a function', () => () => 0, 'projection.badState'],
      ['NaN', () => ({ rate: Number.NaN }), 'projection.notJson'],
      ['a date', () => [new Date(0)], 'projection.notJson'],
      ['a map', () => ({ byKey: new Map() }), 'projection.notJson'],
      ['a bigint', () => 1n, 'projection.notJson'],
      ['a circle', () => circle, 'projection.notJson'],
      ['more than an item holds', () => 'é'.repeat(200_000), 'projection.stateTooLarge'],
    ])('%s', async (_, evolve, code) => {
      await deposit(5);
      await expect(project(states(evolve), 1)).rejects.toMatchObject({
        code,
        details: { aggregateUuid: 'a', version: 1 },
      });
      expect(await readProjected(table, states(evolve), 'a')).toBeUndefined();
    });

    it('an event with more keys than it may have, or entries that are none', async () => {
      await deposit(5);
      const of = (map: () => unknown) =>
        defineRollup({
          name: 'odd',
          events: [MoneyDeposited],
          map: map as () => [],
          combine: (a: number, b: number) => a + b,
        });
      const keys = (count: number) => Array.from({ length: count }, (_, i) => ({ key: `k${i}`, value: 1 }));
      await expect(
        project(
          of(() => keys(100)),
          1,
        ),
      ).rejects.toMatchObject({
        code: 'projection.tooManyKeys',
        details: { aggregateUuid: 'a', version: 1, type: 'MoneyDeposited', keys: 100, most: 99 },
      });
      for (const entries of [
        undefined,
        'ab',
        [{ key: 1, value: 1 }],
        [{ key: 'a' }],
        [null],
        [{ key: 'a\ud800', value: 1 }],
      ]) {
        await expect(
          project(
            of(() => entries),
            1,
          ),
        ).rejects.toMatchObject({ code: 'projection.badEntries' });
      }
      const most = of(() => [...keys(98), { key: '__proto__', value: 3 }, { key: 'k0', value: 4 }]);
      await project(most, 1);
      const { values } = await readRollup(table, most);
      expect(values.size).toBe(99);
      expect([values.get('k0'), values.get('k97'), values.get('__proto__')]).toEqual([5, 1, 3]);
    });
  });

  it('a fold over several aggregates is refused when it is defined, with the reason', () => {
    const options = { name: 'running-total', events: [MoneyDeposited], map: () => [], combine: () => 0 };
    expect(() => defineRollup({ ...options, evolve: () => 0 } as typeof options)).toThrow('have no order among them');
    expect(() => defineRollup({ ...options, evolve: () => 0 } as typeof options)).toThrow(DaybookError);
  });

  it('declared fields are of the projection’s events, each of them', () => {
    const options = { name: 'few', events: [MoneyDeposited], initialState: () => 0, evolve: (state: number) => state };
    const define = (fields: object) => defineProjection({ ...options, fields: fields as { MoneyDeposited: [] } });
    expect(() => define({})).toThrow('lack MoneyDeposited');
    expect(() => define({ MoneyDeposited: [], MoneyLost: [] })).toThrow('name MoneyLost');
    // @ts-expect-error: no such field
    defineProjection({ ...options, fields: { MoneyDeposited: ['amuont'] } });
    defineProjection({
      ...options,
      fields: { MoneyDeposited: ['amount'] },
      clocks: ['occurred'],
      evolve(sum, event) {
        // @ts-expect-error: only declared clocks are there
        event.recordedAt;
        // @ts-expect-error: nor is metadata
        event.metadata;
        return sum + event.data.amount + event.occurredAt.length;
      },
    });
  });
});

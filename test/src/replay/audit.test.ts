import { auditAggregate, createEventStore, defineProjection, defineRollup } from 'daybook';
import { memoryEventTable } from 'daybook/testing';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Account } from '../../../examples/bank/account.ts';
import { MoneyDeposited } from '../../../examples/bank/events.ts';
import { balances, monthlyStatement } from '../../../examples/bank/projections.ts';
import { changedPaths } from '../../../src/replay/changed-paths.ts';

describe('an audit', () => {
  let events = memoryEventTable();
  let tick: number;
  beforeEach(async () => {
    events = memoryEventTable();
    tick = 0;
    const store = createEventStore({ table: events, clock: { now: () => Date.UTC(2026, 1, 1, 0, 0, tick++) } });
    await store.append({ aggregate: Account, aggregateUuid: 'bob', expectedVersion: 0 }, [
      { type: 'AccountOpened', data: { holder: 'Bob' }, metadata: { user: 'alice' } },
      { type: 'MoneyDeposited', data: { amount: 100 }, occurredAt: '2026-01-05T00:00:00Z' },
    ]);
    for (const amount of [7, 5]) {
      await store.append(await store.load(Account, 'bob'), [{ type: 'MoneyWithdrawn', data: { amount } }]);
    }
  });
  const all = async <T>(versions: AsyncIterable<T>) => {
    const found: T[] = [];
    for await (const version of versions) found.push(version);
    return found;
  };

  it('shows each version: both clocks, who, the state after it, and where it changed', async () => {
    const found = await all(auditAggregate(events, balances, 'bob'));
    expect(found.map(({ version, type, state }) => [version, type, state.balance])).toEqual([
      [1, 'AccountOpened', 0],
      [2, 'MoneyDeposited', 100],
      [3, 'MoneyWithdrawn', 93],
      [4, 'MoneyWithdrawn', 88],
    ]);
    expect(found[0]).toMatchObject({
      metadata: { user: 'alice' },
      applied: true,
      changes: [{ path: '/holder', before: '', after: 'Bob' }],
    });
    expect(found[1]).toMatchObject({
      occurredAt: '2026-01-05T00:00:00.000Z',
      recordedAt: '2026-02-01T00:00:00.000Z',
      changes: [{ path: '/balance', before: 0, after: 100 }],
    });
    expect(found[0]!.commitId).toBe(found[1]!.commitId);
  });

  it('takes versions [a..b], both included, and folds what is before them', async () => {
    const found = await all(auditAggregate(events, balances, 'bob', { first: 3, last: 3 }));
    expect(found.map(({ version, changes }) => [version, changes])).toEqual([
      [3, [{ path: '/balance', before: 100, after: 93 }]],
    ]);
    expect(await all(auditAggregate(events, balances, 'bob', { first: 9 }))).toEqual([]);
    expect(await all(auditAggregate(events, balances, 'nobody'))).toEqual([]);
  });

  it('is not misled by a fold that changes the state it is given, nor by events that it does not look at', async () => {
    const found = await all(auditAggregate(events, monthlyStatement, 'bob'));
    expect(found.map(({ applied, changes }) => [applied, changes])).toEqual([
      [false, []],
      [
        true,
        [
          { path: '/balance', before: 0, after: 100 },
          { path: '/months/2026-01', after: { deposits: 100, withdrawals: 0, closing: 100 } },
        ],
      ],
      [
        true,
        [
          { path: '/balance', before: 100, after: 93 },
          { path: '/months/2026-02', after: { deposits: 0, withdrawals: 7, closing: 93 } },
        ],
      ],
      [
        true,
        [
          { path: '/balance', before: 93, after: 88 },
          { path: '/months/2026-02/withdrawals', before: 7, after: 12 },
          { path: '/months/2026-02/closing', before: 93, after: 88 },
        ],
      ],
    ]);
  });

  it('shows what a rollup has of the aggregate', async () => {
    const deposits = defineRollup({
      name: 'deposits',
      events: [MoneyDeposited],
      map: (event) => [{ key: event.occurredAt.slice(0, 7), value: event.data.amount }],
      combine: (a, b) => a + b,
    });
    const [, second] = await all(auditAggregate(events, deposits, 'bob'));
    expect(second?.changes).toEqual([{ path: '/2026-01', after: 100 }]);
  });

  it('refuses what makes no sense, and names the event that the fold cannot take', async () => {
    const audit = (...given: Parameters<typeof auditAggregate>) => all(auditAggregate(...given));
    await expect(audit(events, balances, 'bob', { first: 3, last: 2 })).rejects.toMatchObject({
      code: 'range.reversed',
    });
    await expect(audit(events, balances, 'bob', { first: 0 })).rejects.toMatchObject({ code: 'version.notAllowed' });
    await expect(audit(events, balances, 'bob', { from: 1 } as object)).rejects.toMatchObject({
      code: 'option.unknown',
    });
    const foreign = { ...balances, aggregateType: 'Loan' };
    await expect(audit(events, foreign, 'bob')).rejects.toThrow('an aggregate of the type Loan');
    const brittle = defineProjection({
      name: 'brittle',
      aggregate: Account,
      initialState: () => 0,
      evolve: (count, { version }) => {
        if (version === 3) throw new Error('cannot');
        return count + 1;
      },
    });
    await expect(audit(events, brittle, 'bob')).rejects.toMatchObject({
      code: 'replay.foldFailed',
      details: { aggregateUuid: 'bob', version: 3, type: 'MoneyWithdrawn', reason: 'cannot' },
    });
  });

  it('says of any two states what turns one into the other', () => {
    const set = (state: unknown, path: string, change: { after?: unknown }): unknown => {
      if (path === '') return change.after;
      const keys = path.slice(1).split('/');
      const key = keys[0]!.replaceAll('~1', '/').replaceAll('~0', '~');
      const copy = (Array.isArray(state) ? [...state] : { ...(state as object) }) as Record<string, unknown>;
      const rest = keys.slice(1).map((part) => `/${part}`);
      if (rest.length > 0) copy[key] = set(copy[key], rest.join(''), change);
      else if ('after' in change) copy[key] = change.after;
      else if (Array.isArray(copy)) copy.length = Math.min(copy.length, Number(key));
      else delete copy[key];
      return copy;
    };
    const json = fc
      .jsonValue({ maxDepth: 3 })
      .map((value) => JSON.stringify(value))
      .filter((text) => !text.includes('__proto__'))
      .map((text) => JSON.parse(text) as unknown);
    fc.assert(
      fc.property(json, json, (before, after) => {
        let state = before;
        for (const change of changedPaths(before, after)) state = set(state, change.path, change);
        expect(state).toEqual(after);
        expect(changedPaths(after, structuredClone(after))).toEqual([]);
      }),
      { numRuns: 300 },
    );
    expect(changedPaths({ 'a/b': { '~': 1 } }, { 'a/b': { '~': 2 } })).toEqual([
      { path: '/a~1b/~0', before: 1, after: 2 },
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { defineProjection, defineRollup } from '../../../src/index.ts';
import { expectCombines, expectProjection } from '../../../src/testing/index.ts';
import { Account, Deposited, deposited, Other, opened, withdrawn } from '../../contract/bank.ts';

const balances = defineProjection({
  name: 'balances',
  aggregate: Account,
  initialState: () => ({ balance: 0 }),
  evolve: (state, event) => {
    if (event.type === 'MoneyDeposited') state.balance += event.data.amount;
    if (event.type === 'MoneyWithdrawn') state.balance -= event.data.amount;
    return state;
  },
});
const depositsByMonth = defineRollup({
  name: 'deposits-by-month',
  events: [Deposited],
  map: (event) => [{ key: event.occurredAt.slice(0, 7), value: { count: 1, largest: event.data.amount } }],
  combine: (a, b) => ({ count: a.count + b.count, largest: Math.max(a.largest, b.largest) }),
});
const histories = [
  { aggregate: Account, aggregateUuid: 'bob', events: [opened('Bob'), deposited(5), withdrawn(2), deposited(1)] },
  { aggregate: Account, aggregateUuid: 'eve', events: [{ ...deposited(7), occurredAt: '2025-12-31T00:00:00Z' }] },
  { aggregate: Other, aggregateUuid: 'other', events: [deposited(9)] },
] as const;

describe('a projection’s specification', () => {
  it('passes for what it makes of the events, however they reach it', async () => {
    await expectProjection(balances, histories, { bob: { balance: 4 }, eve: { balance: 7 } });
    const byMonth = { '2025-12': { count: 1, largest: 7 }, '2026-01': { count: 3, largest: 9 } };
    await expectProjection(depositsByMonth, histories, byMonth);
    await expectProjection(balances, [], {});
  });

  it('fails for anything else, saying in which way the events came', async () => {
    const wrong = expectProjection(balances, histories, { bob: { balance: 4 }, eve: { balance: 8 } });
    await expect(wrong).rejects.toThrow(/balances makes of the events, once and in order, differ\n.*"balance":8/);
  });

  it('fails for a fold that remembers beside its state', async () => {
    let seen = 0;
    const counting = { ...balances, evolve: () => ({ balance: ++seen }) };
    const spec = expectProjection(counting, [histories[1]], { eve: { balance: 1 } });
    await expect(spec).rejects.toThrow('each twice, and then all again, differ');
  });

  it('fails for a state that is no JSON, and for values that combine in one order only', async () => {
    const dated = { ...balances, evolve: () => ({ balance: 0, at: new Date(0) }) };
    const spec = expectProjection(dated, [histories[1]], { eve: { balance: 0, at: new Date(0) } as never });
    await expect(spec).rejects.toThrow('state.at is a Date');
    const lastWins = defineRollup({
      name: 'last',
      events: [Deposited],
      map: (event) => [{ key: 'last', value: event.data.amount }],
      combine: (_a, b) => b,
    });
    const order = expectProjection(lastWins, [histories[0]], { last: 1 });
    await expect(order).rejects.toThrow('the other way round, differ');
  });

  it('fails for a combine that needs an order, a grouping, or changes what it is given', () => {
    const combined = <Value>(combine: (a: Value, b: Value) => Value, values: readonly NoInfer<Value>[]) =>
      expectCombines(defineRollup({ name: 'odd', events: [Deposited], map: () => [], combine }), values);
    combined((a: number, b) => Math.max(a, b), [3, 1, 2]);
    combined((a: readonly string[], b) => [...new Set([...a, ...b])].sort(), [['x'], ['y', 'x'], []]);
    expect(() => combined((a: number, b) => a - b, [0, 1])).toThrow('needs an order');
    expect(() => combined((a: readonly string[], b) => [...a, ...b], [['x'], ['y']])).toThrow('needs an order');
    expect(() => combined((a: number, b) => (a + b) / 2, [3, 1, 5])).toThrow('needs a grouping');
    const changing = (a: { n: number }, b: { n: number }) => Object.assign(a, { n: a.n + b.n });
    expect(() => combined(changing, [{ n: 1 }, { n: 2 }])).toThrow('changes what it is given');
    expect(() => combined((): unknown => undefined, [1, 2])).toThrow('makes no JSON');
  });
});

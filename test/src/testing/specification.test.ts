import { describe, expect, it } from 'vitest';
import { defineAggregate, defineEvent, type Upcast } from '../../../src/index.ts';
import { given } from '../../../src/testing/index.ts';
import { Account, deposited, opened, withdrawn } from '../../contract/bank.ts';

const withdraw = (state: { balance: number }, amount: number) => {
  if (state.balance < amount) throw new RangeError(`only ${state.balance} left`);
  return withdrawn(amount);
};

describe('given, when, then', () => {
  const bob = given(Account, [opened('Bob'), deposited(10)]);

  it('passes for what the decider does', () => {
    bob.when(withdraw, 3).then([withdrawn(3)]);
    bob.when(withdraw, 3).thenState({ holder: 'Bob', balance: 7, events: 3 });
    bob.when(withdraw, 30).thenThrows('only 10 left');
    bob.when(withdraw, 30).thenThrows(/only \d+/);
    bob.when(withdraw, 30).then(/only \d+/);
    bob.when(withdraw, 30).then(RangeError);
    bob.when(withdraw, 30).thenThrows(RangeError);
    bob.when(withdraw, 30).thenThrows((error) => error instanceof RangeError);
    bob.when(() => []).then([]);
    bob.thenState({ holder: 'Bob', balance: 10, events: 2 });
  });

  it('fails for anything else, saying what was expected and what came', () => {
    expect(() => bob.when(withdraw, 3).then([withdrawn(4)])).toThrow(/expected .*4.*\n.*actual .*3/s);
    expect(() => bob.when(withdraw, 3).then([])).toThrow('the events differ');
    expect(() => bob.when(withdraw, 30).then([withdrawn(30)])).toThrow('only 10 left');
    expect(() => bob.when(withdraw, 3).thenThrows('x')).toThrow('expected an error, but it decided');
    expect(() => bob.when(withdraw, 30).thenThrows(TypeError)).toThrow('expected another error');
    expect(() => bob.when(withdraw, 30).then(TypeError)).toThrow('expected another error');
    expect(() => bob.when(withdraw, 3).then(RangeError)).toThrow('expected an error, but it decided');
    expect(() => bob.when(withdraw, 30).thenThrows('much')).toThrow('expected another error');
    expect(() => bob.when(withdraw, 3).thenState({ holder: 'Bob', balance: 8, events: 3 })).toThrow('the state differ');
    expect(() => bob.thenState({ holder: 'Eve', balance: 10, events: 2 })).toThrow('the state differ');
  });

  it('validates events as a store would', () => {
    expect(() => given(Account, [deposited(0)]).thenState({ holder: '', balance: 0, events: 1 })).toThrow('minimum');
    expect(() => bob.when(() => deposited(-1)).then([deposited(-1)])).toThrow('minimum');
    expect(() => bob.when(() => ({ type: 'Nothing', data: {} }) as never).then([])).toThrow('no event of Account');
  });

  it('shows a decision that changes the state: after a lost race it would decide on what it left', () => {
    const greedy = (state: { balance: number }) => {
      state.balance = 0;
      return [];
    };
    expect(() => bob.when(greedy).then([])).toThrow('Cannot assign to read only property');
    bob.thenState({ holder: 'Bob', balance: 10, events: 2 });
  });
});

describe('events of older schema versions', () => {
  const amount = { type: 'object', properties: { cents: { type: 'integer' } }, required: ['cents'] } as const;
  const paid = (upcasts: Record<number, Upcast>) =>
    defineAggregate({
      type: 'Bill',
      events: [defineEvent({ type: 'Paid', schemaVersion: 3, data: amount, upcasts })],
      initialState: () => ({ cents: 0 }),
      evolve: (state, { data }) => ({ cents: state.cents + data.cents }),
    });
  const upcasts = {
    1: (data: unknown) => ({ amount: data as number }),
    2: (data: { amount: number }) => ({ cents: data.amount * 100 }),
  } as Record<number, Upcast>;
  const Bill = paid(upcasts);

  it('are upcast, step by step, and then as good as new ones', () => {
    given(Bill, [
      { type: 'Paid', schemaVersion: 1, data: 1 },
      { type: 'Paid', schemaVersion: 2, data: { amount: 2 } },
      { type: 'Paid', data: { cents: 3 } },
    ]).thenState({ cents: 303 });
  });

  it('show an upcast that fails, changes what it is given, is not pure, or makes what is not valid', () => {
    const state = (change: Record<number, Upcast>) => () =>
      given(paid({ ...upcasts, ...change }), [{ type: 'Paid', schemaVersion: 1, data: 1 }]).thenState({ cents: 100 });
    expect(state({})).not.toThrow();
    const failing = () => {
      throw new Error('no such rate');
    };
    expect(state({ 1: failing })).toThrow(/event.upcastFailed: .* from schema version 1 failed: no such rate/);
    const changing = (data: { amount: number }) => Object.assign(data, { cents: data.amount * 100 });
    expect(state({ 2: changing as Upcast })).toThrow(/from schema version 2 failed: Cannot add property cents/);
    let rate = 100;
    expect(state({ 2: ((data: { amount: number }) => ({ cents: data.amount * rate++ })) as Upcast })).toThrow(
      'another answer the second time',
    );
    expect(state({ 2: () => ({ cents: 'many' }) })).toThrow(/event.invalid: .*\/cents must be integer/);
    const newer = () => given(Bill, [{ type: 'Paid', schemaVersion: 4, data: 1 }]).thenState({ cents: 0 });
    expect(newer).toThrow('event.newerSchema');
  });
});

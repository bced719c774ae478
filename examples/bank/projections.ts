import { defineProjection, defineRollup } from 'daybook';
import { Account } from './account.ts';
import { MoneyDeposited, MoneyWithdrawn } from './events.ts';

/** What each account holds now. */
export const balances = defineProjection({
  name: 'balances',
  aggregate: Account,
  initialState: () => ({ holder: '', balance: 0, closed: false }),
  evolve: (state, event) => {
    switch (event.type) {
      case 'AccountOpened':
      case 'HolderRenamed':
        return { ...state, holder: event.data.holder };
      case 'MoneyDeposited':
        return { ...state, balance: state.balance + event.data.amount };
      case 'MoneyWithdrawn':
        return { ...state, balance: state.balance - event.data.amount };
      case 'AccountClosed':
        return { ...state, closed: true };
    }
  },
});

export interface Month {
  deposits: number;
  withdrawals: number;
  /** The balance after the month's last movement. */
  closing: number;
}

/** Where an account was below zero: from which version on, how deep, and until which it lasted. */
export interface Overdraft {
  readonly from: number;
  readonly at: string;
  readonly lowest: number;
  /** Absent while it lasts. */
  readonly to?: number;
}

/** Each account's overdrafts, by the order in which its movements stand. */
export const overdrafts = defineProjection({
  name: 'overdrafts',
  events: [MoneyDeposited, MoneyWithdrawn],
  fields: { MoneyDeposited: ['amount'], MoneyWithdrawn: ['amount'] },
  clocks: ['occurred'],
  initialState: (): { balance: number; overdrafts: readonly Overdraft[] } => ({ balance: 0, overdrafts: [] }),
  evolve: ({ balance: before, overdrafts: known }, { type, version, occurredAt, data: { amount } }) => {
    const balance = type === 'MoneyDeposited' ? before + amount : before - amount;
    const last = known.at(-1);
    if (last === undefined || last.to !== undefined) {
      const opened = balance < 0 ? [{ from: version, at: occurredAt, lowest: balance }] : [];
      return { balance, overdrafts: [...known, ...opened] };
    }
    const now = balance < 0 ? { ...last, lowest: Math.min(last.lowest, balance) } : { ...last, to: version };
    return { balance, overdrafts: [...known.slice(0, -1), now] };
  },
});

/** Each account's statement: what came in and went out by month, by the time at which it happened. */
export const monthlyStatement = defineProjection({
  name: 'monthly-statement',
  events: [MoneyDeposited, MoneyWithdrawn],
  initialState: (): { balance: number; months: Record<string, Month> } => ({ balance: 0, months: {} }),
  evolve: (state, event) => {
    const name = event.occurredAt.slice(0, 7);
    const month = state.months[name] ?? { deposits: 0, withdrawals: 0, closing: 0 };
    state.months[name] = month;
    if (event.type === 'MoneyDeposited') {
      month.deposits += event.data.amount;
      state.balance += event.data.amount;
    } else {
      month.withdrawals += event.data.amount;
      state.balance -= event.data.amount;
    }
    month.closing = state.balance;
    return state;
  },
});

export interface Movements {
  readonly count: number;
  readonly deposited: number;
  readonly withdrawn: number;
  readonly largest: number;
}

/** What moved in all accounts together, by month: every account adds to the same few keys. */
export const movementsByMonth = defineRollup({
  name: 'movements-by-month',
  events: [MoneyDeposited, MoneyWithdrawn],
  fields: { MoneyDeposited: ['amount'], MoneyWithdrawn: ['amount'] },
  clocks: ['occurred'],
  map: ({ type, occurredAt, data: { amount } }) => {
    const [deposited, withdrawn] = type === 'MoneyDeposited' ? [amount, 0] : [0, amount];
    const value: Movements = { count: 1, deposited, withdrawn, largest: amount };
    return [{ key: occurredAt.slice(0, 7), value }];
  },
  combine: (a, b) => ({
    count: a.count + b.count,
    deposited: a.deposited + b.deposited,
    withdrawn: a.withdrawn + b.withdrawn,
    largest: Math.max(a.largest, b.largest),
  }),
});

import { defineProjection } from 'daybook';
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

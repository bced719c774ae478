import { defineAggregate } from 'daybook';
import { AccountClosed, AccountOpened, HolderRenamed, MoneyDeposited, MoneyWithdrawn } from './events.ts';

export interface AccountState {
  readonly status: 'none' | 'open' | 'closed';
  readonly holder: string;
  /** Cents; below zero when overdrawn. */
  readonly balance: number;
}

export const Account = defineAggregate({
  type: 'Account',
  events: [AccountOpened, MoneyDeposited, MoneyWithdrawn, HolderRenamed, AccountClosed],
  initialState: (): AccountState => ({ status: 'none', holder: '', balance: 0 }),
  evolve: (state, event): AccountState => {
    switch (event.type) {
      case 'AccountOpened':
        return { ...state, status: 'open', holder: event.data.holder };
      case 'MoneyDeposited':
        return { ...state, balance: state.balance + event.data.amount };
      case 'MoneyWithdrawn':
        return { ...state, balance: state.balance - event.data.amount };
      case 'HolderRenamed':
        return { ...state, holder: event.data.holder };
      case 'AccountClosed':
        return { ...state, status: 'closed' };
    }
  },
});

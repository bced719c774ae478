import { defineAggregate, defineEvent } from '../../src/index.ts';

const amount = {
  type: 'object',
  properties: { amount: { type: 'integer', minimum: 1 } },
  required: ['amount'],
  additionalProperties: false,
} as const;

export const Opened = defineEvent({
  type: 'AccountOpened',
  data: { type: 'object', properties: { holder: { type: 'string' } }, required: ['holder'] },
});
export const Deposited = defineEvent({ type: 'MoneyDeposited', data: amount });
export const Withdrawn = defineEvent({ type: 'MoneyWithdrawn', data: amount });

export const Account = defineAggregate({
  type: 'Account',
  events: [Opened, Deposited, Withdrawn],
  initialState: () => ({ holder: '', balance: 0, events: 0 }),
  evolve: (state, event) => {
    const events = state.events + 1;
    switch (event.type) {
      case 'AccountOpened':
        return { ...state, events, holder: event.data.holder };
      case 'MoneyDeposited':
        return { ...state, events, balance: state.balance + event.data.amount };
      case 'MoneyWithdrawn':
        return { ...state, events, balance: state.balance - event.data.amount };
    }
  },
});

export const Other = defineAggregate({
  type: 'Other',
  events: [Deposited],
  initialState: () => ({ events: 0 }),
  evolve: (state) => ({ events: state.events + 1 }),
});

export const opened = (holder: string) => ({ type: 'AccountOpened' as const, data: { holder } });
export const deposited = (amount: number) => ({ type: 'MoneyDeposited' as const, data: { amount } });
export const withdrawn = (amount: number) => ({ type: 'MoneyWithdrawn' as const, data: { amount } });

import { defineAggregate, defineEvent } from 'daybook';

export const MoneyDeposited = defineEvent({
  type: 'MoneyDeposited',
  data: {
    type: 'object',
    properties: { amount: { type: 'integer', minimum: 1, description: 'Cents' } },
    required: ['amount'],
    additionalProperties: false,
  },
});

export const Account = defineAggregate({
  type: 'Account',
  events: [MoneyDeposited],
  initialState: () => ({ balance: 0 }),
  evolve: (state, event) => ({ balance: state.balance + event.data.amount }),
});

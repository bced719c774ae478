import { defineAggregate, defineEvent } from 'daybook';
import { z } from 'zod';

const amount = {
  type: 'object',
  properties: { amount: { type: 'integer', minimum: 1 }, orderId: { type: 'string' } }, // in cents; of an order
  required: ['amount'],
  additionalProperties: false,
} as const;
export const MoneyDeposited = defineEvent({ type: 'MoneyDeposited', data: amount }); // a JSON Schema
export const MoneyWithdrawn = defineEvent({ type: 'MoneyWithdrawn', data: amount });
export const AccountOpened = defineEvent({ type: 'AccountOpened', data: z.object({ holder: z.string() }) }); // zod

export const Account = defineAggregate({
  type: 'Account',
  events: [AccountOpened, MoneyDeposited, MoneyWithdrawn],
  initialState: () => ({ holder: '', balance: 0, paid: [] as readonly string[] }),
  evolve: (state, event) => {
    switch (event.type) {
      case 'AccountOpened':
        return { ...state, holder: event.data.holder };
      case 'MoneyDeposited':
        return { ...state, balance: state.balance + event.data.amount };
      case 'MoneyWithdrawn': {
        const { amount, orderId } = event.data;
        const paid = orderId === undefined ? state.paid : [...state.paid, orderId];
        return { ...state, balance: state.balance - amount, paid };
      }
    }
  },
});

import { defineProjection } from '../../src/index.ts';
import { book, Ledger } from './ledger.ts';

const options = {
  aggregate: Ledger,
  initialState: () => ({ balance: 0, transfers: 0 }),
} as const;

/** Projections of the ledger: one sees whole events, the other declares the fields that it looks at. */
export const LEDGERS = {
  whole: defineProjection({
    name: 'whole',
    ...options,
    evolve: (state, event) => book(state, event.type, event.data),
  }),
  fields: defineProjection({
    name: 'fields',
    ...options,
    fields: { MoneyReceived: ['amount'], MoneySent: ['amount'] },
    // A fold may change the state that it is given; a spread alone takes as long as reading the event.
    evolve(state, { type, data: { amount } }) {
      state.transfers++;
      state.balance += type === 'MoneyReceived' ? amount : -amount;
      return state;
    },
  }),
};

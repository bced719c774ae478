import { defineAggregate, defineApp, defineEvent, defineProjection } from 'daybook';

export const Deposited = defineEvent({ type: 'MoneyDeposited', data: { type: 'object' } });
/** No subscriber is interested in it. */
const Noted = defineEvent({ type: 'NoteTaken', data: { type: 'object' } });
const Account = defineAggregate({
  type: 'Account',
  events: [Deposited, Noted],
  initialState: () => ({ versions: [] as number[] }),
  evolve: (state) => state,
});

/** Its state tells which versions it was folded from. */
export const history = defineProjection({
  name: 'history',
  version: 1,
  aggregate: Account,
  initialState: () => ({ versions: [] as number[] }),
  evolve: (state, { version }) => ({ versions: [...state.versions, version] }),
});

export default defineApp({ name: 'simulation', aggregates: [Account], projections: [history] });

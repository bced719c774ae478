import { createEventStore, defineAggregate, defineEvent } from 'daybook';
import { memoryEventTable } from 'daybook/testing'; // on AWS: dynamoEventTable({ client, tableName })

const MoneyDeposited = defineEvent({
  type: 'MoneyDeposited',
  data: { type: 'object', properties: { amount: { type: 'integer', minimum: 1 } }, required: ['amount'] },
});
const Account = defineAggregate({
  type: 'Account',
  events: [MoneyDeposited],
  initialState: () => ({ balance: 0 }),
  evolve: (state, event) => ({ balance: state.balance + event.data.amount }),
});

const store = createEventStore({ table: memoryEventTable() });
const account = await store.load(Account, 'bob');
await store.append(account, [{ type: 'MoneyDeposited', data: { amount: 100 } }]); // throws when another was faster
export const { state, version } = await store.load(Account, 'bob'); // { balance: 100 }, 1

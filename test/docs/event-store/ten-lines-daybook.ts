import { createEventStore, dynamoEventTable } from 'daybook';
import { Account } from './account.ts';

export async function withdraw(client: Client, tableName: string, id: string, amount: number) {
  const store = createEventStore({ table: dynamoEventTable({ client, tableName }) });
  const { state } = await store.handle(Account, id, ({ balance }) => {
    if (balance < amount) throw new Error('not enough money');
    return { type: 'MoneyWithdrawn', data: { amount } };
  });
  return state.balance;
}

type Client = Parameters<typeof dynamoEventTable>[0]['client'];

import type { EventStore, StateOf } from 'daybook';
import { Account } from './account.ts';

export class NotEnoughMoney extends Error {}

/** Pure: what it is given is all it knows, what it returns is all it does. */
export function withdraw(account: StateOf<typeof Account>, { amount }: { amount: number }) {
  if (account.balance < amount) throw new NotEnoughMoney(`${account.balance} is left`);
  return { type: 'MoneyWithdrawn' as const, data: { amount } };
}

export const payOut = (store: EventStore, id: string, amount: number) =>
  store.handle(Account, id, withdraw, { amount });

import { type EventStore, isDaybookError } from 'daybook';
import { Account } from './account.ts';

export async function open(store: EventStore, id: string, holder: string) {
  const account = await store.load(Account, id); // version 0: there is none yet
  await store.append(account, [
    { type: 'AccountOpened', data: { holder } },
    { type: 'MoneyDeposited', data: { amount: 1000 }, metadata: { campaign: 'welcome' } },
  ]); // both, or none
}

export async function transfer(store: EventStore, from: string, to: string, amount: number, orderId: string) {
  const [giver, taker] = [await store.load(Account, from), await store.load(Account, to)];
  if (giver.state.paid.includes(orderId)) return 'done'; // by an earlier run, however much came after it
  try {
    await store.transact([
      { target: giver, events: [{ type: 'MoneyWithdrawn', data: { amount, orderId } }] },
      { target: taker, events: [{ type: 'MoneyDeposited', data: { amount, orderId } }] },
    ]);
  } catch (error) {
    if (!isDaybookError(error, 'append.versionConflict')) throw error;
    const { aggregateUuid, expected, actual, events } = error.details;
    return `${aggregateUuid} was at ${expected}, is at ${actual}: ${events.map(({ type }) => type).join(', ')} came between`;
  }
  return 'done';
}

import type { EventStore } from 'daybook';
import { Account } from './account.ts';

export async function audit(store: EventStore, id: string) {
  const lastThree: string[] = [];
  for await (const event of store.read(id, { reverse: true, limit: 3 }))
    lastThree.push(`${event.version} ${event.type}`);

  let deposited = 0;
  const january = { since: '2026-01-01T00:00:00Z', until: '2026-01-31T23:59:59.999Z', clock: 'occurred' } as const;
  for await (const event of store.read(id, { aggregate: Account, ...january })) {
    if (event.type === 'MoneyDeposited') deposited += event.data.amount; // typed and upcast
  }

  const atVersionTwo = await store.stateAt(Account, id, { version: 2 });
  const asWasKnown = await store.stateAt(Account, id, { time: '2026-01-31T23:59:59.999Z', clock: 'recorded' });
  const empty = await store.when(Account, id, (state, event) => state.balance === 0 && event.version > 1);

  const all: string[] = [];
  for await (const aggregateUuid of store.list({ type: 'Account' })) all.push(aggregateUuid);
  return { lastThree, deposited, atVersionTwo, asWasKnown, emptySince: empty?.event.version, all };
}

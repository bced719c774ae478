import { expectTypeOf } from 'vitest';
import type { EventStore, RecordedEvent } from '../../../src/index.ts';
import { Account, deposited, Other, opened } from '../../contract/bank.ts';

declare const store: EventStore;

async function types(): Promise<void> {
  const account = await store.load(Account, 'a');
  expectTypeOf(account.state).toEqualTypeOf<{ holder: string; balance: number; events: number }>();

  await store.append(account, [{ type: 'MoneyDeposited', data: { amount: 1 } }]);
  await store.append(account, [opened('Bob'), deposited(1)], { commitId: 'c' });
  // @ts-expect-error no such event
  await store.append(account, [{ type: 'Closed', data: { amount: 1 } }]);
  // @ts-expect-error the data of another event
  await store.append(account, [{ type: 'MoneyDeposited', data: { holder: 'Bob' } }]);
  // @ts-expect-error an event of Account that Other does not have
  await store.append({ aggregate: Other, aggregateUuid: 'b', expectedVersion: 0 }, [opened('Bob')]);
  // @ts-expect-error the expected version must be said
  await store.append({ aggregate: Account, aggregateUuid: 'b' }, [opened('Bob')]);
  await store.append({ aggregate: Account, aggregateUuid: 'b', expectedVersion: 'any' }, [opened('Bob')]);
  await store.append({ aggregate: 'Anything', aggregateUuid: 'b', expectedVersion: 0 }, [{ type: 'X', data: [1] }]);

  await store.transact([
    { target: account, events: [opened('Bob')] },
    { target: { aggregate: Other, aggregateUuid: 'b', expectedVersion: 3 }, events: [deposited(1)] },
  ]);
  await store.transact([
    { target: account, events: [deposited(1)] },
    // @ts-expect-error an event of Account that Other does not have
    { target: { aggregate: Other, aggregateUuid: 'b', expectedVersion: 3 }, events: [opened('Bob')] },
  ]);

  const handled = await store.handle(Account, 'a', (state) => {
    expectTypeOf(state.balance).toEqualTypeOf<number>();
    return deposited(1);
  });
  expectTypeOf(handled.events[0]!.type).toEqualTypeOf<'AccountOpened' | 'MoneyDeposited' | 'MoneyWithdrawn'>();
  await store.handle(Account, 'a', (_state, amount: number) => [deposited(amount)], 5, { attempts: 3 });
  // @ts-expect-error the command is missing
  await store.handle(Account, 'a', (_state, amount: number) => [deposited(amount)]);
  // @ts-expect-error it decides an event that the aggregate does not have
  await store.handle(Other, 'a', () => opened('Bob'));

  for await (const event of store.read('a')) expectTypeOf(event).toEqualTypeOf<RecordedEvent>();
  for await (const event of store.read('a', { aggregate: Account, from: 2 })) {
    if (event.type === 'AccountOpened') expectTypeOf(event.data.holder).toEqualTypeOf<string>();
  }
  const { state } = await store.stateAt(Account, 'a', { version: 3 });
  expectTypeOf(state.holder).toEqualTypeOf<string>();
  // @ts-expect-error a version or a time, not both
  await store.stateAt(Account, 'a', { version: 3, time: '2026-01-01T00:00:00Z' });
  const occasion = await store.when(Account, 'a', ({ balance }, event) => balance > event.version);
  expectTypeOf(occasion?.state.balance).toEqualTypeOf<number | undefined>();
}
void types;

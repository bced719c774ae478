import { defineProjection, type EventStore } from 'daybook';
import { expectProjection, given, raceWriters } from 'daybook/testing';
import { Account } from './account.ts';
import { NotEnoughMoney, withdraw } from './handle.ts';
import { Person } from './schema-versions.ts';

const deposited = (amount: number) => ({ type: 'MoneyDeposited' as const, data: { amount } });

export function decides() {
  const bob = given(Account, [{ type: 'AccountOpened', data: { holder: 'Bob' } }, deposited(100)]);
  bob.when(withdraw, { amount: 30 }).then([{ type: 'MoneyWithdrawn', data: { amount: 30 } }]);
  bob.when(withdraw, { amount: 130 }).thenThrows(NotEnoughMoney);
  bob.thenState({ holder: 'Bob', balance: 100, paid: [] });
}

export function upcasts() {
  given(Person, [{ type: 'HolderRenamed', schemaVersion: 1, data: { n: 'Ada Lovelace' } }]).thenState({
    family: 'Lovelace',
  });
}

const balances = defineProjection({
  name: 'balances',
  aggregate: Account,
  initialState: () => ({ balance: 0 }),
  evolve: (state, event) => ({ balance: state.balance + (event.type === 'MoneyDeposited' ? event.data.amount : 0) }),
});

export async function projects() {
  const bob = { aggregate: Account, aggregateUuid: 'bob', events: [deposited(1), deposited(2)] };
  await expectProjection(balances, [bob], { bob: { balance: 3 } }); // once, twice, with losses, in a replay
}

export async function races(seed: number) {
  const writer = async (store: EventStore) => {
    for (let n = 0; n < 5; n++) await store.handle(Account, 'bob', () => deposited(1));
  };
  const faults = { lostAnswers: 0.1 };
  const { store } = await raceWriters({ seed, writers: [writer, writer, writer], faults });
  return (await store.load(Account, 'bob')).state.balance; // 15, by whatever seed
}

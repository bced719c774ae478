import { type DaybookError, type EventStore, isDaybookError } from 'daybook';
import { Account } from './account.ts';

export const BOB = 'account-bob';
export const PERSON = 'account-alex';
export const CAROL = 'account-carol';
export const DANA = 'account-dana';

/** The scripted week: Bob opens his account on Sunday, deposits on Monday, withdraws on Tuesday. */
export const SUNDAY = '2026-11-15T09:00:00.000Z';
const MONDAY = '2026-11-16T09:00:00.000Z';
const TUESDAY = '2026-11-17T09:00:00.000Z';

/** Bob deposits on Monday and withdraws on Tuesday: out of order, he would look overdrawn. */
export async function bobsTwoEvents(store: EventStore): Promise<void> {
  const account = await store.load(Account, BOB);
  await store.append(account, [{ type: 'MoneyDeposited', data: { amount: 100_00 }, occurredAt: MONDAY }]);
  await store.append(await store.load(Account, BOB), [
    { type: 'MoneyWithdrawn', data: { amount: 50_00 }, occurredAt: TUESDAY },
  ]);
}

/** Two requests rename the same person at the same moment; the answer is what the second one is told. */
export async function renameTwice(store: EventStore): Promise<DaybookError<'append.versionConflict'>> {
  await store.append(await store.load(Account, PERSON), [{ type: 'AccountOpened', data: { holder: 'Al' } }]);
  const [one, other] = await Promise.all([store.load(Account, PERSON), store.load(Account, PERSON)]);
  await store.append(one, [{ type: 'HolderRenamed', data: { holder: 'Alex' } }]);
  try {
    await store.append(other, [{ type: 'HolderRenamed', data: { holder: 'Alexander' } }]);
  } catch (error) {
    if (isDaybookError(error, 'append.versionConflict')) return error;
    throw error;
  }
  throw new Error('The second rename overwrote the first: optimistic locking failed.');
}

/** Carol takes out more than she has: the one fee of the day that is due. */
export async function carolOverdraws(store: EventStore): Promise<void> {
  await store.append(await store.load(Account, CAROL), [
    { type: 'AccountOpened', data: { holder: 'Carol' } },
    { type: 'MoneyDeposited', data: { amount: 20_00 } },
    { type: 'MoneyWithdrawn', data: { amount: 30_00 } },
  ]);
}

/** Many customers at once, the same for the same seed; nobody overdraws. The answer is how many events were appended. */
export async function everybodyElse(store: EventStore, seed: number, customers = 20): Promise<number> {
  let appended = 0;
  await Promise.all(
    Array.from({ length: customers }, async (_, i) => {
      const next = chance(seed + i);
      const id = `account-${String(i + 1).padStart(3, '0')}`;
      let account = await store.load(Account, id);
      const append = async (events: Parameters<typeof store.append<typeof account>>[1]) => {
        await store.append(account, events);
        appended += events.length;
        account = await store.load(Account, id);
      };
      await append([{ type: 'AccountOpened', data: { holder: `Customer ${i + 1}` } }]);
      for (let n = 3 + Math.floor(next() * 8); n > 0; n--) {
        const amount = 1 + Math.floor(next() * 500_00);
        if (next() < 0.6 || account.state.balance < amount)
          await append([{ type: 'MoneyDeposited', data: { amount } }]);
        else await append([{ type: 'MoneyWithdrawn', data: { amount } }]);
      }
      if (next() < 0.1) await append([{ type: 'AccountClosed', data: {} }]);
    }),
  );
  return appended;
}

/** mulberry32: the same numbers for the same seed, everywhere. */
function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

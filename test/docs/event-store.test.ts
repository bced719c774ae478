import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { createCloud } from '../../local/cloud.ts';
import { createDynamoDb } from '../../local/dynamodb/dynamodb.ts';
import { seededRandom } from '../../local/kernel/kernel.ts';
import { realKernel } from '../../local/kernel/real-kernel.ts';
import { createEventStore, type EventStore } from '../../src/index.ts';
import { memoryEventTable } from '../../src/testing/index.ts';
import { castoreAccounts } from '../contract/castore-accounts.ts';
import { makeDynamoTables } from '../contract/dynamo-tables.ts';
import { watchClient } from '../contract/faulty-client.ts';
import { SDK_CONFIG, sdkHandler } from '../local/sdk-handler.ts';
import { Account } from './event-store/account.ts';
import { open, transfer } from './event-store/append.ts';
import { NotEnoughMoney, payOut } from './event-store/handle.ts';
import { audit } from './event-store/read.ts';
import { forTheRegistry } from './event-store/schema-versions.ts';
import { decides, projects, races, upcasts } from './event-store/specifications.ts';
import { withdraw as castoreWithdraw } from './event-store/ten-lines-castore.ts';
import { withdraw as daybookWithdraw } from './event-store/ten-lines-daybook.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

describe('docs/event-store.md', () => {
  let store: EventStore;
  beforeEach(() => {
    store = createEventStore({ table: memoryEventTable(), clock: { now: () => Date.UTC(2026, 0, 15) } });
  });

  it('shows code of files that are here', () => {
    const page = readFileSync(`${root}docs/event-store.md`, 'utf8');
    const blocks = [...page.matchAll(/<!-- (\S+) -->\n```ts\n([\s\S]*?)```/g)];
    expect(blocks.length).toBe(8);
    expect([...page.matchAll(/```ts\n/g)]).toHaveLength(blocks.length);
    for (const [, file, code] of blocks) expect(code, file).toBe(readFileSync(root + file, 'utf8'));
  });

  it('opens, transfers, and tells who was faster', async () => {
    await open(store, 'bob', 'Bob');
    await open(store, 'eve', 'Eve');
    expect(await transfer(store, 'bob', 'eve', 100, 'order-1')).toBe('done');
    const faster = {
      ...store,
      async transact(...given: Parameters<EventStore['transact']>) {
        await payOut(store, 'bob', 1);
        return await store.transact(...given);
      },
    } as EventStore;
    expect(await transfer(faster, 'bob', 'eve', 100, 'order-2')).toBe(
      'bob was at 3, is at 4: MoneyWithdrawn came between',
    );
  });

  it('transfers once, however often and whatever came between', async () => {
    await open(store, 'bob', 'Bob');
    await open(store, 'eve', 'Eve');
    const pay = () => transfer(store, 'bob', 'eve', 100, 'order-1');
    const deposit = () => ({ type: 'MoneyDeposited' as const, data: { amount: 1 } });
    expect(await pay()).toBe('done');
    expect(await pay()).toBe('done');
    for (const id of ['bob', 'eve']) await store.handle(Account, id, deposit);
    expect(await pay()).toBe('done');
    expect((await store.load(Account, 'bob')).state.balance).toBe(901);
    expect((await store.load(Account, 'eve')).state.balance).toBe(1101);
    // Two at once: one is told of the other, and then finds it.
    await Promise.all([1, 2].map(() => transfer(store, 'bob', 'eve', 5, 'order-2')));
    expect(await transfer(store, 'bob', 'eve', 5, 'order-2')).toBe('done');
    expect((await store.load(Account, 'bob')).state).toMatchObject({ balance: 896, paid: ['order-1', 'order-2'] });
  });

  it('handles a command, and refuses one', async () => {
    await open(store, 'bob', 'Bob');
    expect((await payOut(store, 'bob', 300)).state).toEqual({ holder: 'Bob', balance: 700, paid: [] });
    await expect(payOut(store, 'bob', 701)).rejects.toThrow(NotEnoughMoney);
  });

  it('reads, by version and by time', async () => {
    await open(store, 'bob', 'Bob');
    await payOut(store, 'bob', 1000);
    expect(await audit(store, 'bob')).toMatchObject({
      lastThree: ['3 MoneyWithdrawn', '2 MoneyDeposited', '1 AccountOpened'],
      deposited: 1000,
      atVersionTwo: { version: 2, state: { balance: 1000 } },
      asWasKnown: { version: 3, state: { balance: 0 } },
      emptySince: 3,
      all: ['bob'],
    });
  });

  it('specifies deciders, upcasts, projections and races, and says a schema', async () => {
    decides();
    upcasts();
    await projects();
    for (let seed = 1; seed <= 10; seed++) expect(await races(seed)).toBe(15);
    expect(forTheRegistry).toMatchObject({ type: 'object', required: ['given', 'family'] });
  });

  it('withdraws once in ten lines, and by Castore twice, when an answer is lost', async () => {
    const cloud = createCloud(realKernel({ seed: 1 }));
    createDynamoDb(cloud);
    const client = new DynamoDBClient({ ...SDK_CONFIG, maxAttempts: 3, requestHandler: sdkHandler(cloud) });
    const { table, tableName } = await makeDynamoTables(client);
    const castore = await castoreAccounts(client);
    await open(createEventStore({ table }), 'bob', 'Bob');
    await castore.pushEvent({ aggregateId: 'bob', version: 1, type: 'MoneyDeposited', payload: { amount: 1000 } });
    const watched = watchClient(client, seededRandom(1).next);
    const loseTheAnswerToTheWrite = () => {
      watched.wired = 0;
      watched.faults = { at: (call) => (call === 2 ? 'lostAnswer' : undefined) };
    };
    loseTheAnswerToTheWrite();
    expect(await daybookWithdraw(client, tableName, 'bob', 100)).toBe(900);
    const castoreTable = (castore.eventStorageAdapter as unknown as { tableName: string }).tableName;
    loseTheAnswerToTheWrite();
    expect(await castoreWithdraw(client, castoreTable, 'bob', 100)).toBe(800);
    await expect(daybookWithdraw(client, tableName, 'bob', 901)).rejects.toThrow('not enough money');
  });
});

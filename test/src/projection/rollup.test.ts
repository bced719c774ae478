import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  createEventStore,
  defineRollup,
  dynamoProjectionTable,
  readRollup,
  type StoredEvent,
  waitForRollup,
} from 'daybook';
import { memoryEventTable } from 'daybook/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Account } from '../../../examples/bank/account.ts';
import { MoneyDeposited, MoneyWithdrawn } from '../../../examples/bank/events.ts';
import { balances } from '../../../examples/bank/projections.ts';
import { type Cloud, createCloud } from '../../../local/cloud.ts';
import { createDynamoDb } from '../../../local/dynamodb/dynamodb.ts';
import { realKernel } from '../../../local/kernel/real-kernel.ts';
import { NO_GENERATION } from '../../../src/archive/generation.ts';
import { dynamoBuilds } from '../../../src/aws/dynamo-builds.ts';
import { bucketOf } from '../../../src/event/bucket.ts';
import { type Envelope, toEnvelopeEvent } from '../../../src/feed/envelope.ts';
import { advanceTo, project, projectBatch } from '../../../src/projection/project.ts';
import type { ProjectionTable } from '../../../src/projection/projection-table.ts';
import { createRunner } from '../../../src/projection/runner.ts';
import { foldSlice } from '../../../src/replay/fold.ts';
import { type Plan, plan } from '../../../src/replay/plan.ts';
import { createProjectionsTable } from '../../local/create-projections-table.ts';
import { SDK_CONFIG, sdkHandler } from '../../local/sdk-handler.ts';
import { catchUpAll, verifyAll } from '../replay/all-parts.ts';
import { folderArchive } from '../replay/folder-archive.ts';

/** Sums, bounds and a set: what cannot be taken back from a value that has it. */
interface Movements {
  readonly count: number;
  readonly cents: number;
  readonly least: number;
  readonly most: number;
  readonly amounts: readonly number[];
}
const movements = defineRollup({
  name: 'movements',
  events: [MoneyDeposited, MoneyWithdrawn],
  map: ({ type, data: { amount } }) => {
    const value: Movements = { count: 1, cents: amount, least: amount, most: amount, amounts: [amount % 5] };
    return [
      { key: 'all', value },
      { key: `${type}#${amount % 3}`, value },
    ];
  },
  combine: (a, b) => ({
    count: a.count + b.count,
    cents: a.cents + b.cents,
    least: Math.min(a.least, b.least),
    most: Math.max(a.most, b.most),
    amounts: [...new Set([...a.amounts, ...b.amounts])].sort((x, y) => x - y),
  }),
});
const runner = createRunner(movements);

/** The same of a list of events, without any of the code under test. */
function independent(events: readonly StoredEvent[]): Record<string, Movements> {
  const amounts: Record<string, number[]> = {};
  for (const { type, data } of events) {
    if (type !== 'MoneyDeposited' && type !== 'MoneyWithdrawn') continue;
    const { amount } = JSON.parse(data) as { amount: number };
    for (const key of ['all', `${type}#${amount % 3}`]) amounts[key] = [...(amounts[key] ?? []), amount];
  }
  const of = (list: number[]): Movements => ({
    count: list.length,
    cents: list.reduce((sum, amount) => sum + amount, 0),
    least: Math.min(...list),
    most: Math.max(...list),
    amounts: [...new Set(list.map((amount) => amount % 5))].sort((x, y) => x - y),
  });
  return Object.fromEntries(Object.entries(amounts).map(([key, list]) => [key, of(list)]));
}

const TABLE = 'projections';
let cloud: Cloud;
let client: DynamoDBClient;
/** Calls to DynamoDB, by operation, and what is done before each. */
const calls: { operation: string; items: number }[] = [];
let before: (operation: string) => void | Promise<void> = () => {};

beforeAll(async () => {
  cloud = createCloud(realKernel({ seed: 1 }));
  createDynamoDb(cloud);
  const { call } = cloud;
  cloud.call = async (caller, service, operation, input) => {
    calls.push({ operation, items: input.TransactItems?.length ?? 1 });
    await before(operation);
    return call(caller, service, operation, input);
  };
  client = new DynamoDBClient({ ...SDK_CONFIG, requestHandler: sdkHandler(cloud), maxAttempts: 1 });
  await createProjectionsTable(client, TABLE);
});
afterAll(() => client.destroy());

/** A port as another process has it: nothing is shared with others but the table itself. */
const openTable = (): ProjectionTable => dynamoProjectionTable({ client, tableName: TABLE });

const envelopeOf = (events: readonly StoredEvent[], from = 1, to = events.length): Envelope => ({
  format: 1,
  feed: 'feed',
  aggregate: events[0]!.aggregateUuid,
  from,
  to,
  head: events.length,
  events: events.slice(from - 1, to).map(toEnvelopeEvent),
});

/** Movements of an account, deterministic, deposits before withdrawals. */
async function move(events: ReturnType<typeof memoryEventTable>, id: string, count: number): Promise<StoredEvent[]> {
  const store = createEventStore({ table: events });
  const { version } = await store.load(Account, id);
  const made = Array.from({ length: count }, (_, i) => version + i + 1).map((n) =>
    n % 4 === 0
      ? ({ type: 'MoneyWithdrawn', data: { amount: 1 } } as const)
      : ({ type: 'MoneyDeposited', data: { amount: (n * 7) % 101 || 1 } } as const),
  );
  await store.append({ aggregate: Account, aggregateUuid: id, expectedVersion: version }, made);
  return storedOf(events, id);
}

async function storedOf(events: ReturnType<typeof memoryEventTable>, id: string): Promise<StoredEvent[]> {
  const all: StoredEvent[] = [];
  for await (const page of events.query(id, {})) all.push(...page);
  return all;
}

describe('a rollup, live', () => {
  it('loses no update of a hot key that many writers add to at once, in a bounded number of attempts', async () => {
    const events = memoryEventTable();
    const writers = 32;
    const histories = [];
    for (let n = 0; n < writers; n++) histories.push(await move(events, `hot-${n}`, 12));
    // Each call lets the others go first.
    before = () => new Promise((resolve) => setImmediate(resolve));
    calls.length = 0;
    await Promise.all(
      histories.map(async (history) => {
        const table = openTable();
        for (const to of [3, 3, 6, 9, 12]) {
          await project({ table, events }, runner, { active: 'hot' }, envelopeOf(history, Math.max(1, to - 3), to));
        }
      }),
    );
    before = () => {};
    const { values, entries, build } = await readRollup(openTable(), movements, { build: 'hot' });
    expect(Object.fromEntries(values)).toEqual(independent(histories.flat()));
    expect({ entries, build }).toEqual({ entries: writers * 12 * 2, build: 'hot' });
    // 32 × 4 effects; what is above was a lost race. No writer came near its 10 attempts, or it would have thrown.
    const transactions = calls.filter(({ operation }) => operation === 'TransactWriteItems').length;
    expect(transactions).toBeGreaterThanOrEqual(writers * 4);
    expect(transactions).toBeLessThan(writers * 4 * 3);
  });

  it('does not let the aggregates of one batch race each other', async () => {
    const events = memoryEventTable();
    const histories = [];
    for (let n = 0; n < 30; n++) histories.push(await move(events, `batch-${n}`, 4));
    before = () => new Promise((resolve) => setImmediate(resolve));
    calls.length = 0;
    const envelopes = histories.map((history) => envelopeOf(history));
    const projector = projectBatch({ table: openTable(), events }, [runner]);
    await projector.prepare(envelopes);
    await Promise.all(envelopes.map((envelope) => projector.apply(envelope)));
    before = () => {};
    expect(calls.filter(({ operation }) => operation === 'TransactWriteItems').length).toBe(30);
    // One read of a bucket's values each, and what it has none of yet: the rest is known from what was written.
    expect(calls.filter(({ operation }) => operation === 'BatchGetItem').length).toBeLessThanOrEqual(30);
    const { values } = await readRollup(openTable(), movements);
    expect(Object.fromEntries(values)).toEqual(independent(histories.flat()));
  });

  it('divides what does not go into one transaction, and reads one key of many', async () => {
    const wide = defineRollup({
      name: 'wide',
      events: [MoneyDeposited],
      map: ({ version }) => Array.from({ length: 40 }, (_, i) => ({ key: `${version}/${i}#x`, value: i })),
      combine: (a, b) => a + b,
    });
    const events = memoryEventTable();
    const store = createEventStore({ table: events });
    const deposits = Array.from({ length: 20 }, () => ({ type: 'MoneyDeposited', data: { amount: 1 } }) as const);
    await store.append({ aggregate: Account, aggregateUuid: 'wide', expectedVersion: 0 }, deposits);
    calls.length = 0;
    const table = openTable();
    await advanceTo({ table, events }, createRunner(wide), 'live-v1', { aggregateUuid: 'wide', to: 20 });
    const sizes = calls.filter(({ operation }) => operation === 'TransactWriteItems').map(({ items }) => items);
    expect(sizes).toEqual(Array.from({ length: 10 }, () => 81)); // two events of 40 keys, and the position
    expect(await readRollup(table, wide)).toMatchObject({ entries: 800 });
    const one = await readRollup(table, wide, { key: '7/39#x' });
    expect([...one.values]).toEqual([['7/39#x', 39]]);
    expect([...(await readRollup(table, wide, { key: '7/39' })).values]).toEqual([]);
  });

  it('lets a user read their own write, and says which build and position it read', async () => {
    const events = memoryEventTable();
    const table = openTable();
    const history = await move(events, 'own', 2);
    const waiting = waitForRollup(table, movements, 'own', 2, { build: 'own', interval: 5, key: 'all' });
    setTimeout(() => project({ table, events }, runner, { active: 'own' }, envelopeOf(history)), 20);
    expect(await waiting).toMatchObject({ build: 'own', aggregateUuid: 'own', position: 2, entries: 2 });
    await expect(
      waitForRollup(table, movements, 'own', 3, { build: 'own', timeout: 10, interval: 5 }),
    ).rejects.toMatchObject({ code: 'projection.notYet', details: { build: 'own', version: 3, position: 2 } });
  });

  it('refuses what a combine makes that would not come back, and keeps what was there', async () => {
    const events = memoryEventTable();
    await move(events, 'odd', 2);
    const odd = defineRollup({
      name: 'odd',
      events: [MoneyDeposited],
      map: () => [{ key: 'k', value: 1 }],
      combine: () => Number.NaN,
    });
    const table = openTable();
    const to = (version: number) =>
      advanceTo({ table, events }, createRunner(odd), 'live-v1', { aggregateUuid: 'odd', to: version });
    await to(1);
    await expect(to(2)).rejects.toMatchObject({ code: 'projection.badCombine', details: { key: 'k' } });
    expect([...(await readRollup(table, odd)).values]).toEqual([['k', 1]]);
    expect((await table.get('odd', 'live-v1', 'odd'))?.position).toBe(1);
  });

  it('keeps as much in a value and a state as an item holds, and names what is more', async () => {
    const events = memoryEventTable();
    const id = 'i'.repeat(256);
    await move(events, id, 2);
    const key = 'k'.repeat(1000);
    const long = defineRollup({
      name: 'l'.repeat(64),
      events: [MoneyDeposited],
      map: ({ version }) => [{ key, value: version === 1 ? 'x'.repeat(399_998) : 'y' }],
      combine: (a, b) => a + b,
    });
    const state = {
      ...balances,
      name: 's'.repeat(64),
      initialState: () => 'x'.repeat(399_998),
      evolve: (s: string) => s,
    };
    const table = openTable();
    const build = 'b'.repeat(80);
    const to = (projection: Parameters<typeof createRunner>[0], version: number) =>
      advanceTo({ table, events }, createRunner(projection), build, { aggregateUuid: id, to: version });
    await to(long, 1);
    await expect(to(long, 2)).rejects.toMatchObject({
      code: 'projection.valueTooLarge',
      details: { projection: long.name, key, bytes: 400_001 },
    });
    expect([...(await readRollup(table, long, { build })).values]).toEqual([[key, 'x'.repeat(399_998)]]);
    expect((await to(state as unknown as typeof balances, 1)).position).toBe(1);
  });

  it('changes no more at once than a transaction takes, and names an event that alone is more', async () => {
    const events = memoryEventTable();
    await move(events, 'a', 5);
    const wide = (keys: number) =>
      defineRollup({
        name: `wide${keys}`,
        events: [MoneyDeposited, MoneyWithdrawn],
        map: ({ version }) =>
          Array.from({ length: keys }, (_, i) => ({ key: `${version}-${i}`, value: 'x'.repeat(200_000) })),
        combine: (a, b) => a + b,
      });
    const table = openTable();
    const build = 'live-v1';
    const to = (rollup: ReturnType<typeof wide>) =>
      advanceTo({ table, events }, createRunner(rollup), build, { aggregateUuid: 'a', to: 5 });
    expect((await to(wide(19))).position).toBe(5);
    expect((await readRollup(table, wide(19), { build })).values.size).toBe(5 * 19);
    await expect(to(wide(20))).rejects.toMatchObject({
      code: 'projection.changeTooLarge',
      details: { projection: 'wide20', aggregateUuid: 'a', version: 1, keys: 20 },
    });
  });
});

describe('a rollup, rebuilt beside live traffic', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'daybook-rollup-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Accounts of which a part is in the archive, planned as a rebuild. */
  async function rebuild(name: string) {
    const files = folderArchive(join(folder, name));
    const events = memoryEventTable();
    const archived: StoredEvent[] = [];
    // Of one bucket, so of one slice and one value of each key; the archive lacks the tails of some.
    const some = Array.from({ length: 200 }, (_, i) => `${name}-${i}`);
    const ids = some.filter((id) => bucketOf(id) === '7').slice(0, 3);
    for (const [i, id] of ids.entries()) archived.push(...(await move(events, id, 8)).slice(0, 6 + i));
    await files.deliver(archived);
    const builds = dynamoBuilds({ client, tableName: TABLE });
    const ports = (table = openTable()) => ({
      files,
      table,
      builds,
      events,
      size: async () => ({ events: 24, bytes: 2400, aggregates: 3, indexBytes: 100 }),
      isRunning: async () => true,
      now: () => Date.UTC(2026, 10, 28),
    });
    const options = { name, execution: `arn:${name}`, generation: NO_GENERATION };
    const request = { projection: 'movements', verify: 'all' };
    const own = { ...movements, version: ++versions };
    const planned = (await plan(ports(), [own], options, request)) as Plan;
    const joined = { active: `old-${name}`, building: name, phase: 'joined' } as const;
    const all = async () => (await Promise.all(ids.map((id) => storedOf(events, id)))).flat();
    const finish = async () => {
      const caughtUp = await catchUpAll(ports(), createRunner(own), planned);
      return verifyAll(ports(), createRunner(own), planned, caughtUp);
    };
    const read = async () => Object.fromEntries((await readRollup(openTable(), movements, { build: name })).values);
    return { ports, planned, joined, events, ids, all, finish, read, builds };
  }
  let versions = 0;

  it('comes to what an independent fold does, whatever is run twice, too late, or killed between two writes', async () => {
    // How many writes there are is seen by the run that is not killed.
    let kills = 0;
    for (let killAt = 0; killAt <= kills; killAt += killAt === 0 ? 1 : 2) {
      const { ports, planned, joined, events, ids, all, finish, read } = await rebuild(`kill-${killAt}`);
      let writes = 0;
      let isDead = false;
      before = (operation) => {
        if (isDead) throw new Error('killed');
        if (operation !== 'PutItem' && operation !== 'TransactWriteItems') return;
        if (++writes === killAt) isDead = true;
        if (isDead) throw new Error('killed');
      };
      const mortal = () => {
        isDead = false;
      };
      // A death takes the whole process with it: what it was at is begun again by another.
      const survive = async (step: () => Promise<unknown>) => {
        await step().catch((error) => {
          if (!isDead) throw error;
        });
        if (!isDead) return;
        mortal();
        await step();
      };
      const live = async (id: string, from: number, pointer: Parameters<typeof project>[2]) => {
        const history = await storedOf(events, id);
        await survive(() => project({ table: openTable(), events }, runner, pointer, envelopeOf(history, from)));
      };
      for (const slice of planned.slices) {
        await survive(() =>
          Promise.all([foldSlice(ports(), runner, planned, slice), foldSlice(ports(), runner, planned, slice)]),
        );
      }
      await move(events, ids[0]!, 2);
      await live(ids[0]!, 9, joined);
      await live(ids[1]!, 5, joined);
      for (const slice of planned.slices) await survive(() => foldSlice(ports(), runner, planned, slice)); // too late
      await survive(finish);
      await move(events, ids[2]!, 3);
      await live(ids[2]!, 9, joined);
      await live(ids[2]!, 9, joined);
      before = () => {};
      if (killAt === 0) kills = writes;
      expect(await read(), `killed at write ${killAt}`).toEqual(independent(await all()));
      expect(await finish()).toMatchObject({ aggregates: 3, differences: 0 });
    }
    expect(kills).toBeGreaterThan(20);
  }, 120_000);
});

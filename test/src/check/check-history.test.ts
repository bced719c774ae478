import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { defineAggregate, defineApp, defineEvent, defineProjection, defineRollup } from 'daybook';
import { memoryEventTable, memoryProjectionTable, memorySnapshots } from 'daybook/testing';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import bank from '../../../examples/bank/app.ts';
import { type CheckOptions, checkHistory, isSampled } from '../../../src/check/check-history.ts';
import { importEvents } from '../../../src/import/import-events.ts';
import { readLines } from '../../../src/import/read-lines.ts';
import { liveBuild } from '../../../src/projection/projection-table.ts';
import { createEventStore } from '../../../src/store/event-store.ts';
import type { EventTable } from '../../../src/store/event-table.ts';
import { HISTORY, hasHistory } from '../../examples/git-history/answers.ts';

const SECRET = 'Ada Lovelace';
const opened = (data: unknown = { holder: SECRET }) => ({ type: 'Opened', data });
const deposited = (amount: unknown) => ({ type: 'Deposited', data: { amount } });

/** Written by name, without a schema: as an older deploy did it. */
async function stored(
  aggregates: Record<string, readonly { type: string; data: unknown }[]>,
  table: EventTable = memoryEventTable({ pageSize: 2 }),
) {
  const store = createEventStore({ table });
  for (const [aggregateUuid, events] of Object.entries(aggregates)) {
    for (let from = 0; from < events.length; from += 100) {
      const target = { aggregate: 'Account', aggregateUuid, expectedVersion: from };
      await store.append(target, events.slice(from, from + 100));
    }
  }
  return table;
}

const integer = { type: 'integer', minimum: 1 } as const;
const Opened = defineEvent({
  type: 'Opened',
  data: { type: 'object', properties: { holder: { type: 'string', minLength: 1 } }, required: ['holder'] },
});
const Deposited = defineEvent({
  type: 'Deposited',
  data: { type: 'object', properties: { amount: integer }, required: ['amount'], additionalProperties: false },
});
const accountOf = (options: Partial<{ foldVersion: number; times: number }> = {}) =>
  defineAggregate({
    type: 'Account',
    events: [Opened, Deposited],
    foldVersion: options.foldVersion ?? 1,
    initialState: () => ({ holder: '', balance: 0 }),
    evolve: (state, event) =>
      event.type === 'Opened'
        ? { ...state, holder: event.data.holder }
        : { ...state, balance: state.balance + event.data.amount * (options.times ?? 1) },
  });
const Account = accountOf();
const app = defineApp({ name: 'accounts', aggregates: [Account] });

const check = async (table: EventTable, given = app, options: CheckOptions = {}) =>
  await checkHistory(given as typeof app, { table }, options);

describe('a check of code over stored events', () => {
  it('finds nothing where everything fits', async () => {
    const report = await check(await stored({ a: [opened(), deposited(5)], b: [opened()] }));
    expect(report).toMatchObject({ aggregates: 2, events: 3, errors: 0, findings: [], beyond: 0 });
  });

  it('names what lies at no version, which every reader passes', async () => {
    const kept = await stored({ a: [opened(), deposited(5)] });
    const table: EventTable = {
      ...kept,
      async *query(aggregate, options) {
        options.onStray?.('1.5');
        yield* kept.query(aggregate, options);
      },
    };
    const report = await check(table);
    expect(report).toMatchObject({ errors: 0, events: 2 });
    expect(report.findings).toMatchObject([
      { code: 'event.atNoVersion', level: 'warning', examples: [{ aggregateUuid: 'a', version: 1.5 }] },
    ]);
  });

  it('names what no longer validates: type, schema version, place, and not what is stored', async () => {
    const table = await stored({
      a: [opened(), deposited(-77_001), deposited(3)],
      b: [opened({ holder: '' }), deposited(-5)],
      c: [opened(), { type: 'Deposited', data: { amount: SECRET } }],
    });
    const report = await check(table);
    expect(report.errors).toBe(4);
    expect(report.findings).toEqual([
      {
        code: 'event.invalid',
        level: 'error',
        aggregateType: 'Account',
        type: 'Deposited',
        schemaVersion: 1,
        path: '/amount',
        events: 3,
        aggregates: 3,
        examples: [
          { aggregateUuid: 'a', version: 2, message: 'is below the minimum 1' },
          { aggregateUuid: 'b', version: 2, message: 'is below the minimum 1' },
          { aggregateUuid: 'c', version: 2, message: 'must be integer' },
        ],
      },
      expect.objectContaining({ type: 'Opened', path: '/holder', events: 1 }),
      // What the fold of `c` made of the text.
      expect.objectContaining({ code: 'fold.notJson', level: 'warning', by: 'Account' }),
    ]);
    expect(JSON.stringify(report)).not.toMatch(/Ada|77001/);
    const quoting = await check(table, app, { quoting: true, examples: 1 });
    expect(quoting.findings[0]!.examples).toEqual([
      { aggregateUuid: 'a', version: 2, message: '-77001 is below the minimum 1', data: '{"amount":-77001}' },
    ]);
  });

  it('leaves values out of the messages of other schema libraries', async () => {
    const Named = defineEvent({
      type: 'Opened',
      data: z.object({
        holder: z.string().refine(() => false, { error: ({ input }) => `${input} is not on the list` }),
      }),
    });
    const aggregate = defineAggregate({ type: 'Account', events: [Named], initialState: () => 0, evolve: () => 1 });
    const strict = defineApp({ name: 'strict', aggregates: [aggregate] });
    const { findings } = await check(await stored({ a: [opened()] }), strict as never);
    expect(findings[0]).toMatchObject({ path: '/holder', examples: [{ message: '… is not on the list' }] });
  });

  it('runs upcasts, and says which one failed', async () => {
    const Newer = defineEvent({
      type: 'Deposited',
      schemaVersion: 2,
      data: { type: 'object', properties: { cents: integer }, required: ['cents'] },
      upcasts: {
        1: (data) => {
          const { amount } = data as { amount: number };
          if (amount > 100) throw new Error(`${amount} is too much`);
          return amount > 50 ? {} : { cents: amount * 100 };
        },
      },
    });
    const aggregate = defineAggregate({
      type: 'Account',
      events: [Opened, Newer],
      initialState: () => 0,
      evolve: (state, event) => (event.type === 'Opened' ? state : state + event.data.cents),
    });
    const upcasting = defineApp({ name: 'upcasting', aggregates: [aggregate] });
    const table = await stored({ a: [opened(), deposited(5), deposited(60), deposited(777), deposited(778)] });
    const { findings } = await check(table, upcasting as never);
    expect(findings.map(({ code, schemaVersion, events }) => [code, schemaVersion, events])).toEqual([
      ['event.invalid', 1, 1],
      ['event.upcastFailed', 1, 2],
    ]);
    const [example] = findings[1]!.examples;
    expect(example!.message).toMatch(
      /^the upcast from schema version 1 failed: Error at .*check-history\.test\.ts:\d+/,
    );
    expect(JSON.stringify(findings)).not.toContain('777');
  });

  it('tells of events and aggregates that the code does not know, and of newer schemas', async () => {
    const table = await stored({ a: [opened(), { type: 'Closed', data: {} }] });
    const store = createEventStore({ table });
    const newer = defineEvent({ type: 'Opened', schemaVersion: 3, data: {}, upcasts: { 1: (d) => d, 2: (d) => d } });
    const later = defineAggregate({ type: 'Account', events: [newer], initialState: () => 0, evolve: () => 0 });
    await store.append({ aggregate: later, aggregateUuid: 'b', expectedVersion: 0 }, [{ type: 'Opened', data: {} }]);
    await store.append({ aggregate: 'Loan', aggregateUuid: 'l', expectedVersion: 0 }, [opened()]);
    const { findings } = await check(table);
    expect(
      findings.map(({ code, aggregateType, type, schemaVersion }) => [code, aggregateType, type, schemaVersion]),
    ).toEqual([
      ['aggregate.unknownType', 'Loan', undefined, undefined],
      ['event.newerSchema', 'Account', 'Opened', 3],
      ['event.unknownType', 'Account', 'Closed', 1],
    ]);
    expect(findings[1]!.examples[0]!.message).toMatch(/^it is stored at schema version 3, .* knows 1: it is older/);
    const ignoring = await check(table, app, { ignoredTypes: ['Loan'] });
    expect(ignoring.findings.map(({ code }) => code)).not.toContain('aggregate.unknownType');
    expect((await check(table, app, { types: ['Loan'] })).aggregates).toBe(1);
  });

  it('runs the folds of aggregates, projections and rollups; a fold that failed is not blamed twice', async () => {
    const aggregate = defineAggregate({
      type: 'Account',
      events: [Opened, Deposited],
      initialState: (): { deposits?: number[] } => ({}),
      evolve: (state, event) => {
        if (event.type === 'Deposited') state.deposits!.push(event.data.amount);
        return state;
      },
    });
    const holders = defineProjection({
      name: 'holders',
      aggregate,
      initialState: () => ({ seen: new Map<string, number>() }),
      evolve: (state, event) => ({ seen: state.seen.set(event.type, 1) }),
    });
    const byAmount = defineRollup({
      name: 'by-amount',
      events: [Deposited],
      map: ({ data: { amount } }) => {
        if (amount > 9) throw new RangeError(`${amount} is above nine`);
        return [{ key: String(amount), value: 1 }];
      },
      combine: (a, b) => a + b,
    });
    const broken = defineApp({ name: 'broken', aggregates: [aggregate], projections: [holders, byAmount] });
    const table = await stored({ a: [opened(), deposited(5), deposited(55), deposited(56)] });
    const { findings } = await check(table, broken as never);
    const shown = findings.map(({ code, by, type, events, examples }) => [
      code,
      by,
      type,
      events,
      examples[0]!.message,
    ]);
    expect(shown).toEqual(
      [
        [
          'fold.failed',
          'Account',
          'Deposited',
          1,
          expect.stringMatching(
            /^TypeError: Cannot read properties of undefined \(reading 'push'\) at .*check-history/,
          ),
        ],
        [
          'fold.failed',
          'rollup by-amount',
          'Deposited',
          1,
          expect.stringMatching(/^RangeError at map \(check-history\.test\.ts:\d+:\d+\)$/),
        ],
        [
          'fold.notJson',
          'projection holders',
          undefined,
          1,
          '/seen: a Map is not JSON; give plain data; it cannot be stored',
        ],
      ].sort(),
    );
  });

  const counted = { type: 'object', properties: { n: integer }, required: ['n'] } as const;
  const plain = (state: { n: number }) => ({ n: state.n + 1 });
  let memory = 0;
  const kept = { n: 0 };
  it.each<[string, unknown, [code: string, level: string, examples: number][], string]>([
    ['is pure', plain, [], ''],
    ['changes its own state', (state: { n: number }) => Object.assign(state, { n: state.n + 1 }), [], ''],
    ['returns nothing', () => undefined, [['fold.noState', 'error', 2]], 'is a return missing'],
    ['returns a Promise', async (state: unknown) => state, [['fold.noState', 'error', 2]], 'returned a Promise'],
    ['draws lots', () => ({ n: Math.random() }), [['fold.impure', 'error', 3]], 'made another state'],
    ['asks for the time', () => ({ n: new Date().getDay() }), [['fold.impure', 'error', 3]], 'made another state'],
    ['asks for the year', () => ({ at: Date().slice(11, 15) }), [['fold.impure', 'error', 3]], 'made another state'],
    ['remembers', () => ({ n: ++memory }), [['fold.impure', 'error', 3]], 'made another state'],
    ['keeps a state of its own', () => ({ n: ++kept.n }), [['fold.impure', 'error', 3]], 'made another state'],
    [
      'changes its event',
      (state: { n: number }, event: { data: { amount?: number } }) => {
        event.data.amount = 7;
        return plain(state);
      },
      [['fold.changesEvent', 'warning', 3]],
      'copy what goes into the state',
    ],
    [
      'is impure only with a Map in its state',
      () => ({ n: Math.random(), seen: new Map() }),
      [['fold.notJson', 'warning', 2]],
      'a Map is not JSON',
    ],
  ])('runs a fold twice: one that %s', async (_, evolve, expected, message) => {
    const aggregate = defineAggregate({ ...Account, initialState: () => ({ n: 0 }), evolve: evolve as never });
    const twice = defineApp({ name: 'twice', aggregates: [aggregate] });
    const table = await stored({ a: [opened(), deposited(5)], b: [opened(), deposited(6)] });
    const { findings, errors } = await check(table, twice as never);
    const levels = [...new Set(findings.map(({ code, level }) => `${code} ${level}`))];
    expect(levels).toEqual([...new Set(expected.map(([code, level]) => `${code} ${level}`))]);
    expect(errors > 0).toBe(expected.some(([, level]) => level === 'error'));
    for (const { by, examples } of findings) {
      expect(by).toBe('Account');
      expect(examples[0]!.message).toContain(message);
    }
  });

  it('runs folds of projections and rollups twice', async () => {
    const drawn = defineProjection({
      name: 'drawn',
      aggregate: Account,
      initialState: () => ({ n: 0 }),
      evolve: () => ({ n: Math.random() }),
    });
    const changing = defineRollup({
      name: 'changing',
      events: [Deposited],
      map: (event) => {
        (event.data as { amount: number }).amount = 1;
        return [{ key: 'n', value: 1 }];
      },
      combine: (a, b) => a + b,
    });
    const pure = defineRollup({
      name: 'pure',
      events: [Deposited],
      map: ({ data: { amount } }) => [{ key: 'n', value: amount }],
      combine: (a, b) => a + b,
    });
    const twice = defineApp({ name: 'twice', aggregates: [Account], projections: [drawn, changing, pure] });
    const { findings } = await check(await stored({ a: [opened(), deposited(5), deposited(7)] }), twice as never);
    expect([...new Set(findings.map(({ code, by, level }) => `${code} ${by} ${level}`))]).toEqual([
      'fold.impure projection drawn error',
      'fold.changesEvent rollup changing warning',
    ]);
  });

  it('finds what differs late in a long history, in a kind of event that comes first there', async () => {
    const aggregate = defineAggregate({
      ...Account,
      evolve: (state: { holder: string; balance: number }, event) =>
        event.type === 'Opened' ? { ...state, holder: `${Math.random()}` } : { ...state, balance: state.balance + 1 },
    });
    const late = defineApp({ name: 'late', aggregates: [aggregate] });
    const table = await stored({ a: [...Array.from({ length: 300 }, () => deposited(1)), opened()] });
    const { findings } = await check(table, late as never);
    expect(findings).toMatchObject([
      { code: 'fold.impure', type: 'Opened', path: '/holder', examples: [{ aggregateUuid: 'a', version: 301 }] },
    ]);
  });

  it.each<[string, (data: never) => unknown, [code: string, level: string, path: string | undefined]?, unknown?]>([
    ['is pure', ({ amount }: { amount: number }) => ({ n: amount })],
    ['draws lots', () => ({ n: Math.ceil(Math.random() * 1e9) }), ['event.upcastImpure', 'error', '/n']],
    ['asks for the time', () => ({ n: Date.now() }), ['event.upcastImpure', 'error', '/n']],
    ['returns a Promise', async () => ({ n: 1 }), ['event.invalid', 'error', ''], z.any()],
    ['returns a Promise of an object', async () => ({ n: 1 }), ['event.invalid', 'error', ''], { type: 'object' }],
    ['returns nothing', () => undefined, ['event.invalid', 'error', ''], z.any()],
    [
      'changes its data',
      (data: { amount: number; n?: number }) => {
        data.n = data.amount;
        return data;
      },
      ['event.upcastChanges', 'warning', undefined],
    ],
  ])('runs upcasts twice: one that %s', async (_, upcast, expected, schema) => {
    // Even a schema that takes anything.
    const Newer = defineEvent({
      type: 'Deposited',
      schemaVersion: 2,
      data: expected?.[0] === 'event.invalid' ? schema : counted,
      upcasts: { 1: upcast as never },
    } as never);
    const aggregate = defineAggregate({
      type: 'Account',
      events: [Opened, Newer],
      initialState: () => ({ n: 0 }),
      evolve: plain,
    });
    const twice = defineApp({ name: 'twice', aggregates: [aggregate] });
    const { findings } = await check(await stored({ a: [opened(), deposited(5)] }), twice as never);
    expect(findings.map(({ code, level, path }) => [code, level, path])).toEqual(
      expected === undefined ? [] : [expected],
    );
    if (expected !== undefined) {
      expect(findings[0]).toMatchObject({
        type: 'Deposited',
        schemaVersion: 1,
        examples: [{ aggregateUuid: 'a', version: 2 }],
      });
    }
  });

  it('compares with what the same version of a fold has stored', async () => {
    const table = await stored({ a: [opened(), deposited(5), deposited(6)], b: [opened(), deposited(1)] });
    const snapshots = memorySnapshots();
    const store = createEventStore({ table, snapshots, snapshotPolicy: { everyEvents: 1 } });
    await store.load(Account, 'a');
    await store.append(await store.load(Account, 'b'), [{ type: 'Deposited', data: { amount: 2 } }]);
    const compare = async (changed: typeof Account) =>
      await checkHistory(defineApp({ name: 'x', aggregates: [changed] }), { table, snapshots });
    expect(await compare(Account)).toMatchObject({ compared: 2, findings: [] });
    expect((await compare(accountOf({ times: 2 }))).findings).toMatchObject([
      {
        code: 'fold.changed',
        by: 'Account',
        path: '/balance',
        aggregates: 2,
        examples: [{ aggregateUuid: 'a', version: 3 }, { version: 2 }],
      },
    ]);
    expect(await compare(accountOf({ times: 2, foldVersion: 2 }))).toMatchObject({ compared: 0, findings: [] });
  });

  it('compares with the projections that are live', async () => {
    const table = await stored({ a: [opened(), deposited(5), deposited(6)], b: [opened(), deposited(5)] });
    const balances = (version: number, times: number) =>
      defineProjection({
        name: 'balances',
        version,
        aggregate: Account,
        initialState: () => 0,
        evolve: (state, event) => (event.type === 'Deposited' ? state + event.data.amount * times : state),
      });
    const projections = memoryProjectionTable();
    const build = liveBuild(1);
    await projections.advance('balances', build, { aggregateUuid: 'a', position: 2, applied: 2, state: '5' }, 0);
    // Of a replay of a part: fewer events than the fold has by then.
    await projections.advance('balances', build, { aggregateUuid: 'b', position: 2, applied: 1, state: '99' }, 0);
    const compare = async (version: number, times: number) =>
      await checkHistory(defineApp({ name: 'x', aggregates: [Account], projections: [balances(version, times)] }), {
        table,
        projections,
      });
    expect(await compare(1, 1)).toMatchObject({ compared: 1, findings: [] });
    expect((await compare(1, 3)).findings).toMatchObject([
      { code: 'fold.changed', by: 'projection balances', path: '', examples: [{ aggregateUuid: 'a', version: 2 }] },
    ]);
    expect(await compare(2, 3)).toMatchObject({ compared: 0, findings: [] });
  });

  it('tells of holes and of data that is no JSON, and goes on with the others', async () => {
    const table = await stored({ a: [opened(), deposited(1), deposited(2)], b: [opened(), deposited(1)] });
    const holed: EventTable = {
      ...table,
      async *query(aggregateUuid, options) {
        for await (const page of table.query(aggregateUuid, options)) {
          if (aggregateUuid === 'a') yield page.filter(({ version }) => version !== 2);
          else yield page.map((event) => (event.version === 2 ? { ...event, data: `{"holder":"${SECRET}` } : event));
        }
      },
    };
    const report = await check(holed);
    expect(
      report.findings.map(({ code, examples }) => [code, examples[0]!.aggregateUuid, examples[0]!.version]),
    ).toEqual([
      ['event.corrupt', 'b', 2],
      // The commit [1..3] of `a` is torn.
      ['read.tornCommit', 'a', 2],
    ]);
    expect(JSON.stringify(report)).not.toContain('Ada');
  });

  it('takes a sample that the seed decides, and a number at the most', async () => {
    const ids = Array.from({ length: 400 }, (_, i) => `account-${i}`);
    const table = await stored(Object.fromEntries(ids.map((id) => [id, [opened()]])));
    const expected = ids.filter((id) => isSampled(id, 0.25, 7));
    expect(expected.length).toBeGreaterThan(70);
    expect(expected.length).toBeLessThan(130);
    expect((await check(table, app, { sample: 0.25, seed: 7 })).aggregates).toBe(expected.length);
    expect(ids.filter((id) => isSampled(id, 0.25, 8))).not.toEqual(expected);
    // A greater part holds the smaller one.
    for (const id of expected) expect(isSampled(id, 0.5, 7)).toBe(true);
    expect((await check(table, app, { limit: 10 })).aggregates).toBe(10);
    expect((await check(table, app, { aggregateUuids: ['account-3', 'account-3'] })).aggregates).toBe(1);
  });

  it('reads no more aggregates at once than it may', async () => {
    const ids = Array.from({ length: 30 }, (_, i) => `account-${i}`);
    const table = await stored(Object.fromEntries(ids.map((id) => [id, [opened(), deposited(1), deposited(2)]])));
    let open = 0;
    let most = 0;
    const watched: EventTable = {
      ...table,
      async *query(aggregateUuid, options) {
        most = Math.max(most, ++open);
        for await (const page of table.query(aggregateUuid, options)) {
          await new Promise((resolve) => setImmediate(resolve));
          yield page;
        }
        open--;
      },
    };
    expect((await check(watched, app, { concurrency: 4 })).events).toBe(90);
    expect(most).toBe(4);
  });

  it('keeps memory flat, however long a history is', { timeout: 60_000 }, async () => {
    const page = 1000;
    const event = (version: number) => ({
      aggregateUuid: 'a',
      aggregateType: 'Account',
      version,
      type: 'Deposited',
      schemaVersion: 1,
      commitId: `c${version}`,
      commitFirst: version,
      commitLast: version,
      recordedAt: '2026-01-01T00:00:00.000Z',
      occurredAt: '2026-01-01T00:00:00.000Z',
      data: `{"amount":${version % 2 === 0 ? version : -1},"note":"${'x'.repeat(200)}"}`,
    });
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const heap: number[] = [];
    const table: Pick<EventTable, 'query' | 'aggregates'> = {
      aggregates: async () => ({ aggregateUuids: ['a'] }),
      async *query(_, { from = 1 }) {
        for (let next = from; next <= 200_000; next += page) {
          yield Array.from({ length: page }, (_, i) => event(next + i));
          if (next % 20_000 === 1) {
            collect();
            heap.push(process.memoryUsage().heapUsed);
          }
        }
      },
    };
    const report = await check(table as EventTable);
    // Every one of them is a finding: neither events nor findings add up.
    expect(report).toMatchObject({ events: 200_000, errors: 200_000 });
    expect(report.findings.map(({ examples }) => examples.length)).toEqual([3, 3]);
    // The first pages warm the compiler up, by how much is its version's affair.
    const warm = heap[2]!;
    const grown = Math.max(...heap.slice(3)) - warm;
    expect(grown).toBeLessThan(8e6);
  });
});

describe.skipIf(!hasHistory)('a real history', () => {
  it('fits its own code, and an app with a mistake is told where', async () => {
    const { createReadStream } = await import('node:fs');
    const { default: history } = await import('../../../examples/git-history/app.ts');
    const table = memoryEventTable();
    await importEvents({ table, lines: readLines(createReadStream(HISTORY)), onError: 'stop', defaultType: 'File' });
    expect(await checkHistory(history, { table })).toMatchObject({ events: 24_613, aggregates: 2143, findings: [] });

    const [File] = history.aggregates;
    const events = File.events.map((event) =>
      event.type === 'FileModified'
        ? defineEvent({
            type: 'FileModified',
            data: {
              ...(event.data as object),
              properties: {
                ...(event.data as { properties: object }).properties,
                linesAdded: { type: 'integer', minimum: 1 },
              },
            } as never,
          })
        : event,
    );
    const changed = defineApp({ name: 'changed', aggregates: [{ ...File, events } as typeof File] });
    const report = await checkHistory(changed, { table });
    let expected = 0;
    for (const { type, data } of table.all())
      if (type === 'FileModified' && JSON.parse(data).linesAdded === 0) expected++;
    expect(expected).toBeGreaterThan(100);
    expect(report.findings).toMatchObject([
      { code: 'event.invalid', type: 'FileModified', schemaVersion: 1, path: '/linesAdded', events: expected },
    ]);
    const sampled = await checkHistory(changed, { table }, { sample: 0.1, seed: 7 });
    expect(await checkHistory(changed, { table }, { sample: 0.1, seed: 7, concurrency: 3 })).toEqual(sampled);
    expect(sampled.aggregates).toBeGreaterThan(150);
    expect(sampled.aggregates).toBeLessThan(280);
  });

  it('of the bank is none of the git history’s business', async () => {
    const table = await stored({
      a: [
        { type: 'AccountOpened', data: { holder: SECRET } },
        { type: 'MoneyDeposited', data: { amount: 3 } },
      ],
    });
    expect(await checkHistory(bank, { table })).toMatchObject({ events: 2, findings: [] });
  });
});

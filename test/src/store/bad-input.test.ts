import { describe, expect, it } from 'vitest';
import { createEventStore, DaybookError } from '../../../src/index.ts';
import { memoryEventTable } from '../../../src/testing/index.ts';
import { Account, deposited } from '../../contract/bank.ts';

const table = memoryEventTable();
const store = createEventStore({ table });
const at = (more: object = {}) =>
  ({ aggregate: Account, aggregateUuid: 'a-1', expectedVersion: 0, ...more }) as {
    aggregate: typeof Account;
    aggregateUuid: string;
    expectedVersion: number;
  };
type Bare = ReturnType<typeof at>;
const one = [deposited(1)];
const wrong = <T>(value: unknown) => value as T;
const consume = async (events: AsyncIterable<unknown>) => {
  for await (const _ of events) throw new Error('it yielded something');
};

/** Each line: the code, what of the message tells the person what was given or is allowed, and the call. */
const CASES: readonly [string, string, () => Promise<unknown>][] = [
  ['event.badType', 'it is missing', () => store.append(at(), wrong([{ data: {} }]))],
  ['event.badType', 'it is empty', () => store.append(at(), wrong([{ type: '', data: {} }]))],
  ['event.badType', 'number', () => store.append(at(), wrong([{ type: 1, data: {} }]))],
  ['event.badType', 'event 2', () => store.append(at(), wrong([deposited(1), { type: 'a\nb', data: {} }]))],
  ['event.badType', '129 bytes', () => store.append(at(), wrong([{ type: 'x'.repeat(129), data: 1 }]))],
  ['event.notAnEvent', 'null', () => store.append(at(), wrong([null]))],
  ['event.unknownType', 'MoneyDeposited', () => store.append(at(), wrong([{ type: 'Unknown', data: {} }]))],
  ['event.unknownField', 'occuredAt', () => store.append(at(), wrong([{ ...deposited(1), occuredAt: 'x' }]))],
  ['event.invalid', '/amount 0 is below the minimum 1', () => store.append(at(), [deposited(0)])],
  ['event.invalid', '/amount is missing', () => store.append(at(), wrong([{ type: 'MoneyDeposited', data: {} }]))],
  [
    'event.invalid',
    '/extra',
    () => store.append(at(), wrong([{ type: 'MoneyDeposited', data: { amount: 1, extra: 1 } }])),
  ],
  ['event.badOccurredAt', 'yesterday', () => store.append(at(), [{ ...deposited(1), occurredAt: 'yesterday' }])],
  ['version.notAllowed', '-1', () => store.append(at({ expectedVersion: -1 }), one)],
  ['version.notAllowed', '1.5', () => store.append(at({ expectedVersion: 1.5 }), one)],
  ['version.notAllowed', '9007199254740992', () => store.append(at({ expectedVersion: 2 ** 53 }), one)],
  ['version.notAllowed', '"3"', () => store.append(at({ expectedVersion: '3' }), one)],
  ['version.notAllowed', 'NaN', () => store.append(at({ expectedVersion: Number.NaN }), one)],
  ['version.notAllowed', 'whole numbers from 1', async () => consume(store.read('a-1', { from: 0 }))],
  ['version.notAllowed', 'from is -1', async () => consume(store.read('a-1', { from: -1 }))],
  ['version.notAllowed', 'to is 1.5', async () => consume(store.read('a-1', { to: 1.5 }))],
  ['version.notAllowed', '9007199254740992', async () => consume(store.read('a-1', { to: 2 ** 53 }))],
  ['version.notAllowed', '-1', () => store.stateAt(Account, 'a-1', { version: -1 })],
  ['append.hole', 'ends at 0: load it again', () => store.append(at({ expectedVersion: 7 }), one)],
  [
    'append.noExpectedVersion',
    "'any'",
    () => store.append(wrong<Bare>({ aggregate: Account, aggregateUuid: 'a-1' }), one),
  ],
  ['append.noExpectedVersion', "'any'", () => store.append(at({ expectedVersion: undefined }), one)],
  ['append.noTarget', 'undefined', () => store.append(wrong<Bare>(undefined), one)],
  ['append.noTarget', 'no definition', () => store.append(at({ aggregate: {} }), one)],
  [
    'aggregate.badType',
    'undefined',
    () => store.append(wrong<Bare>({ aggregateUuid: 'a-1', expectedVersion: 0 }), one),
  ],
  ['aggregate.badType', 'it is empty', () => store.append(at({ aggregate: '' }), one)],
  ['aggregate.badId', 'it is empty', () => store.append(at({ aggregateUuid: '' }), one)],
  ['aggregate.badId', '257 bytes', () => store.append(at({ aggregateUuid: `${'ä'.repeat(128)}x` }), one)],
  ['aggregate.badId', 'control characters', () => store.append(at({ aggregateUuid: 'a\u0000b' }), one)],
  ['aggregate.badId', 'control characters', () => store.load(Account, 'a\u007fb')],
  ['aggregate.badId', 'lone surrogate', () => store.load(Account, 'a\ud800b')],
  ['aggregate.badId', 'undefined', () => store.load(Account, wrong(undefined))],
  ['aggregate.badId', 'it is empty', async () => consume(store.read(''))],
  ['aggregate.badId', 'it is empty', () => store.handle(Account, '', () => [])],
  [
    'append.itemTooLarge',
    '409,600 bytes',
    () => store.append(at({ aggregate: 'Any' }), wrong([{ type: 'X', data: 'x'.repeat(410_000) }])),
  ],
  [
    'append.itemTooLarge',
    '409,600 bytes',
    () => store.append(at({ aggregate: 'Any' }), wrong([{ type: 'X', data: 'ä'.repeat(205_000) }])),
  ],
  [
    'append.itemTooLarge',
    '409,600',
    () => store.append(at({ aggregate: 'Any' }), wrong([{ type: 'X', data: 1, metadata: { x: 'x'.repeat(410_000) } }])),
  ],
  [
    'append.transactionTooLarge',
    '4,194,304 bytes',
    () =>
      store.append(
        at({ aggregate: 'Any' }),
        wrong(Array.from({ length: 12 }, () => ({ type: 'X', data: 'x'.repeat(390_000) }))),
      ),
  ],
  ['append.noEvents', '1 to 100', () => store.append(at(), [])],
  ['append.noEvents', '1 to 100', () => store.append(at(), wrong(deposited(1)))],
  [
    'append.tooManyEvents',
    '101 events',
    () =>
      store.append(
        at(),
        Array.from({ length: 101 }, () => deposited(1)),
      ),
  ],
  [
    'append.tooManyEvents',
    '101 events',
    () =>
      store.transact([
        { target: at(), events: Array.from({ length: 60 }, () => deposited(1)) },
        { target: at({ aggregateUuid: 'a-2' }), events: Array.from({ length: 41 }, () => deposited(1)) },
      ]),
  ],
  [
    'append.duplicateAggregate',
    'a-1',
    () =>
      store.transact([
        { target: at(), events: one },
        { target: at(), events: one },
      ]),
  ],
  ['append.badCommitId', 'it is empty', () => store.append(at(), one, { commitId: '' })],
  ['append.badCommitId', 'it is empty', () => createEventStore({ table, newCommitId: () => '' }).append(at(), one)],
  ['append.badCommitId', '129 bytes', () => store.append(at(), one, { commitId: 'x'.repeat(129) })],
  [
    'append.commitIdWithoutVersion',
    'could not be recognised',
    () => store.append({ ...at(), expectedVersion: 'any' }, one, { commitId: 'c' }),
  ],
  ['range.reversed', '[3..2]', async () => consume(store.read('a-1', { from: 3, to: 2 }))],
  [
    'range.reversed',
    '2026',
    async () => consume(store.read('a-1', { since: '2026-01-02T00:00:00Z', until: '2026-01-01T00:00:00Z' })),
  ],
  ['limit.notAllowed', 'limit is 0', async () => consume(store.read('a-1', { limit: 0 }))],
  ['limit.notAllowed', 'limit is -2', async () => consume(store.list({ limit: -2 }))],
  ['time.notAllowed', 'since is now', async () => consume(store.read('a-1', { since: 'now' }))],
  ['time.notAllowed', 'until is', () => store.stateAt(Account, 'a-1', { time: '2026-01-01' })],
  ['option.notAllowed', 'clock', () => store.stateAt(Account, 'a-1', { time: new Date(0), clock: wrong('wall') })],
  ['option.notAllowed', 'version', () => store.stateAt(Account, 'a-1', wrong({}))],
  ['option.notAllowed', 'validate', async () => consume(store.read('a-1', { validate: true }))],
  ['option.notAllowed', 'defineAggregate', () => store.load(wrong<typeof Account>('Account'), 'a-1')],
  ['option.notAllowed', 'entries', () => store.transact([])],
  ['option.unknown', 'form', async () => consume(store.read('a-1', wrong({ form: 3 })))],
  ['option.unknown', 'expectedversion', () => store.append(at({ expectedversion: 1 }), one)],
  ['option.unknown', 'idempotencyKey', () => store.append(at(), one, wrong({ idempotencyKey: 'x' }))],
  ['option.unknown', 'kind', async () => consume(store.list(wrong({ kind: 'Account' })))],
];

describe('bad input', () => {
  it.each(CASES)('is refused with %s (%s) before anything is written', async (code, part, call) => {
    const error = await (async () => call())().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(DaybookError);
    expect((error as DaybookError).code).toBe(code);
    expect((error as DaybookError).message).toContain(part);
    expect(table.all()).toEqual([]);
  });

  it('does not repeat a long id', async () => {
    const refused = await store.load(Account, 'x'.repeat(2000)).catch((error: unknown) => error);
    expect((refused as Error).message).toMatch(/^aggregate\.badId: "x{299}… cannot be an aggregate id: /);
    expect((refused as Error).message.length).toBeLessThan(500);
  });

  it('takes the longest id, the highest version and the largest commit that are allowed', async () => {
    const fine = createEventStore({ table: memoryEventTable() });
    const aggregateUuid = 'ä'.repeat(128);
    const events = Array.from({ length: 100 }, () => deposited(1));
    expect(await fine.append(at({ aggregateUuid }), events)).toMatchObject({ from: 1, version: 100 });
    const seen: number[] = [];
    for await (const { version } of fine.read(aggregateUuid, { from: 99, to: Number.MAX_SAFE_INTEGER }))
      seen.push(version);
    expect(seen).toEqual([99, 100]);
  });

  it('refuses a commit that would pass the highest version', async () => {
    const top = memoryEventTable();
    const last = Number.MAX_SAFE_INTEGER;
    const event = {
      aggregateUuid: 'a-1',
      aggregateType: 'Account',
      version: last,
      type: 'MoneyDeposited',
      schemaVersion: 1,
    };
    const commit = { commitId: 'c', commitFirst: last, commitLast: last };
    const time = { recordedAt: '2026-01-01T00:00:00.000Z', occurredAt: '2026-01-01T00:00:00.000Z' };
    await top.put({ commitId: 'c', events: [{ ...event, ...commit, ...time, data: '{"amount":1}' }] });
    const full = createEventStore({ table: top }).append(at({ expectedVersion: last }), one);
    await expect(full).rejects.toMatchObject({ code: 'version.notAllowed' });
  });
});

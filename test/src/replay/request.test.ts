import { describe, expect, it } from 'vitest';
import { balances } from '../../../examples/bank/projections.ts';
import { isDaybookError } from '../../../src/errors.ts';
import { checkRequest } from '../../../src/replay/request.ts';

const check = (request: unknown) => checkRequest(request, [balances]);
const codeOf = (request: unknown) => {
  try {
    check(request);
  } catch (error) {
    if (isDaybookError(error)) return error.code;
    throw error;
  }
  return 'accepted';
};

describe('checkRequest', () => {
  it('fills in the defaults', () => {
    expect(check({ projection: 'balances' })).toEqual({
      projection: 'balances',
      version: 1,
      range: { kind: 'all' },
      seed: 'initial',
      dryRun: false,
      ifBusy: 'refuse',
      verify: 'sample',
      rollback: false,
    });
    expect(check({ projection: 'balances', range: { kind: 'versions', aggregates: ['a', 'a'], to: 3 } }).range).toEqual(
      {
        kind: 'versions',
        aggregates: ['a'],
        from: 1,
        to: 3,
      },
    );
  });

  it('writes times as the store does: UTC, milliseconds', () => {
    const { range } = check({
      projection: 'balances',
      range: { kind: 'times', from: '2026-01-01T00:00:00Z', to: '2026-01-31T23:59:59+01:00' },
    });
    expect(range).toEqual({
      kind: 'times',
      from: '2026-01-01T00:00:00.000Z',
      to: '2026-01-31T22:59:59.000Z',
      clock: 'occurred',
    });
  });

  it.each([
    ['no request', undefined, 'replay.badRequest'],
    ['no projection', {}, 'replay.unknownProjection'],
    ['an unknown projection', { projection: 'balance' }, 'replay.unknownProjection'],
    ['an unknown field', { projection: 'balances', sead: 'before' }, 'replay.unknownField'],
    ['a range that is null: nobody asked for a rebuild', { projection: 'balances', range: null }, 'replay.badRequest'],
    ['an unknown kind', { projection: 'balances', range: { kind: 'some' } }, 'replay.badRequest'],
    ['no aggregates', { projection: 'balances', range: { kind: 'versions', aggregates: [] } }, 'replay.badRequest'],
    ['a version that the app has not', { projection: 'balances', version: 2 }, 'replay.badRequest'],
    ['a type that the projection has not', { projection: 'balances', types: ['Sunset'] }, 'replay.badRequest'],
    ['no types', { projection: 'balances', types: [] }, 'replay.badRequest'],
    ['no budget', { projection: 'balances', budget: 0 }, 'replay.badRequest'],
    ['a budget in words', { projection: 'balances', budget: '5' }, 'replay.badRequest'],
    ['an unknown way to wait', { projection: 'balances', ifBusy: 'wait' }, 'replay.badRequest'],
    ['an unknown verification', { projection: 'balances', verify: 'none' }, 'replay.badRequest'],
    ['a dry run in words', { projection: 'balances', dryRun: 'yes' }, 'replay.badRequest'],
    [
      'a rollback over a range',
      { projection: 'balances', rollback: true, range: { kind: 'times', from: '2026-01-01T00:00:00Z' } },
      'replay.badRequest',
    ],
    [
      'a statement that is no SELECT',
      { projection: 'balances', range: { kind: 'versions', aggregates: { sql: 'DROP TABLE events' } } },
      'replay.badRequest',
    ],
    ['an empty id', { projection: 'balances', range: { kind: 'versions', aggregates: [''] } }, 'replay.badRequest'],
    [
      'version 0',
      { projection: 'balances', range: { kind: 'versions', aggregates: ['a'], from: 0 } },
      'replay.badRequest',
    ],
    [
      'version 1.5',
      { projection: 'balances', range: { kind: 'versions', aggregates: ['a'], from: 1.5 } },
      'replay.badRequest',
    ],
    [
      'a > b',
      { projection: 'balances', range: { kind: 'versions', aggregates: ['a'], from: 4, to: 3 } },
      'replay.emptyRange',
    ],
    [
      'a time without a zone',
      { projection: 'balances', range: { kind: 'times', from: '2026-01-01T00:00:00' } },
      'replay.badRequest',
    ],
    [
      'no such day, which would be one of March',
      { projection: 'balances', range: { kind: 'times', from: '2026-02-30T00:00:00Z' } },
      'replay.badRequest',
    ],
    [
      'a day alone, which as an end would leave the day itself out',
      { projection: 'balances', range: { kind: 'times', from: '2026-01-01T00:00:00Z', to: '2026-01-31' } },
      'replay.badRequest',
    ],
    [
      'a later start',
      { projection: 'balances', range: { kind: 'times', from: '2026-02-01T00:00:00Z', to: '2026-01-01T00:00:00Z' } },
      'replay.emptyRange',
    ],
    [
      'an unknown clock',
      { projection: 'balances', range: { kind: 'times', from: '2026-02-01T00:00:00Z', clock: 'wall' } },
      'replay.badRequest',
    ],
    [
      'the state before everything, where a range was forgotten: it would rebuild, and promote',
      { projection: 'balances', seed: 'before' },
      'replay.badRequest',
    ],
    ['an unknown seed', { projection: 'balances', seed: 'after' }, 'replay.badRequest'],
  ])('refuses %s', (_, request, code) => {
    expect(codeOf(request)).toBe(code);
  });

  it('says what was given and what is allowed', () => {
    expect(() => check({ projection: 'balance' })).toThrow(
      'there is no projection "balance" in this app; it has balances',
    );
    expect(() => check({ projection: 'balances', seed: 'after' })).toThrow(
      'seed was "after"; allowed is `initial` or `before`',
    );
  });
});

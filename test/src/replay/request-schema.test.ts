import { expect, it } from 'vitest';
import { balances } from '../../../examples/bank/projections.ts';
import { checkRequest, type ReplayRequest } from '../../../src/replay/request.ts';
import { expectSchema } from '../../functions/schemas.ts';

it.each<[string, ReplayRequest]>([
  ['everything', { projection: 'balances' }],
  ['everything, said', { projection: 'balances', range: { kind: 'all' } }],
  [
    'versions',
    { projection: 'balances', range: { kind: 'versions', aggregates: ['a'], from: 2, to: 3 }, seed: 'before' },
  ],
  [
    'times',
    {
      projection: 'balances',
      range: { kind: 'times', from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z', clock: 'recorded' },
    },
  ],
  [
    'aggregates by SQL',
    {
      projection: 'balances',
      version: 1,
      range: {
        kind: 'times',
        from: '2026-01-01T00:00:00Z',
        aggregates: { sql: 'SELECT aggregate_uuid FROM aggregates' },
      },
      types: ['MoneyDeposited'],
      budget: 2.5,
      verify: 'all',
    },
  ],
  ['a plan alone', { projection: 'balances', dryRun: true, ifBusy: 'queue' }],
  ['the way back', { projection: 'balances', rollback: true }],
])('a request for %s is what schemas/replay-request says, and is accepted', (_, request) => {
  expectSchema('replay-request', request);
  expect(checkRequest(request, [balances]).projection).toBe('balances');
});

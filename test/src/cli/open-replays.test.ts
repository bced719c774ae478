import { expect, it } from 'vitest';
import { nextOf } from '../../../src/cli/open-replays.ts';

const running = { status: 'failed' } as const;

it.each([
  [
    'a damaged file: resumed',
    running,
    'DaybookError',
    'archive.unreadable: x',
    /mended: npx daybook replay resume b1; to/,
  ],
  [
    'a build that is wrong: begun anew',
    running,
    'DaybookError',
    'replay.notVerified: x',
    /only verifies.*stop b1, and start/,
  ],
  [
    'a budget that is spent: begun anew',
    running,
    'States.ExceedToleratedFailureThreshold',
    'replay.budgetSpent: x',
    /^Resumed it would fail again: npx daybook replay stop b1, and start it under another name/,
  ],
  ['a lock that is lost: begun anew', running, 'replay.lostLock', 'x', /^Resumed it would fail again/],
  ['a refused request: asked anew', undefined, 'DaybookError', 'replay.emptyRange: x', /Nothing was begun/],
  ['a taken name: another one', { status: 'promoted' } as const, 'DaybookError', 'replay.nameTaken: x', /another name/],
  ['a stopped one: another one', { status: 'stopped' } as const, 'DaybookError', '', /cannot go on/],
])('says what is to be done after a failure at %s', (_, record, error, cause, next) => {
  expect(nextOf('b1', 'FAILED', record, { error, cause })).toMatch(next);
});

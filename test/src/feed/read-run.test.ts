import { expect, test } from 'vitest';
import { DaybookError } from '../../../src/errors.ts';
import '../../../src/event/errors.ts';
import { lastOf } from '../../../src/feed/read-run.ts';

test('an item between two versions, which is no event, is not taken for a version', async () => {
  const table = {
    // biome-ignore lint/correctness/useYield: it fails before it gives anything
    async *query() {
      throw new DaybookError('event.unknownFormat', { aggregateUuid: 'a', version: 2.5, format: '99' });
    },
  };
  expect(await lastOf(table, 'a')).toBe(2);
});

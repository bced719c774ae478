import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readStreamRecord } from '../../../src/feed/stream-record.ts';
import { storedEvent, streamRecord } from '../../simulation/records.ts';

/** The version that a record of the table stream is read with, by the digits that DynamoDB has for it. */
function versionOf(digits: string): number | undefined {
  const record = streamRecord(storedEvent('a', 1));
  const keys = { ...record.dynamodb.Keys, Version: { N: digits } };
  const notice = readStreamRecord({ ...record, dynamodb: { ...record.dynamodb, Keys: keys } });
  return notice.kind === 'inserted' ? notice.version : undefined;
}

describe('a version in a record of the table stream', () => {
  test('is any whole number from 1 that JavaScript has exactly', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (n) => versionOf(String(n)) === n));
    for (const n of [1, 9, 10, 999_999_999_999_999, 1e15, Number.MAX_SAFE_INTEGER])
      expect(versionOf(String(n))).toBe(n);
  });

  test.each([
    '',
    '0',
    '-7',
    '2.5',
    '01',
    '1e3',
    '+1',
    ' 1',
    '1 ',
    '2.00000000000000000001',
    '9007199254740993',
    '1'.repeat(38),
  ])('is not %j', (digits) => {
    expect(versionOf(digits)).toBeUndefined();
  });
});

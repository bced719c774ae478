import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addNumbers,
  compareNumbers,
  normalizeNumber,
  numberOrderText,
  subtractNumbers,
} from '../../../../local/dynamodb/value/number.ts';

/** Numbers that DynamoDB takes, in many spellings: [text, value × 10^SCALE]. */
const SCALE = 60;
const spelled = fc
  .tuple(
    fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
    fc.integer({ min: -30, max: 30 }),
    fc.integer({ min: 0, max: 3 }),
  )
  .map(([digits, power, style]): [string, bigint] => {
    const value = digits * 10n ** BigInt(SCALE + power);
    if (style === 0) return [`${digits}E${power}`, value];
    if (style === 1) return [`${digits < 0n ? '-' : '+'}000${digits < 0n ? -digits : digits}e${power}`, value];
    if (power >= 0) return [`${digits}${'0'.repeat(power)}.00`, value];
    const text = (digits < 0n ? -digits : digits).toString().padStart(-power + 1, '0');
    return [`${digits < 0n ? '-' : ''}${text.slice(0, power)}.${text.slice(power)}`, value];
  });
const seeded = { seed: 20260101, numRuns: 500 };

describe('normalizeNumber', () => {
  it.each([
    ['1.0', '1'],
    ['1E2', '100'],
    ['-0', '0'],
    ['+5', '5'],
    ['007', '7'],
    ['.5', '0.5'],
    ['5.', '5'],
    ['1.230e-3', '0.00123'],
    ['-12.50', '-12.5'],
    ['0.000', '0'],
    ['9.99e125', `999${'0'.repeat(123)}`],
    ['99999999999999999999999999999999999999', '99999999999999999999999999999999999999'],
    ['123456789012345678901234567890123456780000', '123456789012345678901234567890123456780000'],
  ])('gives %s back as %s', (given, expected) => {
    expect(normalizeNumber(given)).toBe(expected);
  });

  it.each([
    ['', 'The parameter cannot be converted to a numeric value'],
    ['abc', 'The parameter cannot be converted to a numeric value: abc'],
    ['1,5', 'The parameter cannot be converted to a numeric value: 1,5'],
    ['Infinity', 'The parameter cannot be converted to a numeric value: Infinity'],
    ['0x10', 'The parameter cannot be converted to a numeric value: 0x10'],
    ['1e126', 'Number overflow. Attempting to store a number with magnitude larger than supported range'],
    ['-1e126', 'Number overflow. Attempting to store a number with magnitude larger than supported range'],
    ['1e-131', 'Number underflow. Attempting to store a number with magnitude smaller than supported range'],
    ['123456789012345678901234567890123456789', 'Attempting to store more than 38 significant digits in a Number'],
  ])('refuses %s', (given, message) => {
    expect(() => normalizeNumber(given)).toThrow(message);
  });

  it('keeps the value, and gives every spelling of it the same text', () => {
    fc.assert(
      fc.property(spelled, ([text, value]) => {
        const normal = normalizeNumber(text);
        expect(normalizeNumber(normal)).toBe(normal);
        expect(normal).toMatch(/^(0|-?(0|[1-9]\d*)(\.\d*[1-9])?)$/);
        const [whole = '', fraction = ''] = normal.split('.');
        expect(BigInt(whole + fraction) * 10n ** BigInt(SCALE - fraction.length)).toBe(value);
      }),
      seeded,
    );
  });
});

describe('order', () => {
  it('compares as the values do, and so do the order texts', () => {
    fc.assert(
      fc.property(spelled, spelled, ([a, x], [b, y]) => {
        const expected = x < y ? -1 : x > y ? 1 : 0;
        const [left, right] = [normalizeNumber(a), normalizeNumber(b)];
        expect(Math.sign(compareNumbers(left, right))).toBe(expected);
        const [one, two] = [numberOrderText(left), numberOrderText(right)];
        expect(one < two ? -1 : one > two ? 1 : 0).toBe(expected);
      }),
      seeded,
    );
  });

  it('sorts the borders of the range', () => {
    const sorted = ['-9e125', '-1', '-1e-130', '0', '1e-130', '0.1', '1', '9', '10', '9e125'].map(normalizeNumber);
    const shuffled = [...sorted].reverse();
    expect(shuffled.sort((a, b) => (numberOrderText(a) < numberOrderText(b) ? -1 : 1))).toEqual(sorted);
  });
});

describe('arithmetic', () => {
  const small = fc
    .tuple(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), fc.integer({ min: -10, max: 10 }))
    .map(([digits, power]): [string, bigint] => [
      normalizeNumber(`${digits}E${power}`),
      digits * 10n ** BigInt(power + 10),
    ]);

  it('is exact', () => {
    fc.assert(
      fc.property(small, small, ([a, x], [b, y]) => {
        expect(addNumbers(a, b)).toBe(normalizeNumber(`${x + y}E-10`));
        expect(subtractNumbers(a, b)).toBe(normalizeNumber(`${x - y}E-10`));
      }),
      seeded,
    );
    expect(addNumbers('0.1', '0.2')).toBe('0.3');
    expect(addNumbers('99999999999999999999999999999999999999', '1')).toBe(`1${'0'.repeat(38)}`);
    expect(subtractNumbers('5', '0')).toBe('5');
    expect(subtractNumbers('0', '5')).toBe('-5');
  });

  it('refuses a sum with more digits than DynamoDB keeps', () => {
    expect(() => addNumbers('99999999999999999999999999999999999999', '0.1')).toThrow('38 significant digits');
    expect(() => addNumbers('9.9e125', '9.9e125')).toThrow('Number overflow');
  });
});

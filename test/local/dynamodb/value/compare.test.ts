import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  beginsWith,
  compareValues,
  containsValue,
  orderText,
  sameValue,
} from '../../../../local/dynamodb/value/compare.ts';
import { itemSize, valueSize } from '../../../../local/dynamodb/value/size.ts';
import { readItem, readValue } from '../../../../local/dynamodb/value/value.ts';

const seeded = { seed: 20260102, numRuns: 1000 };
const sign = (order: number) => Math.sign(order);

describe('the order of keys', () => {
  it('is that of UTF-8 bytes for strings, surrogates included', () => {
    const text = fc.string({ unit: 'binary', maxLength: 4 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const expected = sign(Buffer.compare(Buffer.from(a, 'utf8'), Buffer.from(b, 'utf8')));
        const [one, two] = [orderText({ S: a }), orderText({ S: b })];
        expect(one < two ? -1 : one > two ? 1 : 0).toBe(expected);
        expect(sign(compareValues({ S: a }, { S: b })!)).toBe(expected);
        expect(orderText({ S: a + b }).startsWith(one)).toBe(true);
      }),
      seeded,
    );
    expect(compareValues({ S: '\u{10000}' }, { S: '\uffff' })).toBe(1);
  });

  it('is that of the bytes for binaries', () => {
    const bytes = fc.uint8Array({ maxLength: 4 }).map((array) => Buffer.from(array));
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const [one, two] = [a.toString('base64'), b.toString('base64')];
        expect(sign(compareValues({ B: one }, { B: two })!)).toBe(sign(Buffer.compare(a, b)));
      }),
      seeded,
    );
  });

  it('does not exist between types', () => {
    expect(compareValues({ S: '1' }, { N: '1' })).toBeUndefined();
    expect(compareValues({ BOOL: true }, { BOOL: false })).toBeUndefined();
  });
});

describe('sameValue', () => {
  it.each([
    [{ SS: ['a', 'b'] }, { SS: ['b', 'a'] }, true],
    [{ SS: ['a', 'b'] }, { SS: ['a'] }, false],
    [{ NS: ['1.0', '2'] }, { NS: ['2', '1'] }, true],
    [{ L: [{ N: '1' }] }, { L: [{ N: '1.0' }] }, true],
    [{ L: [{ N: '1' }] }, { L: [{ S: '1' }] }, false],
    [{ M: { a: { S: 'x' }, b: { S: 'y' } } }, { M: { b: { S: 'y' }, a: { S: 'x' } } }, true],
    [{ M: { a: { S: 'x' } } }, { M: { a: { S: 'x' }, b: { S: 'y' } } }, false],
    [{ M: { a: { S: 'x' }, b: { S: 'y' } } }, { M: { a: { S: 'x' } } }, false],
    [{ S: '1' }, { N: '1' }, false],
    [{ NULL: true }, { NULL: true }, true],
  ])('%j and %j: %s', (a, b, expected) => {
    expect(sameValue(readValue(a), readValue(b))).toBe(expected);
  });
});

describe('contains and begins_with', () => {
  it.each([
    [{ S: 'hello' }, { S: 'ell' }, true],
    [{ S: 'hello' }, { N: '1' }, false],
    [{ SS: ['a', 'b'] }, { S: 'b' }, true],
    [{ NS: ['1', '2'] }, { N: '2.0' }, true],
    [{ BS: ['YQ=='] }, { B: 'YQ==' }, true],
    [{ B: 'aGVsbG8=' }, { B: 'ZWxs' }, true],
    [{ L: [{ M: { a: { S: 'x' } } }] }, { M: { a: { S: 'x' } } }, true],
    [{ L: [{ S: 'x' }] }, { N: '1' }, false],
    [{ M: { a: { S: 'x' } } }, { S: 'a' }, false],
  ])('%j contains %j: %s', (whole, part, expected) => {
    expect(containsValue(readValue(whole), readValue(part))).toBe(expected);
  });

  it('compares the beginnings of strings and of bytes', () => {
    expect(beginsWith({ S: 'hello' }, { S: 'he' })).toBe(true);
    expect(beginsWith({ B: 'aGVsbG8=' }, { B: 'aGU=' })).toBe(true);
    expect(beginsWith({ S: 'hello' }, { B: 'aGU=' })).toBe(false);
  });
});

describe('sizes', () => {
  it.each([
    [{ S: 'äb' }, 3],
    [{ B: 'aGVsbG8=' }, 5],
    [{ BOOL: true }, 1],
    [{ NULL: true }, 1],
    [{ N: '0' }, 1],
    [{ N: '7' }, 2],
    [{ N: '100' }, 2],
    [{ N: '-12' }, 3],
    [{ SS: ['a', 'bc'] }, 3],
    [{ L: [] }, 3],
    [{ L: [{ S: 'a' }, { BOOL: true }] }, 7],
    [{ M: { ab: { S: 'c' } } }, 7],
  ])('%j takes %i bytes', (raw, size) => {
    expect(valueSize(readValue(raw))).toBe(size);
  });

  it('count names too', () => {
    expect(itemSize(readItem({ name: { S: 'value' }, ä: { S: '' } }))).toBe(4 + 5 + 2);
  });
});

import { describe, expect, it } from 'vitest';
import { readItem, readValue } from '../../../../local/dynamodb/value/value.ts';
import { failure, plain } from '../setup.ts';

const nest = (levels: number, make: (inner: unknown) => unknown): unknown => {
  let value: unknown = { S: 'x' };
  for (let i = 0; i < levels; i++) value = make(value);
  return value;
};

describe('readValue', () => {
  it('copies and normalizes', () => {
    const raw = {
      M: { n: { N: '1.50' }, s: { NS: ['1e1', '2.0'] }, l: { L: [{ B: 'YQ==' }, { NULL: true }, { BOOL: false }] } },
    };
    const value = readValue(raw);
    raw.M.n.N = 'changed';
    expect(plain(value)).toEqual({
      M: { n: { N: '1.5' }, s: { NS: ['2', '10'] }, l: { L: [{ B: 'YQ==' }, { NULL: true }, { BOOL: false }] } },
    });
  });

  it.each([
    [{}, 'Supplied AttributeValue is empty, must contain exactly one of the supported datatypes'],
    [
      { S: 'a', N: '1' },
      'Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes',
    ],
    [
      { NULL: false },
      'One or more parameter values were invalid: Null attribute value types must have the value of true',
    ],
    [{ SS: [] }, 'One or more parameter values were invalid: An string set  may not be empty'],
    [{ NS: [] }, 'One or more parameter values were invalid: An number set  may not be empty'],
    [{ BS: [] }, 'One or more parameter values were invalid: Binary sets should not be empty'],
    [
      { SS: ['a', 'b', 'a'] },
      'One or more parameter values were invalid: Input collection [a, b, a] contains duplicates.',
    ],
    [{ NS: ['1', '1.0'] }, 'Input collection contains duplicates'],
    [
      { L: [{ M: { x: {} } }] },
      'Supplied AttributeValue is empty, must contain exactly one of the supported datatypes',
    ],
  ])('refuses %j', (raw, message) => {
    expect(failure(() => readValue(raw))).toMatchObject({ code: 'ValidationException', message });
  });

  it.each([
    [{ S: 5 }, 'NUMBER_VALUE cannot be converted to String'],
    [{ N: 5 }, 'NUMBER_VALUE cannot be converted to String'],
    [{ B: 'a' }, 'Base64 encoded length is expected a multiple of 4 bytes but found: 1'],
    [{ BOOL: 'yes' }, 'Unexpected token received from parser'],
    [{ L: {} }, 'Unexpected field type'],
    ['text', 'Unexpected value type in payload'],
  ])('cannot read %j', (raw, message) => {
    expect(failure(() => readValue(raw))).toMatchObject({ code: 'SerializationException', message });
  });

  it('takes empty strings and empty members of sets', () => {
    expect(readValue({ S: '' })).toEqual({ S: '' });
    expect(readValue({ SS: [''] })).toEqual({ SS: [''] });
    expect(readValue({ L: [] })).toEqual({ L: [] });
  });
});

describe('readItem', () => {
  it('counts the item itself as the first of 32 levels', () => {
    const lists = (levels: number) => nest(levels, (inner) => ({ L: [inner] }));
    const maps = (levels: number) => nest(levels, (inner) => ({ M: { a: inner } }));
    for (const make of [lists, maps]) {
      expect(() => readItem({ x: make(31) })).not.toThrow();
      expect(failure(() => readItem({ x: make(32) })).message).toBe(
        'Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit',
      );
    }
  });

  it('treats names that JavaScript knows like any other', () => {
    const raw = JSON.parse('{"__proto__": {"S": "a"}, "constructor": {"N": "1"}}');
    const item = readItem(raw);
    expect(Object.keys(item)).toEqual(['__proto__', 'constructor']);
    expect(item.toString).toBeUndefined();
    expect(JSON.stringify(item)).toBe('{"__proto__":{"S":"a"},"constructor":{"N":"1"}}');
  });

  it('refuses an attribute without a name', () => {
    expect(failure(() => readItem({ '': { S: 'x' } })).code).toBe('ValidationException');
  });
});

describe('sets', () => {
  it('come back in the order of their members', () => {
    expect(readValue({ SS: ['z', 'a', 'Ä', 'b', ''] })).toEqual({ SS: ['', 'a', 'b', 'z', 'Ä'] });
    expect(readValue({ NS: ['10', '2', '-1', '0.5'] })).toEqual({ NS: ['-1', '0.5', '2', '10'] });
    expect(readValue({ BS: ['eg==', 'YQ=='] })).toEqual({ BS: ['YQ==', 'eg=='] });
  });
});

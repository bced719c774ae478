import { describe, expect, it, test } from 'vitest';
import { isDaybookError } from '../../../src/errors.ts';
import { eventDecoder } from '../../../src/event/decode-event.ts';
import { defineEvent } from '../../../src/event/event-definition.ts';
import { type UpcastRule, upcastBy } from '../../../src/event/upcast.ts';
import { storedEvent } from '../../simulation/records.ts';

const stored = storedEvent('a', 1);
const freeze = (value: unknown): unknown => {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
  return value;
};
const upcast = (rule: UpcastRule, data: unknown) => upcastBy(rule)(freeze(data), stored);

test.each<[string, UpcastRule, unknown, unknown]>([
  ['a rename', { rename: { amt: 'amount' } }, { amt: 1, to: 2 }, { amount: 1, to: 2 }],
  ['a rename of what is absent', { rename: { amt: 'amount' } }, { to: 2 }, { to: 2 }],
  ['a rename of null', { rename: { amt: 'amount' } }, { amt: null }, { amount: null }],
  ['a rename over what was there', { rename: { a: 'b' } }, { a: 1, b: 2 }, { b: 1 }],
  ['two that change places', { rename: { a: 'b', b: 'a' } }, { a: 1, b: 2 }, { a: 2, b: 1 }],
  [
    'nesting',
    { rename: { street: '/address/street', town: '/address/town' } },
    { street: 's', town: 't' },
    { address: { street: 's', town: 't' } },
  ],
  ['nesting of nothing', { rename: { street: '/address/street' } }, { a: 1 }, { a: 1 }],
  ['nesting into itself', { rename: { name: '/name/first' } }, { name: 'Ada' }, { name: { first: 'Ada' } }],
  [
    'unnesting',
    { rename: { '/address/street': 'street' } },
    { address: { street: 's', town: 't' } },
    { address: { town: 't' }, street: 's' },
  ],
  [
    'unnesting, and the rest dropped',
    { drop: ['/address/town'], rename: { '/address/street': 'street' } },
    { address: { street: 's', town: 't' } },
    { address: {}, street: 's' },
  ],
  ['a name with dots', { rename: { 'a.b': 'a_b' } }, { 'a.b': 1, a: { b: 2 } }, { a_b: 1, a: { b: 2 } }],
  ['a name with slashes and tildes', { rename: { '/~1a~0': 'a' } }, { '/a~': 1 }, { a: 1 }],
  ['a name that is the prototype', { rename: { a: '__proto__' } }, { a: 1 }, JSON.parse('{"__proto__":1}')],
  ['drop before rename', { drop: ['b'], rename: { a: 'b' } }, { a: 1, b: 2 }, { b: 1 }],
  ['a default', { default: { currency: 'EUR' } }, { a: 1 }, { a: 1, currency: 'EUR' }],
  ['no default for null', { default: { currency: 'EUR' } }, { currency: null }, { currency: null }],
  ['a nested default', { default: { '/to/kind': ['x'] } }, { to: { name: 'n' } }, { to: { name: 'n', kind: ['x'] } }],
  ['a cast behind a rename', { rename: { amt: 'amount' }, cast: { amount: 'integer' } }, { amt: '42' }, { amount: 42 }],
  [
    'casts',
    { cast: { a: 'string', b: 'number', c: 'boolean', d: 'string', e: 'integer', f: 'integer' } },
    { a: 1.5, b: '-2.5e3', c: 'true', d: false, e: null },
    { a: '1.5', b: -2500, c: true, d: 'false', e: null },
  ],
])('%s', (_, rule, data, expected) => {
  expect(upcast(rule, data)).toEqual(expected);
});

test.each<[UpcastRule, unknown, string]>([
  [{ cast: { a: 'integer' } }, { a: '1.5' }, 'the text at a is no integer without loss'],
  [{ cast: { a: 'integer' } }, { a: 1.5 }, 'the number at a is no integer'],
  [{ cast: { a: 'integer' } }, { a: '9007199254740993' }, 'the text at a is no integer'],
  [{ cast: { a: 'number' } }, { a: '' }, 'the text at a is no number'],
  [{ cast: { a: 'number' } }, { a: '1e999' }, 'the text at a is no number'],
  [{ cast: { a: 'boolean' } }, { a: 1 }, 'the number at a is no boolean'],
  [{ cast: { '/a/b': 'string' } }, { a: { b: [1] } }, 'the list at /a/b is no string'],
  [{ rename: { a: 'b' } }, [1], 'no object'],
])('%j cannot make anything of %j', (rule, data, message) => {
  expect(() => upcast(rule, data)).toThrow(message);
});

describe('in a definition', () => {
  const define = (rule: unknown) =>
    defineEvent({
      type: 'Paid',
      schemaVersion: 2,
      data: { type: 'object' },
      upcasts: { 1: upcastBy(rule as UpcastRule) },
    });

  it.each([
    [{ renames: {} }, 'there is no word "renames"; there are drop, rename, cast, default'],
    [3, 'it is no object'],
    [[], 'it is no object'],
    [{ rename: ['a'] }, 'rename must be an object'],
    [{ drop: 'a' }, 'drop must be a list'],
    [{ rename: { a: 1 } }, 'from a place to a place'],
    [{ rename: { a: 'c', b: 'c' } }, 'c and c are one place'],
    [{ rename: { a: 'c', '/a/b': 'd' } }, 'a and /a/b are one place, or one is in the other'],
    [{ rename: { a: '/c', b: '/c/d' } }, '/c and /c/d'],
    [{ cast: { a: 'int' } }, 'a cannot be cast to "int"; there are string, integer, number, boolean'],
    [{ default: { a: new Date(0) } }, 'the default of a'],
    [{ default: { a: undefined } }, 'the default of a: undefined is not JSON'],
  ])('%j is refused, with the event and the version', (rule, message) => {
    try {
      define(rule);
      expect.unreachable();
    } catch (error) {
      expect(isDaybookError(error, 'definition.badUpcast')).toBe(true);
      expect((error as Error).message).toContain('upcasts[1] of Paid');
      expect((error as Error).message).toContain(message);
    }
  });

  it('rules and functions stand side by side, and what fails names the event', () => {
    const Paid = defineEvent({
      type: 'Paid',
      schemaVersion: 3,
      data: { type: 'object' },
      upcasts: {
        1: upcastBy({ rename: { amt: 'amount' }, cast: { amount: 'integer' } }),
        2: (data: object) => ({ ...data, by: 'card' }),
      },
    });
    const decode = (data: string) =>
      eventDecoder([Paid]).decode(storedEvent('a', 7, { type: 'Paid', schemaVersion: 1, data }));
    expect(decode('{"amt":"5"}')?.data).toEqual({ amount: 5, by: 'card' });
    expect(() => decode('{"amt":"five"}')).toThrow(
      /^event.upcastFailed: upcasting version 7 of a \(Paid\) from schema version 1 failed: the text at amount/,
    );
    expect(() => decode('[]')).toThrow(/^event.upcastFailed/);
  });

  it('a default is each event’s own', () => {
    const rule = { default: { tags: [] as string[] } };
    const one = upcast(rule, {}) as typeof rule.default;
    one.tags.push('x');
    expect(upcast(rule, {})).toEqual({ tags: [] });
  });
});

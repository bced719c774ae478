import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkJsonSchema } from '../../../src/schema/check-json-schema.ts';
import { compileJsonSchema } from '../../../src/schema/compile-json-schema.ts';
import type { JsonSchema } from '../../../src/schema/json-schema.ts';
import { jsonProblem } from '../../../src/schema/json-value.ts';

/** [schema, valid values, invalid values with the path and a part of the problem] */
const CASES: readonly [JsonSchema, readonly unknown[], readonly [unknown, string, string][]][] = [
  [{ type: 'string' }, ['', 'ä'], [[1, '', 'must be string, is 1']]],
  [
    { type: 'integer' },
    [0, -3, 1.0, 2 ** 60],
    [
      [1.5, '', 'must be integer'],
      ['1', '', 'the text "1"'],
    ],
  ],
  [
    { type: 'number' },
    [1.5, 1e300],
    [
      [Number.NaN, '', 'must be number'],
      [Number.POSITIVE_INFINITY, '', 'must be number'],
    ],
  ],
  [{ type: 'boolean' }, [true, false], [[null, '', 'is null']]],
  [
    { type: 'null' },
    [null],
    [
      [undefined, '', 'must be null'],
      [0, '', 'must be null'],
    ],
  ],
  [{ type: ['string', 'null'] }, ['x', null], [[1, '', 'must be string or null']]],
  [
    { enum: ['a', 1, null, { b: [1] }] },
    ['a', 1, null, { b: [1] }],
    [
      ['b', '', 'must be one of'],
      [{ b: [2] }, '', 'one of'],
    ],
  ],
  [{ const: { a: 1 } }, [{ a: 1 }], [[{ a: 1, b: 2 }, '', 'must be {"a":1}']]],
  [
    { minimum: 1, maximum: 3 },
    [1, 3, 'text has no size'],
    [
      [0, '', 'below the minimum 1'],
      [3.5, '', 'above the maximum 3'],
    ],
  ],
  [
    { exclusiveMinimum: 1, exclusiveMaximum: 3 },
    [2, 1.001],
    [
      [1, '', 'must be above 1'],
      [3, '', 'must be below 3'],
    ],
  ],
  [
    { multipleOf: 0.01 },
    [19.99, 0, 1.1, -4.35, 1e6 + 0.01],
    [
      [0.001, '', 'not a multiple of 0.01'],
      [19.995, '', 'multiple'],
    ],
  ],
  [{ multipleOf: 3 }, [9, -3, 0], [[10, '', 'multiple of 3']]],
  [
    { minLength: 2, maxLength: 3 },
    ['ab', '𝄞𝄞𝄞', 'abc'],
    [
      ['𝄞', '', 'has 1 characters'],
      ['abcd', '', 'at most 3'],
    ],
  ],
  [{ pattern: '^a+$' }, ['aa'], [['b', '', 'does not match the pattern ^a+$']]],
  [{ pattern: '^\\p{Lu}' }, ['Ä'], [['ä', '', 'pattern']]],
  [
    { format: 'date' },
    ['2024-02-29', '2000-02-29'],
    [
      ['2023-02-29', '', 'not a date'],
      ['1900-02-29', '', 'date'],
      ['2024-2-9', '', 'date'],
      ['2024-04-31', '', 'date'],
    ],
  ],
  [
    { format: 'date-time' },
    ['2024-01-01T00:00:00Z', '2024-01-01t23:59:60.123456+23:59'],
    [
      ['2024-01-01T00:00:00', '', 'zone'],
      ['2024-01-01T24:00:00Z', '', 'date-time'],
      ['2024-13-01T00:00:00Z', '', 'date-time'],
      ['2024-01-01', '', 'date-time'],
    ],
  ],
  [
    { format: 'uuid' },
    ['4bab1f22-8474-58c4-973b-b2ce56ed9641'],
    [['4bab1f22847458c4973bb2ce56ed9641', '', 'not a UUID']],
  ],
  [
    {
      type: 'object',
      properties: { a: { type: 'integer' }, 'b/~c': { type: 'string' } },
      required: ['a'],
      additionalProperties: false,
    },
    [{ a: 1 }, { a: 1, 'b/~c': 'x' }, { a: 1, 'b/~c': undefined }, Object.assign(Object.create(null), { a: 1 })],
    [
      [{}, '/a', 'is missing'],
      [{ a: undefined }, '/a', 'is missing'],
      [{ a: 'x' }, '/a', 'must be integer'],
      [{ a: 1, 'b/~c': 2 }, '/b~1~0c', 'must be string'],
      [{ a: 1, c: 2 }, '/c', 'not allowed'],
      [[], '', 'an array'],
      [JSON.parse('{"a":1,"__proto__":2}'), '/__proto__', 'not allowed'],
    ],
  ],
  [{ type: 'object', required: ['toString'] }, [{ toString: 1 }], [[{}, '/toString', 'is missing']]],
  [
    { type: 'object', additionalProperties: { type: 'number' } },
    [{}, { x: 1 }],
    [[{ x: 'y' }, '/x', 'must be number']],
  ],
  [
    { type: 'array', items: { type: 'object', properties: { n: { minimum: 0 } } }, minItems: 1, maxItems: 2 },
    [[{ n: 1 }]],
    [
      [[], '', 'at least 1'],
      [[1], '/0', 'must be object'],
      [[{}, { n: -1 }], '/1/n', 'below'],
      [[{}, {}, {}], '', 'at most 2'],
    ],
  ],
  [
    { anyOf: [{ type: 'string' }, { type: 'object', required: ['a'] }] },
    ['x', { a: 1 }],
    [
      [1, '', 'none of 2 alternatives'],
      [{}, '', '/a is missing'],
    ],
  ],
  [{ allOf: [{ required: ['a'] }, { required: ['b'] }] }, [{ a: 1, b: 2 }], [[{ a: 1 }, '/b', 'is missing']]],
  [
    { oneOf: [{ type: 'integer' }, { minimum: 3 }] },
    [1, 3.5],
    [
      [4, '', 'matches 2 alternatives'],
      [1.5, '', 'none of 2 alternatives'],
    ],
  ],
  [{ not: { type: 'string' } }, [1, null], [['x', '', 'excludes']]],
  [
    { type: 'array', uniqueItems: true },
    [[1, '1', null, { a: 1 }, { a: 2 }, [1]]],
    [
      [[1, 2, 1], '/2', 'twice'],
      [
        [
          { a: 1, b: 2 },
          { b: 2, a: 1 },
        ],
        '/1',
        'twice',
      ],
    ],
  ],
  [
    {
      type: 'object',
      properties: { n1: { minimum: 5 } },
      patternProperties: { '^n': { type: 'number' }, '1$': { maximum: 9 } },
      additionalProperties: false,
      minProperties: 1,
      maxProperties: 2,
    },
    [{ n1: 5 }, { n2: 100, a: undefined }],
    [
      [{ n1: 4 }, '/n1', 'below the minimum 5'],
      [{ n1: 10 }, '/n1', 'above the maximum 9'],
      [{ n2: 'x' }, '/n2', 'must be number'],
      [{ other: 1 }, '/other', 'not allowed'],
      [{ a: undefined }, '', 'at least 1'],
      [{ n1: 5, n2: 1, n3: 1 }, '', 'at most 2'],
    ],
  ],
  [
    { format: 'time' },
    ['12:00:00Z', '23:59:59.5+01:00'],
    [
      ['12:00:00', '', 'a time with a zone'],
      ['25:00:00Z', '', 'a time'],
    ],
  ],
  [
    { format: 'email' },
    ['bob@example.com', "o'neil+x@a-b.example"],
    [
      ['bob', '', 'an e-mail address'],
      ['bob@', '', 'an e-mail address'],
      ['a b@example.com', '', 'an e-mail address'],
      ['bob@-a.com', '', 'an e-mail address'],
    ],
  ],
  [
    { format: 'uri' },
    ['https://example.com/a?b#c', 'urn:isbn:0', 's3://bucket/key'],
    [
      ['/a', '', 'a URI'],
      ['https://exa mple.com', '', 'a URI'],
      ['https://', '', 'a URI'],
    ],
  ],
  // What a schema leaves open must still be JSON.
  [
    {},
    [null, [1, 'x', { a: [] }]],
    [
      [new Date(0), '', 'a Date is not JSON'],
      [{ a: new Map() }, '/a', 'a Map'],
      [[undefined], '/0', 'undefined'],
      [{ a: { b: 1n } }, '/a/b', 'bigint'],
      [{ f() {} }, '/f', 'function'],
      [{ toJSON: 1, x: Number.NaN }, '/x', 'NaN'],
    ],
  ],
  [
    { type: 'object' },
    [{ free: [1] }],
    [
      [new Date(0), '', 'a Date'],
      [{ a: { b: Number.NaN } }, '/a/b', 'NaN'],
    ],
  ],
];

describe('the JSON Schema validator', () => {
  it.each(CASES)('%j', (schema, valid, invalid) => {
    checkJsonSchema(schema, 'Event', 'data');
    const validate = compileJsonSchema(schema);
    for (const value of valid) expect(validate(value), JSON.stringify(value)).toBeUndefined();
    for (const [value, path, problem] of invalid) {
      const issue = validate(value);
      expect(issue, String(value)).toBeDefined();
      expect(issue?.path).toBe(path);
      expect(issue?.problem).toContain(problem);
    }
  });

  it('ends on a circular value', () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    expect(compileJsonSchema({})(circular)?.problem).toContain('circular');
  });

  it.each([
    [{ $ref: '#/definitions/a' }, 'data/$ref', 'not supported'],
    [{ oneOf: [] }, 'data/oneOf', 'at least one schema'],
    [{ properties: { a: { propertyNames: {} } } }, 'data/properties/a/propertyNames', 'not supported'],
    [{ patternProperties: { '(': {} } }, 'data/patternProperties/(', 'no regular expression'],
    [{ patternProperties: { a: 1 } }, 'data/patternProperties/a', 'a schema is an object'],
    [{ not: [] }, 'data/not', 'a schema is an object'],
    [{ uniqueItems: 1 }, 'data/uniqueItems', 'true or false'],
    [{ maxProperties: 1.5 }, 'data/maxProperties', 'must be 0'],
    [{ type: 'objekt' }, 'data/type', 'no type'],
    [{ type: [] }, 'data/type', 'at least one'],
    [{ items: [{ type: 'string' }] }, 'data/items', 'a schema is an object'],
    [{ additionalProperties: 1 }, 'data/additionalProperties', 'a schema is an object'],
    [{ pattern: '(' }, 'data/pattern', 'no regular expression'],
    [{ format: 'idn-email' }, 'data/format', 'not a format that is checked'],
    [{ minLength: -1 }, 'data/minLength', 'must be 0'],
    [{ minimum: '1' }, 'data/minimum', 'must be a number'],
    [{ multipleOf: 0 }, 'data/multipleOf', 'above 0'],
    [{ required: 'a' }, 'data/required', 'list of names'],
    [{ enum: [] }, 'data/enum', 'at least one'],
    [{ anyOf: [{}, { nope: 1 }] }, 'data/anyOf/1/nope', 'not supported'],
    [true, 'data', 'a schema is an object'],
  ])('refuses %j when an event is defined', (schema, path, problem) => {
    const check = () => checkJsonSchema(schema as JsonSchema, 'Event', 'data');
    expect(check).toThrowError(expect.objectContaining({ code: 'definition.badSchema' }));
    expect(check).toThrowError(`at ${path}: `);
    expect(check).toThrowError(problem);
  });

  it('takes exactly what survives JSON', () => {
    fc.assert(
      fc.property(
        fc.anything({ withDate: true, withMap: true, withBigInt: true, withNullPrototype: true }),
        (value) => {
          if (jsonProblem(value) !== undefined) return;
          expect(JSON.parse(JSON.stringify(value))).toEqual(withoutUndefined(value));
        },
      ),
    );
    fc.assert(fc.property(fc.jsonValue(), (value) => jsonProblem(value) === undefined));
  });
});

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (Object.is(value, -0)) return 0;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, v]) => v !== undefined);
  return Object.fromEntries(entries.map(([k, v]) => [k, withoutUndefined(v)]));
}

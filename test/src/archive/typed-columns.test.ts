import { Type } from '@sinclair/typebox';
import fc from 'fast-check';
import * as valibot from 'valibot';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { eventViews } from '../../../src/archive/event-views.ts';
import { snakeName } from '../../../src/archive/snake-names.ts';
import { namedEvents, namedFields, typedColumns } from '../../../src/archive/typed-columns.ts';
import { type AnyEvent, defineEvent } from '../../../src/event/event-definition.ts';
import type { JsonSchema } from '../../../src/schema/json-schema.ts';

const event = (type: string, data: JsonSchema): AnyEvent => defineEvent({ type, data });
const object = (properties: Record<string, JsonSchema>): JsonSchema => ({ type: 'object', properties });
const columns = (data: JsonSchema) => typedColumns([event('E', data)]).map(({ column, type }) => [column, type]);

test('a column for each scalar: its type, its path, its description', () => {
  const data = object({
    amount: { type: 'integer', description: 'Cents' },
    rate: { type: 'number' },
    isFinal: { type: 'boolean' },
    bookedAt: { type: 'string', format: 'date-time' },
    to: object({ IBAN: { type: 'string', title: 'Account' }, bankName: { type: ['string', 'null'] } }),
  });
  expect(typedColumns([event('MoneyDeposited', data)])).toEqual(
    [
      ['amount', 'money_deposited__amount', 'bigint', 'Cents'],
      ['rate', 'money_deposited__rate', 'double', undefined],
      ['isFinal', 'money_deposited__is_final', 'boolean', undefined],
      ['bookedAt', 'money_deposited__booked_at', 'timestamp', undefined],
      ['to.IBAN', 'money_deposited__to__iban', 'varchar', 'Account'],
      ['to.bankName', 'money_deposited__to__bank_name', 'varchar', undefined],
    ].map(([path, column, type, description]) => ({
      eventType: 'MoneyDeposited',
      path: path!.split('.'),
      column,
      type,
      ...(description !== undefined && { description }),
    })),
  );
});

test('a view says of a column what the schema does, and which field it is where it is called otherwise', () => {
  const data = object({
    amount: { type: 'integer', description: 'Cents' },
    Amount: { type: 'integer' },
    'order.total': { type: 'number', description: 'With taxes' },
    to: object({ iban: { type: 'string' } }),
    version: { type: 'integer' },
  });
  const [view] = eventViews([event('E', data)], [{ name: 'version', type: 'bigint', comment: '' }]);
  expect(Object.fromEntries(view!.columns.slice(2).map(({ name, comment }) => [name, comment]))).toEqual({
    amount: 'Cents',
    amount_2: 'Amount',
    order_total: 'order.total: With taxes',
    to__iban: '',
    data__version: 'version',
  });
});

test.each<[string, JsonSchema, [string, string][]]>([
  [
    'of enums',
    object({ a: { enum: ['x', null] }, b: { const: 3 }, c: { enum: [1, 2.5] } }),
    [
      ['e__a', 'varchar'],
      ['e__b', 'bigint'],
      ['e__c', 'double'],
    ],
  ],
  [
    'of alternatives with null',
    object({ a: { anyOf: [{ type: 'integer' }, { type: 'null' }] } }),
    [['e__a', 'bigint']],
  ],
  [
    'none of mixtures, lists and maps',
    object({
      a: { type: ['integer', 'string'] },
      b: { type: 'array', items: { type: 'string' } },
      c: { type: 'object', additionalProperties: { type: 'string' } },
      d: {},
    }),
    [],
  ],
  [
    'of objects that are alternatives',
    { oneOf: [object({ a: { type: 'string' } }), object({ b: { type: 'integer' }, a: { type: 'string' } })] },
    [
      ['e__a', 'varchar'],
      ['e__b', 'bigint'],
    ],
  ],
  [
    'none where two alternatives disagree',
    { oneOf: [object({ a: { type: 'string' } }), object({ a: { type: 'integer' } })] },
    [],
  ],
  [
    'of all parts',
    { allOf: [object({ a: { type: 'string' } }), object({ b: { type: 'integer' } })] },
    [
      ['e__a', 'varchar'],
      ['e__b', 'bigint'],
    ],
  ],
  [
    'of a time that may be any text: text',
    object({ a: { anyOf: [{ type: 'string', format: 'date-time' }, { type: 'string' }] } }),
    [['e__a', 'varchar']],
  ],
  ['of data that is a value', { type: 'integer' }, [['e__value', 'bigint']]],
])('%s', (_, data, expected) => {
  expect(columns(data)).toEqual(expected);
});

test('schemas of libraries: as they say themselves; one that cannot has no columns', () => {
  const zod = defineEvent({
    type: 'Z',
    data: z.object({ amount: z.int(), to: z.object({ name: z.string().nullable() }) }),
  });
  const typebox = defineEvent({ type: 'T', data: Type.Object({ amount: Type.Integer() }) });
  const mute = defineEvent({ type: 'V', data: valibot.object({ amount: valibot.number() }) });
  expect(typedColumns([zod, typebox, mute]).map(({ column, type }) => [column, type])).toEqual([
    ['z__amount', 'bigint'],
    ['z__to__name', 'varchar'],
    ['t__amount', 'bigint'],
  ]);
});

test.each([
  ['MoneyDeposited', 'money_deposited'],
  ['HTTPServerStarted', 'http_server_started'],
  ['amountEUR', 'amount_eur'],
  ['line2Text', 'line2_text'],
  ['a.b c-d__e', 'a_b_c_d_e'],
  ['Überweisung', 'uberweisung'],
  ['金額', 'u91d1_u984d'],
  ['Straße', 'stra_udf_e'],
  ['select', 'select'],
  ['💶', 'unnamed'],
])('%s is %s in SQL', (given, name) => {
  expect(snakeName(given)).toBe(name);
});

describe('names', () => {
  test('that differ by case, dots or dashes get numbers, in the order of the definition', () => {
    const string: JsonSchema = { type: 'string' };
    const data = object({
      userId: string,
      UserID: string,
      'user.id': string,
      user: object({ id: string }),
      'user-id': string,
    });
    expect(columns(data).map(([column]) => column)).toEqual([
      'e__user_id',
      'e__user_id_2',
      'e__user_id_3',
      'e__user__id',
      'e__user_id_4',
    ]);
    const types = [
      event('Paid', object({})),
      event('paid', object({})),
      event('PAID', object({})),
      event('Paid', object({})),
    ];
    expect(namedEvents(types, ['events']).map(({ name }) => name)).toEqual(['paid', 'paid_2', 'paid_3']);
    expect(namedEvents([event('Events', object({}))], ['events']).map(({ name }) => name)).toEqual(['events_2']);
  });

  test('a field that has the name of a column that is there already is said to be of the data', () => {
    const data = object({ version: { type: 'integer' }, Version: { type: 'integer' } });
    expect(namedFields(event('E', data), ['version']).map(({ column }) => column)).toEqual([
      'data__version',
      'version_2',
    ]);
  });

  const name = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 6 }),
    fc.constantFrom(
      'a',
      'A',
      'a.b',
      'a b',
      'a_b',
      'aB',
      'a__b',
      'select',
      'order',
      'version',
      'a_2',
      'é',
      'e\u0301',
      '金',
      '',
      '_',
      '0',
    ),
    fc.string({ minLength: 200, maxLength: 400 }),
  );
  const schema = fc.letrec<{ node: JsonSchema; object: JsonSchema }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom<JsonSchema>(
        { type: 'string' },
        { type: 'integer' },
        { type: 'number' },
        { type: 'boolean' },
        { type: 'array' },
      ),
      tie('object'),
    ),
    object: fc.dictionary(name, tie('node'), { maxKeys: 6 }).map((properties) => object(properties)),
  })).object;

  test('are legal, short enough and each there once, whatever the definitions are called', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.stringMatching(/^[A-Za-z .é金_-]{1,20}$/), schema), { maxLength: 4 }),
        (given) => {
          const all = typedColumns(given.map(([type, data]) => event(type, data)));
          for (const { column } of all) expect(column).toMatch(/^[a-z0-9][a-z0-9_]{0,254}$/);
          expect(new Set(all.map(({ column }) => column)).size).toBe(all.length);
          // Each stands for another value of another type.
          expect(new Set(all.map(({ eventType, path }) => JSON.stringify([eventType, path]))).size).toBe(all.length);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('stay what they are when a later definition is added', () => {
    fc.assert(
      fc.property(schema, schema, (first, second) => {
        const [one, two] = [event('One', first), event('Two', second)];
        expect(typedColumns([one, two]).slice(0, typedColumns([one]).length)).toEqual(typedColumns([one]));
      }),
    );
  });
});

import { Type } from '@sinclair/typebox';
import * as v from 'valibot';
import { expectTypeOf } from 'vitest';
import { z } from 'zod';
import {
  defineAggregate,
  defineApp,
  defineEvent,
  defineProjection,
  defineRollup,
  type EventOf,
  type FromJsonSchema,
  type NewEventOf,
  type StateOf,
  type TypedJsonSchema,
} from '../../../src/index.ts';

const Deposited = defineEvent({
  type: 'MoneyDeposited',
  data: {
    type: 'object',
    properties: {
      amount: { type: 'integer', minimum: 1 },
      note: { type: ['string', 'null'] },
      channel: { enum: ['branch', 'app'] },
      tags: { type: 'array', items: { type: 'string' } },
    },
    required: ['amount', 'channel'],
    additionalProperties: false,
  },
});
const Renamed = defineEvent({
  type: 'HolderRenamed',
  schemaVersion: 2,
  data: z.object({ name: z.string(), title: z.string().default('') }),
  metadata: { type: 'object', properties: { by: { type: 'string' } }, required: ['by'] },
  upcasts: { 1: (data: { holder: string }) => ({ name: data.holder }) },
});

type Deposit = EventOf<typeof Deposited>;
expectTypeOf<Deposit['type']>().toEqualTypeOf<'MoneyDeposited'>();
expectTypeOf<Deposit['data']>().toEqualTypeOf<{
  amount: number;
  channel: 'branch' | 'app';
  note?: string | null;
  tags?: string[];
}>();
expectTypeOf<Deposit['metadata']>().toEqualTypeOf<Readonly<Record<string, unknown>> | undefined>();
expectTypeOf<EventOf<typeof Renamed>['data']>().toEqualTypeOf<{ name: string; title: string }>();
expectTypeOf<EventOf<typeof Renamed>['metadata']>().toEqualTypeOf<{ by: string } | undefined>();
expectTypeOf<NewEventOf<typeof Renamed>['data']>().toEqualTypeOf<{ name: string; title?: string | undefined }>();

const Account = defineAggregate({
  type: 'Account',
  events: [Deposited, Renamed],
  initialState: () => ({ balance: 0, name: '' }),
  evolve: (state, event) => {
    expectTypeOf(state).toEqualTypeOf<{ balance: number; name: string }>();
    switch (event.type) {
      case 'MoneyDeposited':
        expectTypeOf(event.data.amount).toEqualTypeOf<number>();
        return { ...state, balance: state.balance + event.data.amount };
      case 'HolderRenamed':
        expectTypeOf(event.data.name).toEqualTypeOf<string>();
        // @ts-expect-error another event's field
        event.data.amount;
        return { ...state, name: event.data.name };
    }
  },
});
expectTypeOf<StateOf<typeof Account>>().toEqualTypeOf<{ balance: number; name: string }>();

const balances = defineProjection({
  name: 'balances',
  version: 1,
  aggregate: Account,
  initialState: () => ({ balance: 0 }),
  evolve: (state, event) => (event.type === 'MoneyDeposited' ? { balance: state.balance + event.data.amount } : state),
});
const deposits = defineProjection({
  name: 'deposits',
  events: [Deposited],
  initialState: () => ({ count: 0 }),
  evolve: (state, event) => ({ count: state.count + event.data.amount }),
});
const byMonth = defineRollup({
  name: 'deposits-by-month',
  events: [Deposited],
  map: (event) => [{ key: event.occurredAt.slice(0, 7), value: { count: event.data.amount } }],
  combine: (a, b) => ({ count: a.count + b.count }),
});
const app = defineApp({ name: 'bank', aggregates: [Account], projections: [balances, deposits, byMonth] });
expectTypeOf(app.aggregates[0].type).toEqualTypeOf<'Account'>();
expectTypeOf(app.projections[2].kind).toEqualTypeOf<'rollup'>();

defineAggregate({
  type: 'Wrong',
  events: [Deposited],
  initialState: () => ({ balance: 0 }),
  // @ts-expect-error the fold must give back a state
  evolve: (_state, _event) => ({ balans: 1 }),
});
// @ts-expect-error no such JSON Schema type
defineEvent({ type: 'X', data: { type: 'objekt' } });

const ByValibot = defineEvent({ type: 'V', data: v.object({ name: v.string(), n: v.optional(v.number(), 3) }) });
expectTypeOf<EventOf<typeof ByValibot>['data']>().toEqualTypeOf<{ name: string; n: number }>();
expectTypeOf<NewEventOf<typeof ByValibot>['data']>().toEqualTypeOf<{ name: string; n?: number | undefined }>();

const ByTypeBox = defineEvent({
  type: 'T',
  data: Type.Object({
    name: Type.String(),
    kind: Type.Union([Type.Literal('a'), Type.Literal('b')]),
    counts: Type.Optional(Type.Record(Type.String(), Type.Number())),
  }),
});
expectTypeOf<EventOf<typeof ByTypeBox>['data']>().toEqualTypeOf<{
  name: string;
  kind: 'a' | 'b';
  counts?: { [x: string]: number };
}>();

const fromElsewhere: object = { type: 'object' };
const Typed = defineEvent({ type: 'E', data: fromElsewhere as TypedJsonSchema<{ amount: number }> });
expectTypeOf<EventOf<typeof Typed>['data']>().toEqualTypeOf<{ amount: number }>();

expectTypeOf<FromJsonSchema<{ oneOf: [{ type: 'string' }, { type: 'null' }] }>>().toEqualTypeOf<string | null>();
expectTypeOf<FromJsonSchema<{ type: 'object'; patternProperties: { '^n': { type: 'number' } } }>>().toEqualTypeOf<
  Record<string, number>
>();
expectTypeOf<FromJsonSchema<{ const: 3 }>>().toEqualTypeOf<3>();
expectTypeOf<FromJsonSchema<{ anyOf: [{ type: 'string' }, { type: 'number' }] }>>().toEqualTypeOf<string | number>();
expectTypeOf<FromJsonSchema<{ type: 'object'; additionalProperties: { type: 'number' } }>>().toEqualTypeOf<
  Record<string, number>
>();
expectTypeOf<FromJsonSchema<{ type: 'array' }>>().toEqualTypeOf<unknown[]>();
expectTypeOf<FromJsonSchema<{ description: 'anything' }>>().toEqualTypeOf<unknown>();
expectTypeOf<
  FromJsonSchema<{
    allOf: readonly [
      { type: 'object'; properties: { a: { type: 'string' } }; required: ['a'] },
      { type: 'object'; properties: { b: { type: 'string' } }; required: ['b'] },
    ];
  }>
>().branded.toEqualTypeOf<{ a: string; b: string }>();

import type { TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { expectTypeOf, test } from 'vitest';
import { defineEvent } from '../../../../src/event/event-definition.ts';
import type { RecordedEvent } from '../../../../src/event/recorded-event.ts';
import {
  consumeEvents,
  type PositionTable,
  type RedriveAnswer,
  type RedriveRequest,
} from '../../../../src/feed/consume/index.ts';
import type { EventTable } from '../../../../src/store/event-table.ts';

const Deposited = defineEvent({
  type: 'MoneyDeposited',
  data: {
    type: 'object',
    properties: { amount: { type: 'integer' } },
    required: ['amount'],
    additionalProperties: false,
  },
});
const Closed = defineEvent({
  type: 'AccountClosed',
  data: { type: 'object', properties: {}, additionalProperties: false },
});

declare const positions: PositionTable<TransactWriteItem>;
declare const table: EventTable;
const given = { name: 'x', feed: 'f', events: [Deposited, Closed], positions, table };

test('an effect is typed by the definitions, its items by the positions', () => {
  const handler = consumeEvents({
    ...given,
    effect: (event, context) => {
      expectTypeOf(event.type).toEqualTypeOf<'MoneyDeposited' | 'AccountClosed'>();
      expectTypeOf(event).toExtend<RecordedEvent>();
      if (event.type === 'MoneyDeposited') expectTypeOf(event.data).toEqualTypeOf<{ amount: number }>();
      // @ts-expect-error an account that closes has no amount
      if (event.type === 'AccountClosed') event.data.amount;
      expectTypeOf(context.idempotencyKey).toEqualTypeOf<string>();
      expectTypeOf(context.traceparent).toEqualTypeOf<string | undefined>();
      return [{ Put: { TableName: 't', Item: { a: { S: 'b' } } } }];
    },
  });
  expectTypeOf(handler({} as RedriveRequest)).toEqualTypeOf<Promise<RedriveAnswer>>();
  // @ts-expect-error these are no items of a transaction
  consumeEvents({ ...given, effect: () => [{ put: 1 }] });
  // @ts-expect-error what acts outside is `act`
  consumeEvents({ ...given, effect: async () => {} });
});

test('exactly one of effect and act', () => {
  consumeEvents({
    ...given,
    act: async (event, { idempotencyKey }) => {
      expectTypeOf(event.type).toEqualTypeOf<'MoneyDeposited' | 'AccountClosed'>();
      expectTypeOf(idempotencyKey).toEqualTypeOf<string>();
    },
  });
  // @ts-expect-error neither
  consumeEvents({ ...given });
  // @ts-expect-error both
  consumeEvents({ ...given, effect: () => [], act: () => {} });
});

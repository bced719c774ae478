import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { createEventStore, defineAggregate, defineEvent, dynamoEventTable } from '../../../src/index.ts';

// The same handler on Daybook: the event is checked against its schema, and decided on again after a conflict.
const MoneyDeposited = defineEvent({
  type: 'MoneyDeposited',
  data: { type: 'object', properties: { amount: { type: 'integer', minimum: 1 } }, required: ['amount'] },
});
const Account = defineAggregate({
  type: 'Account',
  events: [MoneyDeposited],
  initialState: () => ({ balance: 0 }),
  evolve: (state, event) => ({ balance: state.balance + event.data.amount }),
});

const store = createEventStore({ table: dynamoEventTable({ client: new DynamoDBClient(), tableName: 'events' }) });
const bus = new EventBridgeClient();

export const handler = async ({ id, amount }: { readonly id: string; readonly amount: number }) => {
  await store.handle(Account, id, () => ({ type: 'MoneyDeposited', data: { amount } }));
  await bus.send(new PutEventsCommand({ Entries: [{ Source: 'bank', DetailType: 'Asked', Detail: '{}' }] }));
};

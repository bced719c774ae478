import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { createEventStore, dynamoEventTable, dynamoProjectionTable, readAllProjected } from 'daybook';
import { startLocal } from 'daybook/local';
import { expect, it, vi } from 'vitest';
import { Account } from '../../../examples/bank/account.ts';
import { balances } from '../../../examples/bank/projections.ts';
import { lagging } from '../../../examples/bank/tour/arrived.ts';
import { bobsTwoEvents, carolOverdraws, everybodyElse } from '../../../examples/bank/traffic.ts';
import { bankAssembly } from '../../bank-assembly.ts';

it('the bank under every fault at once is right in the end', { timeout: 300_000 }, async () => {
  const runtime = await startLocal({ assembly: await bankAssembly(), chaos: { seed: 7 } });
  try {
    const { outputs, byPath } = runtime.stacks.Bank!;
    const dynamodb = new DynamoDBClient({
      endpoint: runtime.endpoint,
      region: runtime.account.region,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      maxAttempts: 10, // a client that tries again, as AWS's services do among themselves
    });
    const store = createEventStore({
      table: dynamoEventTable({ client: dynamodb, tableName: outputs.DaybookEventsTableName! }),
    });
    const projections = dynamoProjectionTable({ client: dynamodb, tableName: outputs.DaybookProjectionsTableName! });
    const overdrafts = byPath['Bank/Overdrafts']!;
    await bobsTwoEvents(store);
    await carolOverdraws(store);
    await everybodyElse(store, 7, 5);
    await vi.waitFor(async () => expect(await lagging({ store, projections, dynamodb, overdrafts })).toEqual([]), {
      timeout: 200_000,
      interval: 1_000,
    });
    let accounts = 0;
    for await (const { aggregateUuid, state, position } of readAllProjected(projections, balances)) {
      const account = await store.load(Account, aggregateUuid);
      expect([position, state.balance], aggregateUuid).toEqual([account.version, account.state.balance]);
      const Key = { AggregateUuid: { S: aggregateUuid } };
      const { Item } = await dynamodb.send(new GetItemCommand({ TableName: overdrafts, Key, ConsistentRead: true }));
      expect(Number(Item?.Balance?.N), `the fee service's balance of ${aggregateUuid}`).toBe(account.state.balance);
      expect(Item?.Fees?.N, `the fees of ${aggregateUuid}`).toBe(aggregateUuid === 'account-carol' ? '1000' : '0');
      accounts++;
    }
    expect(accounts).toBe(7);
    const struck = runtime.struck();
    expect(Object.keys(struck)).toEqual(
      expect.arrayContaining(['dynamodb:throttle', 'dynamodb:slow', 'lambda:repeat']),
    );
  } finally {
    await runtime.stop();
  }
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  StartQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { createEventStore, dynamoEventTable, dynamoProjectionTable, readAllProjected } from 'daybook';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Account } from '../../../examples/bank/account.ts';
import { balances } from '../../../examples/bank/projections.ts';
import { lagging } from '../../../examples/bank/tour/arrived.ts';
import { seededRandom } from '../../../local/kernel/kernel.ts';
import { bankAssembly } from '../../bank-assembly.ts';
import { killAll, type Served, serve } from './served.ts';

const folder = mkdtempSync(join(tmpdir(), 'daybook-kill-bank-'));
const data = join(folder, 'data');
let assembly: string;

beforeAll(async () => {
  assembly = await bankAssembly();
}, 120_000);
afterAll(() => {
  killAll();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

function bankOf({ config, outputs, byPath }: Served) {
  const dynamodb = new DynamoDBClient(config);
  return {
    dynamodb,
    athena: new AthenaClient(config),
    states: new SFNClient(config),
    store: createEventStore({
      table: dynamoEventTable({ client: dynamodb, tableName: outputs.DaybookEventsTableName! }),
    }),
    projections: dynamoProjectionTable({ client: dynamodb, tableName: outputs.DaybookProjectionsTableName! }),
    overdrafts: byPath['Bank/Overdrafts']!,
    stateMachineArn: outputs.DaybookReplayStateMachineArn!,
    workGroup: outputs.DaybookWorkGroupName!,
    database: outputs.DaybookDatabaseName!,
  };
}
type Bank = ReturnType<typeof bankOf>;

/** The highest version of each account whose append was acknowledged. */
const acknowledged = new Map<string, number>();

/** Customers who deposit and withdraw until the runtime is gone. */
function traffic({ store }: Bank, random: () => number): Promise<unknown> {
  return Promise.all(
    Array.from({ length: 6 }, async (_, i) => {
      const id = `account-${i}`;
      try {
        for (;;) {
          const account = await store.load(Account, id);
          const amount = 1 + Math.floor(random() * 100);
          const money = {
            type: random() < 0.6 ? ('MoneyDeposited' as const) : ('MoneyWithdrawn' as const),
            data: { amount },
          };
          const opened = { type: 'AccountOpened' as const, data: { holder: `Customer ${i}` } };
          await store.append(account, account.version === 0 ? [opened, money] : [money]);
          acknowledged.set(id, account.version + (account.version === 0 ? 2 : 1));
        }
      } catch {
        // it was killed
      }
    }),
  );
}

async function select({ athena, workGroup, database }: Bank, QueryString: string): Promise<string[][]> {
  const { QueryExecutionId } = await athena.send(
    new StartQueryExecutionCommand({
      QueryString,
      WorkGroup: workGroup,
      QueryExecutionContext: { Database: database },
    }),
  );
  await vi.waitFor(
    async () => {
      const { QueryExecution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId }));
      expect(QueryExecution?.Status?.State, QueryExecution?.Status?.StateChangeReason).toBe('SUCCEEDED');
    },
    { timeout: 20_000, interval: 100 },
  );
  const { ResultSet } = await athena.send(new GetQueryResultsCommand({ QueryExecutionId }));
  return ResultSet!.Rows!.slice(1).map(({ Data }) => Data!.map(({ VarCharValue }) => VarCharValue!));
}

it('the bank, killed amid traffic and a replay, delivers every event to every consumer, once', {
  timeout: 240_000,
}, async () => {
  const random = seededRandom(20261128);
  const settled = { timeout: 60_000, interval: 500 };
  for (let round = 0; round < 2; round++) {
    const served = await serve(assembly, data);
    const bank = bankOf(served);
    const before = new Map(acknowledged);
    const working = traffic(bank, random.next);
    const progress = () => [...acknowledged].reduce((sum, [id, version]) => sum + version - (before.get(id) ?? 0), 0);
    await vi.waitFor(() => expect(progress()).toBeGreaterThan(30), settled);
    if (round === 1) {
      const input = JSON.stringify({ projection: 'balances' });
      await bank.states.send(
        new StartExecutionCommand({ stateMachineArn: bank.stateMachineArn, name: 'rebuild', input }),
      );
    }
    await new Promise((done) => setTimeout(done, random.next() * 2000));
    await served.kill();
    await working;
  }

  const served = await serve(assembly, data);
  const bank = bankOf(served);
  await vi.waitFor(async () => expect(await lagging(bank)).toEqual([]), settled);
  const executionArn = `${bank.stateMachineArn.replace(':stateMachine:', ':execution:')}:rebuild`;
  await vi.waitFor(async () => {
    const { status, cause, error } = await bank.states.send(new DescribeExecutionCommand({ executionArn }));
    expect({ status, cause, error }).toEqual({ status: 'SUCCEEDED' });
  }, settled);
  await vi.waitFor(async () => expect(await lagging(bank)).toEqual([]), settled);

  const versions: string[] = [];
  for (const [id, version] of acknowledged) {
    const account = await bank.store.load(Account, id);
    expect(account.version, id).toBeGreaterThanOrEqual(version);
    for (let one = 1; one <= account.version; one++) versions.push(`${id} ${one}`);
    const { Item } = await bank.dynamodb.send(
      new GetItemCommand({ TableName: bank.overdrafts, Key: { AggregateUuid: { S: id } }, ConsistentRead: true }),
    );
    expect(Number(Item?.Balance?.N), `the fee service's balance of ${id}`).toBe(account.state.balance);
  }
  const projected = new Map<string, unknown>();
  for await (const { aggregateUuid, state, position, build } of readAllProjected(bank.projections, balances)) {
    projected.set(aggregateUuid, [build, position, state.balance]);
  }
  for (const id of acknowledged.keys()) {
    const { version, state } = await bank.store.load(Account, id);
    expect(projected.get(id), id).toEqual(['rebuild', version, state.balance]);
  }
  await vi.waitFor(async () => {
    const [[count, distinct] = []] = await select(
      bank,
      "SELECT count(*), count(DISTINCT aggregate_uuid || ' ' || cast(version AS varchar)) FROM events",
    );
    expect([Number(count), Number(distinct)]).toEqual([versions.length, versions.length]);
  }, settled);
  await served.kill();
});

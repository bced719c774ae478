import { setTimeout as pause } from 'node:timers/promises';
import { GetQueryExecutionCommand, GetQueryResultsCommand, StartQueryExecutionCommand } from '@aws-sdk/client-athena';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { DescribeExecutionCommand, GetExecutionHistoryCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { type ReplayRequest, readAllProjected, readProjected } from 'daybook';
import { Account } from '../account.ts';
import { balances } from '../projections.ts';
import { BOB, CAROL, DANA } from '../traffic.ts';
import type { Bank } from './bank.ts';
import type { Narrator } from './narrator.ts';

const money = (cents: number) => (cents / 100).toFixed(2);

/** Waits until everything has flowed, and counts it. */
export async function showFlow(bank: Bank, tell: Narrator): Promise<void> {
  const started = performance.now();
  await bank.settled();
  const count = (service: string, what: string) =>
    bank.trace.filter((e) => e.service === service && e.what === what).length;
  let appended = 0;
  for await (const { position } of readAllProjected(bank.projections, balances)) appended += position;
  tell.line(`Everything has arrived everywhere after ${((performance.now() - started) / 1000).toFixed(1)} s:`);
  tell.table([
    ['events table', `${appended} events`],
    ['pipe → feed', `${count('pipes', 'batch passed')} batches`],
    ['feed → bus', `${count('events', 'event put')} events published`],
    ['bus → fee service', `${count('events', 'event delivered')} deliveries`],
  ]);
}

/** One account is to be fined, and only that one. */
export async function showDecisions(bank: Bank, tell: Narrator): Promise<void> {
  const { Items = [] } = await bank.dynamodb.send(new ScanCommand({ TableName: bank.names.overdrafts }));
  const fees = new Map(Items.map((item) => [item.AggregateUuid?.S, Number(item.Fees?.N)]));
  tell.good(`Bob pays ${money(fees.get(BOB) ?? Number.NaN)}: his deposit came first, whatever order the bus brought.`);
  tell.good(`Carol pays ${money(fees.get(CAROL) ?? Number.NaN)}: her withdrawal left her at -10.00.`);
  const fined = [...fees.values()].filter((fee) => fee > 0).length;
  if (fees.get(BOB) !== 0 || fees.get(CAROL) !== 10_00 || fined !== 1) {
    throw new Error(`Wrong fees: Bob ${fees.get(BOB)}, Carol ${fees.get(CAROL)}, ${fined} accounts fined instead of 1`);
  }
}

/** The history of the archive in SQL, compared with what the projections hold. */
export async function askSql(bank: Bank, tell: Narrator): Promise<void> {
  const query =
    'SELECT type, count(*) AS events, count(DISTINCT aggregate_uuid) AS accounts FROM events GROUP BY type ORDER BY 2 DESC, 1';
  tell.quote(query);
  tell.table(await select(bank, query));
  const bobs = `SELECT version, type, occurred_at, data FROM events WHERE aggregate_uuid = '${BOB}' ORDER BY version`;
  tell.quote(bobs);
  tell.table(await select(bank, bobs));
  const [, total] = await select(bank, 'SELECT count(*) FROM events');
  let hot = 0;
  for await (const { position } of readAllProjected(bank.projections, balances)) hot += position;
  if (Number(total?.[0]) !== hot) throw new Error(`Cold storage holds ${total?.[0]} events, hot storage ${hot}`);
  tell.good(`${hot} events in hot storage, ${total?.[0]} in cold storage, each once.`);
}

async function select({ athena, names }: Bank, QueryString: string): Promise<string[][]> {
  const { QueryExecutionId } = await athena.send(
    new StartQueryExecutionCommand({
      QueryString,
      WorkGroup: names.workGroup,
      QueryExecutionContext: { Database: names.database },
    }),
  );
  for (;;) {
    const { QueryExecution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId }));
    const { State, StateChangeReason } = QueryExecution?.Status ?? {};
    if (State === 'SUCCEEDED') break;
    if (State === 'FAILED' || State === 'CANCELLED') throw new Error(`${QueryString}: ${StateChangeReason}`);
    await pause(50);
  }
  const { ResultSet } = await athena.send(new GetQueryResultsCommand({ QueryExecutionId }));
  return (ResultSet?.Rows ?? []).map(({ Data = [] }) => Data.map(({ VarCharValue = '' }) => VarCharValue));
}

/** Rebuilds all balances while Dana's account goes on, and compares every account with its events. */
export async function replayBalances(bank: Bank, tell: Narrator): Promise<void> {
  let deposits = 0;
  const live = async () => {
    await bank.store.handle(Account, DANA, ({ status }) => [
      ...(status === 'none' ? [{ type: 'AccountOpened' as const, data: { holder: 'Dana' } }] : []),
      { type: 'MoneyDeposited' as const, data: { amount: 1_00 } },
    ]);
    deposits++;
  };
  const output = await replay(bank, tell, 'tour-rebuild', { projection: 'balances' }, live);
  tell.good(
    `${output.eventsFolded} events folded from Parquet, ${output.aggregates} accounts compared with their heads, ` +
      `${output.sampled} folded again from the table: equal.`,
  );
  await bank.settled();
  let accounts = 0;
  for await (const { aggregateUuid, state, position, build } of readAllProjected(bank.projections, balances)) {
    const account = await bank.store.load(Account, aggregateUuid);
    if (build !== 'tour-rebuild' || position !== account.version || state.balance !== account.state.balance) {
      throw new Error(
        `${build} has ${aggregateUuid} at ${position}: ${state.balance}, its events come to ${account.state.balance}`,
      );
    }
    accounts++;
  }
  tell.good(
    `Dana deposited ${deposits} times meanwhile. Promoted: readers see the new build, all ${accounts} accounts right.`,
  );
}

/** Two bounded ranges: by version, and by the time at which things happened. */
export async function reportOfRange(bank: Bank, tell: Narrator): Promise<void> {
  await replay(bank, tell, 'tour-monday', {
    projection: 'balances',
    range: { kind: 'times', from: '2026-11-16T00:00:00Z', to: '2026-11-16T23:59:59.999Z' },
    seed: 'before',
  });
  const monday = await readProjected(bank.projections, balances, BOB, { build: 'tour-monday' });
  tell.good(`Bob's balance on Monday evening: ${money(monday!.state.balance)}`);
  await replay(bank, tell, 'tour-versions', {
    projection: 'balances',
    range: { kind: 'versions', aggregates: [BOB], from: 2, to: 3 },
  });
  const range = await readProjected(bank.projections, balances, BOB, { build: 'tour-versions' });
  tell.good(`Bob's versions [2..3] alone come to ${money(range!.state.balance)}`);
  if (monday?.state.balance !== 100_00 || range?.state.balance !== 50_00) throw new Error('A report is wrong');
}

interface ReplayOutput {
  readonly eventsFolded: number;
  readonly aggregates: number;
  readonly sampled: number;
}

async function replay(
  bank: Bank,
  tell: Narrator,
  name: string,
  request: ReplayRequest,
  meanwhile: () => Promise<void> = async () => {},
): Promise<ReplayOutput> {
  const steps = request.range === undefined ? REBUILD : REPORT;
  const { executionArn } = await bank.states.send(
    new StartExecutionCommand({ stateMachineArn: bank.names.stateMachine, name, input: JSON.stringify(request) }),
  );
  const told = new Set<string>();
  for (;;) {
    const { status, output, error, cause } = await bank.states.send(new DescribeExecutionCommand({ executionArn }));
    const { events = [] } = await bank.states.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000 }));
    for (const { stateEnteredEventDetails } of events) {
      const state = stateEnteredEventDetails?.name;
      if (state === undefined || told.has(state) || !steps.includes(state)) continue;
      told.add(state);
      tell.progress(`${name}: ${state}`.padEnd(32), steps.indexOf(state) + 1, steps.length);
    }
    if (status === 'SUCCEEDED') return JSON.parse(output!) as ReplayOutput;
    if (status !== 'RUNNING') throw new Error(`The replay ${name} is ${status}: ${error} ${cause}`);
    await Promise.all([pause(100), meanwhile()]);
  }
}

/** What a replay goes through, for the bar. */
const REBUILD = ['Plan', 'FoldSlices', 'JoinLive', 'CatchUp', 'Verify', 'Promote', 'AnnouncePromoted'];
const REPORT = ['Plan', 'FoldSlices', 'CatchUp', 'Verify', 'AnnounceReport'];

import './errors.ts';
import { parseArgs } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { LambdaClient } from '@aws-sdk/client-lambda';
import { parkedAggregates } from '../aws/dynamo-parked.ts';
import { dynamoPositionTable } from '../aws/dynamo-position-table.ts';
import { redriveByLambda } from '../aws/lambda-redrive.ts';
import { DaybookError } from '../errors.ts';
import type { RedriveOutcome } from '../feed/consume/redrive-request.ts';
import type { Parking } from '../feed/position-table.ts';
import { oneLine } from './cells.ts';
import { orUsage } from './command.ts';
import { createProgress } from './progress.ts';
import { findTarget, needName, TARGET_HELP, TARGET_OPTIONS, type Target } from './target.ts';
import { paint, type Terminal } from './terminal.ts';

export const help = `daybook redrive CONSUMER [AGGREGATE …] [--all] [--function NAME] [--skip --version N] [--json]

Lets a consumer try again what it parked: its own function takes the failed event of each aggregate, and then, in order, all that
waits behind it. What fails again stays parked, with the new reason, and the exit code is 1.

  --all                 every aggregate that the consumer has parked
  --function NAME       the function to ask; default the one that parked
  --skip --version N    gives up version N of the one aggregate that is named, for good: the consumer never does it, and goes
                        on behind it. N must be what the aggregate is parked at
  --json                one outcome a line
${TARGET_HELP}

  npx daybook redrive overdraft-fees --all
  npx daybook redrive overdraft-fees account-1 --skip --version 4`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  all: { type: 'boolean', default: false },
  function: { type: 'string' },
  skip: { type: 'boolean', default: false },
  version: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

/** So few that progress is seen, and that one invocation has time for them. */
const PER_CALL = 20;

export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const parsed = orUsage('redrive', () => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }));
  const { values, positionals } = parsed;
  const [consumer, ...aggregates] = positionals;
  const usage = (problem: string) => new DaybookError('cli.usage', { problem, command: 'redrive' });
  if (consumer === undefined) throw usage('It takes the name of a consumer');
  if (values.all === aggregates.length > 0) throw usage('It takes aggregates or --all');
  const skip = skipOf(values, aggregates, usage);
  const target = await findTarget(values);
  const parked = await parkedOf(target, consumer, aggregates);
  if (parked.size === 0) return terminal.err('nothing is parked');
  const byFunction = new Map<string, string[]>();
  for (const [aggregate, { function: name }] of parked) {
    const asked = values.function ?? name;
    if (asked === '') throw usage(`Nothing says which function parked ${aggregate}; name it with --function`);
    byFunction.set(asked, [...(byFunction.get(asked) ?? []), aggregate]);
  }
  const { LambdaClient } = await import('@aws-sdk/client-lambda');
  const client = new LambdaClient(target.client);
  const progress = createProgress(terminal);
  let done = 0;
  let left = 0;
  try {
    for (const [name, all] of byFunction) {
      for (let start = 0; start < all.length; start += PER_CALL) {
        const some = all.slice(start, start + PER_CALL);
        progress.show(done / parked.size, `${consumer}: ${done} of ${parked.size}`);
        for (const outcome of await redriveSome(client, name, consumer, some, skip)) {
          progress.end();
          if (skip !== undefined) saySkipped(outcome, skip, parked.get(outcome.aggregate)!.version, consumer, terminal);
          terminal.out(values.json ? JSON.stringify(outcome) : lineOf(outcome, terminal));
          done++;
          if (outcome.outcome !== 'wentOn' && outcome.outcome !== 'notParked') left++;
        }
      }
    }
  } finally {
    progress.end();
    client.destroy();
  }
  if (left > 0) throw new DaybookError('cli.stillParked', { consumer, parked: left });
}

/** Only the answer says whether the version was given up. */
function saySkipped(outcome: RedriveOutcome, skip: number, at: number, consumer: string, terminal: Terminal): void {
  const { aggregate } = outcome;
  if (outcome.outcome === 'notParked') return;
  const isPast =
    outcome.outcome === 'wentOn' || (outcome.outcome === 'parked' ? outcome.version > skip : isBehind(outcome, skip));
  const said = isPast
    ? `Version ${skip} of ${aggregate} is given up: ${consumer} will never do it.`
    : `Version ${skip} of ${aggregate} is not given up: it stays parked at version ${at}.`;
  terminal.err(paint(terminal, 'yellow', said));
}

const isBehind = (outcome: RedriveOutcome, skip: number): boolean =>
  outcome.outcome === 'outOfTime' && outcome.position >= skip;

/** Calls the function again for those for which its time was too short, as long as they come forward. */
async function redriveSome(
  client: LambdaClient,
  name: string,
  consumer: string,
  aggregates: readonly string[],
  skip?: number,
): Promise<readonly RedriveOutcome[]> {
  const reached = new Map<string, number>();
  const outcomes: RedriveOutcome[] = [];
  let rest = aggregates;
  let skipping = skip;
  while (rest.length > 0) {
    const request = { daybook: 'redrive', consumer, aggregates: rest } as const;
    const answer = await redriveByLambda(client, name, {
      ...request,
      ...(skipping !== undefined && { skip: skipping }),
    });
    skipping = undefined; // it is done by now, or refused
    const again: string[] = [];
    for (const outcome of answer.outcomes) {
      const { aggregate } = outcome;
      if (outcome.outcome === 'outOfTime' && outcome.position > (reached.get(aggregate) ?? -1)) {
        reached.set(aggregate, outcome.position);
        again.push(aggregate);
      } else outcomes.push(outcome);
    }
    rest = again;
  }
  return outcomes;
}

function skipOf(
  values: { readonly skip: boolean; readonly version?: string | undefined },
  aggregates: readonly string[],
  usage: (problem: string) => Error,
): number | undefined {
  if (!values.skip && values.version === undefined) return undefined;
  const version = Number(values.version);
  if (!values.skip || values.version === undefined) throw usage('--skip and --version N go together');
  if (!Number.isSafeInteger(version) || version < 1) throw usage(`--version is ${values.version}; it takes 1, 2, 3 …`);
  if (aggregates.length !== 1) throw usage('--skip is for one aggregate');
  return version;
}

/** Each with the version that failed and the function that parked it: named ones are looked up, all of them come from the index. */
async function parkedOf(
  target: Target,
  consumer: string,
  aggregates: readonly string[],
): Promise<ReadonlyMap<string, Pick<Parking, 'version' | 'function'>>> {
  const feed = needName(target, 'FeedName', 'redrive');
  const tableName = needName(target, 'PositionsTableName', 'redrive');
  const client = new DynamoDBClient(target.client);
  const parked = new Map<string, Pick<Parking, 'version' | 'function'>>();
  try {
    if (aggregates.length === 0) {
      const all = parkedAggregates({ client, tableName, feed }, consumer);
      for await (const found of all) parked.set(found.aggregate, found);
      return parked;
    }
    const standings = await dynamoPositionTable({ client, tableName, feed }).standings(consumer, [
      ...new Set(aggregates),
    ]);
    for (const aggregateUuid of aggregates) {
      const found = standings.get(aggregateUuid)?.parked;
      if (found === undefined) throw new DaybookError('cli.notParked', { consumer, aggregateUuid });
      parked.set(aggregateUuid, found);
    }
    return parked;
  } finally {
    client.destroy();
  }
}

function lineOf(outcome: RedriveOutcome, terminal: Terminal): string {
  const row = (color: 'green' | 'red' | 'dim', what: string, text: string) =>
    `${paint(terminal, color, what.padEnd(10))}  ${oneLine(outcome.aggregate)}  ${text}`;
  switch (outcome.outcome) {
    case 'wentOn':
      return row('green', 'went on', `to version ${outcome.position}`);
    case 'notParked':
      return row('dim', 'not parked', `it stands at version ${outcome.position}`);
    case 'parked':
      return row('red', 'parked', `at version ${outcome.version}: ${outcome.code}`);
    case 'outOfTime':
      return row('red', 'no time', `still at version ${outcome.position}`);
    case 'failed':
      return row('red', 'failed', outcome.code);
  }
}

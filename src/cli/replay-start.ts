import './errors.ts';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { ExecutionAlreadyExists, InvalidName, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { DaybookError } from '../errors.ts';
import type { Estimate } from '../replay/estimate.ts';
import type { ReplayAggregates, ReplayRange, ReplayRequest } from '../replay/request.ts';
import { orUsage } from './command.ts';
import { clockOf, numberOf, timeFrom } from './flags.ts';
import { describe, endOf, type OpenReplays, openReplays } from './open-replays.ts';
import { duration, watch } from './replay-watch.ts';
import { TARGET_OPTIONS } from './target.ts';
import { columnsOf, type Terminal } from './terminal.ts';

const OPTIONS = {
  ...TARGET_OPTIONS,
  projection: { type: 'string' },
  'projection-version': { type: 'string' },
  name: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  clock: { type: 'string' },
  aggregate: { type: 'string', multiple: true },
  sql: { type: 'string' },
  first: { type: 'string' },
  last: { type: 'string' },
  type: { type: 'string', multiple: true },
  seed: { type: 'string' },
  budget: { type: 'string' },
  queue: { type: 'boolean', default: false },
  verify: { type: 'string' },
  watch: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

type Flags = ReturnType<typeof parse>;
const parse = (args: readonly string[]) => parseArgs({ args: [...args], options: OPTIONS }).values;

export async function run(
  what: 'start' | 'plan' | 'rollback',
  args: readonly string[],
  terminal: Terminal,
): Promise<void> {
  const flags = orUsage('replay', () => parse(args));
  const request = requestOf(what, flags);
  const name = flags.name ?? `${request.projection}-${new Date().toISOString().replaceAll(/[-:.]/g, '')}`;
  const replays = await openReplays(flags);
  try {
    const isThere = await start(replays, name, request);
    if (what === 'plan') return await showPlan(replays, name, terminal, flags.json);
    if (flags.watch || isThere) return await watch(replays, name, terminal, flags.json);
    const execution = replays.executionOf(name);
    terminal.out(
      flags.json ? JSON.stringify({ build: name, execution }) : `${name} has started: npx daybook replay watch ${name}`,
    );
  } finally {
    replays.close();
  }
}

/**
 * The same name with the same request is the same replay, whether it runs or has ended; anything else of that name is refused.
 * True when it has ended already.
 */
async function start(replays: OpenReplays, name: string, request: ReplayRequest): Promise<boolean> {
  const { states, machine } = replays;
  try {
    await states.send(new StartExecutionCommand({ stateMachineArn: machine, name, input: JSON.stringify(request) }));
    return false;
  } catch (error) {
    if (error instanceof InvalidName)
      throw usage(`--name is ${JSON.stringify(name)}; allowed are 1 to 80 letters, digits, dashes and underscores`);
    if (!(error instanceof ExecutionAlreadyExists)) throw error;
    const { input = '{}' } = await describe(replays, name);
    if (isDeepStrictEqual(JSON.parse(input), JSON.parse(JSON.stringify(request)))) return true;
    throw new DaybookError('cli.replayExists', { name, request: input }, { cause: error });
  }
}

/** What the flags ask for; what the machine itself would refuse is left to it, for its words name what the app has. */
export function requestOf(what: 'start' | 'plan' | 'rollback', flags: Flags): ReplayRequest {
  const { projection, seed, verify } = flags;
  if (projection === undefined) throw usage('It takes --projection NAME');
  const version = numberOf('projection-version', flags['projection-version'], 1, 'replay');
  const range = rangeOf(flags);
  if (seed !== undefined && seed !== 'before' && seed !== 'initial')
    throw usage(`--seed is ${seed}; there are before and initial`);
  if (verify !== undefined && verify !== 'all' && verify !== 'sample')
    throw usage(`--verify is ${verify}; there are all and sample`);
  const budget = flags.budget === undefined ? undefined : Number(flags.budget);
  if (budget !== undefined && !(budget > 0))
    throw usage(`--budget is ${flags.budget}; allowed is an amount in dollars above 0`);
  if (what === 'rollback' && (range !== undefined || flags.type !== undefined))
    throw usage('A rollback is of the whole projection');
  return {
    projection,
    ...(version !== undefined && { version }),
    ...(range !== undefined && { range }),
    ...(flags.type !== undefined && { types: flags.type }),
    ...(seed !== undefined && { seed }),
    ...(budget !== undefined && { budget }),
    ...(flags.queue && { ifBusy: 'queue' }),
    ...(verify !== undefined && { verify }),
    ...(what === 'plan' && { dryRun: true }),
    ...(what === 'rollback' && { rollback: true }),
  };
}

function rangeOf(flags: Flags): ReplayRange | undefined {
  const from = timeFrom('from', flags.from, 'replay');
  const to = timeFrom('to', flags.to, 'replay');
  const first = numberOf('first', flags.first, 1, 'replay');
  const last = numberOf('last', flags.last, 1, 'replay');
  const clock = clockOf(flags.clock, from !== undefined, '--from and --to', 'replay');
  if (flags.aggregate !== undefined && flags.sql !== undefined) throw usage('It takes --aggregate or --sql, not both');
  const aggregates: ReplayAggregates | undefined = flags.sql === undefined ? flags.aggregate : { sql: flags.sql };
  if (to !== undefined && from === undefined) throw usage('--to takes a --from: where does the range begin?');
  if (from !== undefined) {
    if (first !== undefined || last !== undefined) throw usage('A range is of times or of versions, not of both');
    return {
      kind: 'times',
      from,
      ...(to !== undefined && { to }),
      ...(clock !== undefined && { clock }),
      ...(aggregates !== undefined && { aggregates }),
    };
  }
  if (aggregates !== undefined) {
    return {
      kind: 'versions',
      aggregates,
      ...(first !== undefined && { from: first }),
      ...(last !== undefined && { to: last }),
    };
  }
  if (first !== undefined || last !== undefined) throw usage('--first and --last are versions of --aggregate or --sql');
  return undefined;
}

async function showPlan(replays: OpenReplays, name: string, terminal: Terminal, json: boolean): Promise<void> {
  for (;;) {
    const execution = await describe(replays, name);
    const { status, output } = execution;
    if (status === 'RUNNING') {
      await new Promise((resolve) => setTimeout(resolve, 200));
      continue;
    }
    if (status !== 'SUCCEEDED' || output === undefined) throw await endOf(replays, name, execution);
    if (json) return terminal.out(output);
    const plan = JSON.parse(output) as { projection: string; version: number; kind: string; estimate: Estimate };
    for (const line of planLines(plan)) terminal.out(line);
    return;
  }
}

function planLines({
  projection,
  version,
  kind,
  estimate,
}: {
  projection: string;
  version: number;
  kind: string;
  estimate: Estimate;
}): string[] {
  const row = (name: string, part: { events: number; bytes: number; seconds: number; dollars: number }) => [
    name,
    part.events.toLocaleString('en').padStart(13),
    `${(part.bytes / 1e6).toFixed(1)} MB`.padStart(10),
    duration(part.seconds).padStart(8),
    `$${part.dollars.toFixed(4)}`.padStart(9),
  ];
  return [
    `${kind} of ${projection}, version ${version}: ${estimate.aggregates.toLocaleString('en')} aggregates. Nothing was written.`,
    ...columnsOf([
      ['step', 'events'.padStart(13), 'bytes'.padStart(10), 'time'.padStart(8), 'dollars'.padStart(9)],
      ...estimate.steps.map((step) => row(step.step, step)),
      row('together', estimate),
    ]),
    'Counts are as DynamoDB renews them, every six hours or so; prices are of us-east-1.',
  ];
}

function usage(problem: string): DaybookError {
  return new DaybookError('cli.usage', { problem, command: 'replay' });
}

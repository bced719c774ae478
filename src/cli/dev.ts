import './errors.ts';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DaybookError } from '../errors.ts';
import { orUsage } from './command.ts';
import { createFlow } from './flow.ts';
import { columnsOf, paint, type Terminal } from './terminal.ts';

export const help = `daybook dev [--app FILE] [--port N] [--data DIR] [--chaos SEED [--chaos-only LIST]] [--no-tour] [--json]

Runs a CDK app on this machine: its synthesized template, hosted in one process behind one endpoint on 127.0.0.1 that
speaks the AWS protocols. Nothing leaves the machine. Ctrl-C ends it; what was stored is gone then, unless --data names a
folder for it. Delivery streams deliver after 5 seconds at most, everything else is as the template says.

  --app FILE   the CDK app (.ts, .js, .mjs), or a folder that is synthesized already (cdk.out).
               Default: the "app" of cdk.json
  --port N     the port. Default: a free one
  --data DIR   keeps everything there: the next start goes on where this one ended, also after kill -9
  --chaos SEED  faults by chance, as AWS's services show them; the same seed draws the same. How often each struck is
               said at the end, and each as it strikes
  --chaos-only LIST
               only these: SERVICE[:FAULT[=RATE]], separated by commas. Faults: throttle, slow, fail, drop, repeat, reorder
  --no-tour    only the runtime, nothing is played
  --json       one line on stdout when it is ready: endpoint, region, and for each stack its outputs and physical names

While it runs, .daybook/dev.json holds the same, so that the other commands in this folder find the endpoint.

  npx daybook dev --app app.ts
  npx daybook dev --chaos 7 --chaos-only dynamodb:throttle=0.05,kinesis:repeat,events
  AWS_ENDPOINT_URL=http://127.0.0.1:4566 aws dynamodb list-tables`;

/** Delivery streams buffer for a minute or more on AWS: too long for a person who watches. */
const DELIVER_WITHIN_MS = 5_000;

export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const started = performance.now();
  const options = {
    app: { type: 'string' },
    port: { type: 'string' },
    'no-tour': { type: 'boolean' },
    json: { type: 'boolean' },
    data: { type: 'string' },
    chaos: { type: 'string' },
    'chaos-only': { type: 'string' },
  } as const;
  const { values } = orUsage('dev', () => parseArgs({ args: [...args], options }));
  const chaos = chaosOf(values.chaos, values['chaos-only']);
  if (values.data === '') throw new DaybookError('cli.usage', { problem: '--data takes a folder', command: 'dev' });
  const port = portOf(values.port);
  const stopped = untilStopped();
  const { announce, startLocal, synthesize } = await importLocal();
  const assembly = await synthesize(values.app);
  try {
    const flow = values.json ? undefined : createFlow(terminal);
    const runtime = await startLocal({
      assembly: assembly.directory,
      appDirectory: assembly.appDirectory,
      ...(port !== undefined && { port }),
      ...(values.data !== undefined && { data: resolve(values.data) }),
      ...(chaos !== undefined && { chaos }),
      deliverWithinMs: DELIVER_WITHIN_MS,
      log: (line) => (values.json ? terminal.err(line) : flow?.log(line)),
      ...(flow !== undefined && { onTrace: flow.show }),
    });
    const conceal = announce(runtime);
    try {
      if (values.json) terminal.out(JSON.stringify(summaryOf(runtime)));
      else welcome(terminal, runtime, performance.now() - started);
      flow?.start();
      await stopped;
    } finally {
      flow?.stop();
      conceal();
      if (chaos !== undefined) tellStruck(values.json ? terminal.err : terminal.out, runtime.struck());
      await runtime.stop();
    }
  } finally {
    assembly.dispose();
  }
}

type Runtime = Awaited<ReturnType<Awaited<ReturnType<typeof importLocal>>['startLocal']>>;

function summaryOf({ endpoint, account, stacks }: Runtime) {
  const named = Object.entries(stacks).map(([name, { outputs, resources, byPath }]) => [
    name,
    { outputs, resources, paths: byPath },
  ]);
  return { endpoint, region: account.region, stacks: Object.fromEntries(named) };
}

/** The embedded runtime, by the package's own door: the library itself never needs it. */
async function importLocal() {
  try {
    return await import('daybook/local');
  } catch (error) {
    const missing = (error as Error).message.match(/Cannot find (?:package|module) '([^']+)'/)?.[1];
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND' || missing === undefined) throw error;
    throw new DaybookError(
      'cli.missingPackage',
      { name: missing, install: `npm install ${missing}` },
      { cause: error },
    );
  }
}

function chaosOf(text: string | undefined, only: string | undefined) {
  const refuse = (problem: string) => new DaybookError('cli.usage', { problem, command: 'dev' });
  if (text === undefined) {
    if (only === undefined) return undefined;
    throw refuse('--chaos-only goes with --chaos SEED');
  }
  const seed = Number(text);
  if (text !== '' && Number.isSafeInteger(seed)) return { seed, only };
  throw refuse(`--chaos takes a seed, a whole number, not ${text === '' ? 'nothing' : text}`);
}

function tellStruck(say: (line: string) => void, struck: Readonly<Record<string, number>>): void {
  const rows = Object.entries(struck).map(([fault, times]) => [fault, `${times}×`]);
  say(rows.length === 0 ? 'No fault struck.' : 'Faults that struck:');
  for (const line of columnsOf(rows, '  ')) say(line);
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new DaybookError('cli.usage', {
    problem: `--port takes a number from 1 to 65535, not ${text}`,
    command: 'dev',
  });
}

/** Resolves at the first Ctrl-C or SIGTERM; a second one ends the process at once. */
function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      process.on('SIGINT', () => process.exit(130));
      resolve();
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
}

/** Types that people look up by name; roles, policies, alarms and the like are only counted. */
const NAMED =
  /^AWS::(DynamoDB|Kinesis|KinesisFirehose|S3::Bucket$|SQS::Queue$|Lambda::Function|Events::(Rule|EventBus$)|Pipes|StepFunctions|Athena::WorkGroup|Glue)/;

function welcome(terminal: Terminal, runtime: Runtime, tookMs: number): void {
  const title = (text: string) => paint(terminal, 'bold', text);
  terminal.out(
    `${title('daybook dev')} is ready after ${(tookMs / 1000).toFixed(1)} s at ${paint(terminal, 'cyan', runtime.endpoint)} (${runtime.account.region})`,
  );
  for (const [name, stack] of Object.entries(runtime.stacks)) {
    const named = stack.details.filter(({ type }) => NAMED.test(type));
    terminal.out(
      `\n${title(name)}  ${paint(terminal, 'dim', `and ${stack.details.length - named.length} roles, policies, alarms and the like`)}`,
    );
    const rows = named.map(({ path, logicalId, type, physicalId }) => [
      shortPath(path ?? logicalId, name),
      type.replace('AWS::', ''),
      physicalId,
    ]);
    for (const line of columnsOf(rows, '  ')) terminal.out(line);
    const outputs = Object.entries(stack.outputs).map(([key, value]) => [`output ${key}`, value]);
    for (const line of columnsOf(outputs, '  ')) terminal.out(line);
  }
  const variables = Object.entries(runtime.environment).map(([name, value]) => `${name}=${value}`);
  terminal.out(`\n${title('Try')} (in another terminal)`);
  terminal.out(`  export ${variables.join(' ')}`);
  for (const command of commandsToTry(runtime)) terminal.out(`  ${command}`);
  terminal.out(`\n${paint(terminal, 'dim', 'What flows where (Ctrl-C ends it):')}`);
}

const shortPath = (path: string, stack: string) => path.replace(`${stack}/`, '').replace(/\/Resource$/, '');

/** Three at most, for what the app has. */
function commandsToTry({ stacks }: Runtime): string[] {
  const [stack] = Object.keys(stacks);
  const resources = Object.values(stacks).flatMap(({ details }) => details);
  const first = (type: string) => resources.find((resource) => resource.type === type)?.physicalId;
  const [table, machine] = ['AWS::DynamoDB::Table', 'AWS::StepFunctions::StateMachine'].map(first);
  const hasDaybook = Object.values(stacks).some(({ outputs }) =>
    Object.keys(outputs).some((key) => key.endsWith('EventsTableName')),
  );
  return [
    ...(hasDaybook ? ['npx daybook list'] : []),
    ...(table === undefined ? [] : [`aws dynamodb scan --table-name ${table} --max-items 5`]),
    ...(machine === undefined ? [] : [`aws stepfunctions list-executions --state-machine-arn ${machine}`]),
    ...(stack === undefined ? [] : [`aws cloudformation describe-stacks --stack-name ${stack}`]),
  ].slice(0, 3);
}

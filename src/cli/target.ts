import './errors.ts';
import { DaybookError } from '../errors.ts';
import { type DevFile, readDevFile } from './dev-file.ts';

/** The physical things that commands work on, by the name of the output that says them and of the variable that may. */
const NAMES = {
  EventsTableName: 'DAYBOOK_EVENTS_TABLE',
  ConfirmedTableName: 'DAYBOOK_CONFIRMED_TABLE',
  PositionsTableName: 'DAYBOOK_POSITIONS_TABLE',
  SnapshotsTableName: 'DAYBOOK_SNAPSHOTS_TABLE',
  ProjectionsTableName: 'DAYBOOK_PROJECTIONS_TABLE',
  FeedName: 'DAYBOOK_FEED',
  FeedFrom: 'DAYBOOK_FEED_FROM',
  EventBusName: 'DAYBOOK_EVENT_BUS',
  ArchiveBucketName: 'DAYBOOK_ARCHIVE_BUCKET',
  RepairsStreamName: 'DAYBOOK_REPAIRS_STREAM',
  DatabaseName: 'DAYBOOK_DATABASE',
  WorkGroupName: 'DAYBOOK_WORK_GROUP',
  ReplayStateMachineArn: 'DAYBOOK_REPLAY_STATE_MACHINE',
  CompactionStateMachineArn: 'DAYBOOK_COMPACTION_STATE_MACHINE',
} as const;

export type TargetName = keyof typeof NAMES;

/** What a command was told about where to work; all optional. */
export interface TargetFlags {
  /** The events table's physical name. */
  readonly table?: string | undefined;
  /** A stack that has the construct. */
  readonly stack?: string | undefined;
  readonly 'endpoint-url'?: string | undefined;
  /** The same, shorter. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
}

/** For Node's `parseArgs`. */
export const TARGET_OPTIONS = {
  table: { type: 'string' },
  stack: { type: 'string' },
  'endpoint-url': { type: 'string' },
  endpoint: { type: 'string' },
  region: { type: 'string' },
} as const;

export const TARGET_HELP = `  --stack NAME          the deployed stack that has Daybook in it
  --table NAME          the events table, by its physical name
  --endpoint-url URL    another endpoint than AWS (also --endpoint, or AWS_ENDPOINT_URL)
  --region NAME         the region (also AWS_REGION)
                        Without any of these: DAYBOOK_EVENTS_TABLE, or the daybook dev that runs in this folder`;

/** Where a command works. */
export interface Target {
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  /** The stack that the names are from, when they are from one. */
  readonly stack: string | undefined;
  readonly names: Readonly<Partial<Record<TargetName, string>>>;
  /** To be spread into the options of an SDK client. */
  readonly client: {
    readonly endpoint?: string;
    readonly region?: string;
    readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
}

/** Where from things are found out; given in tests. */
export interface TargetSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly dev: DevFile | undefined;
}

/**
 * Finds out where to work: flags, then the environment, then a running `daybook dev`. A stack's names come from its
 * outputs: of the running `daybook dev` when it hosts that stack, else from CloudFormation.
 */
export async function findTarget(
  flags: TargetFlags,
  sources: TargetSources = { env: process.env, dev: readDevFile() },
): Promise<Target> {
  const { env, dev } = sources;
  const table = flags.table ?? (flags.stack === undefined ? env.DAYBOOK_EVENTS_TABLE : undefined);
  const saysWhere = flags['endpoint-url'] ?? flags.endpoint ?? env.AWS_ENDPOINT_URL_DYNAMODB ?? env.AWS_ENDPOINT_URL;
  const local = saysWhere === undefined || saysWhere === dev?.endpoint ? hostedBy(dev, flags.stack, table) : undefined;
  const endpoint = saysWhere ?? local?.endpoint;
  const region = flags.region ?? local?.region ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION;
  const client = {
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    // The runtime asks for no real ones, the SDK for some.
    ...(local !== undefined && { credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }),
  };
  const outputs = local?.outputs ?? (flags.stack === undefined ? {} : await outputsOf(flags.stack, client));
  const names: Partial<Record<TargetName, string>> = {};
  for (const [name, variable] of Object.entries(NAMES) as [TargetName, string][]) {
    const value = (flags.stack === undefined ? env[variable] : undefined) ?? outputNamed(outputs, name);
    if (value !== undefined) names[name] = value;
  }
  if (table !== undefined) names.EventsTableName = table;
  return { endpoint, region, stack: local?.stack ?? flags.stack, names, client };
}

/** A name that the command cannot do without. */
export function needName(target: Target, name: TargetName, command: string): string {
  const value = target.names[name];
  if (value !== undefined) return value;
  const said = target.stack === undefined ? 'nothing says it' : `the stack ${target.stack} has no output ${name}`;
  const flags = name === 'EventsTableName' ? '--table or --stack' : '--stack';
  const how = `give ${flags}, or set ${NAMES[name]}, or start npx daybook dev in this folder`;
  const problem = `Which ${wordsOf(name)}? ${said[0]!.toUpperCase()}${said.slice(1)}: ${how}`;
  throw new DaybookError('cli.usage', { problem, command });
}

/** `EventsTableName` is the events table. */
function wordsOf(name: TargetName): string {
  const words = name.replace(/(Name|Arn)$/, '').replace(/(?<=[a-z])(?=[A-Z])/g, ' ');
  return words.toLowerCase();
}

type Outputs = Readonly<Record<string, string>>;
type Hosted = { readonly endpoint: string; readonly region: string; readonly stack: string; readonly outputs: Outputs };

/** The stack of a running `daybook dev` that is meant: by its name, by its table, or the only one that there is. */
function hostedBy(dev: DevFile | undefined, stack: string | undefined, table: string | undefined): Hosted | undefined {
  if (dev === undefined) return undefined;
  const stacks = Object.entries(dev.stacks).filter(
    ([, { outputs }]) => outputNamed(outputs, 'EventsTableName') !== undefined,
  );
  const [found] = stacks.filter(
    ([name, { outputs }]) =>
      (stack === undefined || name === stack) &&
      (table === undefined || outputNamed(outputs, 'EventsTableName') === table),
  );
  if (found === undefined) return undefined;
  if (stack === undefined && table === undefined && stacks.length > 1) {
    const names = stacks.map(([name]) => name).join(', ');
    throw new DaybookError('cli.usage', {
      problem: `daybook dev runs several stacks; name one with --stack: ${names}`,
    });
  }
  return { endpoint: dev.endpoint, region: dev.region, stack: found[0], outputs: found[1].outputs };
}

/** The construct's id stands before the name, whatever it is. */
function outputNamed(outputs: Outputs, name: TargetName): string | undefined {
  const key = Object.keys(outputs).find((candidate) => candidate.endsWith(name));
  return key === undefined ? undefined : outputs[key];
}

async function outputsOf(stack: string, client: Target['client']): Promise<Outputs> {
  const { CloudFormationClient, DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation');
  const answer = await new CloudFormationClient(client).send(new DescribeStacksCommand({ StackName: stack }));
  const outputs = answer.Stacks?.[0]?.Outputs ?? [];
  return Object.fromEntries(outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]));
}

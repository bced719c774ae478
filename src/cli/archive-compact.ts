import './errors.ts';
import { parseArgs } from 'node:util';
import { AthenaClient } from '@aws-sdk/client-athena';
import { S3Client } from '@aws-sdk/client-s3';
import {
  DescribeExecutionCommand,
  DescribeMapRunCommand,
  ExecutionAlreadyExists,
  GetExecutionHistoryCommand,
  ListMapRunsCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { type CompactionEstimate, estimateCompaction } from '../archive/compact-estimate.ts';
import { athenaCurrentGeneration } from '../aws/athena-current-generation.ts';
import { s3CompactionFiles } from '../aws/s3-compaction-files.ts';
import { DaybookError } from '../errors.ts';
import { orUsage } from './command.ts';
import { dayFrom } from './flags.ts';
import { createProgress } from './progress.ts';
import { duration } from './replay-watch.ts';
import { findTarget, needName, TARGET_OPTIONS, type Target } from './target.ts';
import { columnsOf, paint, type Terminal } from './terminal.ts';

const OPTIONS = {
  ...TARGET_OPTIONS,
  before: { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  name: { type: 'string' },
  watch: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

const EVERY_MS = 1000;

export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const { values } = orUsage('archive', () => parseArgs({ args: [...args], options: OPTIONS }));
  const { json } = values;
  const before = dayFrom('before', values.before, 'archive');
  const request = before === undefined ? {} : { before };
  const target = await findTarget(values);
  if (values['dry-run']) {
    const estimate = await priced(target, request);
    if (json) return terminal.out(JSON.stringify(estimate));
    for (const line of estimateLines(estimate)) terminal.out(line);
    return;
  }
  const machine = needName(target, 'CompactionStateMachineArn', 'archive');
  const name = values.name ?? `by-hand-${new Date().toISOString().replaceAll(/[-:.]/g, '')}`;
  const states = new SFNClient(target.client);
  try {
    const execution = await start(states, machine, name, request);
    if (values.watch) return await watch(states, execution, name, terminal, json);
    terminal.out(
      json
        ? JSON.stringify({ name, execution })
        : `${name} has started; to watch it: npx daybook archive compact --name ${name}${before === undefined ? '' : ` --before ${before}`} --watch`,
    );
  } finally {
    states.destroy();
  }
}

type Request = { readonly before?: string };

async function priced(target: Target, request: Request): Promise<CompactionEstimate> {
  const bucket = needName(target, 'ArchiveBucketName', 'archive');
  const database = needName(target, 'DatabaseName', 'archive');
  const athena = new AthenaClient(target.client);
  const s3 = new S3Client({ ...target.client, forcePathStyle: target.endpoint !== undefined });
  try {
    const generation = await athenaCurrentGeneration({ client: athena, database })();
    return await estimateCompaction(s3CompactionFiles({ client: s3, bucket }), {
      generation,
      request,
      nowMs: Date.now(),
    });
  } finally {
    athena.destroy();
    s3.destroy();
  }
}

function estimateLines(estimate: CompactionEstimate): string[] {
  const { days, files, bytes, buckets, rewritten, rewrittenBytes, seconds, dollars, before, from } = estimate;
  if (days === undefined) {
    const why = from === 'none' ? 'nothing arrived before that day' : `the generation ${from} has all of it`;
    return [`There is nothing to compact before ${before}: ${why}. Nothing was written.`];
  }
  const megabytes = (value: number) => `${(value / 1e6).toFixed(1)} MB`;
  return [
    `A compaction of the arrival days ${days[0]} to ${days[1]}. Nothing was written.`,
    ...columnsOf(
      [
        ['raw files', `${n(files)} in ${n(buckets)} buckets, ${megabytes(bytes)}`],
        ['compacted files made anew', `${n(rewritten)}, ${megabytes(rewrittenBytes)}`],
        ['until readers switch', `about ${duration(seconds)}`],
        ['price', `about $${dollars.toFixed(4)} in us-east-1`],
      ],
      '  ',
    ),
  ];
}

/** The same name with the same request is the same compaction, as long as it runs; anything else of that name is refused. */
async function start(states: SFNClient, stateMachineArn: string, name: string, request: Request): Promise<string> {
  try {
    const { executionArn } = await states.send(
      new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(request) }),
    );
    return executionArn!;
  } catch (error) {
    if (!(error instanceof ExecutionAlreadyExists)) throw error;
    throw new DaybookError('cli.compactionExists', { name }, { cause: error });
  }
}

/** Stays until the execution has ended; says what it came to. Throws when it did not succeed. */
async function watch(
  states: SFNClient,
  executionArn: string,
  name: string,
  terminal: Terminal,
  json: boolean,
): Promise<void> {
  const progress = createProgress(terminal);
  try {
    for (;;) {
      const {
        status,
        output,
        error = '',
        cause = '',
      } = await states.send(new DescribeExecutionCommand({ executionArn }));
      if (status !== 'RUNNING' && status !== 'PENDING_REDRIVE') {
        progress.end();
        if (status !== 'SUCCEEDED') {
          throw new DaybookError('cli.compactionEnded', { name, status: status ?? 'ended', error, cause });
        }
        if (json) terminal.out(output ?? 'null');
        else for (const line of saidOf(JSON.parse(output ?? '{}') as Outcome, terminal)) terminal.out(line);
        return;
      }
      progress.show(...(await partOf(states, executionArn)));
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  } finally {
    progress.end();
  }
}

/** What each state is, to a person; states in between belong to the one before. */
const WORDS: Readonly<Record<string, string>> = {
  Plan: 'listing raw files',
  CompactBuckets: 'merging',
  PrepareSwitch: 'writing the manifest',
  Switch: 'switching readers',
  WaitForQueries: 'readers are switched; the originals stay until queries that began before have ended',
  Clean: 'deleting what no query reads any more',
};

async function partOf(states: SFNClient, executionArn: string): Promise<[number | undefined, string]> {
  const { events = [] } = await states.send(
    new GetExecutionHistoryCommand({ executionArn, reverseOrder: true, maxResults: 100, includeExecutionData: false }),
  );
  const entered = events.map(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? '');
  const state = entered.find((name) => name in WORDS);
  if (state !== 'CompactBuckets') return [undefined, state === undefined ? 'starting' : WORDS[state]!];
  const { mapRuns = [] } = await states.send(new ListMapRunsCommand({ executionArn }));
  const latest = mapRuns.reduce<(typeof mapRuns)[number] | undefined>(
    (last, run) => (last === undefined || run.startDate! > last.startDate! ? run : last),
    undefined,
  );
  if (latest === undefined) return [undefined, WORDS[state]!];
  const { itemCounts } = await states.send(new DescribeMapRunCommand({ mapRunArn: latest.mapRunArn }));
  const { succeeded = 0, total = 0 } = itemCounts ?? {};
  return [total === 0 ? undefined : succeeded / total, `${WORDS[state]}, ${succeeded} of ${total} buckets`];
}

interface Outcome {
  readonly outcome: 'switched' | 'superseded' | 'nothing';
  readonly generation: string;
  readonly events: number;
  readonly excluded: number;
  readonly conflicts: number;
  readonly deleted: { readonly raw: number; readonly compacted: number };
  readonly changed: readonly string[];
}

function saidOf({ outcome, generation, events, excluded, conflicts, deleted, changed }: Outcome, terminal: Terminal) {
  const head = {
    switched: `${generation} is current: ${n(events)} events were written, verified and switched to`,
    superseded: 'Another compaction switched first; this one changed nothing, and the next takes what it left',
    nothing: 'There was nothing to compact',
  }[outcome];
  const warnings = [
    ...(excluded > 0 ? [`${n(excluded)} raw files were left out: the log of compact-bucket names them`] : []),
    ...(conflicts > 0 ? [`${n(conflicts)} copies differ from the event that won: below conflicts/${generation}/`] : []),
    ...changed.map((key) => `${key} was written again after it was taken: it stays`),
  ];
  return [
    paint(terminal, 'green', head),
    ...warnings.map((line) => paint(terminal, 'red', line)),
    `${n(deleted.raw)} raw files and ${n(deleted.compacted)} files of older generations were deleted`,
  ];
}

const n = (value: number) => value.toLocaleString('en');

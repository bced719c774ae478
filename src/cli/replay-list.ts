import './errors.ts';
import { parseArgs } from 'node:util';
import { ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { statusOfExecution } from '../aws/sfn-executions.ts';
import type { BuildRecord, BuildStatus } from '../replay/builds.ts';
import { statusAfter } from '../replay/end.ts';
import { orUsage } from './command.ts';
import { describe, type OpenReplays, openReplays } from './open-replays.ts';
import { TARGET_OPTIONS } from './target.ts';
import { columnsOf, cut, type Terminal } from './terminal.ts';

const OPTIONS = {
  ...TARGET_OPTIONS,
  projection: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

/** Executions that run, of which those without a record are looked for. */
const MOST_EXECUTIONS = 100;

export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const { values } = orUsage('replay', () => parseArgs({ args: [...args], options: OPTIONS }));
  const replays = await openReplays(values);
  try {
    const projections = values.projection === undefined ? await projectionsOf(replays) : [values.projection];
    const rows: string[][] = [];
    for (const projection of projections) {
      for await (const found of replays.builds.list(projection)) {
        const { active, previous } = await replays.table.pointer(projection, found.version);
        const record = { ...found, status: await statusOf(replays, found) };
        const role = record.build === active ? 'live' : record.build === previous ? 'the one before' : '';
        if (values.json) terminal.out(JSON.stringify({ ...record, ...(role !== '' && { role }) }));
        else rows.push(rowOf(record, role));
      }
    }
    for (const waiting of await waitingIn(replays, values.projection)) {
      const { build, projection, request, startedAt } = waiting;
      if (values.json) terminal.out(JSON.stringify(waiting));
      else
        rows.push([
          build,
          projection,
          '',
          'waiting',
          startedAt.slice(0, 19),
          '',
          request.ifBusy === 'queue' ? 'its turn, or its plan' : 'its plan',
        ]);
    }
    if (values.json) return;
    if (rows.length === 0) return terminal.err('no replays');
    for (const line of columnsOf([['build', 'projection', 'kind', 'status', 'started', 'ended', ''], ...rows]))
      terminal.out(cut(line, terminal.columns));
  } finally {
    replays.close();
  }
}

/** As the execution has it: a redrive that was started in the console, and an end that was not told, stand in no record. */
async function statusOf({ states }: OpenReplays, { status, kind, execution }: BuildRecord): Promise<BuildStatus> {
  if (status !== 'running' && status !== 'failed' && status !== 'stopped') return status;
  const found = await statusOfExecution(states, execution);
  if (found === undefined) return status;
  const stands = statusAfter(kind, found);
  // Redriven from outside, what was stopped runs until its next step finds that it was.
  return status === 'stopped' && stands !== 'running' ? status : stands;
}

function rowOf(
  { build, projection, version, kind, status, startedAt, endedAt = '', error = '' }: BuildRecord,
  role: string,
): string[] {
  const why = status === 'failed' ? error.replaceAll(/\s+/g, ' ') : '';
  // Resumed in the console it runs, and its record still says when it had failed.
  const ended = status === 'running' ? '' : endedAt.slice(0, 19);
  return [build, `${projection} v${version}`, kind, status, startedAt.slice(0, 19), ended, role || why];
}

/** Executions that run and have no record yet: they wait for another rebuild, or are being planned. */
async function waitingIn(replays: OpenReplays, projection: string | undefined) {
  const { executions = [] } = await replays.states.send(
    new ListExecutionsCommand({
      stateMachineArn: replays.machine,
      statusFilter: 'RUNNING',
      maxResults: MOST_EXECUTIONS,
    }),
  );
  const waiting = [];
  for (const { name: build = '', startDate = new Date() } of executions) {
    const { projection: of, input = '{}' } = await describe(replays, build);
    if (of === '' || (projection !== undefined && of !== projection)) continue;
    if ((await replays.builds.get(of, build)) !== undefined) continue;
    const request = JSON.parse(input) as { readonly ifBusy?: string; readonly dryRun?: boolean };
    if (request.dryRun === true) continue;
    waiting.push({ build, projection: of, status: 'waiting', startedAt: startDate.toISOString(), request });
  }
  return waiting;
}

/** Those that ever had a build: which ones an app has is not deployed anywhere. */
async function projectionsOf({ builds }: OpenReplays): Promise<readonly string[]> {
  const named: string[] = [];
  for await (const name of builds.projections()) named.push(name);
  return named.sort();
}

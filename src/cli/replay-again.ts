import './errors.ts';
import { parseArgs } from 'node:util';
import { ExecutionNotRedrivable, RedriveExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { DaybookError } from '../errors.ts';
import { abandon, promotedBy, statusAfter } from '../replay/end.ts';
import { isFinal, isRefusal, reasonOf } from '../replay/failure.ts';
import { isStopped } from '../replay/stopped.ts';
import { orUsage } from './command.ts';
import { describe, endOf, type OpenReplays, openReplays, recordOf } from './open-replays.ts';
import { onlyArgument } from './open-store.ts';
import { watch } from './replay-watch.ts';
import { TARGET_OPTIONS } from './target.ts';
import type { Terminal } from './terminal.ts';

const OPTIONS = {
  ...TARGET_OPTIONS,
  watch: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

export async function run(what: 'stop' | 'resume', args: readonly string[], terminal: Terminal): Promise<void> {
  const { values, positionals } = orUsage('replay', () =>
    parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }),
  );
  const name = onlyArgument(positionals, 'the name of a build', 'replay');
  const replays = await openReplays(values);
  const executionArn = replays.executionOf(name);
  try {
    if (what === 'stop') {
      await stop(replays, name);
      terminal.out(
        values.json ? JSON.stringify({ build: name, stopped: true }) : `${name} is stopped: nothing was promoted`,
      );
      return;
    }
    const execution = await describe(replays, name);
    const { projection, status: stands } = execution;
    const record = await recordOf(replays, name, projection);
    if (stands === 'ABORTED' || isStopped(record)) {
      const reason = 'what was stopped has given its lock back, and its states go';
      throw new DaybookError('cli.replayNotResumable', { name, status: 'stopped', reason });
    }
    const failure = reasonOf(execution, record?.sliceError);
    const wasRefused = stands === 'FAILED' && record === undefined && isRefusal(failure);
    if (wasRefused || isFinal(failure)) throw await endOf(replays, name, execution);
    try {
      await replays.states.send(new RedriveExecutionCommand({ executionArn }));
    } catch (error) {
      if (!(error instanceof ExecutionNotRedrivable)) throw error;
      const { status = 'unknown' } = await describe(replays, name);
      throw new DaybookError('cli.replayNotResumable', { name, status, reason: error.message }, { cause: error });
    }
    if (record !== undefined) await replays.builds.resumed(projection, name);
    if (values.watch) return await watch(replays, name, terminal, values.json);
    terminal.out(
      values.json
        ? JSON.stringify({ build: name, resumed: true })
        : `${name} goes on: npx daybook replay watch ${name}`,
    );
  } finally {
    replays.close();
  }
}

/** So long a stop removes states itself; what is left then goes with the daily cleaning up. */
const REMOVE_MS = 60_000;

/** One that runs is ended; one that failed, and waits to be resumed, is given up: its states are removed. */
async function stop(replays: OpenReplays, name: string): Promise<void> {
  const { status = 'unknown', projection } = await describe(replays, name);
  const executionArn = replays.executionOf(name);
  if (status === 'RUNNING') {
    await replays.states.send(new StopExecutionCommand({ executionArn, cause: 'daybook replay stop' }));
    return;
  }
  const record = await recordOf(replays, name, projection);
  const canBeGivenUp = record?.status === 'failed' || record?.status === 'running';
  if (!canBeGivenUp || statusAfter(record.kind, status) !== 'failed')
    throw new DaybookError('cli.replayNotRunning', { name, status });
  const at = new Date().toISOString();
  if (await promotedBy(replays, record)) {
    await replays.builds.mark(projection, name, 'promoted', { at });
    throw new DaybookError('cli.replayNotRunning', { name, status: 'promoted, and failed after that' });
  }
  await replays.builds.mark(projection, name, 'stopped', { at });
  const until = Date.now() + REMOVE_MS;
  await abandon(replays.builds, record, () => Date.now() > until);
}

import '../archive/errors.ts';
import './errors.ts';
import { createRequire } from 'node:module';
import { DaybookError, isDaybookError } from '../errors.ts';
import type { Command } from './command.ts';
import { columnsOf, paint, processTerminal, type Terminal } from './terminal.ts';

interface Entry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

/** Every sub-command, in the order of the help; a command's module is loaded only when it is called. */
const COMMANDS: readonly Entry[] = [
  { name: 'dev', summary: 'run your CDK app on this machine, behind one AWS endpoint', load: () => import('./dev.ts') },
  { name: 'import', summary: 'append a history from JSON Lines', load: () => import('./import.ts') },
  { name: 'read', summary: 'the events of an aggregate', load: () => import('./read.ts') },
  { name: 'state', summary: 'the state of an aggregate, now or at any point', load: () => import('./state.ts') },
  { name: 'when', summary: 'when something happened to an aggregate', load: () => import('./when.ts') },
  { name: 'check', summary: 'run your code over stored events before you deploy it', load: () => import('./check.ts') },
  { name: 'sql', summary: 'ask the archive, with SQL of your own or a saved query', load: () => import('./sql.ts') },
  {
    name: 'replay',
    summary: 'rebuild a projection, or report on any range; watch it, stop it, go back',
    load: () => import('./replay.ts'),
  },
  { name: 'list', summary: 'the ids of aggregates', load: () => import('./list.ts') },
  {
    name: 'feed',
    summary: 'is everything on the feed? begin one over a table with events',
    load: () => import('./feed.ts'),
  },
  { name: 'parked', summary: 'the aggregates at which a consumer gave up', load: () => import('./parked.ts') },
  { name: 'redrive', summary: 'let a consumer try its parked aggregates again', load: () => import('./redrive.ts') },
  { name: 'verify', summary: 'is everything in the archive? name what is not', load: () => import('./verify.ts') },
  {
    name: 'archive',
    summary: 'send to the archive what it refused, or never got; compact it',
    load: () => import('./archive.ts'),
  },
];

/**
 * The command line.
 *
 * @returns the exit code: 0, 1 for a failure, 2 for a call that makes no sense, 130 for a query that Ctrl-C stopped.
 */
export async function main(args: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  try {
    await dispatch(args, terminal);
    return 0;
  } catch (error) {
    terminal.err(paint(terminal, 'red', describe(error)));
    if (isDaybookError(error, 'cli.usage')) return 2;
    return isDaybookError(error, 'archive.queryStopped') || isDaybookError(error, 'cli.stopped') ? 130 : 1;
  }
}

async function dispatch([name, ...args]: readonly string[], terminal: Terminal): Promise<void> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') return terminal.out(help());
  if (name === '--version' || name === '-v') return terminal.out(version());
  const entry = COMMANDS.find((command) => command.name === name);
  if (entry === undefined) {
    const names = COMMANDS.map((command) => command.name).join(', ');
    throw new DaybookError('cli.usage', { problem: `There is no command ${name}; there is ${names}` });
  }
  const command = await entry.load();
  const end = args.indexOf('--');
  const options = end < 0 ? args : args.slice(0, end);
  if (options.includes('--help') || options.includes('-h')) return terminal.out(command.help);
  await command.run(args, terminal);
}

function help(): string {
  return [
    'daybook <command> [options]',
    '',
    ...columnsOf(
      COMMANDS.map(({ name, summary }) => [name, summary]),
      '  ',
    ),
    '',
    'daybook <command> --help says more; the repository’s docs/ has a guide to each, docs/analysts.md to sql.',
    'Exit codes: 0 done, 1 failed, 2 wrong usage.',
  ].join('\n');
}

function version(): string {
  return createRequire(import.meta.url)('daybook/package.json').version;
}

/** `code: message`; what has no code of its own is unexpected, so its stack is shown. */
function describe(error: unknown): string {
  if (isDaybookError(error)) return error.message; // begins with its code
  if (!(error instanceof Error)) return `unexpected: ${String(error)}`;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && code.includes('.')) return `${code}: ${error.message}`;
  const unready = sayUnready(error);
  if (unready !== undefined) return unready;
  return '$metadata' in error ? sayAws(error) : `unexpected: ${error.stack ?? error.message}`;
}

/** What AWS, or the endpoint in its place, answered. */
function sayAws(error: Error): string {
  const known = SAID[error.name];
  return `${error.name}: ${error.message}${known === undefined ? '' : `. ${known}`}`;
}

const SAID: Readonly<Record<string, string>> = {
  AccessDeniedException: 'Whose credentials are these, and may they read it?',
};

/** What keeps the SDK from asking at all, or asks for what is not there; undefined for anything else. */
function sayUnready(error: Error): string | undefined {
  const { code } = error as NodeJS.ErrnoException;
  const { message: problem } = error;
  if (problem === 'Region is missing') return new DaybookError('cli.noRegion', {}).message;
  if (error.name === 'ResourceNotFoundException') {
    return new DaybookError('cli.notFound', { problem: problem.trim().replaceAll(/\s+/g, ' ') }).message;
  }
  if (error.name === 'CredentialsProviderError') return new DaybookError('cli.noCredentials', { problem }).message;
  const isUnreachable = code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN';
  return isUnreachable ? new DaybookError('cli.unreachable', { problem }).message : undefined;
}

import './errors.ts';
import { DaybookError } from '../errors.ts';
import type { Terminal } from './terminal.ts';

/** One sub-command: what its module exports. */
export interface Command {
  /** Printed for `--help`: usage, options, examples. */
  readonly help: string;
  /** A failure is thrown; the process then ends with 1, or with 2 when it is `cli.usage`. */
  run(args: readonly string[], terminal: Terminal): Promise<void>;
}

/**
 * Runs Node's `parseArgs`, its complaints as `cli.usage`.
 *
 * @example
 * const { values } = orUsage('read', () => parseArgs({ args, options: { from: { type: 'string' } } }));
 */
export function orUsage<T>(command: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!String((error as { code?: string }).code).startsWith('ERR_PARSE_ARGS_')) throw error;
    const { message } = error as Error;
    const [first = ''] = message.split(/\. |\n/);
    const problem = `${first.replace(/\.$/, '')}${HINTS.find(([what]) => what.test(message))?.[1] ?? ''}`;
    throw new DaybookError('cli.usage', { problem, command }, { cause: error });
  }
}

const HINTS: readonly (readonly [RegExp, string])[] = [
  [/positional argument starting with/, ' (an id that begins with a dash goes last, after --)'],
  [/argument is ambiguous/, ': a value that begins with a dash is given as --option=value'],
];

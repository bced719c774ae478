import './errors.ts';
import { parseArgs } from 'node:util';
import { DaybookError } from '../errors.ts';
import { orUsage } from './command.ts';
import { onlyArgument, openStore } from './open-store.ts';
import { refuseUnknown, rowOf, writeHead } from './read.ts';
import { TARGET_HELP, TARGET_OPTIONS } from './target.ts';
import type { Terminal } from './terminal.ts';

export const help = `daybook when AGGREGATE --type NAME [--all] [--json]

When something happened to an aggregate: the first event of a type, or with --all each one.

  --type NAME           the event's type
  --all                 not only the first
  --json                one event a line; null when it never happened
${TARGET_HELP}

  npx daybook when account-1 --type AccountClosed`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  type: { type: 'string' },
  all: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const parsed = orUsage('when', () => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }));
  const { values } = parsed;
  const aggregateUuid = onlyArgument(parsed.positionals, 'the id of an aggregate', 'when');
  if (values.type === undefined)
    throw new DaybookError('cli.usage', { problem: 'It takes --type NAME', command: 'when' });
  const { store, close } = await openStore(values, 'when');
  try {
    let found = false;
    for await (const event of store.read(aggregateUuid)) {
      if (event.type !== values.type) continue;
      if (!found && !values.json) writeHead(terminal);
      found = true;
      terminal.out(values.json ? JSON.stringify(event) : rowOf(terminal, event));
      if (!values.all) break;
    }
    if (found) return;
    await refuseUnknown(store, aggregateUuid);
    terminal.out(values.json ? 'null' : 'never');
  } finally {
    close();
  }
}

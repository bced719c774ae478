import './errors.ts';
import { parseArgs } from 'node:util';
import { DaybookError } from '../errors.ts';
import type { StateAtPoint } from '../store/read.ts';
import { orUsage } from './command.ts';
import { loadApp } from './load-app.ts';
import { definitionFor, onlyArgument, openStore } from './open-store.ts';
import { TARGET_HELP, TARGET_OPTIONS } from './target.ts';
import { paint, type Terminal } from './terminal.ts';

export const help = `daybook state AGGREGATE --app FILE [--version N | --at TIME [--clock NAME]] [--json]

The state of an aggregate, folded by the app's own code: now, after a version, or at a time.

  --app FILE            a module whose default export is defineApp({…})
  --version N           after this version
  --at TIME             at this time, inclusive
  --clock NAME          as it had happened: occurred (the default); as it was known: recorded
  --json                one line
${TARGET_HELP}

  npx daybook state account-1 --app app.ts --at 2026-01-31T23:59:59Z --clock recorded`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  app: { type: 'string' },
  version: { type: 'string' },
  at: { type: 'string' },
  clock: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const parsed = orUsage('state', () => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }));
  const { values } = parsed;
  const aggregateUuid = onlyArgument(parsed.positionals, 'the id of an aggregate', 'state');
  if (values.app === undefined) {
    throw new DaybookError('cli.usage', {
      problem: 'It takes --app FILE: a state is what its code makes of the events',
      command: 'state',
    });
  }
  const app = await loadApp(values.app, 'state');
  const { store, close } = await openStore(values, 'state');
  try {
    const definition = await definitionFor(store, app, aggregateUuid, 'state');
    const { version, state } =
      values.version === undefined && values.at === undefined
        ? await store.load(definition, aggregateUuid)
        : await store.stateAt(definition, aggregateUuid, pointOf(values));
    const shown = { aggregateUuid, aggregateType: definition.type, version, state };
    if (values.json) terminal.out(JSON.stringify(shown));
    else {
      terminal.out(paint(terminal, 'bold', `${definition.type} ${aggregateUuid} at version ${version}`));
      terminal.out(JSON.stringify(state, null, 2));
    }
  } finally {
    close();
  }
}

/** The store refuses what is given twice, or is not allowed. */
function pointOf(values: { version?: string; at?: string; clock?: string }): StateAtPoint {
  return {
    ...(values.version !== undefined && { version: Number(values.version) }),
    ...(values.at !== undefined && { time: values.at }),
    ...(values.clock !== undefined && { clock: values.clock }),
  } as StateAtPoint;
}

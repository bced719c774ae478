import './errors.ts';
import { parseArgs } from 'node:util';
import { DaybookError } from '../errors.ts';
import { orUsage } from './command.ts';
import { clockOf, numberOf, timeFrom } from './flags.ts';
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
  const version = numberOf('version', values.version, 0, 'state');
  const time = timeFrom('at', values.at, 'state');
  const clock = clockOf(values.clock, time !== undefined, '--at', 'state');
  if (version !== undefined && time !== undefined) {
    throw new DaybookError('cli.usage', { problem: 'It takes --version or --at, not both', command: 'state' });
  }
  const app = await loadApp(values.app, 'state');
  const { store, close } = await openStore(values, 'state');
  try {
    const definition = await definitionFor(store, app, aggregateUuid, 'state');
    const { version: reached, state } =
      version !== undefined
        ? await store.stateAt(definition, aggregateUuid, { version })
        : time !== undefined
          ? await store.stateAt(definition, aggregateUuid, { time, ...(clock !== undefined && { clock }) })
          : await store.load(definition, aggregateUuid);
    const shown = { aggregateUuid, aggregateType: definition.type, version: reached, state };
    if (values.json) terminal.out(JSON.stringify(shown));
    else {
      terminal.out(paint(terminal, 'bold', `${definition.type} ${aggregateUuid} at version ${reached}`));
      terminal.out(JSON.stringify(state, null, 2));
    }
  } finally {
    close();
  }
}

import './errors.ts';
import { parseArgs } from 'node:util';
import { DaybookError } from '../errors.ts';
import { type AuditedVersion, auditAggregate } from '../replay/audit.ts';
import type { Change } from '../replay/changed-paths.ts';
import { checkRequest } from '../replay/request.ts';
import { orUsage } from './command.ts';
import { numberOf } from './flags.ts';
import { loadApp } from './load-app.ts';
import { openStore } from './open-store.ts';
import { refuseUnknown } from './read.ts';
import { TARGET_OPTIONS } from './target.ts';
import { cut, paint, type Terminal } from './terminal.ts';

const OPTIONS = {
  ...TARGET_OPTIONS,
  app: { type: 'string' },
  aggregate: { type: 'string' },
  projection: { type: 'string' },
  'projection-version': { type: 'string' },
  first: { type: 'string' },
  last: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

/** Shows one aggregate's versions as a projection sees them: nothing is written, and no machine is started. */
export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const { values } = orUsage('replay', () => parseArgs({ args: [...args], options: OPTIONS }));
  const { app: file, aggregate, projection, json } = values;
  if (file === undefined) throw usage('An audit takes --app FILE: a state is what its code makes of the events');
  if (aggregate === undefined || projection === undefined) throw usage('It takes --aggregate ID and --projection NAME');
  const wanted = numberOf('projection-version', values['projection-version'], 1, 'replay');
  const first = numberOf('first', values.first, 1, 'replay');
  const last = numberOf('last', values.last, 1, 'replay');
  const { projections } = await loadApp(file, 'replay');
  const asked = checkRequest({ projection, ...(wanted !== undefined && { version: wanted }) }, projections);
  const definition = projections.find(({ name, version }) => name === projection && version === asked.version)!;
  const { store, table, close } = await openStore(values, 'replay');
  try {
    const options = { ...(first !== undefined && { first }), ...(last !== undefined && { last }) };
    let shown = 0;
    for await (const audited of auditAggregate(table, definition, aggregate, options)) {
      if (json) terminal.out(JSON.stringify(audited));
      else {
        if (shown === 0) terminal.out(headOf(terminal));
        for (const line of linesOf(terminal, audited)) terminal.out(line);
      }
      shown++;
      await terminal.drained?.();
    }
    if (shown > 0) return;
    await refuseUnknown(store, aggregate);
    if (!json) terminal.err('no versions in this range');
  } finally {
    close();
  }
}

const INDENT = ' '.repeat(9);

function headOf(terminal: Terminal): string {
  const head = `version  ${'occurred'.padEnd(24)}  ${'recorded'.padEnd(24)}  type, metadata, commit`;
  return paint(terminal, 'dim', cut(head, terminal.columns));
}

/** The event, then a line for each place that it changed, then the state. */
function linesOf(terminal: Terminal, audited: AuditedVersion): string[] {
  const { version, occurredAt, recordedAt, type, metadata, commitId, applied, changes, state } = audited;
  const who = metadata === undefined ? '' : `  ${JSON.stringify(metadata)}`;
  const head = `${String(version).padStart(7)}  ${occurredAt}  ${recordedAt}  ${type}${who}  ${commitId}`;
  const nothing = applied ? 'changes nothing' : 'not an event of this projection';
  const changed = changes.length === 0 ? [nothing] : changes.map(changeOf);
  return [
    paint(terminal, 'bold', cut(head, terminal.columns)),
    ...changed.map((line) => cut(INDENT + line, terminal.columns)),
    paint(terminal, 'dim', cut(`${INDENT}= ${JSON.stringify(state)}`, terminal.columns)),
  ];
}

function changeOf(change: Change): string {
  const place = change.path === '' ? 'the state' : change.path;
  const text = (part: 'before' | 'after') => (part in change ? JSON.stringify(change[part]) : 'nothing');
  return `${place}: ${text('before')} → ${text('after')}`;
}

function usage(problem: string): DaybookError {
  return new DaybookError('cli.usage', { problem, command: 'replay' });
}

import './errors.ts';
import { parseArgs } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { AppDefinition } from '../app.ts';
import { dynamoEventTable } from '../aws/dynamo-event-table.ts';
import { dynamoProjectionTable } from '../aws/dynamo-projection-table.ts';
import { dynamoSnapshots } from '../aws/dynamo-snapshots.ts';
import { leanClient } from '../aws/lean-client.ts';
import { tableSize } from '../aws/table-size.ts';
import type { CheckPorts } from '../check/check-aggregate.ts';
import { type CheckProgress, type CheckReport, checkHistory } from '../check/check-history.ts';
import type { Example, Finding } from '../check/findings.ts';
import { priceOf, type TableSize } from '../check/price.ts';
import { DaybookError } from '../errors.ts';
import { DOLLARS_PER_MILLION_READS } from '../list-prices.ts';
import { orUsage } from './command.ts';
import { loadApp } from './load-app.ts';
import { createProgress } from './progress.ts';
import { findTarget, needName, TARGET_HELP, TARGET_OPTIONS, type Target } from './target.ts';
import { columnsOf, cut, paint, type Terminal } from './terminal.ts';

export const help = `daybook check --app FILE [--sample PART [--seed N]] [--type NAME …] [--aggregate ID …] [--limit N] [--json]

Runs the code that is about to be deployed over what is stored: every event through its schema and upcasts, every aggregate
through its fold, the projections and rollups. Only reads. Says what no longer validates, upcasts or folds, by type and
schema version, with examples; and where a fold makes another state than its own version has stored.

  --app FILE            a module whose default export is defineApp({…})
  --sample PART         only this part of the aggregates, such as 0.1; with the same --seed (default 0) the same ones
  --type NAME           only aggregates of this type; may be given again
  --aggregate ID        only this aggregate; may be given again
  --limit N             so many aggregates at the most
  --ignore-type NAME    a type that the app gave up on purpose: its aggregates are no error and not looked at
  --no-compare          do not compare states with snapshots and stored projections
  --data                show what is stored in examples and messages; without it nothing of a payload is shown
  --examples N          so many of each kind; default 3
  --concurrency N       aggregates read at once; default 16
  --dry-run             only say what would be read, and its price
  --json                one line on standard output
${TARGET_HELP}

Exit codes: 0 nothing found (warnings allowed), 1 something found or not able to look, 2 wrong usage.

  npx daybook check --app app.ts --stack Bank
  npx daybook check --app app.ts --stack Bank --sample 0.1 --seed 7 --json`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  app: { type: 'string' },
  sample: { type: 'string' },
  seed: { type: 'string' },
  type: { type: 'string', multiple: true },
  aggregate: { type: 'string', multiple: true },
  limit: { type: 'string' },
  'ignore-type': { type: 'string', multiple: true },
  'no-compare': { type: 'boolean', default: false },
  data: { type: 'boolean', default: false },
  examples: { type: 'string', default: '3' },
  concurrency: { type: 'string', default: '16' },
  'dry-run': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const { values } = orUsage('check', () => parseArgs({ args: [...args], options: OPTIONS }));
  const { app: file, type: types, aggregate: aggregateUuids } = values;
  if (file === undefined) throw usage('It takes --app FILE: a check runs its code');
  if (types !== undefined && aggregateUuids !== undefined) throw usage('It takes --type or --aggregate, not both');
  if (values.seed !== undefined && values.sample === undefined) throw usage('--seed says which --sample is taken');
  const sample = values.sample === undefined ? 1 : Number(values.sample);
  if (!(sample > 0 && sample <= 1)) throw usage(`--sample is ${values.sample}; allowed is above 0 and up to 1`);
  const whole = (flag: string, value: string, least: number, most = Number.MAX_SAFE_INTEGER) => {
    const number = Number(value);
    if (value.trim() !== '' && Number.isSafeInteger(number) && number >= least && number <= most) return number;
    const allowed = most === Number.MAX_SAFE_INTEGER ? `whole numbers from ${least}` : `${least} to ${most}`;
    throw usage(`${flag} is ${value}; allowed are ${allowed}`);
  };
  const seed = values.seed === undefined ? 0 : whole('--seed', values.seed, 0);
  const limit = values.limit === undefined ? undefined : whole('--limit', values.limit, 1);
  const examples = whole('--examples', values.examples, 1, 100);
  const concurrency = whole('--concurrency', values.concurrency, 1, 256);

  const app = await loadApp(file, 'check');
  const target = await findTarget(values);
  const tableName = needName(target, 'EventsTableName', 'check');
  const client = leanClient(new DynamoDBClient(target.client));
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const progress = createProgress(terminal);
  try {
    const ports = portsOf(client, tableName, target, values['no-compare']);
    const size = await sizeOf(client, tableName, terminal);
    const compared =
      (ports.snapshots && app.aggregates.length > 0 ? 0.5 : 0) + (ports.projections ? app.projections.length : 0);
    const full = size && priceOf(size, { compared });
    if (size !== undefined && full !== undefined) {
      if (!values.json) for (const line of sayPrice(size, full, tableName)) terminal.err(paint(terminal, 'dim', line));
      if (!values.json && sample < 1) {
        const { readUnits, dollars } = priceOf(size, { compared, sample });
        terminal.err(paint(terminal, 'dim', `the sample: about ${n(readUnits)} read units, ${money(dollars)}`));
      }
    }
    const comparedWith = (['snapshots', 'projections'] as const).filter((name) => ports[name] !== undefined);
    if (comparedWith.length === 0 && !values['no-compare'] && !values.json)
      terminal.err(paint(terminal, 'yellow', ALONE));
    if (values['dry-run']) {
      if (values.json) terminal.out(JSON.stringify({ table: tableName, comparedWith, size, full }));
      return;
    }
    const narrowed = types !== undefined || aggregateUuids !== undefined || limit !== undefined;
    const expected = narrowed || size === undefined || size.events === 0 ? undefined : size.events * sample;
    const report = await checkHistory(app, ports, {
      ...(types !== undefined && { types }),
      ...(aggregateUuids !== undefined && { aggregateUuids }),
      ...(limit !== undefined && { limit }),
      ignoredTypes: values['ignore-type'] ?? [],
      sample,
      seed,
      examples,
      concurrency,
      quoting: values.data,
      onProgress: (now) =>
        progress.show(
          expected === undefined ? undefined : Math.min(1, now.events / expected),
          describe(now, seconds()),
        ),
    });
    progress.end();
    refuseNothing(report, app, types, aggregateUuids);
    if (values.json) {
      const place = { table: tableName, ...(target.endpoint !== undefined && { endpoint: target.endpoint }) };
      const took = Math.round(seconds() * 1000) / 1000;
      terminal.out(
        JSON.stringify({ ...place, app: app.name, sample, seed, seconds: took, comparedWith, full, ...report }),
      );
    } else {
      for (const line of linesOf(terminal, report)) terminal.out(line);
      terminal.out(describe(report, seconds()));
    }
    if (report.errors > 0)
      throw new DaybookError('cli.checkFound', { errors: report.errors, kinds: errorKinds(report) });
  } finally {
    progress.end();
    client.destroy();
  }
}

/** A name that was misspelt must not look like a history without faults. */
function refuseNothing(
  { events, findings }: CheckReport,
  app: AppDefinition,
  types: readonly string[] | undefined,
  aggregateUuids: readonly string[] | undefined,
): void {
  if (events > 0 || findings.length > 0) return;
  if (aggregateUuids !== undefined) {
    throw new DaybookError('cli.noAggregate', { aggregateUuid: aggregateUuids.join(', ') });
  }
  const unknown = types?.find((name) => app.aggregates.every(({ type }) => type !== name));
  if (unknown === undefined) return;
  const known = app.aggregates.map(({ type }) => type).join(', ') || 'none';
  throw usage(`There are no aggregates of the type ${unknown}, and the app ${app.name} has ${known}`);
}

const ALONE =
  'no state is compared with a stored one: no table of snapshots or projections is known; give --stack, or set DAYBOOK_SNAPSHOTS_TABLE and DAYBOOK_PROJECTIONS_TABLE';

function portsOf(client: DynamoDBClient, tableName: string, target: Target, alone: boolean): CheckPorts {
  const { SnapshotsTableName: snapshots, ProjectionsTableName: projections } = target.names;
  return {
    table: dynamoEventTable({ client, tableName }),
    ...(snapshots !== undefined && !alone && { snapshots: dynamoSnapshots({ client, tableName: snapshots }) }),
    ...(projections !== undefined &&
      !alone && { projections: dynamoProjectionTable({ client, tableName: projections }) }),
  };
}

/** Undefined where the table may be read, but not described. */
async function sizeOf(client: DynamoDBClient, tableName: string, terminal: Terminal): Promise<TableSize | undefined> {
  try {
    return await tableSize(client, tableName);
  } catch (error) {
    if ((error as Error).name !== 'AccessDeniedException') throw error;
    terminal.err(paint(terminal, 'yellow', `how much there is to read is not known: ${(error as Error).message}`));
    return undefined;
  }
}

function sayPrice(size: TableSize, { readUnits, dollars }: ReturnType<typeof priceOf>, tableName: string): string[] {
  const { events, bytes, aggregates } = size;
  return [
    `${tableName} counts ${n(events)} events of ${n(aggregates)} aggregates, ${bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${n(Math.round(bytes / 1e5) / 10)} MB`} (DynamoDB counts every six hours or so)`,
    `a full check: about ${n(readUnits)} read units, ${money(dollars)} on demand in us-east-1 at $${DOLLARS_PER_MILLION_READS} per million`,
  ];
}

const n = (value: number) => value.toLocaleString('en');
const money = (dollars: number) => (dollars < 0.01 ? 'less than one cent' : `$${dollars.toFixed(2)}`);

function describe({ aggregates, events, compared, errors }: CheckProgress, seconds: number): string {
  const rate = n(Math.round(events / Math.max(seconds, 0.001)));
  return `${n(events)} events of ${n(aggregates)} aggregates checked, ${n(compared)} states compared, ${n(errors)} errors, ${seconds.toFixed(1)} s, ${rate}/s`;
}

const errorKinds = ({ findings }: CheckReport) => findings.filter(({ level }) => level === 'error').length;

/** A table of what was found, and under each row its examples. */
function linesOf(terminal: Terminal, { findings, beyond }: CheckReport): string[] {
  if (findings.length === 0) return [paint(terminal, 'green', 'nothing found')];
  const rows = findings.map((finding) => [
    finding.level,
    finding.code,
    subjectOf(finding),
    `${n(finding.events)} in ${n(finding.aggregates)} aggregates`,
  ]);
  const heads = columnsOf([['level', 'code', 'what', 'events'], ...rows]);
  return [
    paint(terminal, 'dim', cut(heads[0]!, terminal.columns)),
    ...findings.flatMap((finding, i) => [
      paint(terminal, finding.level === 'error' ? 'red' : 'yellow', cut(heads[i + 1]!, terminal.columns)),
      ...finding.examples.flatMap((example) => exampleLines(terminal, example)),
    ]),
    ...(beyond > 0 ? [paint(terminal, 'yellow', `and ${n(beyond)} of further kinds`)] : []),
  ];
}

function subjectOf({ aggregateType, type, schemaVersion, by, path }: Finding): string {
  const event = type === undefined ? [] : [`${type} v${schemaVersion}`];
  const folded = by === undefined || by === aggregateType ? [] : [by];
  const place = path === undefined ? [] : [path === '' ? 'as a whole' : path];
  return [...(aggregateType === undefined ? [] : [aggregateType]), ...event, ...folded, ...place].join(' · ');
}

function exampleLines(terminal: Terminal, { aggregateUuid, version, message, data }: Example): string[] {
  const lines = [`    ${aggregateUuid} version ${version}: ${message}`];
  if (data !== undefined) lines.push(`      ${data}`);
  return lines.map((line) => cut(line.replaceAll('\n', ' '), terminal.columns));
}

function usage(problem: string): DaybookError {
  return new DaybookError('cli.usage', { problem, command: 'check' });
}

import '../archive/errors.ts';
import './errors.ts';
import { parseArgs } from 'node:util';
import { AthenaClient } from '@aws-sdk/client-athena';
import { S3Client } from '@aws-sdk/client-s3';
import type { QueryEngine, QueryStatus } from '../archive/query-engine.ts';
import { runQuery } from '../archive/run-query.ts';
import { type NamedQuery, readNamedText } from '../archive/saved-queries.ts';
import { scanPrice } from '../archive/scan-price.ts';
import { bindNames, isQuery, PARAMETER_TYPES, type ParameterType, toLiteral } from '../archive/sql-text.ts';
import { athenaEngine } from '../aws/athena-engine.ts';
import { leanClient } from '../aws/lean-client.ts';
import { DaybookError, isDaybookError } from '../errors.ts';
import { orUsage } from './command.ts';
import { fileFrom } from './flags.ts';
import { createProgress, type Progress } from './progress.ts';
import { FORMATS, type Format, writeResult } from './sql-output.ts';
import { findTarget, needName, TARGET_HELP, TARGET_OPTIONS } from './target.ts';
import { columnsOf, paint, type Terminal } from './terminal.ts';

export const help = `daybook sql "SELECT …" [--param NAME[:TYPE]=VALUE …] [--format table|csv|jsonl|parquet] [--out FILE] [--json]
daybook sql --saved NAME [--param NAME=VALUE …] …
daybook sql --list [--json]

Asks the archive, in Athena's SQL: the view events has each event once. docs/analysts.md says what is there, with examples.
The result goes to standard output; what was scanned, and its price, to standard error. Ctrl-C stops the query.

  --param NAME=VALUE    the value of :NAME in the query, bound, not pasted in; may be given again
  --param NAME:TYPE=…   one that is no text: ${PARAMETER_TYPES.join(', ')}
  --saved NAME          a query that is saved in the workgroup; --list says which there are, and their parameters
  --format NAME         table (the default), csv, jsonl, or parquet
  --change              also what is no query, such as DROP VIEW; without it that is refused
  --out FILE            into a file; there when it is whole. Parquet needs one
  --json                what became of the query as one JSON line on standard error; with --list, a JSON line for each
${TARGET_HELP.replace('DAYBOOK_EVENTS_TABLE', 'DAYBOOK_WORK_GROUP and DAYBOOK_DATABASE')}

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C.

  npx daybook sql "SELECT type, count(*) AS events FROM events GROUP BY type ORDER BY 2 DESC" --stack Bank
  npx daybook sql "SELECT * FROM events WHERE recorded_at >= :since" --param since:timestamp=2026-01-01T00:00:00Z --format csv --out new.csv
  npx daybook sql --saved when-did-it-happen --param aggregate=account-1 --param type=AccountClosed`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  param: { type: 'string', multiple: true },
  saved: { type: 'string' },
  list: { type: 'boolean', default: false },
  change: { type: 'boolean', default: false },
  format: { type: 'string', default: 'table' },
  out: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

const usage = (problem: string) => new DaybookError('cli.usage', { problem, command: 'sql' });

export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const parsed = orUsage('sql', () => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }));
  const { values, positionals } = parsed;
  const { saved, json } = values;
  const out = fileFrom('out', values.out, 'sql');
  const format = FORMATS.find((name) => name === values.format);
  if (format === undefined) throw usage(`--format is ${values.format}; there are ${FORMATS.join(', ')}`);
  const ways = positionals.length + (saved === undefined ? 0 : 1) + (values.list ? 1 : 0);
  if (ways !== 1) throw usage('It takes one query in quotes, or --saved NAME, or --list');
  if (format === 'parquet' && out === undefined) throw usage('Parquet is no text: give --out FILE');
  const given = readParameters(values.param ?? []);
  if (!values.change && positionals[0] !== undefined) refuseChange(positionals[0]);

  const target = await findTarget(values);
  const workGroup = needName(target, 'WorkGroupName', 'sql');
  const database = needName(target, 'DatabaseName', 'sql');
  const client = leanClient(new AthenaClient(target.client));
  const s3 = new S3Client({ ...target.client, ...(target.endpoint !== undefined && { forcePathStyle: true }) });
  const engine = athenaEngine({ client, s3, workGroup, database });
  try {
    if (values.list) return await list(engine, terminal, json);
    const query =
      saved === undefined ? ownQuery(positionals[0]!, given) : await savedQuery(engine, saved, workGroup, given);
    if (!values.change) refuseChange(query.sql);
    await ask(engine, query, { terminal, format, out, json, place: { workGroup, database } });
  } finally {
    client.destroy();
    s3.destroy();
  }
}

/** The tables and views are the stack's, and a deployment does not make again what somebody dropped. */
function refuseChange(sql: string): void {
  if (!isQuery(sql)) throw new DaybookError('cli.noQuery', { sql: sql.trim().slice(0, 100) });
}

interface Given {
  readonly type: ParameterType | undefined;
  readonly value: string;
}

/** `name=value` and `name:type=value`. */
function readParameters(texts: readonly string[]): ReadonlyMap<string, Given> {
  const given = new Map<string, Given>();
  for (const text of texts) {
    const [, name, typeName, value] = /^([A-Za-z_]\w*|\d+)(?::(\w+))?=([\s\S]*)$/.exec(text) ?? [];
    if (name === undefined || value === undefined)
      throw usage(`--param is ${JSON.stringify(text)}; it is NAME=VALUE or NAME:TYPE=VALUE`);
    const type = PARAMETER_TYPES.find((each) => each === typeName);
    if (typeName !== undefined && type === undefined)
      throw usage(`--param ${name} is a ${typeName}; there are ${PARAMETER_TYPES.join(', ')}`);
    if (given.has(name)) throw usage(`--param ${name} is given twice`);
    given.set(name, { type, value });
  }
  return given;
}

interface Query {
  readonly sql: string;
  readonly parameters: readonly string[];
}

function ownQuery(text: string, given: ReadonlyMap<string, Given>): Query {
  const { sql, names } = bindNames(text);
  refuseOthers(names, given, 'the query has');
  return { sql, parameters: names.map((name) => literal(name, given.get(name)!.type ?? 'varchar', given)) };
}

async function savedQuery(
  engine: QueryEngine,
  name: string,
  workGroup: string,
  given: ReadonlyMap<string, Given>,
): Promise<Query> {
  const all = await savedQueries(engine);
  const query = all.find((each) => each.name === name);
  if (query === undefined) {
    throw new DaybookError('cli.noSavedQuery', { name, workGroup, known: all.map((each) => each.name) });
  }
  refuseOthers(query.positions, given, `${name} takes`);
  for (const [parameter, { type, value }] of given) {
    const { type: declared, oneOf } = query.parameters[parameter]!;
    // What was saved by hand says no types.
    if (type !== undefined && type !== declared && !/^\d/.test(parameter))
      throw usage(`--param ${parameter} is a ${declared}, not a ${type}`);
    if (oneOf !== undefined && !oneOf.includes(value))
      throw usage(`--param ${parameter} is ${JSON.stringify(value)}; allowed are ${oneOf.join(', ')}`);
  }
  const typeOf = (parameter: string) => given.get(parameter)?.type ?? query.parameters[parameter]!.type;
  return {
    sql: query.sql,
    parameters: query.positions.map((parameter) => literal(parameter, typeOf(parameter), given)),
  };
}

function refuseOthers(names: readonly string[], given: ReadonlyMap<string, Given>, who: string): void {
  const wanted = [...new Set(names)];
  const missing = wanted.filter((name) => !given.has(name));
  if (missing.length > 0) {
    throw usage(
      `${who} the parameters ${wanted.join(', ')}; give ${missing.map((name) => `--param ${name}=…`).join(' ')}`,
    );
  }
  const extra = [...given.keys()].find((name) => !wanted.includes(name));
  if (extra === undefined) return;
  throw usage(`${who} ${wanted.length === 0 ? 'no parameters' : `the parameters ${wanted.join(', ')}`}, not ${extra}`);
}

function literal(name: string, type: ParameterType, given: ReadonlyMap<string, Given>): string {
  try {
    return toLiteral(name, type, given.get(name)!.value);
  } catch (error) {
    if (!isDaybookError(error, 'archive.parameterValue')) throw error;
    throw usage(error.message.replace(/^\S+: /, ''));
  }
}

async function savedQueries(engine: QueryEngine): Promise<NamedQuery[]> {
  const all: NamedQuery[] = [];
  for await (const { name, question, sql } of engine.saved()) all.push(readNamedText(name, question, sql));
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function list(engine: QueryEngine, terminal: Terminal, json: boolean): Promise<void> {
  const all = await savedQueries(engine);
  if (json) {
    for (const { name, question, parameters, sql } of all)
      terminal.out(JSON.stringify({ name, question, parameters, sql }));
    return;
  }
  if (all.length === 0) terminal.err('no query is saved in the workgroup');
  for (const { name, question, parameters } of all) {
    terminal.out(`${paint(terminal, 'cyan', name)}  ${question}`);
    const rows = Object.entries(parameters).map(([parameter, { type, description, oneOf }]) => [
      parameter,
      type,
      oneOf === undefined ? description : `${description} (${oneOf.join(' or ')})`,
    ]);
    for (const line of columnsOf(rows, '    ')) terminal.out(paint(terminal, 'dim', line));
  }
}

interface AskOptions {
  readonly terminal: Terminal;
  readonly format: Format;
  readonly out: string | undefined;
  readonly json: boolean;
  readonly place: { readonly workGroup: string; readonly database: string };
}

async function ask(engine: QueryEngine, query: Query, { terminal, format, out, json, place }: AskOptions) {
  const started = performance.now();
  const seconds = () => Math.round(performance.now() - started) / 1000;
  const progress = createProgress(terminal);
  const stopping = new AbortController();
  const stop = () => stopping.abort(new DaybookError('cli.stopped', {}));
  process.once('SIGINT', stop); // a second Ctrl-C ends at once
  process.once('SIGTERM', stop);
  const say = (text: string) => terminal.err(paint(terminal, 'dim', text));
  const tell = (outcome: object) => terminal.err(JSON.stringify({ ...outcome, ...place, seconds: seconds() }));
  try {
    const { signal } = stopping;
    const { queryId, status } = await runQuery(engine, { ...query, signal, onStatus: shownBy(progress, seconds) });
    const result = await engine.result(queryId);
    const onRows = (rows: number) => {
      if (out !== undefined) progress.show(undefined, `${n(rows)} rows written`);
    };
    const rows = await writeResult(result, { format, file: out, terminal, signal, onRows });
    progress.end();
    const dollars = status.isFree ? 0 : scanPrice(status.scannedBytes);
    const { columns, written } = result;
    const { scannedBytes } = status;
    if (json) {
      const more = { ...(out !== undefined && { out }), ...(written !== undefined && { written }) };
      tell({ queryId, state: status.state, rows, columns, scannedBytes, dollars, ...more });
    } else {
      if (written !== undefined) say(`what was written: ${written}`);
      const price = status.isFree ? 'free' : priceText(dollars);
      const where = out === undefined ? '' : ` into ${out}`;
      say(
        `${n(rows)} row${rows === 1 ? '' : 's'}${where}, ${bytesText(scannedBytes)} scanned, ${price}, ${seconds().toFixed(1)} s`,
      );
    }
  } catch (error) {
    progress.end();
    if (json && error instanceof DaybookError) {
      const { queryId, scannedBytes } = error.details as { queryId?: string; scannedBytes?: number };
      const state = /stopped$/i.test(error.code) ? 'CANCELLED' : 'FAILED';
      tell({ queryId, state, code: error.code, message: error.message, scannedBytes });
    }
    throw error;
  } finally {
    progress.end();
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
}

function shownBy(progress: Progress, seconds: () => number) {
  return ({ state, scannedBytes }: QueryStatus) =>
    progress.show(undefined, `${state.toLowerCase()}, ${seconds().toFixed(1)} s, ${bytesText(scannedBytes)} scanned`);
}

const n = (value: number) => value.toLocaleString('en');

const priceText = (dollars: number) =>
  `${dollars < 0.01 ? 'less than one cent' : `about $${dollars.toFixed(2)}`} at $5 per TB`;

function bytesText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  const [unit, size] = (
    [
      ['TB', 1e12],
      ['GB', 1e9],
      ['MB', 1e6],
      ['kB', 1e3],
    ] as const
  ).find(([, each]) => bytes >= each)!;
  return `${(bytes / size).toFixed(1)} ${unit}`;
}

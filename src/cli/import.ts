import './errors.ts';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoEventTable } from '../aws/dynamo-event-table.ts';
import { leanClient } from '../aws/lean-client.ts';
import { DaybookError } from '../errors.ts';
import { type ImportProgress, type ImportSummary, importEvents, type Refusal } from '../import/import-events.ts';
import { readLines } from '../import/read-lines.ts';
import { orUsage } from './command.ts';
import { loadApp } from './load-app.ts';
import { createProgress } from './progress.ts';
import { findTarget, needName, TARGET_HELP, TARGET_OPTIONS } from './target.ts';
import { paint, type Terminal } from './terminal.ts';

export const help = `daybook import FILE.jsonl[.gz] | - [--on-error stop|skip] [--type NAME] [--app FILE] [--json]

Appends a history: lines of {aggregateUuid, aggregateType?, type, data, metadata?, recordedAt?, version?}, in order per
aggregate, many aggregates at once. A line's recordedAt becomes OccurredAt; RecordedAt is when the store took it. Without
version the n-th line of an aggregate is its version n. Gzip is recognised; - reads standard input.

Run it again, or after it was killed: what is there already and equal stays as it is, the rest follows. What is there and
differs is reported and never overwritten.

  --on-error stop|skip  at a bad line: stop, with everything before it written (the default), or leave it out and go on.
                        What is seen only at writing (what is stored differs, or a version before it is missing) stops
                        the rest, but lines that were already under way may be written; none is half written; run again
                        after mending. With skip, lines that would then leave a hole are left out too; each is reported with its number and reason
  --type NAME           the aggregate type of lines that name none. Default: the one in the app that has the event, or
                        Aggregate
  --app FILE            a module whose default export is defineApp({…}): events are checked against its schemas
  --concurrency N       commits under way at once; default 32
  --json                one line on standard output: what was written, already there and refused
${TARGET_HELP}

  npx daybook import history.jsonl.gz --type Account
  zcat history.jsonl.gz | npx daybook import - --on-error skip --json`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  'on-error': { type: 'string', default: 'stop' },
  type: { type: 'string' },
  app: { type: 'string' },
  concurrency: { type: 'string', default: '32' },
  json: { type: 'boolean', default: false },
} as const;

export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const parsed = orUsage('import', () => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }));
  const { values } = parsed;
  const source = openSource(parsed.positionals);
  const onError = values['on-error'];
  if (onError !== 'stop' && onError !== 'skip') throw usage(`--on-error is ${onError}; there are stop and skip`);
  const concurrency = Number(values.concurrency);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 256) {
    throw usage(`--concurrency is ${values.concurrency}; allowed are 1 to 256`);
  }
  const app = values.app === undefined ? undefined : await loadApp(values.app, 'import');
  const target = await findTarget(values);
  const tableName = needName(target, 'EventsTableName', 'import');
  const client = leanClient(new DynamoDBClient(target.client));

  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const progress = createProgress(terminal);
  const refusals: Refusal[] = [];
  let bytesTaken = 0;
  try {
    const summary = await importEvents({
      table: dynamoEventTable({ client, tableName }),
      lines: readLines(source.bytes, (bytes) => {
        bytesTaken = bytes;
      }),
      onError,
      concurrency,
      ...(values.type !== undefined && { defaultType: values.type }),
      ...(app !== undefined && { aggregates: app.aggregates }),
      onRefused(refusal) {
        progress.end();
        terminal.err(paint(terminal, 'yellow', `line ${refusal.line}: ${refusal.problem}`));
        if (refusals.length < MAX_REPORTED) refusals.push(refusal);
      },
      onProgress: (now) => progress.show(doneOf(now, bytesTaken, source.size), describe(now, seconds())),
    });
    progress.end();
    const place = { table: tableName, ...(target.endpoint !== undefined && { endpoint: target.endpoint }) };
    if (values.json) terminal.out(JSON.stringify({ ...toJson(summary, seconds()), refusals, ...place }));
    else terminal.out(`${describe(summary, seconds())}, in ${tableName}`);
    failIfNeeded(summary);
  } finally {
    progress.end();
    client.destroy();
  }
}

/** How many refusals the one JSON line names; all are on standard error. */
const MAX_REPORTED = 100;

interface Source {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** In bytes; undefined when nobody knows. */
  readonly size: number | undefined;
}

function openSource(positionals: readonly string[]): Source {
  const [file, ...more] = positionals;
  if (file === undefined) throw usage('It takes a file, or - for standard input');
  if (more.length > 0) throw usage(`It takes one file, and was given ${positionals.length}`);
  if (file === '-') return { bytes: process.stdin, size: undefined };
  if (!existsSync(file) || !statSync(file).isFile()) throw usage(`There is no file ${file}`);
  return { bytes: createReadStream(file), size: statSync(file).size };
}

/** The part of the file that was read, less the part of its lines that still wait. */
function doneOf(progress: ImportProgress, bytes: number, size: number | undefined): number | undefined {
  const { lines, written, alreadyThere, refused } = progress;
  if (size === undefined || size === 0 || lines === 0) return undefined;
  return Math.min(1, (bytes / size) * ((written + alreadyThere + refused) / lines));
}

function usage(problem: string): DaybookError {
  return new DaybookError('cli.usage', { problem, command: 'import' });
}

function describe({ written, alreadyThere, refused, aggregates }: ImportProgress, seconds: number): string {
  const n = (value: number) => value.toLocaleString('en');
  const rate = n(Math.round((written + alreadyThere) / Math.max(seconds, 0.001)));
  return (
    `${n(written)} events written, ${n(alreadyThere)} were there already, ${n(refused)} lines refused, ` +
    `${n(aggregates)} aggregates, ${seconds.toFixed(1)} s, ${rate}/s`
  );
}

function toJson(summary: ImportSummary, seconds: number): object {
  const { lines, written, alreadyThere, refused, aggregates, differing, stoppedBy } = summary;
  return {
    lines,
    written,
    alreadyThere,
    refused,
    differing,
    aggregates,
    seconds: Math.round(seconds * 1000) / 1000,
    stopped: stoppedBy !== undefined,
  };
}

function failIfNeeded({ stoppedBy, differing, written, alreadyThere }: ImportSummary): void {
  if (stoppedBy !== undefined) {
    const taken = written + alreadyThere;
    throw new DaybookError('cli.importStopped', { line: stoppedBy.line, problem: stoppedBy.problem, taken });
  }
  if (differing > 0) throw new DaybookError('cli.importDiffers', { differing });
}

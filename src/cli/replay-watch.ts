import './errors.ts';
import { parseArgs } from 'node:util';
import type { BuildRecord } from '../replay/builds.ts';
import { orUsage } from './command.ts';
import { describe, endOf, type OpenReplays, openReplays, recordOf } from './open-replays.ts';
import { onlyArgument } from './open-store.ts';
import { createProgress } from './progress.ts';
import { TARGET_OPTIONS } from './target.ts';
import { columnsOf, paint, type Terminal } from './terminal.ts';

const OPTIONS = { ...TARGET_OPTIONS, json: { type: 'boolean', default: false } } as const;

const EVERY_MS = 1000;

export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const { values, positionals } = orUsage('replay', () =>
    parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }),
  );
  const name = onlyArgument(positionals, 'the name of a build', 'replay');
  const replays = await openReplays(values);
  try {
    await watch(replays, name, terminal, values.json);
  } finally {
    replays.close();
  }
}

/** Stays until the execution has ended; says what it came to. Throws when it did not succeed. */
export async function watch(replays: OpenReplays, name: string, terminal: Terminal, json: boolean): Promise<void> {
  const progress = createProgress(terminal);
  try {
    for (;;) {
      const execution = await describe(replays, name);
      if (execution.status !== 'RUNNING' && execution.status !== 'PENDING_REDRIVE') {
        progress.end();
        const { status, output } = execution;
        if (status !== 'SUCCEEDED') throw await endOf(replays, name, execution);
        const result = JSON.parse(output ?? '{}') as Record<string, unknown>;
        const taken = takenBy(await recordOf(replays, name, execution.projection), execution, result);
        if (json) terminal.out(JSON.stringify({ ...result, ...taken }));
        else for (const line of [said(result, terminal), ...besides(taken)]) terminal.out(line);
        return;
      }
      const record = await recordOf(replays, name, execution.projection);
      if (record !== undefined) progress.show(...partOf(record, execution.startDate ?? new Date()));
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  } finally {
    progress.end();
  }
}

interface Effort {
  readonly events: number;
  readonly seconds: number;
  readonly dollars: number;
}

/** What it took beside what was estimated, of a replay that has a record. Dollars are at list prices, of its functions and their requests. */
function takenBy(
  record: BuildRecord | undefined,
  { startDate, stopDate }: { readonly startDate?: Date | undefined; readonly stopDate?: Date | undefined },
  { eventsFolded = 0 }: { readonly eventsFolded?: unknown },
): { readonly estimated: Effort; readonly taken: Effort } | undefined {
  if (record === undefined || startDate === undefined || stopDate === undefined) return undefined;
  const { events, seconds, dollars } = record.estimate;
  const passed = (stopDate.getTime() - startDate.getTime()) / 1000;
  return {
    estimated: { events, seconds, dollars },
    taken: { events: Number(eventsFolded), seconds: passed, dollars: Number((record.spent ?? 0).toFixed(6)) },
  };
}

function besides(of: ReturnType<typeof takenBy>): readonly string[] {
  if (of === undefined) return [];
  const row = (name: string, { events, seconds, dollars }: Effort) => [
    name,
    `${n(events)} events`,
    duration(seconds),
    `$${dollars.toFixed(4)}`,
  ];
  return columnsOf([row('estimated', of.estimated), row('taken', of.taken)], '  ');
}

/** The share that is done, by what each step was estimated to take, and the time that is left at this pace. */
export function partOf(record: BuildRecord, since: Date, now = Date.now()): [number, string] {
  const { estimate, folded, progress } = record;
  const foldedBytes = Object.values(folded).reduce((sum, bytes) => sum + bytes, 0);
  let step = 'fold';
  let done = 0;
  let total = 0;
  for (const { step: name, seconds, bytes } of estimate.steps) {
    const at = progress[name as 'catchUp' | 'verify'];
    const share = name === 'fold' ? (bytes === 0 ? 1 : foldedBytes / bytes) : at && (at.of === 0 ? 1 : at.done / at.of);
    if (share !== undefined && share > 0) step = name;
    done += Math.min(1, share ?? 0) * seconds;
    total += seconds;
  }
  const part = total === 0 ? 0 : Math.min(0.99, done / total);
  const passed = (now - since.getTime()) / 1000;
  const left = part > 0.02 ? `, about ${duration((passed * (1 - part)) / part)} left` : '';
  const events = Math.round(estimate.events * (estimate.bytes === 0 ? 0 : foldedBytes / estimate.bytes));
  return [part, `${WORDS[step] ?? step}, ${n(events)} of ${n(estimate.events)} events folded${left}`];
}

const WORDS: Readonly<Record<string, string>> = { fold: 'folding', catchUp: 'catching up', verify: 'verifying' };

function said(output: Record<string, unknown>, terminal: Terminal): string {
  const { kind, projection, build } = output;
  const head = {
    rebuild: `${build} is live: ${projection} was rebuilt`,
    rollback: `${build} is live again: ${projection} was rolled back`,
    report: `the report ${build} of ${projection} is ready`,
  }[kind as 'rebuild' | 'rollback' | 'report'];
  const fields = ['eventsFolded', 'aggregates', 'versions', 'applied', 'caughtUp', 'sampled', 'differences', 'reports'];
  const rows = fields.filter((name) => name in output).map((name) => [wordsOf(name), shown(output[name])]);
  return [paint(terminal, 'green', head ?? `${projection}: done`), ...columnsOf(rows, '  ')].join('\n');
}

const wordsOf = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
const shown = (value: unknown) => (typeof value === 'number' ? n(value) : String(value));
const n = (value: number) => value.toLocaleString('en');

/** `40 s`, `12 min`, `3.5 h`. */
export function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

import './errors.ts';
import { parseArgs } from 'node:util';
import { DaybookError } from '../errors.ts';
import type { RecordedEvent } from '../event/recorded-event.ts';
import type { EventStore } from '../store/event-store.ts';
import { type TimeClock, timeOf } from '../store/ranges.ts';
import { orUsage } from './command.ts';
import { clockOf, numberOf, timeFrom } from './flags.ts';
import { onlyArgument, openStore } from './open-store.ts';
import { TARGET_HELP, TARGET_OPTIONS } from './target.ts';
import { cut, paint, type Terminal } from './terminal.ts';

export const help = `daybook read AGGREGATE [--from N] [--to N] [--since TIME] [--at TIME] [--clock NAME] [--reverse] [--limit N] [--json]

The events of an aggregate, both ends of a range included.

  --from N, --to N      versions; default the first and the last
  --since TIME          from this time on
  --at TIME             as of this time: nothing later
  --clock NAME          which time is meant, and shown: occurred (the default), or recorded
  --reverse             the highest version first
  --limit N             so many at the most
  --json                one event a line
${TARGET_HELP}

  npx daybook read account-1 --from 2 --to 9
  npx daybook read account-1 --at 2026-01-31T23:59:59Z --reverse --limit 5
  npx daybook read -- -an-id-that-begins-with-a-dash`;

const OPTIONS = {
  ...TARGET_OPTIONS,
  from: { type: 'string' },
  to: { type: 'string' },
  since: { type: 'string' },
  at: { type: 'string' },
  clock: { type: 'string' },
  reverse: { type: 'boolean' },
  limit: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const parsed = orUsage('read', () => parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true }));
  const { values } = parsed;
  const aggregateUuid = onlyArgument(parsed.positionals, 'the id of an aggregate', 'read');
  const since = timeFrom('since', values.since, 'read');
  const until = timeFrom('at', values.at, 'read');
  const hasTime = since !== undefined || until !== undefined;
  const given = {
    from: numberOf('from', values.from, 1, 'read'),
    to: numberOf('to', values.to, 1, 'read'),
    since,
    until,
    clock: clockOf(values.clock, hasTime, '--at and --since', 'read'),
    reverse: values.reverse,
    limit: numberOf('limit', values.limit, 1, 'read'),
  };
  refuseReversed('--from', given.from, '--to', given.to);
  refuseReversed('--since', since, '--at', until);
  const { store, close } = await openStore(values, 'read');
  try {
    const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    let count = 0;
    for await (const event of store.read(aggregateUuid, options)) {
      if (count++ === 0 && !values.json) writeHead(terminal, given.clock);
      terminal.out(values.json ? JSON.stringify(event) : rowOf(terminal, event, given.clock));
    }
    if (count > 0) return;
    await refuseUnknown(store, aggregateUuid);
    if (!values.json) terminal.err('no events in this range');
  } finally {
    close();
  }
}

function refuseReversed<T extends string | number>(low: string, from: T | undefined, high: string, to: T | undefined) {
  if (from === undefined || to === undefined || from <= to) return;
  const problem = `${low} ${from} comes after ${high} ${to}; give the smaller end first, and --reverse to read backwards`;
  throw new DaybookError('cli.usage', { problem, command: 'read' });
}

/** An aggregate that is not there is another answer than one in which nothing matches. */
export async function refuseUnknown(store: EventStore, aggregateUuid: string): Promise<void> {
  for await (const _ of store.read(aggregateUuid, { limit: 1 })) return;
  throw new DaybookError('cli.noAggregate', { aggregateUuid });
}

const TYPE_WIDTH = 24;

/** For people only: rows that are piped on stay rows. */
export function writeHead(terminal: Terminal, clock: TimeClock = 'occurred'): void {
  if (terminal.interactive !== true) return;
  const head = `version  ${clock.padEnd(24)}  ${'type'.padEnd(TYPE_WIDTH)}  data`;
  terminal.out(paint(terminal, 'dim', cut(head, terminal.columns)));
}

/** Columns of fixed width, so that rows can be shown as they come; the time is that of the clock that was asked for. */
export function rowOf(terminal: Terminal, event: RecordedEvent, clock: TimeClock = 'occurred'): string {
  const version = String(event.version).padStart(7);
  const type = event.type.padEnd(TYPE_WIDTH);
  const time = timeOf(event, clock);
  const room = Math.max(20, terminal.columns - `${version}  ${time}  ${type}  `.length);
  const data = cut(JSON.stringify(event.data), room);
  return `${version}  ${paint(terminal, 'dim', time)}  ${paint(terminal, 'cyan', type)}  ${data}`;
}

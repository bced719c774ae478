import { parseArgs } from 'node:util';
import type { RecordedEvent } from '../event/recorded-event.ts';
import type { TimeClock } from '../store/ranges.ts';
import { orUsage } from './command.ts';
import { numberOf, onlyArgument, openStore } from './open-store.ts';
import { TARGET_HELP, TARGET_OPTIONS } from './target.ts';
import { paint, type Terminal } from './terminal.ts';

export const help = `daybook read AGGREGATE [--from N] [--to N] [--since TIME] [--at TIME] [--clock NAME] [--reverse] [--limit N] [--json]

The events of an aggregate, both ends of a range included.

  --from N, --to N      versions; default the first and the last
  --since TIME          from this time on
  --at TIME             as of this time: nothing later
  --clock NAME          which time is meant: occurred (the default), or recorded
  --reverse             the highest version first
  --limit N             so many at the most
  --json                one event a line
${TARGET_HELP}

  npx daybook read account-1 --from 2 --to 9
  npx daybook read account-1 --at 2026-01-31T23:59:59Z --reverse --limit 5`;

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
  const given = {
    from: numberOf(values.from),
    to: numberOf(values.to),
    since: values.since,
    until: values.at,
    // The store refuses any other clock.
    clock: values.clock as TimeClock | undefined,
    reverse: values.reverse,
    limit: numberOf(values.limit),
  };
  const { store, close } = await openStore(values, 'read');
  try {
    const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    let count = 0;
    for await (const event of store.read(aggregateUuid, options)) {
      count++;
      terminal.out(values.json ? JSON.stringify(event) : rowOf(terminal, event));
    }
    if (count === 0 && !values.json) terminal.err('no events');
  } finally {
    close();
  }
}

/** Columns of fixed width, so that rows can be shown as they come. */
export function rowOf(terminal: Terminal, event: RecordedEvent): string {
  const version = String(event.version).padStart(7);
  const type = event.type.padEnd(24);
  const head = `${version}  ${event.occurredAt}  ${type}  `;
  const data = JSON.stringify(event.data);
  const room = Math.max(20, terminal.columns - head.length);
  const shown = data.length > room ? `${data.slice(0, room - 1)}…` : data;
  return `${version}  ${paint(terminal, 'dim', event.occurredAt)}  ${paint(terminal, 'cyan', type)}  ${shown}`;
}

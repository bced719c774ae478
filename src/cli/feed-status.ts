import './errors.ts';
import { parseArgs } from 'node:util';
import { DaybookError } from '../errors.ts';
import type { StatusRound } from '../feed/cursor-table.ts';
import { type Behind, feedStatus, type Status } from '../feed/status.ts';
import { agree, priceText } from './agree.ts';
import { oneLine } from './cells.ts';
import { orUsage } from './command.ts';
import { openFeed } from './open-feed.ts';
import { createProgress } from './progress.ts';
import { TARGET_OPTIONS } from './target.ts';
import { paint, type Terminal } from './terminal.ts';

const OPTIONS = {
  ...TARGET_OPTIONS,
  full: { type: 'boolean', default: false },
  limit: { type: 'string' },
  yes: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

/** How many aggregates a run looks at unless it is told. */
const MOST = 2000;
/** How many the one JSON line names. */
const MAX_NAMED = 1000;

export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const { values } = orUsage('feed', () => parseArgs({ args: [...args], options: OPTIONS }));
  if (values.full && values.limit !== undefined) throw usage('It takes --full or --limit, not both');
  const most = values.full ? undefined : Number(values.limit ?? MOST);
  if (most !== undefined && !(Number.isSafeInteger(most) && most >= 1)) {
    throw usage(`--limit is ${values.limit}; allowed are whole numbers from 1`);
  }
  const { ports, deployedFrom = 'start', size, close } = await openFeed(values, 'feed');
  const progress = createProgress(terminal);
  try {
    const aggregates = await priced(values, terminal, size);
    const named: Behind[] = [];
    const status = await feedStatus(ports, {
      ...(most !== undefined && { most }),
      onBehind(behind) {
        if (named.length < MAX_NAMED) named.push(behind);
        if (values.json) return;
        progress.end();
        terminal.out(lineOf(behind));
      },
      onProgress: ({ looked, behind }) =>
        progress.show(
          aggregates === undefined || aggregates === 0 ? undefined : Math.min(1, looked / aggregates),
          `${n(looked)} aggregates looked at, ${n(behind)} not on the feed`,
        ),
    });
    progress.end();
    const adoption = await ports.cursors.adoption();
    if (values.json) terminal.out(JSON.stringify({ feed: ports.feed, ...status, aggregates: named, adoption }));
    else {
      for (const line of summaryOf(status)) terminal.out(line);
      if (adoption !== undefined && adoption.doneAt === undefined) {
        const waits = `the adoption from ${adoption.from}, begun ${instant(adoption.since)}, is not done`;
        terminal.err(paint(terminal, 'yellow', `${waits}: npx daybook feed adopt --from ${adoption.from}`));
      }
    }
    const from = adoption?.from ?? deployedFrom;
    if (adoption?.doneAt === undefined && from !== 'start') {
      throw new DaybookError('cli.feedNotAdopted', { feed: ports.feed, from });
    }
    if (status.behind > 0) {
      throw new DaybookError('cli.feedBehind', { aggregates: status.behind, events: status.events });
    }
  } finally {
    progress.end();
    close();
  }
}

/** A look at everything is priced first. Answers with how many aggregates there are, as the table counts them. */
async function priced(
  { full, yes }: { readonly full: boolean; readonly yes: boolean },
  terminal: Terminal,
  size: Awaited<ReturnType<typeof openFeed>>['size'],
): Promise<number | undefined> {
  if (!full) return undefined;
  const { aggregates, listing } = await size();
  // Half a unit for the cursor, one for the consistent look behind it.
  const price = priceText({ reads: listing + 1.5 * aggregates });
  const counted = `${n(aggregates)} aggregates, as DynamoDB counts them every six hours or so`;
  await agree(terminal, `to look at ${counted}: ${price}`, yes, 'feed');
  return aggregates;
}

function lineOf({ aggregate, from, events, since, holed }: Behind): string {
  const parts = [`from version ${from}`, `${n(events)} ${events === 1 ? 'event' : 'events'}`];
  if (since !== undefined) parts.push(`since ${since}`);
  if (holed?.why === 'missing') parts.push(`version ${holed.version} is missing, the later ones wait for it`);
  if (holed?.why === 'another history')
    parts.push(
      `version ${holed.version} is on the feed and is another one in the table, or none: it was restored; raise the feed's \`generation\``,
    );
  if (holed?.why === 'too large') parts.push(`version ${holed.version} fits no envelope, the later ones wait`);
  if (holed?.why === 'no event') parts.push(`version ${holed.version} is no event, the later ones wait`);
  return `${oneLine(aggregate)}  ${parts.join(', ')}`;
}

function summaryOf({ looked, behind, events, oldest, onTheWay, round, complete }: Status): string[] {
  const since = oldest === undefined ? '' : `, the oldest since ${oldest}`;
  const way = onTheWay === 0 ? '' : `, ${n(onTheWay)} on their way`;
  const lines = [`${n(looked)} aggregates looked at, ${n(behind)} not on the feed (${n(events)} events${since})${way}`];
  if (!complete) {
    lines.push(
      `the round that began ${instant(round.startedAt)} has looked at ${n(round.looked)} and found ${n(round.behind)}; run it again to go on`,
    );
  }
  lines.push(round.last === undefined ? 'no round has been complete yet' : lastOf(round.last));
  return lines;
}

function lastOf({ startedAt, endedAt, looked, behind, events }: NonNullable<StatusRound['last']>): string {
  const found =
    behind === 0 ? 'all were on the feed, or on their way' : `${n(behind)} were not on the feed (${n(events)} events)`;
  return `the last complete round, ${instant(startedAt)} to ${instant(endedAt)}: ${n(looked)} aggregates, ${found}`;
}

const n = (value: number) => value.toLocaleString('en');
const instant = (ms: number) => new Date(ms).toISOString();

function usage(problem: string): DaybookError {
  return new DaybookError('cli.usage', { problem, command: 'feed' });
}

import './errors.ts';
import { parseArgs } from 'node:util';
import { DaybookError } from '../errors.ts';
import { type Adopted, adopt } from '../feed/adopt.ts';
import { agree, priceText } from './agree.ts';
import { orUsage } from './command.ts';
import { type OpenFeed, openFeed } from './open-feed.ts';
import { createProgress } from './progress.ts';
import { TARGET_OPTIONS } from './target.ts';
import { paint, type Terminal } from './terminal.ts';

const OPTIONS = {
  ...TARGET_OPTIONS,
  from: { type: 'string' },
  yes: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const { values } = orUsage('feed', () => parseArgs({ args: [...args], options: OPTIONS }));
  const { from } = values;
  if (from === undefined || from === '') {
    throw new DaybookError('cli.usage', {
      problem: 'It takes --from now, --from start or --from FEED',
      command: 'feed',
    });
  }
  const feed = await openFeed(values, 'feed');
  const progress = createProgress(terminal);
  const started = performance.now();
  const seconds = () => Math.round(performance.now() - started) / 1000;
  try {
    const total = await priced(feed, from, values.yes, terminal);
    const adopted = await adopt(feed.ports, {
      from,
      onProgress: (now) => {
        const done = now.looked + now.positions;
        progress.show(total === 0 ? undefined : Math.min(1, done / total), describe(from, now));
      },
    });
    progress.end();
    if (values.json) {
      terminal.out(JSON.stringify({ feed: feed.ports.feed, from, ...adopted, seconds: seconds() }));
    } else {
      terminal.out(`the feed ${feed.ports.feed} is adopted from ${from}: ${describe(from, adopted)}, ${seconds()} s`);
    }
  } finally {
    progress.end();
    feed.close();
  }
}

/** Says what it costs first. Answers with how many things there are to look at. */
async function priced(feed: OpenFeed, from: string, yes: boolean, terminal: Terminal): Promise<number> {
  const { ports, size, kept, deployedFrom } = feed;
  const known = await ports.cursors.adoption();
  if (known !== undefined && (known.from !== from || known.doneAt !== undefined)) return 0; // it is refused, or done
  if (deployedFrom !== undefined && deployedFrom !== from) {
    const warning = `The feed was deployed to begin from ${deployedFrom}, not from ${from}; how it begins is noted once.`;
    terminal.err(paint(terminal, 'yellow', warning));
  }
  const { aggregates, listing } = await size();
  if (from === 'start') {
    const again = 'a consumer that has no position in this feed does all of it, even what it did by another feed';
    const price = priceText({ reads: 0, writes: 1 });
    await agree(terminal, `to deliver ${n(aggregates)} aggregates from version 1: ${price}; ${again}`, yes, 'feed');
    return 0;
  }
  if (from === 'now') {
    // Half a unit for the cursor, one for the head; one to write.
    const price = priceText({ reads: listing + 1.5 * aggregates, writes: aggregates });
    await agree(terminal, `to begin ${n(aggregates)} aggregates at what they have now: ${price}`, yes, 'feed');
    return aggregates;
  }
  const { cursors, positions, scan } = await kept();
  const price = priceText({ reads: scan + cursors + positions, writes: cursors + positions });
  const what = `${n(cursors)} cursors and ${n(positions)} positions, those of other feeds among them`;
  await agree(terminal, `to go on from the feed ${from}: at the most ${what}, ${price}`, yes, 'feed');
  return cursors + positions;
}

function describe(from: string, { looked, begun, positions }: Adopted): string {
  if (from === 'start') return 'everything is delivered from version 1';
  const copied = from === 'now' ? '' : `, ${n(positions)} positions copied`;
  return `${n(looked)} aggregates looked at, ${n(begun)} begin here, ${n(looked - begun)} had begun already or have nothing before it${copied}`;
}

const n = (value: number) => value.toLocaleString('en');

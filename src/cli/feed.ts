import './errors.ts';
import { DaybookError } from '../errors.ts';
import { TARGET_HELP } from './target.ts';
import type { Terminal } from './terminal.ts';

export const help = `daybook feed status [--full] [--limit N] [--yes] [--json]
daybook feed adopt --from now|start|FEED [--yes] [--json]

status: is everything that was appended on the feed? Compares heads in the table with what was seen on the feed, and names
the aggregates that are not there: from which version, how many events, since when, and which version they wait for, if one
is missing. A run looks at 2,000 aggregates and the next one goes on from there; the round's end is kept. What was
appended in the last 10 seconds counts as on its way. Aggregates are found by their version 1.

adopt: begins the feed over a table that already has events. Killed or run again it goes on where it was.
  --from now            what is there is its past; what is appended after it is delivered, without exception
  --from start          everything is delivered, from version 1
  --from FEED           the name of the stream that was the feed before: each aggregate and each consumer goes on where it was
Deploy the feed for it (the construct's feed.from): then nothing is fed before it is done, and nothing falls between. A feed
that was not runs meanwhile, and what is under way at that moment may count as past.

  --full                look at all aggregates, from the first
  --limit N             look at so many; default 2000
  --yes                 do it at its price, without asking
  --json                one line on standard output
${TARGET_HELP}

Exit codes: 0 everything that was looked at is on the feed, or adopted; 1 not, or not able to look; 2 wrong usage.

  npx daybook feed status --stack Bank
  npx daybook feed adopt --from now --stack Bank`;

export async function run([name, ...args]: readonly string[], terminal: Terminal): Promise<void> {
  switch (name) {
    case 'status':
      return (await import('./feed-status.ts')).run(args, terminal);
    case 'adopt':
      return (await import('./feed-adopt.ts')).run(args, terminal);
  }
  const problem = name === undefined ? 'It takes status or adopt' : `There is no feed ${name}; there is status, adopt`;
  throw new DaybookError('cli.usage', { problem, command: 'feed' });
}

import './errors.ts';
import { DaybookError } from '../errors.ts';
import { TARGET_HELP } from './target.ts';
import type { Terminal } from './terminal.ts';

export const help = `daybook archive redrive [--dry-run] [--yes] [--json]
daybook archive backfill [--all] [--again] [--yes] [--json]

redrive: sends what Firehose could not archive, below errors/ in the archive's bucket, once more. What was sent moves to
redriven/; what is refused stays, and is named with the reason. A second run sends nothing twice.
  --dry-run             only say what would be sent, and what would be refused

backfill: sends events that the archive never got. Killed or run again it goes on where it was.
                        Without --all: what the feed does not bring, the events up to which a feed was adopted "from now"
  --all                 every event that the table has now: for an archive that is younger than the feed
  --again               from the beginning, also what earlier runs sent

  --yes                 do it at its price, without asking
  --json                one line on standard output
${TARGET_HELP}

What is sent is in the archive when Firehose has written it: after its buffer's time, 5 minutes unless told otherwise.
\`daybook verify\` says what is still missing.

Exit codes: 0 done, 1 something was refused, or not able to, 2 wrong usage.

  npx daybook archive redrive --stack Bank --dry-run
  npx daybook archive backfill --stack Bank`;

export async function run([name, ...args]: readonly string[], terminal: Terminal): Promise<void> {
  switch (name) {
    case 'redrive':
      return (await import('./archive-redrive.ts')).run(args, terminal);
    case 'backfill':
      return (await import('./archive-backfill.ts')).run(args, terminal);
  }
  const there = 'there is redrive, backfill';
  const problem = name === undefined ? 'It takes redrive or backfill' : `There is no archive ${name}; ${there}`;
  throw new DaybookError('cli.usage', { problem, command: 'archive' });
}

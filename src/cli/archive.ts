import './errors.ts';
import { DaybookError } from '../errors.ts';
import { TARGET_HELP } from './target.ts';
import type { Terminal } from './terminal.ts';

export const help = `daybook archive redrive [--dry-run] [--yes] [--json]
daybook archive backfill [--all] [--again] [--yes] [--json]
daybook archive compact [--before DAY] [--dry-run] [--name NAME] [--watch] [--json]

redrive: sends what Firehose could not archive, below errors/ in the archive's bucket, once more. What was sent moves to
redriven/; what is refused stays, and is named with the reason. A second run sends nothing twice.
  --dry-run             only say what would be sent, and what would be refused

backfill: sends events that the archive never got. Killed or run again it goes on where it was.
                        Without --all: what the feed does not bring, the events up to which a feed was adopted "from now"
  --all                 every event that the table has now: for an archive that is younger than the feed
  --again               from the beginning, also what earlier runs sent

compact: makes sorted files of the days that are over now, instead of at night. At any time, also beside another: one
switches, the other says that it was superseded. Queries see every event once, before, during and after it.
  --before DAY          of the arrival days before this one, 2026-01-31, UTC; today unless told otherwise
  --dry-run             only say what it would take, how long, and what it would cost; nothing is written
  --name NAME           the execution's name: given again, while it runs, it is the same compaction
  --watch               stay until it has ended; that is two hours after readers have switched. Ctrl-C leaves it running

  --yes                 do it at its price, without asking
  --json                one line on standard output
${TARGET_HELP}

What is sent is in the archive when Firehose has written it: after its buffer's time, 5 minutes unless told otherwise.
\`daybook verify\` says what is still missing.

Exit codes: 0 done, 1 something was refused, or not able to, 2 wrong usage.

  npx daybook archive redrive --stack Bank --dry-run
  npx daybook archive backfill --stack Bank
  npx daybook archive compact --stack Bank --watch`;

export async function run([name, ...args]: readonly string[], terminal: Terminal): Promise<void> {
  switch (name) {
    case 'redrive':
      return (await import('./archive-redrive.ts')).run(args, terminal);
    case 'backfill':
      return (await import('./archive-backfill.ts')).run(args, terminal);
    case 'compact':
      return (await import('./archive-compact.ts')).run(args, terminal);
  }
  const there = 'there is redrive, backfill, compact';
  const problem =
    name === undefined ? 'It takes redrive, backfill or compact' : `There is no archive ${name}; ${there}`;
  throw new DaybookError('cli.usage', { problem, command: 'archive' });
}

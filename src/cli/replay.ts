import './errors.ts';
import { DaybookError } from '../errors.ts';
import { TARGET_HELP } from './target.ts';
import type { Terminal } from './terminal.ts';

export const help = `daybook replay start --projection NAME [range] [--name BUILD] [--watch] [--json]
daybook replay plan --projection NAME [range] [--json]
daybook replay watch BUILD [--json]
daybook replay stop BUILD
daybook replay resume BUILD [--watch] [--json]
daybook replay list [--projection NAME] [--json]
daybook replay rollback --projection NAME [--name BUILD] [--watch] [--json]
daybook replay audit --aggregate ID --projection NAME --app FILE [--first N] [--last N] [--json]

start: rebuilds a projection and promotes it; with a range it makes a report instead, which has the build's name.
plan: what that would read, take and cost; nothing is written.
watch: how far it is, until it has ended.
stop: nothing is promoted, and its states go; what a report had written to S3 by then stays under its name.
resume: goes on with one that failed, from what is done (within 14 days).
list: the builds of a projection, which one is live, and what waits for its turn.
rollback: back to the build that was live before; it is brought to the last versions and verified first.
audit: one aggregate's versions as a projection sees them: who and when, what each changed, the state after it. Nothing is written.

The range, both ends included:
  --from TIME --to TIME     what happened then, of every aggregate; --clock recorded: what the store took then
  --aggregate ID            of this aggregate; more than once for several
  --sql "SELECT …"          of the aggregates in its first column, asked in Athena
  --first N --last N        with --aggregate or --sql, and no times: these versions
  --type NAME               only events of this type; more than once for several
  --seed before             start from the state before the range (an opening balance)

  --projection NAME         a projection or rollup of the app; --projection-version N for another than the highest
  --name BUILD              the name of the build, and of the execution: given again with the same request it is the same replay,
                            which goes on, or says what it came to; with another request it is refused
  --budget DOLLARS          refuse it when it is estimated at more, and fail it once more was spent: it holds while the replay runs
  --queue                   wait for another rebuild of the projection instead of being refused
  --verify all              fold every aggregate again from the table, not only a sample
  --watch                   stay until it has ended
  --json                    one line on standard output
${TARGET_HELP}

Exit codes: 0 done, or started; 1 failed, refused, or not able to; 2 wrong usage.

  npx daybook replay plan --projection balances --stack Bank
  npx daybook replay start --projection monthly-statement --from 2026-01-01T00:00:00Z --to 2026-01-31T23:59:59.999Z --seed before --name january --watch
  npx daybook replay audit --aggregate account-1 --projection balances --app app.ts --first 3 --last 9`;

export async function run([name, ...args]: readonly string[], terminal: Terminal): Promise<void> {
  switch (name) {
    case 'start':
    case 'plan':
    case 'rollback':
      return (await import('./replay-start.ts')).run(name, args, terminal);
    case 'watch':
      return (await import('./replay-watch.ts')).run(args, terminal);
    case 'stop':
    case 'resume':
      return (await import('./replay-again.ts')).run(name, args, terminal);
    case 'audit':
      return (await import('./replay-audit.ts')).run(args, terminal);
    case 'list':
      return (await import('./replay-list.ts')).run(args, terminal);
  }
  const known = 'start, plan, watch, stop, resume, list, rollback, audit';
  const problem = name === undefined ? `It takes one of ${known}` : `There is no replay ${name}; there is ${known}`;
  throw new DaybookError('cli.usage', { problem, command: 'replay' });
}

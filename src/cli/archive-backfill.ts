import './errors.ts';
import { parseArgs } from 'node:util';
import { type Backfilled, backfill } from '../archive/backfill.ts';
import { type Unsendable, whyUnsendable } from '../archive/send-events.ts';
import { DaybookError } from '../errors.ts';
import { agree, priceText } from './agree.ts';
import { DOLLARS_PER_GB } from './archive-redrive.ts';
import { oneLine } from './cells.ts';
import { orUsage } from './command.ts';
import { openArchive } from './open-archive.ts';
import { createProgress } from './progress.ts';
import { TARGET_OPTIONS } from './target.ts';
import { cut, paint, type Terminal } from './terminal.ts';

const OPTIONS = {
  ...TARGET_OPTIONS,
  all: { type: 'boolean', default: false },
  again: { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

const MOST_NAMED = 1000;
const UNIT_BYTES = 4096;
/** "Ingestion pricing is tiered and billed per GB ingested in 5KB increments": an aggregate is a record at least. */
const STEP_BYTES = 5000;

export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const { values } = orUsage('archive', () => parseArgs({ args: [...args], options: OPTIONS }));
  const archive = await openArchive(values, 'archive');
  const progress = createProgress(terminal);
  try {
    const { files, table } = archive;
    const of = values.all ? 'all' : 'past';
    const ports = {
      feed: archive.feed(),
      table,
      cursors: archive.cursors(),
      writer: archive.writer(),
      files,
      now: Date.now,
    };
    const { events, bytes, aggregates, indexBytes } = await archive.size();
    // Consistent reads: a unit for 4 KB. Half a unit for an aggregate's cursor, or one for its head.
    const reads = Math.ceil(bytes / UNIT_BYTES) + Math.ceil(indexBytes / UNIT_BYTES) / 2 + aggregates;
    const dollars = (Math.max(bytes, aggregates * STEP_BYTES) / 1e9) * DOLLARS_PER_GB;
    const firehose = dollars < 0.01 ? 'less than one cent' : `about $${dollars.toFixed(2)}`;
    const most = values.all ? '' : 'at the most ';
    await agree(
      terminal,
      `to send ${most}${n(events)} events of ${n(aggregates)} aggregates to the archive: ${priceText({ reads })}, and ${firehose} of Firehose`,
      values.yes,
      'archive',
    );
    const named: Unsendable[] = [];
    const done = await backfill(ports, {
      of,
      again: values.again,
      onUnsendable: (unsendable) => {
        if (named.length < MOST_NAMED) named.push(unsendable);
      },
      onProgress: (now) =>
        progress.show(aggregates === 0 ? undefined : Math.min(1, now.aggregates / aggregates), describe(now)),
    });
    progress.end();
    if (values.json) terminal.out(JSON.stringify({ feed: ports.feed, of, ...done, unsent: named }));
    else {
      for (const unsent of named) {
        const { aggregate, version } = unsent;
        const line = `${aggregate}  version ${version} was not sent: ${whyUnsendable(unsent)}`;
        terminal.out(paint(terminal, 'red', cut(oneLine(line), terminal.columns)));
      }
      terminal.out(
        done.doneBefore === undefined
          ? `${describe(done)}; a run that is done sends nothing again, unless with --again`
          : `nothing was sent: the run that began at ${done.doneBefore} has done all of it (${describe(done)}); with --again it is sent once more`,
      );
    }
    if (done.unsendable > 0) throw new DaybookError('cli.notBackfilled', { events: done.unsendable });
  } finally {
    progress.end();
    await archive.close();
  }
}

const describe = ({ aggregates, events }: Backfilled): string =>
  `${n(aggregates)} aggregates, ${n(events)} events sent`;
const n = (value: number) => value.toLocaleString('en');

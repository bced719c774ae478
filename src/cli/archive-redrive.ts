import './errors.ts';
import { parseArgs } from 'node:util';
import { ERRORS_PREFIX, REDRIVEN_PREFIX, type RefusedRecord, redriveArchive } from '../archive/redrive.ts';
import { DaybookError } from '../errors.ts';
import { agree } from './agree.ts';
import { oneLine } from './cells.ts';
import { orUsage } from './command.ts';
import { openArchive } from './open-archive.ts';
import { createProgress } from './progress.ts';
import { TARGET_OPTIONS } from './target.ts';
import { cut, paint, type Terminal } from './terminal.ts';

const OPTIONS = {
  ...TARGET_OPTIONS,
  'dry-run': { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

const MOST_NAMED = 1000;

export async function run(args: readonly string[], terminal: Terminal): Promise<void> {
  const { values } = orUsage('archive', () => parseArgs({ args: [...args], options: OPTIONS }));
  const dryRun = values['dry-run'];
  const archive = await openArchive(values, 'archive');
  const progress = createProgress(terminal);
  try {
    const { files } = archive;
    const ports = { feed: archive.feed(), files, writer: archive.writer() };
    if (!dryRun) {
      const { count, bytes } = await sizeOf(files.list(ERRORS_PREFIX));
      if (count > 0) {
        // Of a record two thirds are its data in base64; per started 5 KB of each record.
        const gigabytes = Math.max(bytes * 0.7, 5000) / 1e9;
        const price =
          gigabytes * DOLLARS_PER_GB < 0.01
            ? 'less than one cent'
            : `about $${(gigabytes * DOLLARS_PER_GB).toFixed(2)}`;
        await agree(
          terminal,
          `to send ${n(count)} files of errors again, ${n(Math.ceil(bytes / 1000))} kB: ${price} of Firehose in us-east-1`,
          values.yes,
          'archive',
        );
      }
    }
    const named: RefusedRecord[] = [];
    const redriven = await redriveArchive(ports, {
      folder: await archive.workFolder(),
      dryRun,
      onRefused: (refused) => {
        if (named.length < MOST_NAMED) named.push(refused);
      },
      onProgress: (now) =>
        progress.show(
          undefined,
          `${n(now.files)} files, ${n(now.records)} records, ${n(now.sent)} ${dryRun ? 'to send' : 'sent'}`,
        ),
    });
    progress.end();
    if (values.json) {
      terminal.out(JSON.stringify({ bucket: archive.bucket, dryRun, ...redriven, stay: named }));
    } else {
      for (const refused of named)
        terminal.out(paint(terminal, 'red', cut(oneLine(lineOf(refused)), terminal.columns)));
      const { records, sent, events, sentBefore, refused } = redriven;
      const before = sentBefore === 0 ? '' : `, ${n(sentBefore)} had been sent before`;
      const moved = dryRun || sent === 0 ? '' : `; they lie below ${REDRIVEN_PREFIX} now`;
      terminal.out(
        `${n(records)} records in ${n(redriven.files)} files: ${n(sent)} ${dryRun ? 'would be sent' : 'sent'} (${n(events)} events)${before}, ${n(refused)} refused${moved}`,
      );
    }
    if (redriven.refused > 0) throw new DaybookError('cli.archiveRefuses', { refused: redriven.refused });
  } finally {
    progress.end();
    await archive.close();
  }
}

/** Ingestion, conversion and dynamic partitioning of Firehose in us-east-1, as README's table has them. */
export const DOLLARS_PER_GB = 0.067;

async function sizeOf(pages: AsyncIterable<readonly { readonly bytes: number }[]>) {
  let count = 0;
  let bytes = 0;
  for await (const page of pages) {
    for (const file of page) {
      count++;
      bytes += file.bytes;
    }
  }
  return { count, bytes };
}

function lineOf({ key, line, message, firehose }: RefusedRecord): string {
  return `${key} line ${line}: ${message}${firehose === '' ? '' : ` (Firehose: ${firehose})`}`;
}

const n = (value: number) => value.toLocaleString('en');

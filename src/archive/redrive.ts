import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDaybookError } from '../errors.ts';
import type { FeedWriter } from '../feed/feed-writer.ts';
import { readLines } from '../import/read-lines.ts';
import type { ArchiveFile } from '../replay/archive-files.ts';
import type { Pauses } from '../store/backoff.ts';
import { envelopesIn, givenUpBecause } from './error-records.ts';
import { checkRowsFit } from './row-fit.ts';
import { createSender, type Sender } from './send-events.ts';
import { isNotThere, type WorkFiles } from './work-files.ts';

/** Where Firehose puts what it could not archive (the construct `archive` says the same), and where it lies once it was sent again. */
export const ERRORS_PREFIX = 'errors/';
export const REDRIVEN_PREFIX = 'redriven/';

export interface RedriveArchivePorts {
  /** The feed's id. */
  readonly feed: string;
  readonly files: WorkFiles;
  /** The archive's Direct PUT stream. */
  readonly writer: FeedWriter;
  readonly pauses?: Pauses;
}

export interface RedriveArchiveOptions {
  /** For one file at a time. */
  readonly folder: string;
  /** Only say what would be done. */
  readonly dryRun?: boolean;
  readonly onRefused?: (refused: RefusedRecord) => void;
  readonly onProgress?: (now: RedrivenArchive) => void;
}

/** A record that stays where it is. */
export interface RefusedRecord {
  readonly key: string;
  /** In that file, from 1. */
  readonly line: number;
  /** Why it is no envelope of this feed, or holds what no row can hold: an error's code, and its message. */
  readonly code: string;
  readonly message: string;
  /** What Firehose had to say. */
  readonly firehose: string;
}

export interface RedrivenArchive {
  readonly files: number;
  readonly records: number;
  /** Records that were sent again, or would be; their events. */
  readonly sent: number;
  readonly events: number;
  /** Sent by an earlier run that ended before it had tidied up. */
  readonly sentBefore: number;
  readonly refused: number;
}

type Counting = { -readonly [K in keyof RedrivenArchive]: RedrivenArchive[K] };

/**
 * Sends what lies below `errors/` again. What was sent moves to `redriven/`, written before it is taken from `errors/`, so
 * that the next run sends it only if this one ended between the two steps of one file and Firehose's answer. What is refused
 * stays, line by line.
 */
export async function redriveArchive(
  ports: RedriveArchivePorts,
  options: RedriveArchiveOptions,
): Promise<RedrivenArchive> {
  const { files, writer, pauses } = ports;
  const { folder, onProgress = () => {} } = options;
  const counts: Counting = { files: 0, records: 0, sent: 0, events: 0, sentBefore: 0, refused: 0 };
  const sender = createSender({ writer, ...(pauses !== undefined && { pauses }) });
  const found: ArchiveFile[] = [];
  for await (const page of files.list(ERRORS_PREFIX)) found.push(...page); // listed as a whole: a run does not meet what it adds
  const work = await mkdtemp(join(folder, 'redrive-'));
  try {
    for (const { key } of found) {
      if (key.endsWith('/')) continue;
      await redriveFile(key, work, ports, options, sender, counts);
      counts.files++;
      onProgress(counts);
    }
    return counts;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function redriveFile(
  key: string,
  work: string,
  { feed, files }: RedriveArchivePorts,
  { dryRun = false, onRefused = () => {} }: RedriveArchiveOptions,
  sender: Sender,
  counts: Counting,
): Promise<void> {
  const [path, sentPath, keptPath] = ['taken', 'sent', 'kept'].map((name) => join(work, name)) as [
    string,
    string,
    string,
  ];
  const movedKey = REDRIVEN_PREFIX + key.slice(ERRORS_PREFIX.length);
  try {
    await files.download(key, path);
    const before = await linesOf(files, movedKey, sentPath);
    let sent = before.size;
    let kept = 0;
    for await (const lines of readLines(createReadStream(path))) {
      for (const { number, text } of lines) {
        counts.records++;
        if (typeof text === 'string' && before.has(hashOf(text))) {
          counts.sentBefore++;
          continue;
        }
        try {
          if (typeof text !== 'string') throw text;
          const envelopes = envelopesIn(text, feed);
          for (const envelope of envelopes) checkRowsFit(envelope); // it would come back
          for (const envelope of envelopes) {
            if (!dryRun) await sender.add(envelope);
            counts.events += envelope.events.length;
          }
          counts.sent++;
          sent++;
          await appendFile(sentPath, `${text}\n`);
        } catch (error) {
          // That Firehose takes nothing is no fault of the record.
          if (!isDaybookError(error) || error.code === 'archive.putRefused') throw error;
          counts.refused++;
          kept++;
          const firehose = typeof text === 'string' ? givenUpBecause(text) : '';
          onRefused({ key, line: number, code: error.code, message: error.message, firehose });
          if (typeof text === 'string') await appendFile(keptPath, `${text}\n`);
          else kept = Number.POSITIVE_INFINITY; // what is no text cannot be written again: the file stays as it is
        }
      }
    }
    if (dryRun) return;
    await sender.flush();
    if (sent > 0) await files.upload(movedKey, sentPath);
    if (kept === 0) await files.delete(key);
    else if (sent > 0 && kept !== Number.POSITIVE_INFINITY) await files.upload(key, keptPath);
  } finally {
    for (const each of [path, sentPath, keptPath]) await rm(each, { force: true });
  }
}

/** What an earlier run has sent of a file: the hashes of its lines, the file itself at `path`. */
async function linesOf(files: WorkFiles, key: string, path: string): Promise<ReadonlySet<string>> {
  const hashes = new Set<string>();
  try {
    await files.download(key, path);
  } catch (error) {
    await rm(path, { force: true });
    if (isNotThere(error)) return hashes;
    throw error;
  }
  for await (const lines of readLines(createReadStream(path))) {
    for (const { text } of lines) if (typeof text === 'string') hashes.add(hashOf(text));
  }
  return hashes;
}

const hashOf = (line: string): string => createHash('md5').update(line).digest('base64');

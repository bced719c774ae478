import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { bucketOf } from '../../../src/event/bucket.ts';
import type { StoredEvent } from '../../../src/event/stored-event.ts';
import type { ArchiveFiles } from '../../../src/replay/archive-files.ts';
import { writeParquet } from '../archive/parquet-file.ts';

/** An archive in a folder, laid out as Firehose lays it out in S3. */
export function folderArchive(
  folder: string,
): ArchiveFiles & { deliver(events: readonly StoredEvent[]): Promise<void> } {
  let files = 0;
  return {
    async *list(prefix) {
      const found = readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .map((path) => ({ key: relative(folder, path), bytes: statSync(path).size }))
        .filter(({ key }) => key.startsWith(prefix));
      for (const file of found) yield [file];
    },
    async readText(key) {
      return readFileSync(join(folder, key), 'utf8');
    },
    async writeText(key, text) {
      mkdirSync(dirname(join(folder, key)), { recursive: true });
      writeFileSync(join(folder, key), text);
    },
    async writeBytes(key, bytes) {
      mkdirSync(dirname(join(folder, key)), { recursive: true });
      writeFileSync(join(folder, key), bytes);
    },
    async download(key, path) {
      copyFileSync(join(folder, key), path);
      return statSync(path).size;
    },
    async copyPart(key, path, part, etag) {
      const { size: bytes, mtimeMs } = statSync(join(folder, key));
      if (etag !== undefined && etag !== String(mtimeMs))
        throw Object.assign(new Error(key), { name: 'PreconditionFailed' });
      const [from, to] = 'last' in part ? [Math.max(0, bytes - part.last), bytes] : [part.from, part.to];
      const file = openSync(path, 'r+');
      writeSync(file, readFileSync(join(folder, key)).subarray(from, to), 0, undefined, from);
      closeSync(file);
      return { bytes, etag: String(mtimeMs) };
    },
    async deliver(events) {
      const byBucket = groupBy(events);
      for (const [bucket, rows] of byBucket) {
        // Firehose may append its own `yyyy/MM/dd/HH/` to a prefix without a timestamp: every other file lies there.
        const below = files % 2 === 0 ? '' : '2026/11/23/07/';
        const path = join(folder, `events/day=2026-11-23/bucket=${bucket}/${below}${files++}.parquet`);
        mkdirSync(dirname(path), { recursive: true });
        await writeParquet(path, rows);
      }
    },
  };
}

function groupBy(events: readonly StoredEvent[]): Map<string, StoredEvent[]> {
  const groups = new Map<string, StoredEvent[]>();
  for (const event of events) {
    const bucket = bucketOf(event.aggregateUuid);
    groups.set(bucket, [...(groups.get(bucket) ?? []), event]);
  }
  return groups;
}

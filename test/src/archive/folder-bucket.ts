import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { CompactionFiles, ListedFile } from '../../../src/archive/compaction-files.ts';
import { bucketOf } from '../../../src/event/bucket.ts';
import type { StoredEvent } from '../../../src/event/stored-event.ts';
import { writeParquet } from './parquet-file.ts';

export interface FolderBucket extends CompactionFiles {
  readonly folder: string;
  /** A raw file as Firehose lays it out; its key. All events must be of one bucket. */
  deliver(day: string, events: readonly StoredEvent[]): Promise<string>;
  all(prefix?: string): ListedFile[];
}

/** The archive's bucket as a folder. */
export function folderBucket(folder: string): FolderBucket {
  let files = 0;
  const at = (key: string) => join(folder, key);
  const all = (prefix = ''): ListedFile[] =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
      .filter((key) => key.startsWith(prefix))
      .sort()
      .map((key) => {
        const bytes = readFileSync(at(key));
        return { key, bytes: bytes.length, etag: createHash('md5').update(bytes).digest('hex') };
      });
  return {
    folder,
    all,
    async *list(prefix) {
      const found = all(prefix);
      for (let i = 0; i < found.length; i += 3) yield found.slice(i, i + 3);
    },
    async readText(key) {
      return readFileSync(at(key), 'utf8');
    },
    async writeText(key, text) {
      mkdirSync(dirname(at(key)), { recursive: true });
      writeFileSync(at(key), text);
    },
    async download(key, path) {
      if (!existsSync(at(key))) return false;
      copyFileSync(at(key), path);
      return true;
    },
    async upload(path, key) {
      mkdirSync(dirname(at(key)), { recursive: true });
      copyFileSync(path, at(key));
    },
    async delete(keys) {
      for (const key of keys) rmSync(at(key), { force: true });
    },
    async deliver(day, events) {
      const bucket = bucketOf(events[0]!.aggregateUuid);
      const key = `events/day=${day}/bucket=${bucket}/feed-${String(files++).padStart(4, '0')}.parquet`;
      mkdirSync(dirname(at(key)), { recursive: true });
      await writeParquet(at(key), events);
      return key;
    },
  };
}

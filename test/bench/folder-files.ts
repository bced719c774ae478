import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CompactionFiles } from '../../src/archive/compaction-files.ts';

/** The archive's bucket as a folder, for what a compaction of a slice does. */
export function folderFiles(folder: string): CompactionFiles {
  const at = (key: string) => join(folder, key);
  const made = (key: string) => {
    mkdirSync(dirname(at(key)), { recursive: true });
    return at(key);
  };
  return {
    async *list() {
      yield [];
    },
    readText: async (key) => readFileSync(at(key), 'utf8'),
    writeText: async (key, text) => writeFileSync(made(key), text),
    async download(key, path) {
      if (!existsSync(at(key))) return false;
      copyFileSync(at(key), path);
      return true;
    },
    upload: async (path, key) => copyFileSync(path, made(key)),
    delete: async () => {},
  };
}

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';

const LONGEST_MS = 240_000;

/**
 * The path of what test files have in common, to be read only. The first one that asks makes it for all of a run, and the others
 * wait; `make` gets the path where to put it, a file or a folder.
 */
export async function onceARun(name: string, make: (path: string) => Promise<void>): Promise<string> {
  const path = join(inject('runFolder'), name);
  const failed = `${path}.failed`;
  if (isFirst(`${path}.begun`)) {
    try {
      await make(`${path}.partial`);
      renameSync(`${path}.partial`, path);
    } catch (error) {
      writeFileSync(failed, String(error));
      throw error;
    }
  }
  const until = Date.now() + LONGEST_MS;
  while (!existsSync(path)) {
    if (existsSync(failed)) throw new Error(readFileSync(failed, 'utf8'));
    if (Date.now() > until) throw new Error(`${name}: not made within ${LONGEST_MS / 1000} seconds`);
    await new Promise((done) => setTimeout(done, 100));
  }
  return path;
}

function isFirst(mark: string): boolean {
  try {
    mkdirSync(mark);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

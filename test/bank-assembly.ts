import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { synthesize } from 'daybook/local';
import { inject } from 'vitest';

const APP = resolve(import.meta.dirname, '../stacks/app.ts');
const LONGEST_MS = 240_000;

/**
 * The folder of the bank's cloud assembly, to be read only. It takes seconds of the processor's time, so that the first test
 * file that asks makes it for all of a run, and the others wait.
 */
export async function bankAssembly(): Promise<string> {
  const folder = inject('runFolder');
  const [assembly, failed] = [join(folder, 'bank'), join(folder, 'bank.failed')];
  if (isFirst(join(folder, 'bank.begun'))) {
    try {
      renameSync((await synthesize(APP)).directory, assembly);
    } catch (error) {
      writeFileSync(failed, String(error));
      throw error;
    }
  }
  const until = Date.now() + LONGEST_MS;
  while (!existsSync(assembly)) {
    if (existsSync(failed)) throw new Error(readFileSync(failed, 'utf8'));
    if (Date.now() > until) throw new Error(`${APP}: not synthesized within ${LONGEST_MS / 1000} seconds`);
    await new Promise((done) => setTimeout(done, 100));
  }
  return assembly;
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

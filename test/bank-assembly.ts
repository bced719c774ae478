import { renameSync } from 'node:fs';
import { resolve } from 'node:path';
import { synthesize } from 'daybook/local';
import { onceARun } from './once-a-run.ts';

const APP = resolve(import.meta.dirname, '../stacks/app.ts');

/** The folder of the bank's cloud assembly, to be read only. It takes seconds of the processor's time. */
export const bankAssembly = (): Promise<string> =>
  onceARun('bank', async (folder) => renameSync((await synthesize(APP)).directory, folder));

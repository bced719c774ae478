import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';

const main = fileURLToPath(new URL('./run-main.ts', import.meta.url));
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

async function withoutReader(...args: string[]) {
  const child = spawn(process.execPath, ['--conditions=daybook-source', '--import', tsx, main, ...args]);
  child.stdout.destroy();
  let err = '';
  child.stderr.on('data', (chunk) => (err += chunk));
  const [code] = await once(child, 'close');
  return { code, err };
}

it('ends quietly when nobody reads any more', async () => {
  expect(await withoutReader('list', '--help')).toEqual({ code: 0, err: '' });
});

it('still fails at what is wrong', async () => {
  const { code, err } = await withoutReader('brew');
  expect(code).toBe(2);
  expect(err).toMatch(/^cli\.usage: There is no command brew/);
});

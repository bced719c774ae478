import './errors.ts';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AppDefinition } from '../app.ts';
import { DaybookError } from '../errors.ts';

/** The default export of a user's app module; TypeScript is bundled with the user's esbuild first. */
export async function loadApp(file: string, command: string): Promise<AppDefinition> {
  const source = path.resolve(file);
  if (!existsSync(source)) throw new DaybookError('cli.usage', { problem: `There is no file ${file}`, command });
  const module = /\.[cm]?js$/.test(source) ? await import(pathToFileURL(source).href) : await importBundled(source);
  const app = (module as { default?: AppDefinition }).default;
  if (app?.kind === 'app') return app;
  const problem = `${file} has no default export made by defineApp`;
  throw new DaybookError('cli.usage', { problem, command });
}

async function importBundled(source: string): Promise<unknown> {
  let esbuild: typeof import('esbuild');
  try {
    esbuild = createRequire(source)('esbuild');
  } catch (cause) {
    const install = 'npm install --save-dev esbuild';
    throw new DaybookError('cli.missingPackage', { name: 'esbuild', install }, { cause });
  }
  // Beside the app, so that the packages it imports are found as they are from there.
  const folder = path.join(path.dirname(source), '.daybook');
  mkdirSync(folder, { recursive: true });
  const name = createHash('sha256').update(source).digest('hex').slice(0, 12);
  const outfile = path.join(folder, `app-${name}-${process.pid}.mjs`);
  try {
    esbuild.buildSync({
      entryPoints: [source],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      packages: 'external',
      sourcemap: 'inline', // what its code throws names its own lines
      logLevel: 'warning',
    });
    process.setSourceMapsEnabled(true);
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(outfile, { force: true });
    removeIfEmpty(folder);
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Others have their files there.
  }
}

import { resolve } from 'node:path';
import { build } from 'esbuild';

/** Where the bundle of a child lies. */
export const childFile = (name: string): string => resolve(`.cache/bench/${name}.mjs`);

/** Bundles what runs in a process of its own, by its name in `children/`, and answers with the file to start. */
export async function buildChild(name: string): Promise<string> {
  const outfile = childFile(name);
  await build({
    entryPoints: [resolve(`test/bench/children/${name}.ts`)],
    outfile,
    bundle: true,
    packages: 'external',
    alias: { daybook: resolve('src/index.ts') },
    platform: 'node',
    target: 'node20',
    format: 'esm',
    logLevel: 'warning',
  });
  return outfile;
}

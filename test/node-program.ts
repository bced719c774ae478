import { resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { onceARun } from './once-a-run.ts';

const root = resolve(import.meta.dirname, '..');

/** What is `daybook`'s is built with it, packages are loaded from where they are. */
const ownSources: Plugin = {
  name: 'own sources',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
      kind === 'entry-point' || /^daybook(\/|$)/.test(path) ? undefined : { path, external: true },
    ),
};

/**
 * The arguments of `node` that run one of the repository's programs in a process of its own, such as `scripts/smoke-aws.ts`. It is
 * JavaScript in one file, built by the first who asks in a run: a TypeScript loader would take two or three seconds of the
 * processor's time in each process.
 */
export async function nodeProgram(program: string): Promise<string[]> {
  const file = await onceARun(`${program.replaceAll('/', '-')}.mjs`, async (outfile) => {
    await build({
      entryPoints: [resolve(root, program)],
      outfile,
      bundle: true,
      conditions: ['daybook-source'],
      plugins: [ownSources],
      platform: 'node',
      target: 'node20',
      format: 'esm',
      logLevel: 'warning',
    });
  });
  return ['--conditions=daybook-source', file];
}

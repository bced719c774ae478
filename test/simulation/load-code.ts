import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';

export type CodeUnderTest = typeof import('./code-under-test.ts');

/** A change of one source file: `find` must stand there exactly once. */
export interface Patch {
  /** From the repository's root. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** Small limits, so that runs of a few events already overflow an envelope, an answer and a page. */
export const SMALL_LIMITS: readonly Patch[] = [
  patch('src/feed/envelope-size.ts', 'ENVELOPE_BYTES = 900_000', 'ENVELOPE_BYTES = 2_200'),
  patch('src/feed/envelope-size.ts', 'ANSWER_BYTES = 4_500_000', 'ANSWER_BYTES = 6_000'),
  patch('src/feed/enrich.ts', 'MUCH_BYTES = 16_000', 'MUCH_BYTES = 1_600'),
  patch('src/feed/reconcile.ts', 'const PAGE = 100', 'const PAGE = 2'),
];

export function patch(file: string, find: string, replace: string): Patch {
  return { file, find, replace };
}

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');

/** The code as it stands in the repository, with these changes. */
export async function loadCode(patches: readonly Patch[]): Promise<CodeUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-simulation-'));
  try {
    const file = join(folder, 'code.mjs');
    const { outputFiles } = await build({
      entryPoints: [join(here, 'code-under-test.ts')],
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      conditions: ['daybook-source', 'module'],
      plugins: [withoutSdk, planting(patches)],
    });
    await writeFile(file, outputFiles[0]!.contents);
    return (await import(/* @vite-ignore */ pathToFileURL(file).href)) as CodeUnderTest;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The handlers' wiring is not driven here: their ports are given. */
const withoutSdk: Plugin = {
  name: 'without-sdk',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@aws-sdk\// }, ({ path }) => ({ path, namespace: 'sdk' }));
    onLoad({ filter: /.*/, namespace: 'sdk' }, () => ({ contents: 'module.exports = {};', loader: 'js' }));
  },
};

function planting(patches: readonly Patch[]): Plugin {
  return {
    name: 'planting',
    setup({ onLoad, onEnd }) {
      const planted = new Set<Patch>();
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        let contents = await readFile(path, 'utf8');
        for (const each of patches) {
          if (resolve(root, each.file) !== path) continue;
          const parts = contents.split(each.find);
          if (parts.length !== 2) throw new Error(`${each.file} holds ${parts.length - 1} times: ${each.find}`);
          contents = parts.join(each.replace);
          planted.add(each);
        }
        return { contents, loader: 'ts' };
      });
      onEnd(() => {
        const missing = patches.find((each) => !planted.has(each));
        if (missing !== undefined) throw new Error(`${missing.file} was not loaded`);
      });
    },
  };
}

/**
 * Builds what the package holds: `dist/` with JavaScript and types, and the Lambda bundles that need nothing of a user's.
 *
 *     npm run build                  everything, types checked
 *     … scripts/build.ts --no-types  JavaScript and bundles only: what `npm ci` does
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { BUNDLING } from '../stacks/constructs/function-code.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');

rmSync(dist, { recursive: true, force: true });
compile(process.argv.includes('--no-types'));
await buildFunctions();

function compile(withoutTypes: boolean): void {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  const options = withoutTypes ? ['--noCheck', '--declaration', 'false'] : [];
  const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json'), ...options], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** A function that holds the user's app (`daybook:app`) is bundled in the user's project; its module goes along for that. */
async function buildFunctions(): Promise<void> {
  const folder = join(root, 'functions');
  const files = existsSync(folder)
    ? readdirSync(folder).filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
    : [];
  await Promise.all(
    files.map(async (file) => {
      const name = basename(file, '.ts');
      const source = readFileSync(join(folder, file), 'utf8');
      if (!source.includes("'daybook:app'")) {
        await build({
          ...BUNDLING,
          logLevel: 'warning',
          entryPoints: [join(folder, file)],
          outfile: join(dist, 'functions', name, 'index.mjs'),
        });
        return;
      }
      const { code } = await transform(source, { loader: 'ts', format: 'esm', target: 'node20' });
      mkdirSync(join(dist, 'functions-source'), { recursive: true });
      writeFileSync(
        join(dist, 'functions-source', `${name}.js`),
        code.replace(/(from\s*")(\.[^"]+)\.ts"/g, '$1$2.js"'),
      );
    }),
  );
}

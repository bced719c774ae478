/**
 * Builds `dist/`, what the package holds: JavaScript and types of the library, the constructs, the CLI and the embedded
 * runtime; bundles of the functions that hold nothing of a user's; and modules of those that the construct bundles with the
 * user's app, in the user's project.
 *
 *     npm run build                  everything, types checked: what `npm pack` does
 *     … scripts/build.ts --no-types  JavaScript only, in a second or two: what `npm ci` does, so that the CLI runs in a clone
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { BUNDLING } from '../stacks/constructs/bundling.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const withoutTypes = process.argv.includes('--no-types');

// `npm pack` and `npm publish` run `prepare` too, after `prepack` has built everything.
const isBuilt = withoutTypes && ['pack', 'publish'].includes(process.env.npm_command ?? '');
if (!isBuilt) await buildPackage();

async function buildPackage(): Promise<void> {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  const functions = modulesIn('functions');
  const holdsApp = (module: string) => readFileSync(join(root, module), 'utf8').includes("'daybook:app'");
  await Promise.all([
    ...(withoutTypes ? [] : [writeTypes()]),
    transpile([...modulesIn('src'), ...modulesIn('stacks/constructs'), ...modulesIn('local')]),
    transpile(functions.filter(holdsApp), (module) => module.replace('functions/', 'functions-source/')),
    bundle(functions.filter((module) => !holdsApp(module))),
  ]);
}

/** The TypeScript modules in a folder and below it, from the root, with forward slashes. */
function modulesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts'))
    .map((entry) => relative(root, join(entry.parentPath ?? entry.path, entry.name)).replaceAll(sep, '/'));
}

function inDist(modules: readonly string[], place: (module: string) => string): BuildOptions {
  return {
    absWorkingDir: root, // no path of this machine gets into what is built
    entryPoints: modules.map((module) => ({ in: `./${module}`, out: place(module.replace(/\.ts$/, '')) })),
    outdir: 'dist',
    logLevel: 'warning',
  };
}

/** File by file. Each keeps its imports; those of its neighbours say `.js` then. */
async function transpile(modules: readonly string[], place = (module: string) => module): Promise<void> {
  await build({
    ...inDist(modules, place),
    bundle: true, // with every import left where it is: only so does esbuild let a plugin rewrite them
    plugins: [keepImports()],
    platform: 'node',
    target: 'node20',
    format: 'esm',
  });
}

function keepImports(): Plugin {
  return {
    name: 'keep imports',
    setup({ onResolve }) {
      onResolve({ filter: /^/ }, ({ path, kind }) => {
        if (kind === 'entry-point') return undefined;
        return { path: path.startsWith('.') ? path.replace(/\.ts$/, '.js') : path, external: true };
      });
    },
  };
}

/** Ready to be a function's code. */
async function bundle(modules: readonly string[]): Promise<void> {
  await build({ ...inDist(modules, (module) => `${module}/index`), ...BUNDLING, outExtension: { '.js': '.mjs' } });
}

/** Checks all that is built, too. */
async function writeTypes(): Promise<void> {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  const child = spawn(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' });
  const [status] = await once(child, 'exit');
  if (status !== 0) process.exit(status ?? 1);
}

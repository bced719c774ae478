import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Stage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { BUNDLING, fromSources } from './bundling.ts';

const here = dirname(fileURLToPath(import.meta.url));
/** The package's folder: this file is stacks/constructs/x.ts in the repository, dist/stacks/constructs/x.js in the package. */
export const packageRoot = resolve(here, fromSources ? '../..' : '../../..');

/** Daybook's functions that hold nothing of the user's: prebuilt in the package. */
const OWN = [
  'table-to-feed',
  'feed-to-confirmed',
  'reconcile-feed',
  'feed-to-bus',
  'feed-to-archive',
  'compact-plan',
  'compact-bucket',
  'compact-switch',
  'compact-clean',
  'check-archive',
  'replay-ended',
  'replay-report',
];
/** Those that run the user's app: bundled with it, by the esbuild of the user's project. */
const WITH_APP = [
  'describe-app',
  'feed-to-projections',
  'replay-plan',
  'replay-fold',
  'replay-catch-up',
  'replay-verify',
  'replay-clean-up',
];

/** The code of one of Daybook's functions, by the name of its file in functions/. */
export function functionCode(scope: Construct, name: string, app?: string): Code {
  return Code.fromAsset(functionFolder(scope, name, app));
}

/** The folder that holds the bundle of one of Daybook's functions. */
export function functionFolder(scope: Construct, name: string, app?: string): string {
  if (app === undefined && !fromSources) return join(packageRoot, 'dist/functions', name);
  const entries = Object.fromEntries((app === undefined ? OWN : WITH_APP).map((each) => [each, sourceOf(each)]));
  return join(bundle(scope, entries, app), name);
}

/** The code of a function of the user's own: a module that exports `handler`. */
export function entryCode(scope: Construct, entry: string): Code {
  return Code.fromAsset(join(bundle(scope, { entry }), 'entry'));
}

function sourceOf(name: string): string {
  return fromSources
    ? join(packageRoot, 'functions', `${name}.ts`)
    : join(packageRoot, 'dist/functions-source', `${name}.js`);
}

const bundled = new Map<string, string>();

/** Bundles modules side by side, once per synthesis: one run of esbuild for all takes a fraction of one for each. */
function bundle(scope: Construct, entries: Readonly<Record<string, string>>, app?: string): string {
  const missing = Object.values(app === undefined ? entries : { ...entries, app }).find((path) => !existsSync(path));
  if (missing !== undefined)
    throw new Error(`There is no module ${missing} to make the function ${scope.node.path} of.`);
  const assembly = Stage.of(scope)?.assetOutdir ?? 'cdk.out';
  const key = JSON.stringify([assembly, entries, app]);
  const found = bundled.get(key);
  if (found !== undefined) return found;
  const outdir = join(assembly, '.bundles', String(bundled.size));
  esbuild().buildSync({
    entryPoints: Object.entries(entries).map(([name, path]) => ({ in: path, out: `${name}/index` })),
    outdir,
    outExtension: { '.js': '.mjs' },
    ...BUNDLING,
    logLevel: 'warning',
    ...(app !== undefined && { alias: { 'daybook:app': app } }),
  });
  bundled.set(key, outdir);
  return outdir;
}

function esbuild(): typeof import('esbuild') {
  const require = createRequire(import.meta.url);
  try {
    return require('esbuild');
  } catch (cause) {
    throw new Error('Bundling your app into the functions takes esbuild: npm install --save-dev esbuild', { cause });
  }
}

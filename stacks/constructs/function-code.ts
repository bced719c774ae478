import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Stage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';

const here = dirname(fileURLToPath(import.meta.url));
const fromSources = import.meta.url.endsWith('.ts');
/** The package's folder: this file is stacks/constructs/x.ts in the repository, dist/stacks/constructs/x.js in the package. */
export const packageRoot = resolve(here, fromSources ? '../..' : '../../..');

/**
 * The code of one of Daybook's functions. Those that hold nothing of the user's come prebuilt with the package; the others
 * are bundled here with the user's app, by the esbuild of the user's project.
 */
export function functionCode(scope: Construct, name: string, app?: string): Code {
  const prebuilt = join(packageRoot, 'dist/functions', name);
  if (app === undefined && !fromSources) return Code.fromAsset(prebuilt);
  const source = fromSources
    ? join(packageRoot, 'functions', `${name}.ts`)
    : join(packageRoot, 'dist/functions-source', `${name}.js`);
  return Code.fromAsset(bundle(scope, name, source, app));
}

/** The code of a function of the user's own: a module that exports `handler`. */
export function entryCode(scope: Construct, entry: string): Code {
  return Code.fromAsset(bundle(scope, 'entry', entry, undefined));
}

function bundle(scope: Construct, name: string, source: string, app: string | undefined): string {
  if (!existsSync(source)) throw new Error(`There is no module ${source} to make the function ${scope.node.path} of.`);
  if (app !== undefined && !existsSync(app)) {
    throw new Error(
      `The app ${app} is not there: give Daybook's \`app\` the full path of the module that exports your defineApp(…).`,
    );
  }
  const output = join(Stage.of(scope)?.assetOutdir ?? 'cdk.out', '.bundles', scope.node.addr, name);
  esbuild().buildSync({
    entryPoints: [source],
    outfile: join(output, 'index.mjs'),
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    mainFields: ['module', 'main'], // the SDK's ES modules: a third smaller (measured)
    conditions: ['daybook-source'],
    external: ['@duckdb/node-api'], // from the layer
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    logLevel: 'warning',
    ...(app !== undefined && { alias: { 'daybook:app': app } }),
  });
  return output;
}

function esbuild(): typeof import('esbuild') {
  const require = createRequire(import.meta.url);
  try {
    return require('esbuild');
  } catch (cause) {
    throw new Error('Bundling your app into the functions takes esbuild: npm install --save-dev esbuild', { cause });
  }
}

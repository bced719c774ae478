import { readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { BUNDLING } from '../../stacks/constructs/bundling.ts';

// What is in the functions' code, as it is built for the package and, with an app, in a user's project.

const root = resolve(import.meta.dirname, '../..');
const functions = readdirSync(join(root, 'functions'))
  .filter((file) => /^[a-z-]+\.ts$/.test(file))
  .map((file) => basename(file, '.ts'));

const ALLOWED = [
  /^functions\//,
  /^examples\/bank\//, // the app
  /^src\/(?!cli|testing|import)/,
  /^src\/(cli|import)\/errors\.ts$/, // in the one table of codes
  /(^|\/)node_modules\/(@aws-sdk|@smithy|@aws|mnemonist|obliterator|bowser|tslib)\//, // the SDK and what it needs
];

const NODE_MODULES = new Set(builtinModules);
let bundles: Record<string, Metafile['outputs'][string]>;
let dropped: readonly string[];

beforeAll(async () => {
  const { metafile, warnings } = await build({
    ...BUNDLING,
    absWorkingDir: root,
    entryPoints: functions.map((name) => ({ in: `./functions/${name}.ts`, out: name })),
    outdir: 'dist',
    alias: { 'daybook:app': join(root, 'examples/bank/app.ts') },
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  dropped = warnings.map(({ text }) => text);
  bundles = Object.fromEntries(
    Object.entries(metafile.outputs).map(([path, output]) => [basename(path, '.js'), output]),
  );
});

it('nothing is left out that is imported for its effect, such as the texts of errors', () => {
  expect(dropped).toEqual([]);
});

/** Bytes: what a cold start parses. The feed's functions run all day long; those of replays and of the archive also hold the client of S3. */
const budgetOf = (name: string) => (/^(replay|compact|check)-/.test(name) ? 450_000 : 390_000);

describe.each(functions)('%s', (name) => {
  const inputs = () => Object.keys(bundles[name]?.inputs ?? {});

  it('holds the library and the SDK, and nothing that only a developer’s machine needs', () => {
    expect(inputs()).toContain(`functions/${name}.ts`);
    expect(inputs().filter((path) => !ALLOWED.some((allowed) => allowed.test(path)))).toEqual([]);
  });

  it('imports from Lambda nothing but Node’s own modules, and DuckDB where there is its layer', () => {
    const imported = (bundles[name]?.imports ?? []).filter(({ kind }) => kind === 'import-statement');
    const strangers = imported.filter(({ path }) => !path.startsWith('node:') && !NODE_MODULES.has(path));
    expect(strangers).toEqual([]);
  });

  it(`is ${budgetOf(name) / 1000} KB at most`, () => {
    expect(bundles[name]?.bytes).toBeGreaterThan(5_000);
    expect(bundles[name]?.bytes).toBeLessThanOrEqual(budgetOf(name));
  });
});

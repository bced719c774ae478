import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { BUNDLING } from '../../../stacks/constructs/bundling.ts';
import { defineBench } from '../figure.ts';

/** The functions that run all day long for the feed. */
const FEED_FUNCTIONS = [
  'table-to-feed',
  'feed-to-confirmed',
  'reconcile-feed',
  'feed-to-bus',
  'feed-to-projections',
  'feed-to-archive',
];

/** What a cold start parses: the largest of the feed's functions, and the one that takes longest to import. */
export default defineBench({
  name: 'bundles',
  rounds: 5,
  figures: [
    {
      name: 'bundle-size',
      what: 'the largest bundle of the feed’s functions',
      formula: { kind: 'reading', of: 'import', by: 'kilobytes', unit: 'KB' },
      budget: { atMost: 390 },
    },
    {
      name: 'bundle-import',
      what: 'importing the slowest of them in a new process, CPU',
      formula: { kind: 'reading', of: 'import', by: 'milliseconds', unit: 'ms' },
    },
  ],
  async prepare() {
    const root = process.cwd();
    const outdir = resolve(root, '.cache/bench/bundles');
    const { metafile } = await build({
      ...BUNDLING,
      conditions: ['daybook-source', 'module'],
      absWorkingDir: root,
      entryPoints: FEED_FUNCTIONS.map((name) => ({ in: `./functions/${name}.ts`, out: name })),
      outdir,
      outExtension: { '.js': '.mjs' },
      alias: { 'daybook:app': join(root, 'examples/bank/app.ts') },
      metafile: true,
    });
    const kilobytes = Math.max(...Object.values(metafile.outputs).map(({ bytes }) => bytes)) / 1000;
    let milliseconds = 0;
    return {
      sides: {
        import: {
          count: 1,
          run() {
            const taken = FEED_FUNCTIONS.map((name) => importCpu(join(outdir, `${name}.mjs`)));
            milliseconds = Math.max(...taken);
          },
          readings: () => ({ kilobytes, milliseconds }),
        },
      },
    };
  },
});

function importCpu(file: string): number {
  const script = `
    const before = process.cpuUsage();
    await import(${JSON.stringify(pathToFileURL(file).href)});
    const { user, system } = process.cpuUsage(before);
    console.log((user + system) / 1000);`;
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }));
}
